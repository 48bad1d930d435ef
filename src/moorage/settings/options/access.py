"""How registries are reached: the Docker config, logins, and which hosts may be trusted with what."""

from typing import Final

from moorage.auth.secret import Secret
from moorage.option import Option, Shape, text
from moorage.registries.vendor import OPENING
from moorage.settings.registry_auth import registry_auth

_THEME: Final = "Access"

DOCKER_CONFIG = Option(
    name="docker-config",
    help="Directory of the Docker config to start from. It is read and copied, never changed.",
    parse=text,
    metavar="DIR",
    default_text="$DOCKER_CONFIG, then ~/.docker",
    variables=("DOCKER_CONFIG",),
    commands=OPENING,
    theme=_THEME,
)
REGISTRY = Option(
    name="registry",
    help="Registry to log in to with --username and --password.",
    parse=text,
    metavar="HOST",
    default_text="the registry of the images repo",
    commands=OPENING,
    theme=_THEME,
)
USERNAME = Option(
    name="username",
    help="User name for the registry.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme=_THEME,
)
PASSWORD = Option(
    name="password",
    help="Password or token for the registry. Better in $MOORAGE_PASSWORD: other users of a machine see command lines.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    other_words=("token",),
    theme=_THEME,
)
REGISTRY_AUTH = Option(
    name="registry-auth",
    help="Several logins at once: a YAML list of entries with registry, username and password.",
    parse=registry_auth,
    secret=True,
    metavar="YAML",
    commands=OPENING,
    theme=_THEME,
)
INSECURE_REGISTRY = Option(
    name="insecure-registry",
    help="Host that may be spoken to over plain HTTP or with an unverified certificate; repeatable.",
    parse=text,
    shape=Shape.MANY,
    metavar="HOST",
    default_text="localhost, 127.0.0.0/8 and ::1",
    commands=OPENING,
    other_words=("tls-verify", "skip-tls-verify-registry", "insecure"),
    theme=_THEME,
)
CA_FILE = Option(
    name="ca-file",
    help="File with certificates of authorities to trust, beside those of the system.",
    parse=text,
    metavar="FILE",
    commands=OPENING,
    theme=_THEME,
)
ALLOW_REALM = Option(
    name="allow-realm",
    help="Host of a token service that may be given the password although it is not the registry's own; repeatable.",
    parse=text,
    shape=Shape.MANY,
    metavar="HOST",
    commands=OPENING,
    theme=_THEME,
)

GITHUB_TOKEN = Option(
    name="github-token",
    help="Token of the GitHub job, used for GitHub where no --repo-github-token is given.",
    parse=Secret,
    secret=True,
    metavar="TOKEN",
    default_text="the job's own token in the action; else $GITHUB_TOKEN",
    variables=("GITHUB_TOKEN",),
    theme=_THEME,
)

OPTIONS = (DOCKER_CONFIG, REGISTRY, USERNAME, PASSWORD, REGISTRY_AUTH, INSECURE_REGISTRY, CA_FILE, ALLOW_REALM, GITHUB_TOKEN)
