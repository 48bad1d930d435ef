"""Where a URL leads: scheme, host and port. Where credentials may go is decided by comparing these, never by comparing texts."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL, all explicit and in lower case; `host` is without the brackets of an IPv6 address."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Raises ValueError for what is no absolute http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("no absolute http or https URL")
        return cls(parts.scheme, parts.hostname.rstrip("."), parts.port or _PORTS[parts.scheme])

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL, the scheme's own port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is written as this machine: `localhost`, `127.0.0.0/8` or `::1`. No name is looked up: DNS can lie."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def is_named_in(self, hosts: AbstractSet[str]) -> bool:
        """Whether the host, or host:port, is one of these."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return not {self.host, host, f"{host}:{self.port}"}.isdisjoint(name.lower() for name in hosts)
