from datetime import timedelta
from pathlib import Path

import pytest
from tests.calling import config_in

from moorage.errors import ConfigurationError
from moorage.policy.keep_policies import EVERYTHING, KeepPolicy, Limit, NamePattern, Operator, ReferenceKind
from moorage.policy.patterns import TagSelector
from moorage.policy.rules import Rule
from moorage.settings.config.cleanup import CleanupConfig


def read(tmp_path: Path, text: str) -> CleanupConfig:
    file = tmp_path / "moorage.yaml"
    file.write_text(text, encoding="utf-8")
    return config_in(file).cleanup


def problems_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    return [problem.removeprefix(f"{tmp_path}/moorage.yaml:") for problem in caught.value.problems]


def test_rules(tmp_path: Path) -> None:
    text = """
cleanup:
  rules:
  - tags: ["pr-*", "/sha-[0-9a-f]{7}/", "!pr-keep-*"]
    olderThan: 2w
    keepNewest: 5
  - untagged: true
    olderThan: 1d
  - tags: pr-*, v*
    untagged: yes
  - olderThan: 1h
  - everything: true
"""
    config = read(tmp_path, text)
    assert config.rules == (
        Rule(
            "cleanup.rules[0]",
            TagSelector.parse(["pr-*", "/sha-[0-9a-f]{7}/", "!pr-keep-*"]),
            older_than=timedelta(weeks=2),
            keep_newest=5,
        ),
        Rule("cleanup.rules[1]", tagged=False, untagged=True, older_than=timedelta(days=1)),
        Rule("cleanup.rules[2]", TagSelector.parse(["pr-*", "v*"]), untagged=True),
        Rule("cleanup.rules[3]", older_than=timedelta(hours=1)),
        Rule("cleanup.rules[4]"),
    )
    assert config.meant == {"cleanup.rules[4]"}


def test_protection_and_what_is_an_option_too(tmp_path: Path) -> None:
    text = """cleanup:
  protect: [latest, 'v*']
  guards: {maxDelete: 500, maxDeletePercent: -1}
  keepImagesBuiltWithinLastNHours: 4
"""
    config = read(tmp_path, text)
    assert config.protect == ("latest", "v*")
    given = {name: (given.texts, given.origin.rpartition("/")[2]) for name, given in config.options.items()}
    assert given == {
        "max-delete": (("500",), "moorage.yaml:3: cleanup.guards.maxDelete"),
        "max-delete-percent": (("-1",), "moorage.yaml:3: cleanup.guards.maxDeletePercent"),
        "keep-images-built-within-last-n-hours": (("4",), "moorage.yaml:4: cleanup.keepImagesBuiltWithinLastNHours"),
    }


POLICIES: dict[str, tuple[str, list[KeepPolicy]]] = {
    "absent": ("", []),
    "empty": ("keepPolicies: []", []),
    "null": ("keepPolicies:", []),
    "literal": ("keepPolicies: [{references: {branch: master}}]", [KeepPolicy(ReferenceKind.BRANCH, NamePattern("master"))]),
    "a number is a name": ("keepPolicies: [{references: {branch: 1.0}}]", [KeepPolicy(ReferenceKind.BRANCH, NamePattern("1.0"))]),
    "expression": ("keepPolicies: [{references: {tag: /v.*/}}]", [KeepPolicy(ReferenceKind.TAG, NamePattern("/v.*/"))]),
    "one slash is a name": (
        "keepPolicies: [{references: {branch: /foo}}]",
        [KeepPolicy(ReferenceKind.BRANCH, NamePattern("/foo"))],
    ),
    "whole limit": (
        "keepPolicies: [{references: {branch: /.*/, limit: {last: 10, in: 168h, operator: Or}}, imagesPerReference: {last: 0}}]",
        [
            KeepPolicy(
                ReferenceKind.BRANCH,
                NamePattern("/.*/"),
                Limit(10, timedelta(hours=168), Operator.OR),
                Limit(0),
            )
        ],
    ),
    "no operator is And": (
        "keepPolicies: [{references: {branch: a}, imagesPerReference: {last: -1, in: 1w 2d}}]",
        [KeepPolicy(ReferenceKind.BRANCH, NamePattern("a"), EVERYTHING, Limit(-1, timedelta(days=9)))],
    ),
    "an operator with one condition is that condition": (
        "keepPolicies: [{references: {branch: a, limit: {in: 1h30m10s, operator: Or}}}]",
        [KeepPolicy(ReferenceKind.BRANCH, NamePattern("a"), Limit(None, timedelta(seconds=5410), Operator.OR))],
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_keep_policies(tmp_path: Path, name: str) -> None:
    text, policies = POLICIES[name]
    assert list(read(tmp_path, f"cleanup:\n  {text}\n").keep_policies) == policies


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("keepPolicies: [{imagesPerReference: {last: 1}}]", "2: cleanup.keepPolicies[0]: a keep policy needs references"),
        ("keepPolicies: [{references: {}}]", "2: cleanup.keepPolicies[0].references: exactly one of branch and tag is needed"),
        (
            "keepPolicies: [{references: {branch: a, tag: b}}]",
            "2: cleanup.keepPolicies[0].references: exactly one of branch and tag",
        ),
        ("keepPolicies: [{references: {branch: ~}}]", "2: cleanup.keepPolicies[0].references.branch: a name or"),
        ("keepPolicies: [{references: {branch: [a]}}]", "2: cleanup.keepPolicies[0].references.branch: a name or"),
        (
            'keepPolicies: [{references: {branch: "/(?!master$).*/"}}]',
            "2: cleanup.keepPolicies[0].references.branch '/(?!master$).*/'",
        ),
        ('keepPolicies: [{references: {branch: "/(/"}}]', "2: cleanup.keepPolicies[0].references.branch '/(/': bad regular"),
        (
            "keepPolicies: [{references: {branch: a, limit: {}}}]",
            "2: cleanup.keepPolicies[0].references.limit needs last, in, or both",
        ),
        (
            "keepPolicies: [{references: {branch: a}, imagesPerReference: {}}]",
            "2: cleanup.keepPolicies[0].imagesPerReference needs",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {operator: And}}}]",
            "2: cleanup.keepPolicies[0].references.limit needs",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {last: 1, in: 1h, operator: or}}}]",
            "2: cleanup.keepPolicies[0].references.limit.operator 'or': And or Or is needed",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {in: 3600}}}]",
            "2: cleanup.keepPolicies[0].references.limit.in '3600': a dur",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {in: -1h}}}]",
            "2: cleanup.keepPolicies[0].references.limit.in '-1h': a dura",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {last: ten}}}]",
            "2: cleanup.keepPolicies[0].references.limit.last 'ten': a whole",
        ),
        (
            "keepPolicies: [{references: {branch: a, limit: {last: -5}}}]",
            "2: cleanup.keepPolicies[0].references.limit.last '-5': -1 or more",
        ),
        (
            "keepPolicies: [{references: {tag: a}, imagesPerReference: {last: 2}}]",
            "2: cleanup.keepPolicies[0].imagesPerReference.last: a tag",
        ),
        (
            "keepPolicies: [{references: {branche: a, branch: a}}]",
            "2: cleanup.keepPolicies[0].references.branche: unknown key, did you mean bra",
        ),
        (
            "keepPolicies: [{references: {branch: a}, imagesPerReference: {latest: 2, in: 1h}}]",
            "2: cleanup.keepPolicies[0].imagesPerRefer",
        ),
        (
            "keepPolicies: [{references: {branch: a}, imagePerReference: {last: 1}}]",
            "2: cleanup.keepPolicies[0].imagePerReference: unkn",
        ),
        ("keepPolicy: []", "2: cleanup.keepPolicy: unknown key, did you mean keepPolicies?"),
        ("keepPolicies: all", "2: cleanup.keepPolicies: a list is needed here, not a text"),
        ("rules: [pr-*]", "2: cleanup.rules[0]: a mapping is needed here, not a text"),
        ("rules: [{tags: []}]", "2: cleanup.rules[0].tags is empty"),
        ("rules: [{tags: }]", "2: cleanup.rules[0].tags is empty"),
        ("rules: [{tags: [a, [b]]}]", "2: cleanup.rules[0].tags[1]: a text is needed here, not a list"),
        ("rules: [{tags: ['/(/']}]", "2: cleanup.rules[0].tags[0] '/(/': bad regular expression"),
        ("rules: [{keepNewest: -1}]", "2: cleanup.rules[0].keepNewest '-1': 0 or more is needed"),
        ("rules: [{untagged: maybe}]", "2: cleanup.rules[0].untagged 'maybe': true or false"),
        ("guards: {maxDelte: 5}", "2: cleanup.guards.maxDelte: unknown key, did you mean maxDelete?"),
        ("protect: {a: b}", "2: cleanup.protect: a list or a text is needed here"),
    ],
)
def test_mistakes_have_file_line_and_key(tmp_path: Path, text: str, problem: str) -> None:
    found = problems_of(tmp_path, f"cleanup:\n  {text}\n")
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "cleanup:\n  rules:\n  - olderThan: 1\n    keepNewest: x\n  guards: 5\n  keepPolicies: [{}]\nproyect: x\n"
    assert len(problems_of(tmp_path, text)) == 5
