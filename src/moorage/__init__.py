"""Moorage publishes container images and cleans registries up by policy."""

__version__: str


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(name)
    from importlib import metadata  # noqa: PLC0415 -- 25 ms that only those pay who ask for the version

    try:
        return metadata.version("moorage")
    except metadata.PackageNotFoundError:  # a source tree on PYTHONPATH, never an installation
        return "0.0.0"
