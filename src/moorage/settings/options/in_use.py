"""What runs right now stays: how to find the clusters."""

import base64
from typing import Final

from moorage.auth.secret import Secret
from moorage.option import Command, Option, Shape, boolean, text

_THEME: Final = "In use"
_REASONING = frozenset({Command.CLEANUP, Command.PURGE, Command.EXPLAIN})

WITHOUT_KUBE = Option(
    name="without-kube",
    help="Do not look into Kubernetes for images that are in use.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    theme=_THEME,
)
KUBE_CONFIG = Option(
    name="kube-config",
    help="The kubeconfig of the clusters to look into.",
    parse=text,
    metavar="FILE",
    default_text="$KUBECONFIG, ~/.kube/config",
    commands=_REASONING,
    theme=_THEME,
)


def _kubeconfig(value: str) -> Secret:
    """As `base64` prints it, in lines or in one. Kept as it is: plain, each line of YAML would be hidden wherever it stands."""
    secret = Secret(value)
    try:
        base64.b64decode("".join(value.split()), validate=True).decode()
    except ValueError:
        raise ValueError("the base64 of a kubeconfig is needed") from None
    return secret


KUBE_CONFIG_BASE64 = Option(
    name="kube-config-base64",
    help="The kubeconfig itself, in base64, as secrets of CI systems hold it. Better in the variable: command lines are seen.",
    parse=_kubeconfig,
    secret=True,
    metavar="BASE64",
    commands=_REASONING,
    theme=_THEME,
)
KUBE_CONTEXT = Option(
    name="kube-context",
    help="Look into the cluster of this context alone.",
    parse=text,
    metavar="NAME",
    default_text="every context",
    commands=_REASONING,
    theme=_THEME,
)
SCAN_CONTEXT_NAMESPACE_ONLY = Option(
    name="scan-context-namespace-only",
    help="In each context look at its own namespace alone, for who may not list the whole cluster.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    theme=_THEME,
)

OPTIONS = (WITHOUT_KUBE, KUBE_CONFIG, KUBE_CONFIG_BASE64, KUBE_CONTEXT, SCAN_CONTEXT_NAMESPACE_ONLY)
