"""The repository's history: references, commits, dates; read with git itself, in one pass."""
