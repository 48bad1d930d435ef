"""The main job end to end on an embedded registry, for people who want to see it before they trust it: `make demo`."""
