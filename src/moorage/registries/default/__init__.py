"""Any registry that speaks the OCI distribution API, without anything of its own: distribution, zot, cr.yandex, cr.selcloud.ru.

Addresses: any host, any depth. This is what an address means that no other vendor recognises.
"""

from moorage.registries.interface import Registry
from moorage.registries.vendor import AddressRules, Connection, Vendor, any_depth


def _open(connection: Connection) -> Registry:
    from moorage.registries.default.registry import open_default  # noqa: PLC0415 -- brings the HTTP client

    return open_default(connection)


VENDOR = Vendor(
    name="default",
    title="OCI registry",
    address=AddressRules(recognises=lambda _host, _surroundings: True, place=any_depth),
    open=_open,
    other_words=("distribution", "docker-registry", "oci", "registry"),
)
