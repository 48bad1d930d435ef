"""What is recorded of contents that are about to go: kept with the way back, since their records go after them.

A restore that brought images back without it would leave git only the commit that an image itself names, and the next cleanup
might let go of what it kept before. It stands in the journal and, for who carries it out later, in the file of a plan.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage.commands.journal import RECORDED, whole_lines
from moorage.commands.project_images import ProjectImages
from moorage.errors import ConfigurationError
from moorage.oci.ledger import ImageRecords
from moorage.oci.records import content_key
from moorage.oci.reference import Repository
from moorage.policy.plan import Kind, Plan
from moorage.policy.published import PublishedTag


@dataclass(frozen=True, slots=True)
class Recorded:
    """One content of an image. Addresses are as plans spell them.

    `home` holds its records, `names` the names of images; `digests` are the manifests in `repository` that carry the content.
    `commits` have the seconds since 1970 of their records, `tags` the strategy of each meta tag with such seconds.
    """

    image: str
    content: str
    repository: str
    digests: frozenset[str]
    home: str
    names: str
    project: str
    commits: Mapping[str, int]
    tags: Mapping[str, tuple[str, int]]

    def as_json(self) -> dict[str, Any]:
        return {
            "image": self.image,
            "content": self.content,
            "repository": self.repository,
            "digests": sorted(self.digests),
            "home": self.home,
            "names": self.names,
            "project": self.project,
            "commits": dict(sorted(self.commits.items())),
            "tags": {tag: list(said) for tag, said in sorted(self.tags.items())},
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Recorded":
        """Raises ValueError, KeyError, TypeError and AttributeError for what `as_json` does not make."""
        return cls(
            image=str(row["image"]),
            content=content_key(str(row["content"])),
            repository=str(row["repository"]),
            digests=frozenset(str(digest) for digest in row["digests"]),
            home=str(row["home"]),
            names=str(row["names"]),
            project=str(row["project"]),
            commits={str(commit): int(seconds) for commit, seconds in row["commits"].items()},
            tags={str(tag): (str(strategy), int(seconds)) for tag, (strategy, seconds) in row["tags"].items()},
        )


def records_going(project: ProjectImages, plan: Plan) -> Iterator[Recorded]:
    """What is recorded of the contents that lose tags by this plan; each record is looked at once."""
    for repository, publications in project.published.items():
        going = {item.tag for item in plan.of(repository) if item.goes and item.kind is Kind.TAG}
        by_image: dict[str, dict[str, list[PublishedTag]]] = {}
        for one in publications.tags:
            if one.tag in going:
                by_image.setdefault(one.image, {}).setdefault(one.content, []).append(one)
        for image, contents in by_image.items():
            yield from _of_image(project, repository, image, contents)


def _of_image(
    project: ProjectImages, repository: Repository, image: str, contents: Mapping[str, list[PublishedTag]]
) -> Iterator[Recorded]:
    home = project.homes.of(image)
    recorded = project.recorded.get(home, {}).get(image, ImageRecords())
    commits: dict[str, dict[str, int]] = {}
    for commit, found in recorded.commits.items():
        for content, seconds in found.items():
            if content in contents:
                commits.setdefault(content, {})[commit] = seconds
    for content, tags in contents.items():
        yield Recorded(
            image=image,
            content=content,
            repository=str(repository),
            digests=frozenset(one.digest.text for one in tags),
            home=str(home.repository),
            names=str(project.homes.of_name(image).repository),
            project=project.settings.project.name,
            commits=commits.get(content, {}),
            tags={one.meta_tag: recorded.tags[one.meta_tag] for one in tags if one.meta_tag in recorded.tags},
        )


def recorded_in_journal(path: Path) -> tuple[Recorded, ...]:
    """What the journal says was recorded. Raises ConfigurationError for lines that say it wrongly."""
    rows = (json.loads(line) for _, line in whole_lines(path))
    return _read((row for row in rows if row.get("event") == RECORDED), path)


def recorded_in_plan(path: Path) -> tuple[Recorded, ...]:
    """The same of a plan in a file, which was read as a plan before. Plans of versions that did not write it say nothing."""
    return _read(json.loads(path.read_text("utf-8")).get(RECORDED, ()), path)


def _read(rows: Iterable[Mapping[str, Any]], path: Path) -> tuple[Recorded, ...]:
    try:
        return tuple(Recorded.of(row) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: what was recorded of images is not told as Moorage tells it: {error!r}") from None
