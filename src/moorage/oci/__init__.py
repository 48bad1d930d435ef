"""What the OCI specifications call things: names, digests, manifests, and what a repository holds. Pure: no I/O here."""
