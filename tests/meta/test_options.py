"""Rules that every row of the option table keeps, so that no surface can stumble over one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from moorage.cli.verbs import USAGES, verb
from moorage.option import Command, Option, Shape
from moorage.registries.catalog import VENDORS
from moorage.settings.table import BY_NAME, TABLE

# The names that workflows and scripts rely on; more may come, none may go.
PROMISED = [
    "output", "config", "dir", "log-level", "parallel", "time-budget", "images-repo", "images-repo-mode",
    "images-repo-implementation", "stages-storage", "stages-storage-implementation", "repo-implementation", "image", "engine",
    "tag-git-branch", "tag-git-tag", "tag-git-commit", "tag-custom", "tag-by-stages-signature", "tagging-strategy",
    "docker-config", "registry", "username", "password", "registry-auth", "insecure-registry", "ca-file", "github-api-url",
    "github-graphql-url", "docker-hub-api-url", "gitlab-api-url", "harbor-api-url", "quay-api-url", "jfrog-api-url",
    "nexus-api-url", "ecr-registry-id", "ecr-region", "delete-tags", "exclude-tags", "delete-untagged", "older-than",
    "keep-n-tagged", "keep-n-untagged", "repository", "all-repositories", "dry-run", "max-delete", "max-delete-percent",
    "keep-images-built-within-last-n-hours", "keep-list", "without-kube", "kube-config", "kube-context", "plan-out", "plan",
    "journal", "shard", "git-dir", "git-history-synchronization", "allow-git-shallow-clone", "git-history-based-cleanup",
    "git-tag-strategy-limit", "git-tag-strategy-expiry-days", "git-commit-strategy-limit", "git-commit-strategy-expiry-days",
    "report", "yes", "command", "format",
]  # fmt: skip
CREDENTIALS = [
    "docker-hub-token", "docker-hub-username", "docker-hub-password", "github-token", "gitlab-token", "harbor-username",
    "harbor-password", "quay-token", "jfrog-token", "nexus-username", "nexus-password", "acr-username", "acr-password",
]  # fmt: skip


def test_the_promised_names_are_there() -> None:
    forms = [f"{form}-{name}" for name in CREDENTIALS for form in ("repo", "images-repo", "stages-storage-repo")]
    assert not set(PROMISED + forms) - BY_NAME.keys()


def test_names_are_unique_on_every_surface() -> None:
    for names in ([o.name for o in TABLE], [o.variable for o in TABLE], [o.input_variable.replace("-", "_") for o in TABLE]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("option", TABLE, ids=lambda option: option.name)
def test_every_row_is_sound(option: Option[Any]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", option.name)
    assert option.help.endswith((".", "repeatable."))
    assert option.help[0].isupper() or option.help.startswith("docker")
    assert option.commands
    if option.shape is Shape.FLAG:
        assert option.default in (True, False)
    elif option.default is not None:
        assert option.read(str(option.default)) == option.default
    for choice in option.choices:
        assert option.read(choice)


def test_passwords_and_tokens_are_secret() -> None:
    for option in TABLE:
        sounds_secret = option.name.endswith(("-token", "password", "registry-auth", "config-base64"))
        assert option.secret is sounds_secret, option.name


def test_other_words_are_no_options_themselves() -> None:
    words = [word for option in TABLE for word in option.other_words]
    assert not set(words) & BY_NAME.keys()
    assert len(set(words)) == len(words)


def test_every_option_of_every_vendor_is_in_the_table() -> None:
    for vendor in VENDORS.values():
        assert {option.name for option in vendor.endpoints} <= BY_NAME.keys()
        assert {f"images-repo-{option.name}" for option in vendor.credentials} <= BY_NAME.keys()


def test_every_command_has_a_verb() -> None:
    assert set(USAGES) == set(Command)
    assert all(callable(verb(command).run) for command in Command)
