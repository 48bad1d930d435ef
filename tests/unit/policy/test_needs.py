"""What a planner asks for before it plans, no more than it needs."""

from tests.unit.policy.shelf import NOW, UNTAGGED, because, digest, image, policy, repository, rule, signature

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Tag
from moorage.policy.claims import Claims
from moorage.policy.plan import Action
from moorage.policy.planner import Needs, Planner
from moorage.policy.reason import Code
from moorage.policy.rules import Policy


def undated(word: str) -> Stored:
    """An image whose date nobody has asked for yet."""
    return image(word, age=None, dated=False)


def needs(here: Inventory, wanted: Policy, claims: Claims | None = None, known: frozenset[Digest] = frozenset()) -> Needs:
    return Planner(here, wanted, NOW, claims or Claims()).needs(known)


def test_dates_of_what_a_rule_covers() -> None:
    here = repository({"old": "app", "new": "web", signature("app"): "sig"}, undated("app"), undated("web"), undated("sig"))
    assert needs(here, policy(rule("old"))) == Needs(dates=frozenset({digest("app")}))
    assert needs(here, policy(rule("old"), protect=["old"])) == Needs()
    assert needs(here, policy()) == Needs()


def test_dates_of_what_a_claim_lets_go_of() -> None:
    claims = Claims(let_go={Tag("old"): because("branch gone", Code.NOT_KEPT)})
    assert needs(repository({"old": "app"}, undated("app")), policy(), claims).dates == {digest("app")}


def test_dates_of_manifests_without_tags_where_a_rule_covers_them() -> None:
    here = repository({"new": "index"}, image("index", "arm"), undated("arm"), undated("old"))
    assert needs(here, policy(UNTAGGED)).dates == {digest("old")}
    assert needs(here, policy(rule("x"))).dates == set()


def test_referrers_of_what_goes_once_dates_are_known() -> None:
    here = repository({"old": "app", "new": "web"})
    assert needs(here, policy(rule("old"))) == Needs(referrers=frozenset({digest("app")}))
    assert not needs(here, policy(rule("old")), known=frozenset({digest("app")}))


def test_what_is_in_use_and_not_listed() -> None:
    claims = Claims(keep_digests={digest("index"): because("runs in pod web-1")})
    here = repository({"old": "app"}, undated("app"), lists_untagged=False)
    assert needs(here, policy(rule("old")), claims) == Needs(
        dates=frozenset({digest("app")}), manifests=frozenset({digest("index")})
    )
    gone = repository({"old": "app"}, lists_untagged=False, missing=frozenset({digest("index")}))
    assert needs(gone, policy(rule("old")), claims).manifests == set()
    assert needs(repository({"old": "app"}), policy(rule("old")), claims).manifests == set()


def test_needing_nothing_is_false() -> None:
    assert not Needs()
    assert Needs(manifests=frozenset({digest("app")}))


def test_items_carry_the_later_date_and_the_registrys_own_number() -> None:
    here = repository({"old": "app"}, image("app", vendor_id="77", size=5), tag_dates={Tag("old"): NOW})
    items = Planner(here, policy(rule("old")), NOW).plan().items
    assert [(item.pushed_at == NOW, item.vendor_id, item.size, item.action) for item in items] == [
        (True, "77", 5, Action.KEEP),
        (False, "77", 5, Action.KEEP),
    ]
