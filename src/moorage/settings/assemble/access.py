"""How registries are reached: the Docker config, logins, trust, and how hard to press."""

from collections.abc import Iterator
from pathlib import Path

from moorage.auth.secret import Secret
from moorage.oci.reference import BadReference, Registry
from moorage.settings.ci import CiSystem
from moorage.settings.options import access, general, safety
from moorage.settings.registry_auth import DOCKER_HUB
from moorage.settings.request import Request
from moorage.settings.settings import Access, Login


def access_of(request: Request, registry: Registry | None = None) -> Access:
    """`registry` is that of the images repo, where a user name without a registry belongs."""
    options = request.options
    return Access(
        docker_config=_docker_config(request),
        logins=tuple(_logins(request, registry)),
        ci_logins=tuple(_ci_logins(request)),
        insecure=_hosts(request, options.values(access.INSECURE_REGISTRY), access.INSECURE_REGISTRY.flag),
        ca_file=_ca_file(request),
        allow_realms=_hosts(request, options.values(access.ALLOW_REALM), access.ALLOW_REALM.flag),
        allow_stub=not options.flag(safety.NO_STUB),
        parallel=options.known(general.PARALLEL),
        time_budget=options.value(general.TIME_BUDGET),
    )


def _docker_config(request: Request) -> Path | None:
    """A variable of docker's own may name a directory that is not there yet, as with docker; an option of ours may not."""
    text = request.options.value(access.DOCKER_CONFIG)
    if text is None:
        return None
    directory = Path(text).expanduser().absolute()
    if (
        request.options.origin(access.DOCKER_CONFIG) not in {"$DOCKER_CONFIG", "$MOORAGE_DOCKER_CONFIG"}
        and not directory.is_dir()
    ):
        request.problems.add(f"bad {request.options.origin(access.DOCKER_CONFIG)} {text!r}: there is no such directory")
    return directory


def _ca_file(request: Request) -> Path | None:
    text = request.options.value(access.CA_FILE)
    if text is None:
        return None
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        request.problems.add(f"bad {request.options.origin(access.CA_FILE)} {text!r}: there is no such file")
    return path


def _hosts(request: Request, texts: tuple[str, ...], flag: str) -> frozenset[str]:
    found = set()
    for text in texts:
        try:
            found.add(Registry(text).name.lower())
        except BadReference as error:
            request.problems.add(f"bad {flag} {text!r}: {error}")
    return frozenset(found)


def _logins(request: Request, registry: Registry | None) -> Iterator[Login]:
    options = request.options
    username, password = options.value(access.USERNAME), options.value(access.PASSWORD)
    named = options.value(access.REGISTRY)
    if (username is None) != (password is None):
        there, missing = (access.USERNAME, access.PASSWORD) if password is None else (access.PASSWORD, access.USERNAME)
        request.problems.add(f"{there.flag} needs {missing.flag} too (from {options.origin(there)})")
    elif username is not None and password is not None:
        yield from _login(request, named or (registry.name if registry else DOCKER_HUB), username, password)
    elif named is not None and request.command != "login":
        request.problems.add(
            f"{access.REGISTRY.flag} names where {access.USERNAME.flag} and {access.PASSWORD.flag} belong; give both"
        )
    for logins in [options.value(access.REGISTRY_AUTH) or ()]:
        for login in logins:
            yield from _login(request, login.registry, login.username, login.password, login.source)


def _login(request: Request, host: str, username: str, password: Secret, source: str = "--username") -> Iterator[Login]:
    try:
        yield Login(Registry(host.removeprefix("https://").rstrip("/")).name, username, password, source)
    except BadReference as error:
        request.problems.add(f"bad registry {host!r} for the login of {username!r}: {error}")


def _ci_logins(request: Request) -> Iterator[Login]:
    """What the CI system gives every job for its own registry."""
    environ = request.environ
    if request.job.system is CiSystem.GITLAB and (host := environ.get("CI_REGISTRY", "")):
        for user, variable in (
            (environ.get("CI_REGISTRY_USER", ""), "CI_REGISTRY_PASSWORD"),
            ("gitlab-ci-token", "CI_JOB_TOKEN"),
        ):
            if user and environ.get(variable):
                yield from _login(request, host, user, Secret(environ[variable]), f"${variable}")
                return
    if request.job.system is CiSystem.GITHUB and (token := request.options.value(access.GITHUB_TOKEN)):
        user = environ.get("GITHUB_ACTOR") or "token"
        yield Login(request.job.github_registry, user, token, request.options.origin(access.GITHUB_TOKEN))
