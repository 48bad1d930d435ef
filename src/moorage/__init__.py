"""Moorage publishes container images and cleans registries up by policy."""

__version__ = "0.1.0"  # pyproject.toml reads it here: to ask the installation would cost each start 25 ms
