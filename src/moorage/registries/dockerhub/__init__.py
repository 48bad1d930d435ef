"""Docker Hub.

Addresses: exactly ACCOUNT/REPOSITORY (seen 2026-11), after one of four host names or none. Judged on the user's text: one
segment is an account, two are a repository, so `library/alpine` is a repository. A forced `dockerhub` on another host has the
same levels.
"""

import re

from moorage.auth.secret import Secret
from moorage.oci.naming import Mode
from moorage.oci.reference import DOCKER_HUB_HOSTS
from moorage.option import Option, text
from moorage.registries.interface import Registry
from moorage.registries.vendor import OPENING, Address, AddressRules, Connection, Form, Place, Vendor, api_url, hosts

_HOSTS = hosts(*sorted(map(re.escape, DOCKER_HUB_HOSTS)))


def _place(address: Address) -> Place:
    match len(address.path):
        case 0:
            raise ValueError(f"an account is needed, as in {address.text}/ACCOUNT or {address.text}/ACCOUNT/REPOSITORY")
        case 1:
            return Place(Form.REGISTRY, (Mode.MULTIREPO,), nested_names=False)
        case 2:
            return Place(Form.REPOSITORY, (Mode.MONOREPO,), nested_names=False)
        case levels:
            raise ValueError(f"Docker Hub holds two levels, ACCOUNT/REPOSITORY, and this address has {levels}")


USERNAME = Option(
    name="docker-hub-username",
    help="Docker Hub account for its API and its registry; for an organization's access token, the organization.",
    parse=text,
    metavar="NAME",
    commands=OPENING,
    theme="Vendor credentials",
)
PASSWORD = Option(
    name="docker-hub-password",
    help="Password of the Docker Hub account, or an access token.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
TOKEN = Option(
    name="docker-hub-token",
    help="With a user name: an access token of the account, allowed to delete. Alone: a ready bearer token of the API.",
    parse=Secret,
    secret=True,
    commands=OPENING,
    theme="Vendor credentials",
)
API_URL = Option(
    name="docker-hub-api-url",
    help="Address of Docker Hub's API.",
    parse=api_url,
    metavar="URL",
    default="https://hub.docker.com",
    commands=OPENING,
    theme="Vendor endpoints",
)


def _open(connection: Connection) -> Registry:
    from moorage.registries.dockerhub.registry import open_docker_hub  # noqa: PLC0415 -- brings the HTTP client

    return open_docker_hub(connection)


VENDOR = Vendor(
    name="dockerhub",
    title="Docker Hub",
    address=AddressRules(recognises=lambda host, _: _HOSTS(host), place=_place),
    open=_open,
    credentials=(USERNAME, PASSWORD, TOKEN),
    endpoints=(API_URL,),
    other_words=("docker-hub", "docker.io", "hub"),
)
