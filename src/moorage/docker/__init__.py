"""The docker command line, isolated: a private configuration per run, argv lists only, and nothing left behind."""
