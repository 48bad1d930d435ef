"""`moorage managed-images`."""

from collections.abc import Sequence
from typing import Final

from moorage.cli.call import Answer, Call
from moorage.commands.managed_images import add_managed, list_managed, remove_managed
from moorage.oci.naming import image_name
from moorage.settings.assemble.stories import managed_images_settings

_LIST: Final = "ls"
_CHANGES: Final = {"add": add_managed, "rm": remove_managed}


def run(call: Call) -> Answer:
    """`ls` prints a name a line, `~` for the nameless image; `add` and `rm` succeed too where there is nothing to do."""
    deed, *words = call.words or ("",)
    if deed != _LIST and deed not in _CHANGES:
        call.request.problems.add(f"managed-images cannot {deed!r}: ls, add NAME… or rm NAME… is needed")
    elif (deed == _LIST) is bool(words):
        expected = "no names" if words else "the names of images, ~ for the nameless one"
        call.request.problems.add(f"managed-images {deed} takes {expected}")
    settings = managed_images_settings(call.request, tuple(image_name(word) for word in words))
    if deed == _LIST:
        names = list_managed(settings, call.world)
        return Answer(_lines(names), {"images": list(names)})
    changed = _CHANGES[deed](settings, call.world)
    return Answer("".join(f"{deed} {line}\n" for line in _lines(changed).splitlines()), {"changed": list(changed)})


def _lines(images: Sequence[str]) -> str:
    return "".join(f"{name or '~'}\n" for name in images)
