"""What a registry answered to deletions, as values: a refusal is an outcome like any other."""

from collections.abc import Callable, Mapping, Sequence

from moorage.errors import RegistryError, Unreachable
from moorage.oci.reference import Digest


def outcome_of(delete: Callable[[], None]) -> Exception | None:
    """What became of a deletion: None for done."""
    try:
        delete()
    except RegistryError as error:
        return error
    return None


def answers_of(
    delete: Callable[[], Mapping[Digest, Exception | None]], digests: Sequence[Digest]
) -> Mapping[Digest, Exception | None]:
    """What became of each part of a batch. A refusal of the whole is one of each; silence about a part is no success."""
    try:
        answers = delete()
    except RegistryError as error:
        return dict.fromkeys(digests, error)
    silent = Unreachable("the registry did not say what became of it")
    return {digest: answers.get(digest, silent) for digest in digests}
