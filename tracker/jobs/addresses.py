"""Where a message may go: public addresses only, unless development says otherwise.

Names are resolved here, once, and the connection goes to an address that was checked, so that
a name can't point elsewhere a moment later.
"""

import ipaddress
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(ValueError):
    """An address that messages don't go to; the message is a sentence for operators."""


@dataclass(frozen=True)
class Target:
    """A URL taken apart, and the addresses its host has now."""

    host: str
    port: int
    is_tls: bool
    path: str
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def check_url(url: str) -> tuple[str, int, bool, str]:
    """The host, port, TLS and path of a URL that is well formed; Refused when it isn't."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("The host or the port of the URL is none.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("The URL must start with https:// or http:// and name a host.")
    if parts.username or parts.password:
        raise Refused("The URL must not hold a user name or a password.")
    if not url.isascii() or any(ch.isspace() or ord(ch) < 32 for ch in url):
        raise Refused("The URL must be plain ASCII without spaces.")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port or (443 if is_tls else 80), is_tls, path


def resolve(url: str, allow_private: bool) -> Target:
    """Where a URL leads now. Refused when any of its addresses is not public."""
    host, port, is_tls, path = check_url(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(f"The host {host} is not known.") from None
    addresses = tuple(str(place[0]) for _, _, _, _, place in found)
    if not allow_private and not all(map(is_public, addresses)):
        raise Refused(f"The host {host} has a private or local address.")
    return Target(host, port, is_tls, path, addresses)


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet, also when wrapped in another."""
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    return all(_is_public(one) for one in (address, *_embedded(address)))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # Python takes fec0::/10, which was the private range once, for a global one.
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in wrapped if one is not None]
