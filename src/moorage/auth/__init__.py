"""Who we are to a registry: credentials, where they were found, and how they are kept out of sight."""
