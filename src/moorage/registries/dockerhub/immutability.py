"""Immutable tags: rules of a repository for tags that Docker Hub neither moves nor deletes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moorage.errors import RegistryError
from moorage.oci.reference import Repository, Tag
from moorage.registries.dockerhub import payloads
from moorage.registries.dockerhub.api import HubApi


@dataclass(frozen=True, slots=True)
class Immutability:
    """RE2 expressions, which match anywhere in a tag, as Go's do (docs.docker.com, immutable tags, seen 2026-11)."""

    rules: tuple[str, ...]

    def reason(self, tag: Tag) -> str:
        """Why this tag cannot go, or empty."""
        return self.reasons([tag]).get(tag, "")

    def reasons(self, tags: Iterable[Tag]) -> Mapping[Tag, str]:
        if not self.rules:
            return {}
        import re2  # noqa: PLC0415 -- 20 ms that only those pay who have rules

        options = re2.Options()
        options.log_errors = False
        compiled = {}
        for rule in self.rules:
            try:
                compiled[rule] = re2.compile(rule, options)
            except re2.error:
                continue  # none that Docker Hub could apply either; if it can, its refusal will say so
        return {
            tag: f"the repository's rule {rule!r} makes it immutable"
            for tag in tags
            for rule in self.rules
            if rule in compiled and compiled[rule].search(tag.text)
        }


def immutability(api: HubApi, repository: Repository) -> Immutability:
    """The rules in force right now. Raises what the API raises, NotFound for an unknown repository."""
    place = f"{repository}: what Docker Hub says of it"
    return Immutability(payloads.repository(api.call("GET", api.named(repository)).json(), place).immutable)


def immutable_by(api: HubApi, repository: Repository, tag: Tag) -> str:
    """Why a tag that was refused cannot go, or empty: which status an immutable tag has is not documented."""
    try:
        return immutability(api, repository).reason(tag)
    except RegistryError:
        return ""
