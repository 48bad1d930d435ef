"""The stories: one file per command, told with settings and registries, printing nothing."""
