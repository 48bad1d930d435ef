"""What the action and the component hand to later steps; the verbs fill these names."""

from typing import Final

OUTPUTS: Final = {
    "images": "JSON list of every image under every tag: reference, digest, status.",
    "references": "References that are up, one a line.",
    "digest": "Digest of the first image.",
    "digests": "JSON object: reference to digest.",
    "pinned": "JSON object: image name (~ for the nameless one) to repository@sha256:…, ready to be deployed.",
    "tags": "Tags that are up, one a line.",
    "docker-config": "Directory of the Docker config that `login` prepared, for DOCKER_CONFIG of later steps.",
    "plan": "Path of the plan, where --plan-out asked for it.",
    "report": "Paths of the reports, one a line.",
    "deleted-count": "How many tags, and manifests that had none, were deleted.",
    "kept-count": "How many tags were kept.",
    "failed-count": "How many tags or deletions failed.",
    "remaining-count": "How many planned deletions remain for the next run.",
    "deleted": "JSON list of these tags and manifests.",
}
