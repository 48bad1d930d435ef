"""Every option, once, by theme. `moorage.settings.table` puts them together with those that the vendors declare."""
