"""`--registry-auth`: several logins in one YAML text, as docker/login-action takes them."""

from typing import Final

from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.settings.problems import Problems
from moorage.settings.settings import Login

_KEYS: Final = ("registry", "username", "password")
DOCKER_HUB: Final = "docker.io"


def registry_auth(text: str) -> tuple[Login, ...]:
    """The logins in a YAML list. Raises ValueError with every mistake; no value is ever part of the message."""
    from moorage.settings.config.document import Items, Scalar, Section, load  # noqa: PLC0415 -- YAML is for those who use it
    from moorage.settings.config.reading import Reading  # noqa: PLC0415 -- as above

    problems = Problems()
    found = []
    try:
        document = next(iter(load(text, "registry-auth")), None)
        if not isinstance(document, Items) or not document.items:
            raise ValueError("a YAML list is needed, each entry with registry, username and password")
        for item in document.items:
            if not isinstance(item, Section):
                problems.add(f"{item.place}: an entry with registry, username and password is needed")
                continue
            reading = Reading(item, _KEYS, problems)
            values = {key: value.text for key, value in item.entries.items() if isinstance(value, Scalar) and not value.is_null}
            missing = [key for key in ("username", "password") if not values.get(key)]
            if missing:
                problems.add(f"{reading.place}: {' and '.join(missing)} missing")
                continue
            host = values.get("registry") or DOCKER_HUB
            found.append(Login(host, values["username"], Secret(values["password"]), "--registry-auth"))
        problems.raise_any()
    except ConfigurationError as error:
        raise ValueError("; ".join(error.problems)) from None
    return tuple(found)
