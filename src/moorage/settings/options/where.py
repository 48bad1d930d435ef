"""Where images live: the images repo, the stages storage, and how their addresses are read."""

from typing import Final

from moorage.oci.naming import Mode
from moorage.option import Command, Option, one_of, text
from moorage.registries.catalog import AUTO, IMPLEMENTATIONS
from moorage.registries.vendor import OPENING

_THEME: Final = "Where"
_NAMING = OPENING | {Command.NAMES}
_MODES = (AUTO, *sorted(Mode))

IMAGES_REPO = Option(
    name="images-repo",
    help="Where images are published and cleaned: a registry or repository address, or oci:DIR for a directory of OCI layouts.",
    parse=text,
    metavar="ADDRESS",
    default_text="$CI_REGISTRY_IMAGE in GitLab; ghcr.io/OWNER/REPOSITORY in GitHub",
    commands=_NAMING,
    other_words=("repo", "images-registry", "registry-url", "image-names"),
    theme=_THEME,
)
IMAGES_REPO_MODE = Option(
    name="images-repo-mode",
    help="Whether image names go into the repository's path (multirepo) or into the tag (monorepo).",
    parse=one_of(*_MODES),
    choices=_MODES,
    default=AUTO,
    metavar="MODE",
    commands=_NAMING,
    theme=_THEME,
)
IMAGES_REPO_IMPLEMENTATION = Option(
    name="images-repo-implementation",
    help="What kind of registry the images repo is.",
    parse=text,  # judged with the address, where a near miss is recognised
    choices=IMPLEMENTATIONS,
    default_text="auto: recognised by the address",
    metavar="NAME",
    commands=_NAMING,
    other_words=("images-repo-docker-registry",),
    theme=_THEME,
)
STAGES_STORAGE = Option(
    name="stages-storage",
    help="Where built images are kept for the next build, and a cleanup keeps few: an address, or :local for the engine.",
    parse=text,
    metavar="ADDRESS",
    commands=OPENING,
    other_words=("stages-storage-repo",),
    theme=_THEME,
)
STAGES_STORAGE_IMPLEMENTATION = Option(
    name="stages-storage-implementation",
    help="What kind of registry the stages storage is.",
    parse=text,
    choices=IMPLEMENTATIONS,
    default_text="auto: recognised by the address",
    metavar="NAME",
    commands=OPENING,
    other_words=("stages-storage-repo-implementation",),
    theme=_THEME,
)
REPO_IMPLEMENTATION = Option(
    name="repo-implementation",
    help="What kind of registry both storages are, where the specific option does not say.",
    parse=text,
    choices=IMPLEMENTATIONS,
    default_text="auto: recognised by the address",
    metavar="NAME",
    commands=_NAMING,
    theme=_THEME,
)

OPTIONS = (
    IMAGES_REPO, IMAGES_REPO_MODE, IMAGES_REPO_IMPLEMENTATION,
    STAGES_STORAGE, STAGES_STORAGE_IMPLEMENTATION, REPO_IMPLEMENTATION,
)  # fmt: skip
