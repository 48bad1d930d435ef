"""Brings the real parts that the tests run against to a machine that has none: see README.md.

Only the standard library is used here: provisioning runs before anything has been installed.
"""
