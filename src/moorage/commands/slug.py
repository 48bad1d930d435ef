"""`moorage slug`: the safe form of a text."""

from dataclasses import dataclass

from moorage.oci.slug import SlugFormat, slug


@dataclass(frozen=True, slots=True)
class SlugResult:
    """The slug alone is the whole answer."""

    slug: str

    def as_json(self) -> dict[str, str]:
        return {"slug": self.slug}


def slug_of(text: str, slug_format: SlugFormat = SlugFormat.DOCKER_TAG) -> SlugResult:
    return SlugResult(slug(text, slug_format))
