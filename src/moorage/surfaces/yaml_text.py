"""Writing YAML that people read: keys in our order, lines that are not folded, and a note that says where it comes from."""

from typing import Any, Final

import yaml

_NOTE: Final = "# Rendered from the option table by `python -m moorage.surfaces --write`; changes here are lost.\n"


def yaml_text(*documents: dict[str, Any]) -> str:
    """The documents, one after the other."""
    texts = (yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000) for document in documents)
    return _NOTE + "---\n".join(texts)
