"""The config file: found, read strictly, and turned into values, every mistake with its file, line and key."""
