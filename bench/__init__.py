"""Measurements: pairs within one run on one machine, requests counted exactly, nothing asserted."""
