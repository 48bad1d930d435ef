"""One HTTP session per run: verified TLS, retries, limits shared by all threads, and errors that say what to do."""
