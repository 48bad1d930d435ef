"""The vendors: one folder each, one line in `catalog`, behind the port in `interface`."""
