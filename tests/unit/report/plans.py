"""Plans to render: one realistic, with every reason and outcome, and one as long as asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.plan import Action, Item, Kind, Outcome, Plan, RepositoryItem
from moorage.policy.reason import Code, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
REGISTRY = Registry("registry.example.com")
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\u202e|`<b>@all [x](https://evil.example)"


def digest(seed: object) -> Digest:
    return Digest("sha256:" + sha256(str(seed).encode()).hexdigest())


def repository(path: str) -> Repository:
    return Repository(REGISTRY, path)


def item(
    name: str,
    code: Code,
    detail: str = "because",
    *,
    path: str = "acme/app",
    goes: bool = False,
    days: float | None = 30,
    size: int | None = 50_000_000,
    outcome: Outcome = Outcome.PLANNED,
    error: str | None = None,
) -> Item:
    """A tag of that name, or the manifest `@name`."""
    is_tag = not name.startswith("@")
    return Item(
        repository=repository(path),
        kind=Kind.TAG if is_tag else Kind.MANIFEST,
        digest=digest((path, name.removeprefix("@"))),
        action=Action.DELETE if goes else Action.KEEP,
        reasons=(Reason(code, detail),),
        tag=Tag(name) if is_tag else None,
        outcome=outcome,
        error=error,
        pushed_at=None if days is None else NOW - timedelta(days=days),
        size=size,
    )


@dataclass
class _Shop:
    """Collects the items of a repository of a small company, with what people really find there."""

    path: str
    seed: random.Random
    items: list[Item] = field(default_factory=list)

    def keep(self, name: str, code: Code, detail: str, days: float | None = 10, megabytes: float | None = 60) -> None:
        size = None if megabytes is None else int(megabytes * 1e6)
        self.items.append(item(name, code, detail, path=self.path, days=days, size=size))

    def drop(self, name: str, code: Code, detail: str, days: float | None = 40, megabytes: float = 60) -> None:
        self.items.append(item(name, code, detail, path=self.path, goes=True, days=days, size=int(megabytes * 1e6)))

    def releases(self, count: int, megabytes: float) -> None:
        for minor in range(count):
            days = 14.0 * (count - minor) + 3
            self.keep(f"v2.{minor}.0", Code.PROTECTED, "matches v* under protect", days, megabytes)
            self.keep(f"@v2.{minor}.0", Code.STANDS_ALONE, f"tagged v2.{minor}.0", days, megabytes)
            for platform in ("amd64", "arm64"):
                self.keep(f"@v2.{minor}.0-{platform}", Code.REACHABLE, f"part of v2.{minor}.0, which stays", days, megabytes / 2)
        self.keep("@v2-signature", Code.FOLLOWS, f"belongs to v2.{count - 1}.0, which stays", 17, 0.01)

    def pull_requests(self, count: int, megabytes: float) -> None:
        for number in range(count):
            days = round(15 + self.seed.expovariate(1 / 120), 2)
            name, weight = f"pr-{310 + number}", megabytes * self.seed.uniform(0.7, 1.4)
            weeks = f"{int(days // 7)}w {int(days % 7)}d".replace(" 0d", "")
            self.drop(name, Code.RULE, f"cleanup.rules[0]: matches pr-*, {weeks} old, more than 2w", days, weight)
            self.drop(f"@{name}", Code.LAST_TAG_GONE, "the last of its tags goes", days, weight)
        for number in range(4):
            detail = f"{number + 3}d 2h old, cleanup.rules[0] lets go after 2w"
            self.keep(f"pr-{400 + number}", Code.NOT_OLD_ENOUGH, detail, number + 3, 55)


def realistic(*, applied: bool = False) -> Plan:
    """Three repositories and about 150 items; every reason occurs, and once applied every outcome."""
    seed = random.Random(8)
    web, api, old = (_Shop(path, seed) for path in ("acme/shop/frontend", "acme/shop/backend", "acme/legacy"))
    web.releases(6, 48)
    web.pull_requests(24, 46)
    web.drop("@pr-310-amd64", Code.PARENT_GONE, "part of pr-310 (0a1b2c3d4e5f), which goes, and of nothing that stays", 70, 22)
    web.drop("@pr-310-sig", Code.SUBJECT_GONE, "belongs to pr-310 (0a1b2c3d4e5f), which goes", 70, 0.01)
    web.keep("main", Code.IN_USE, "used by Deployment shop/frontend (context production)", 1)
    web.keep("canary", Code.CANNOT_UNTAG, "its manifest stays, and this registry deletes a manifest with all of its tags", 44)
    web.keep("pr-312", Code.TAKES_ALONG, "this registry would delete @pr-312-arm64 (0a1b2c3d4e5f) with it, which stays", 52)
    web.keep("hotfix-2", Code.KEEP_LIST, "named in deploy/keep.txt, line 12", 61)
    web.keep("latest", Code.EXCLUDED, "matches latest of --exclude-tags", 1)
    web.keep("pr-433", Code.TOO_YOUNG, "41m old, the grace for new images is 2h", 0.03)
    api.releases(3, 210)
    for number in range(10):
        reason = f"number {number + 1} of the newest 10 that cleanup.rules[1] keeps"
        api.keep(f"sha-{digest(number).short[:7]}", Code.AMONG_NEWEST, reason, 2 * number + 3, 190)
    for number in range(16):
        days = 40 + 30 * number
        detail = f"cleanup.rules[1]: matches sha-*, {days // 7}w old, not among the newest 10"
        api.drop(f"sha-{digest(('old', number)).short[:7]}", Code.RULE, detail, days, 185)
        api.drop(f"@sha-{number}", Code.LAST_TAG_GONE, "the last of its tags goes", days, 185)
    api.keep("feature-login", Code.KEEP_POLICY, "branch feature/login, newest of 3", 9, 205)
    api.drop("feature-cart", Code.NOT_KEPT, "branch feature/cart is gone since 2026-09-02", 82, 205)
    api.keep("v1-final", Code.VENDOR_LOCK, "the tag is immutable (repository setting)", 400, 180)
    api.keep("imported", Code.NO_RECORD, "published by Moorage, at no commit that is known", 222, 190)
    api.keep("@scratch", Code.UNKNOWN_AGE, "nothing says how old it is, and cleanup.rules[2] asks for 1d", None, 3)
    old.keep("2019-final", Code.NOT_COVERED, "no rule covers this tag", 2600, 700)
    old.keep("broken", Code.UNREADABLE, "its manifest cannot be read: 502 after 5 attempts", None, None)
    old.keep("@orphan", Code.MAY_BE_NEEDED, "something in this repository could not be read, and might need it", 900, 640)
    old.keep("2020-01", Code.LAST_TAG, "the newest image of a repository stays when no rule names its tags", 2500, 690)
    old.drop("2018-rc", Code.HALF_REMOVED, "an earlier run was ended while it took this tag away; it stood for 0a1b2c3d4e5f", 9)
    old.drop("2018-final", Code.PURGE, "published by this project, and the whole of it is to go", 2900, 710)
    old.keep("stage-1", Code.STAGE_OF_KEPT_IMAGE, "acme/legacy:2019-final, which stays, was made from it", 2600, 300)
    old.drop("stage-2", Code.STAGE_UNUSED, "no image that stays was made from it", 2600, 300)
    old.keep("2020-02", Code.LAST_TAGGED, "this registry deletes the last tagged image only with the repository", 2400, 690)
    plan = Plan(
        created=NOW,
        items=(*web.items, *api.items, *old.items),
        notes=(
            f"{repository('acme/legacy')}:broken cannot be resolved: 502 after 5 attempts",
            f"{repository('acme/shop/backend')}@{digest('missing')} is referred to but not there",
        ),
        freed={repository(web.path): 1_184_220_331, repository(api.path): 2_961_004_002, repository(old.path): 702_113_900},
        empties=tuple(emptied()),
    )
    return carried_out(plan) if applied else plan


def emptied() -> Iterator[RepositoryItem]:
    """Repositories in which nothing is left, one for each reason."""
    for path, code, detail in (
        ("acme/spike", Code.NOTHING_LEFT, "it holds nothing"),
        ("acme/records", Code.HOLDS_RECORDS, "it holds records that are not only about images of this run: moorage-image.app"),
        ("acme/locked", Code.CANNOT_DELETE_REPOSITORY, "the repository is locked"),
    ):
        action = Action.DELETE if code is Code.NOTHING_LEFT else Action.KEEP
        yield RepositoryItem(repository(path), action, (Reason(code, detail),))


def carried_out(plan: Plan) -> Plan:
    """The plan after a run in which a little of everything happened."""
    unhappy = {
        2: (Outcome.FAILED, "the registry refused it (403): the tag is protected by a retention rule of the project"),
        6: (Outcome.CHANGED, None),
        8: (Outcome.ALREADY_GONE, None),
        14: (Outcome.PLANNED, None),
        15: (Outcome.PLANNED, None),
    }
    outcomes = {gone.key: unhappy.get(place, (Outcome.DELETED, None)) for place, gone in enumerate(plan.deletions)}
    gone = tuple(replace(one, outcome=Outcome.DELETED) if one.goes else one for one in plan.empties)
    return replace(plan.with_outcomes(outcomes), empties=gone)


def long(count: int) -> Plan:
    """`count` tags, half of them to go, in one repository."""
    rule = "cleanup.rules[0]: matches pr-*, 5w 2d old, more than 2w"
    items = [
        item(f"pr-{number}", Code.RULE, rule, goes=True, days=37 + number / 100)
        if number % 2
        else item(f"v{number}", Code.PROTECTED, "matches v* under protect", days=number / 20)
        for number in range(count)
    ]
    return Plan(created=NOW, items=tuple(items), freed={repository("acme/app"): 10_000_000 * count})


def hostile() -> Plan:
    """A plan in which everything that a registry or a user could have written is an attack."""
    evil = Repository(Registry(f"oci:/tmp/{HOSTILE}"), "app")
    bad = item("v1", Code.RULE, HOSTILE, goes=True, outcome=Outcome.FAILED, error=HOSTILE)
    tags = (replace(bad, repository=evil), replace(item("v2", Code.UNREADABLE, HOSTILE), repository=evil))
    return Plan(created=NOW, items=tags, notes=(HOSTILE,), applied=True, freed={evil: 10})
