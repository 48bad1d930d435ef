"""Moorage publishes container images and cleans registries up by policy."""

from importlib import metadata

try:
    __version__ = metadata.version("moorage")
except metadata.PackageNotFoundError:  # a source tree on PYTHONPATH, never an installation
    __version__ = "0.0.0"
