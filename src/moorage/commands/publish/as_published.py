"""What need not be made, since the registry has it."""

from collections.abc import Callable
from dataclasses import dataclass

from moorage.commands.publish.delivery import Ready
from moorage.commands.publish.wanted import Wanted
from moorage.oci.reference import Digest, Repository, Tag


@dataclass(slots=True)
class AsPublished:
    """An image that the repository has already, by its signature. It is only made if that goes while we are at it."""

    wanted: Wanted
    make: Callable[[], Ready]

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Raises what making and sending it raise."""
        return self.make().send(repository, tag)

    def accompany(self, repository: Repository) -> None:
        """Nothing belongs to an image that was built here which is not in it."""
