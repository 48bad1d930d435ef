"""Options as people meet them: action.yml, the GitLab component and docs/options.md, all rendered from the option table."""
