"""Where an address on the web leads, read strictly, and whether that is on the public internet; pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

LONGEST_URL: Final = 4096
LONGEST_NAME: Final = 253
PORTS: Final = {"https": 443, "http": 80}

_WRITTEN_WITH: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")  # RFC 3986, and nothing else
_PARTS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<target>[^#]*)(?P<fragment>#.*)?", re.IGNORECASE
)
_AUTHORITY: Final = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>[0-9a-z.-]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

# What IANA's registries of special purposes name, and one that is public by number only: through it a cloud tells its
# machines their secrets.
_SPECIAL_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# IPv6 the other way round: one block is given out, and these parts of it lead elsewhere (Teredo, 6to4, documentation…).
# Addresses that hold an IPv4 address inside (mapped, compatible, NAT64) are all outside that block.
_PUBLIC_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

UNREADABLE_HOST: Final = (
    "The host must be a name, an IPv4 address as four numbers, or an IPv6 address in brackets, with or without a port."
)


class Unreadable(Exception):
    """This is no address that can be asked; ``message`` says why, and what is taken."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Origin:
    """Who answers: a scheme, a host (a name in lower case, or an IP address as its one spelling) and a port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What the Host header says."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == PORTS[self.scheme] else f"{shown}:{self.port}"

    @property
    def literal(self) -> str | None:
        """The IP address, if the host is one and no name."""
        try:
            return str(ip_address(self.host))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True)
class Destination:
    """An origin, and what is asked of it: path and query."""

    origin: Origin
    target: str


def destination_of(url: str) -> Destination:
    """What the URL leads to. Whatever two programs could read in two ways is refused with Unreadable."""
    if len(url) > LONGEST_URL or not _WRITTEN_WITH.fullmatch(url):
        raise Unreadable(
            f"An address has at most {LONGEST_URL} characters, all of ASCII and none a space. Other characters are "
            "written percent-encoded, and names of other alphabets as xn--…."
        )
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise Unreadable("An address begins with https:// and a host.")
    if "@" in parts["authority"]:
        raise Unreadable("An address may not hold a user name or a password.")
    scheme = parts["scheme"].lower()
    authority = _AUTHORITY.fullmatch(parts["authority"].lower())
    host = _host(authority["host"] or "", ipv6=authority["ipv6"] or "") if authority else None
    port = int(authority["port"] or PORTS[scheme]) if authority else 0
    if host is None or not 0 < port < 2**16:
        raise Unreadable(UNREADABLE_HOST)
    target = parts["target"]
    return Destination(Origin(scheme, host, port), target if target.startswith("/") else f"/{target}")


def origin_of(url: str) -> Origin:
    """The origin that was written as ``https://host`` or ``http://host:port``, with nothing after it."""
    destination = destination_of(url)
    if destination.target != "/" or "#" in url:
        raise Unreadable(f"{url} is more than scheme, host and port.")
    return destination.origin


def _host(name: str, *, ipv6: str) -> str | None:
    """The host in its one spelling; None when programs would not agree on it."""
    try:
        if ipv6:
            return str(IPv6Address(ipv6))
        if _NUMBER.fullmatch(name.rpartition(".")[2]):  # all of it is meant as IPv4 then, in one of many spellings
            return str(IPv4Address(name))
    except ValueError:
        return None
    return name if len(name) <= LONGEST_NAME and _NAME.fullmatch(name) else None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and neither internal nor set aside for something else."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _SPECIAL_IPV4)
    return ip.scope_id is None and ip in _PUBLIC_IPV6 and not any(ip in network for network in _SPECIAL_IPV6)
