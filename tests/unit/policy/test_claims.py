"""Claims: what others know about images, from several sources at once."""

import pytest
from tests.unit.policy.shelf import because, digest

from moorage.oci.reference import Tag
from moorage.policy.claims import Claims, merged
from moorage.policy.reason import Code

V1, V2 = Tag("v1"), Tag("v2")
RUNS, LISTED, GONE = (
    because("runs in pod web-1"),
    because("named in keep.txt", Code.KEEP_LIST),
    because("branch gone", Code.NOT_KEPT),
)


def test_a_tag_is_kept_by_its_name_and_by_its_digest() -> None:
    claims = Claims(keep_tags={V1: RUNS}, keep_digests={digest("app"): LISTED})
    assert claims.keeps(V1, digest("app")) == (*RUNS, *LISTED)
    assert claims.keeps(V1, digest("web")) == RUNS
    assert claims.keeps(None, digest("app")) == LISTED
    assert claims.keeps(V2, digest("web")) == ()


def test_a_claim_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="the claim on v1 has no reason"):
        Claims(keep_tags={V1: ()})
    with pytest.raises(ValueError, match="the claim on v2 has no reason"):
        Claims(let_go={V1: GONE, V2: ()})


def test_claims_of_several_sources_add_up() -> None:
    found = merged([Claims(keep_tags={V1: RUNS}), Claims(keep_tags={V1: LISTED}, let_go={V2: GONE}), Claims()])
    assert found == Claims(keep_tags={V1: (*RUNS, *LISTED)}, let_go={V2: GONE})
    assert merged([]) == Claims()
