"""Which tags are the project's own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from moorage.oci import labels
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.naming import Mode
from moorage.oci.records import content_key
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.policy.published import Publications, published_in

if TYPE_CHECKING:
    from collections.abc import Mapping

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def inventory(tags: Mapping[str, Mapping[str, str]]) -> Inventory:
    """A tag for each of these sets of labels."""
    digests = {Tag(tag): Digest.of(tag.encode()) for tag in tags}
    stored = [Stored(digests[Tag(tag)], labels=dict(said), date=WHEN, dated=True) for tag, said in tags.items()]
    return Inventory(Repository(Registry("example.com"), "shop"), digests, {one.digest: one for one in stored})


def ours(image: str, at: str = "") -> dict[str, str]:
    words = {labels.IMAGE: image, labels.PROJECT: "shop", labels.CONTENT: "sha256:" + "1" * 64}
    return words | ({labels.REVISION: at} if at else {})


def werf(image: str, tag: str, **more: str) -> dict[str, str]:
    return {"werf-image": "true", "werf-image-name": image, "werf-image-tag": tag, "werf-content-signature": "2" * 56, **more}


def found(publications: Publications) -> dict[str, str]:
    return {one.tag.text: f"{one.image}:{one.meta_tag}" for one in publications.tags}


def test_labels_tell_whose_a_tag_is_and_names_do_not() -> None:
    held = inventory({"app-worker-v1": ours("app"), "app-worker-v2": ours("app-worker"), "app-v3": {}, "v4": ours("")})
    assert found(published_in(held, Mode.MONOREPO, ["app", "app-worker", ""], "shop")) == {
        "app-worker-v1": "app:worker-v1",
        "app-worker-v2": "app-worker:v2",
        "v4": ":v4",
    }


def test_a_label_that_an_image_has_from_its_base_makes_it_nobody_s_in_another_repository() -> None:
    held = inventory({"v1": ours("app"), "v2": ours("base")})
    assert found(published_in(held, Mode.MULTIREPO, ["app"], "shop")) == {"v1": "app:v1"}


def test_in_monorepo_mode_the_tag_has_to_fit_the_label() -> None:
    held = inventory({"app-v1": ours("app"), "copied-by-hand": ours("app")})
    assert found(published_in(held, Mode.MONOREPO, ["app"], "shop")) == {"app-v1": "app:v1"}


def test_images_that_are_not_named_are_left_alone() -> None:
    held = inventory({"app-v1": ours("app"), "web-v1": ours("web")})
    assert found(published_in(held, Mode.MONOREPO, ["app"], "shop")) == {"app-v1": "app:v1"}


def test_another_project_s_images_are_counted_and_left_to_it() -> None:
    held = inventory(
        {"v1": ours("app"), "v2": ours("app") | {labels.PROJECT: "other"}, "v3": ours("app") | {labels.PROJECT: "other"}}
    )
    publications = published_in(held, Mode.MULTIREPO, ["app"], "shop")
    assert found(publications) == {"v1": "app:v1"}
    assert publications.others == {"other": 2}


def test_what_an_image_says_about_itself() -> None:
    commit = "c" * 40
    (one,) = published_in(inventory({"v1": ours("app", at=commit)}), Mode.MULTIREPO, ["app"], "shop").tags
    assert (one.content, one.revision, one.strategy, one.date) == (content_key("sha256:" + "1" * 64), commit, "", WHEN)


def test_werf_s_labels_are_read() -> None:
    said = werf(
        "app", "v1", **{"werf-tag-strategy": "git-tag", "werf-project-repo-commit": "d" * 40, labels.REVISION: "of-the-base"}
    )
    (one,) = published_in(inventory({"app-v1": said}), Mode.MONOREPO, ["app"], "shop").tags
    assert (one.meta_tag, one.content, one.strategy) == ("v1", content_key("2" * 56), "git-tag")
    assert (one.revision, one.built_at) == ("", "d" * 40), "a revision label in werf's images is the base image's"


def test_in_multirepo_mode_werf_s_name_is_not_compared() -> None:
    held = inventory({"v1": werf("old-name", "v1"), "stage": {"werf-image": "false", "werf-image-name": "app"}})
    assert found(published_in(held, Mode.MULTIREPO, ["app"], "shop")) == {"v1": "app:v1"}


def test_signatures_and_what_could_not_be_read_are_nobody_s() -> None:
    held = inventory({f"sha256-{'a' * 64}.sig": ours("app"), "v1": ours("app")})
    broken = Inventory(held.repository, {**held.tags, Tag("broken"): Digest.of(b"broken")}, held.manifests)
    assert found(published_in(broken, Mode.MULTIREPO, ["app"], "shop")) == {"v1": "app:v1"}


def test_an_image_without_a_content_label_is_a_content_of_its_own() -> None:
    held = inventory({"v1": {labels.IMAGE: "app"}})
    (one,) = published_in(held, Mode.MULTIREPO, ["app"], "shop").tags
    assert one.content == content_key(one.digest.text)
