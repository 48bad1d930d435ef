from moorage.commands.slug import slug_of
from moorage.oci.slug import SlugFormat


def test_the_json_form_is_fixed() -> None:
    assert slug_of("feature/foo").as_json() == {"slug": "feature-foo-7a317d96"}
    assert slug_of("").as_json() == {"slug": ""}


def test_the_format_is_respected() -> None:
    assert slug_of("foo_bar", SlugFormat.KUBERNETES_NAMESPACE).as_json() == {"slug": "foo-bar-5dbb0e1b"}
