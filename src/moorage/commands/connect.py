"""Opening a registry for one run: the session, the credentials, the vendor."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moorage.auth.credential import Basic, Keychain
from moorage.commands.world import World
from moorage.oci.reference import Registry
from moorage.registries.interface import Registry as RegistryPort
from moorage.registries.vendor import Connection
from moorage.settings.settings import Access, Storage


@contextmanager
def connect(storage: Storage, access: Access, world: World) -> Iterator[RegistryPort]:
    """The registry of a storage, ready to be asked; its connections are closed at the end.

    Raises ConfigurationError for credentials that cannot be read, and what the vendor raises when it cannot be spoken to at all.
    """
    from moorage.transport.session import Session, Wire  # noqa: PLC0415 -- requests takes 200 ms that names need not pay

    wire = Wire(
        insecure=access.insecure,
        ca_file=access.ca_file,
        parallel=access.parallel,
        deadline=world.deadline(access.time_budget),
        allow_realms=access.allow_realms,
    )
    with Session(wire) as session:
        yield storage.repo.vendor.open(
            Connection(
                registry=storage.repo.registry,
                session=session,
                keychain=keychain(access, world),
                options=storage.options,
                allow_stub=access.allow_stub,
                parallel=access.parallel,
                specific_prefix=storage.option_prefix,
            )
        )


def keychain(access: Access, world: World) -> Keychain:
    """Logins that were asked for first, then what the user's Docker config holds."""
    from moorage.auth.keychain import ChainKeychain, DockerKeychain, LoginKeychain  # noqa: PLC0415 -- with the session

    logins = {Registry(login.registry): Basic(login.username, login.password, login.source) for login in access.logins}
    docker_config = access.docker_config or Path.home() / ".docker"
    return ChainKeychain(LoginKeychain(logins), DockerKeychain(docker_config, environ=world.environ))
