"""Kubernetes: which images run. Reading only; whatever cannot be read is Refused, since then nobody knows what is in use."""
