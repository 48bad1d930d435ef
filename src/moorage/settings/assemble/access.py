"""How registries are reached: the Docker config, logins, trust, and how hard to press."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from moorage.auth.docker_config import DockerConfig, host_of_key, parse_variable, read_config
from moorage.oci.reference import DOCKER_HUB_HOSTS, BadReference, Registry
from moorage.settings.options import access, general, safety
from moorage.settings.registry_auth import DOCKER_HUB
from moorage.settings.request import Request
from moorage.settings.settings import Access, Login


def access_of(request: Request, registry: Registry | None = None) -> Access:
    """`registry` is that of the images repo, where a user name without a registry belongs."""
    options = request.options
    docker_config, logins = _docker_config(request), logins_of(request, registry)
    return Access(
        docker_config=docker_config,
        logins=(*logins, *_ci_login(request, registry, logins, docker_config)),
        insecure=_hosts(request, options.values(access.INSECURE_REGISTRY), access.INSECURE_REGISTRY.flag),
        ca_file=_ca_file(request),
        allow_realms=_hosts(request, options.values(access.ALLOW_REALM), access.ALLOW_REALM.flag),
        allow_stub=not options.flag(safety.NO_STUB),
        parallel=options.known(general.PARALLEL),
        time_budget=options.value(general.TIME_BUDGET),
    )


def _docker_config(request: Request) -> Path | None:
    """The user's directory, None where there is none. A variable may name one that is not there yet, as with docker."""
    text, home = request.options.value(access.DOCKER_CONFIG), request.environ.get("HOME")
    if text is None and not home:
        return None
    directory = Path(text).expanduser().absolute() if text is not None else Path(home or "") / ".docker"
    if directory.is_dir():
        return directory
    origin = request.options.origin(access.DOCKER_CONFIG)
    if text is not None and not origin.startswith("$"):
        request.problems.add(f"bad {origin} {text!r}: there is no such directory")
    return None


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


def logins_of(request: Request, registry: Registry | None = None) -> tuple[Login, ...]:
    """The logins that were asked for."""
    options = request.options
    listed = options.value(access.REGISTRY_AUTH)
    found = list(listed) if listed else []
    username, password = options.value(access.USERNAME), options.value(access.PASSWORD)
    host = options.value(access.REGISTRY)
    if username is not None and password is not None:
        found.append(
            Login(host or (registry.name if registry else DOCKER_HUB), username, password, options.origin(access.PASSWORD))
        )
    elif username is not None or password is not None:
        there, missing = (access.USERNAME, access.PASSWORD) if password is None else (access.PASSWORD, access.USERNAME)
        request.problems.add(f"{options.written(there)} needs {missing.flag} too")
    elif host is not None and not found:
        request.problems.add(f"{options.written(access.REGISTRY)} needs --username and --password")
    logins = [login for one in found for login in _checked(request, one)]
    twice = {login.registry for login in logins if sum(login.registry == other.registry for other in logins) > 1}
    request.problems.add_all(f"two logins for {host}: docker keeps one per registry" for host in sorted(twice))
    return tuple(logins)


def _checked(request: Request, login: Login) -> Iterator[Login]:
    host = login.registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    name, _, path = host.partition("/")
    if name in DOCKER_HUB_HOSTS and path == "v1":
        host = name  # docker's own name for Docker Hub: https://index.docker.io/v1/
    try:
        yield replace(login, registry=Registry(host).name)
    except BadReference as error:
        request.problems.add(f"bad registry {login.registry!r} (from {login.source}): {error}")


def _ci_login(request: Request, registry: Registry | None, logins: tuple[Login, ...], config: Path | None) -> Iterator[Login]:
    """What the CI system gives a job for its own registry, where nobody has logged in to it otherwise."""
    if registry is None or any(login.registry == registry.name for login in logins):
        return
    offered = request.job.login(request.options.value(access.GITHUB_TOKEN))
    if offered is not None and offered.registry == registry.name and not _logged_in(request, registry, config):
        yield offered


def _logged_in(request: Request, registry: Registry, config: Path | None) -> bool:
    """Whether docker would find a login by itself; a store that keeps all logins may have this one."""
    with request.problems.gather():
        found = read_config(config / "config.json") if config else DockerConfig()
        text = request.environ.get("DOCKER_AUTH_CONFIG", "")
        known = {**found.helpers, **found.auths, **(parse_variable(text, "DOCKER_AUTH_CONFIG") if text.strip() else {})}
        return bool(found.store) or any(host_of_key(key) == registry.name for key in known)
    return False
