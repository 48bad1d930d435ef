"""A directory of OCI image layouts, one per repository: the registry that needs no server.

Addresses: `oci:DIR`, a registry; the image NAME lies in DIR/NAME. The directory is kept as written and means the one that the
file system finds under that name.
"""

from moorage.oci.naming import Mode
from moorage.oci.reference import LAYOUT_SCHEME
from moorage.registries.interface import Registry
from moorage.registries.vendor import Address, AddressRules, Connection, Form, Place, Vendor


def _place(address: Address) -> Place:
    if not address.is_layout:
        raise ValueError("the implementation layout holds directories, written oci:DIR")
    return Place(Form.REGISTRY, (Mode.MULTIREPO,))


def _open(connection: Connection) -> Registry:
    from moorage.registries.layout.registry import open_layout  # noqa: PLC0415 -- brings file access

    return open_layout(connection)


VENDOR = Vendor(
    name="layout",
    title="OCI image layout",
    address=AddressRules(recognises=lambda host, _: host.startswith(LAYOUT_SCHEME), place=_place),
    open=_open,
    other_words=("directory", "oci-layout"),
)
