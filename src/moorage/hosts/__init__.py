"""Where we run: GitHub Actions, GitLab CI, or a terminal. How each is told about progress, trouble, outputs and secrets."""
