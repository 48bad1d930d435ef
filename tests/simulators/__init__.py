"""Vendors as tests meet them: each vendor's API before a real docker-registry. How to write one: tests/contract/README.md."""
