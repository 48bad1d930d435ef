"""docs/registries.md: what each vendor can do, read off the classes that do it, so that the table cannot promise more."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Final

from moorage.registries.catalog import VENDORS
from moorage.registries.vendor import Vendor

_INTRODUCTION: Final = """# Registries

What Moorage can do depends on what the registry can. Each vendor has a page in its folder: abilities, credentials with the least
scopes or roles, limits, and quirks with their dates and sources. `moorage doctor --images-repo ADDRESS` says the same for the
address and the credentials at hand, without changing anything.

Four things differ most between registries:

- **One tag of several.** Where it can go alone, it does. Where the registry only deletes whole manifests, Moorage moves the tag
  to a stub manifest and deletes that (`--no-stub` forbids it), or lets the tag stay and says `cannot-untag`. It never deletes a
  digest to get rid of one of its tags.
- **What goes along.** Some registries delete the children or signatures of an image with it, others leave them as manifests
  without tags. The plan counts with the one or the other.
- **When something is old.** Some registries know when a tag was pushed; for the others the image's own `created` counts, and what
  has neither is never old.
- **Repositories themselves.** `--delete-empty-repositories` deletes those in which nothing is left, where there is a call for it;
  what was set up for them (description, permissions, retention) goes with them. Each is listed once more right before. ECR then
  refuses by itself what holds an image; the others delete whatever they find at that moment, so run it when nobody pushes to a
  repository in which nothing is to stay.

Which vendor an address means is seen from its host; `--images-repo-implementation` names it where the host does not say.
"""
_ABILITIES: Final = {
    "one tag of several": "delete_tag",
    "batches": "delete_manifests",
    "waits for slow deletions": "settles_within",
    "undoes deletions itself": "restore",
    "repositories: list": "repositories",
    "create": "create_repository",
    "delete empty": "delete_repository",
    "delete with the last image": "delete_whole",
    "push without docker": "put_manifest",
    "says what we may": "examine",
}


def render_registries() -> str:
    """The text of docs/registries.md."""
    return "\n".join((_INTRODUCTION, *_table(), "", *_credentials())) + "\n"


def _table() -> Iterator[str]:
    yield f"| implementation | {' | '.join(_ABILITIES)} |"
    yield f"|---|{'---|' * len(_ABILITIES)}"
    for name, vendor in sorted(VENDORS.items()):
        offered = _registry_of(import_module(f"moorage.registries.{name}.registry"))
        marks = ("yes" if hasattr(offered, method) else "" for method in _ABILITIES.values())
        yield f"| [{name}](../src/moorage/registries/{name}/README.md): {vendor.title} | {' | '.join(marks)} |"


def _credentials() -> Iterator[str]:
    yield "Options of each, beside the Docker config, whose logins are used where a registry takes them:"
    yield ""
    yield "| implementation | credentials (each also as `--images-repo-…` and `--stages-storage-repo-…`) | endpoints |"
    yield "|---|---|---|"
    for name, vendor in sorted(VENDORS.items()):
        yield f"| {name} | {_names(vendor, 'credentials')} | {_names(vendor, 'endpoints')} |"


def _names(vendor: Vendor, which: str) -> str:
    prefix = "--repo-" if which == "credentials" else "--"
    return ", ".join(f"`{prefix}{option.name}`" for option in getattr(vendor, which))


def _registry_of(module: ModuleType) -> type:
    """The class of a vendor's module that is the registry."""
    own = (found for found in vars(module).values() if isinstance(found, type) and found.__module__ == module.__name__)
    return next(found for found in own if hasattr(found, "inventory"))
