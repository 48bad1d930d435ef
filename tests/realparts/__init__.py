"""The real parts as tests use them: an engine, registries, a browser. `tests/provision` brings them."""
