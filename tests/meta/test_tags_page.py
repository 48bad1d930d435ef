"""The page about tags names every placeholder, in the words of the code."""

from pathlib import Path

from moorage.oci.tag_template import Placeholder

PAGE = Path(__file__).resolve().parents[2] / "docs/tags.md"


def test_every_placeholder_is_on_its_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for placeholder in Placeholder:
        assert f"| `{{{placeholder}}}` | {placeholder.meaning} |" in page
