"""The one option table, and how values are found: flag, action input, variable, config file, what CI says, default."""
