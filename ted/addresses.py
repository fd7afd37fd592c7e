"""Which addresses belong to the public, and whom the service may be sent to. Connecting is ted/guarded_web's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ted.errors import BadSetting

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Named here and not asked of `ipaddress`, whose lists differ between patch releases of Python.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the two further down
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks: tunnels and tests
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address, whatever it may be
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether it is a host's of the public internet.

    Of IPv6 only global unicast is, so that no other form which wraps an IPv4 address (mapped, NAT64) gets through.
    """
    match address:
        case IPv4Address():
            return not any(address in network for network in _NOT_PUBLIC_4)
        case IPv6Address():
            return address in _UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom may be connected to: the public, and besides these networks and hosts; and on which ports."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({80, 443})

    @staticmethod
    def of(listed: Sequence[str], ports: Collection[int]) -> Reach:
        """From `10.1.0.0/16`, `192.168.1.7` and `images.internal`. Raises BadSetting."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for one in listed:
            try:
                networks.append(ip_network(one))
            except ValueError as error:
                if "/" in one or ":" in one or one.replace(".", "").isdigit():
                    raise BadSetting(f"'{one}' is neither a host nor a network: {error}") from error
                hosts.add(one.lower())
        return Reach(tuple(networks), frozenset(hosts), frozenset(ports))

    def allows(self, host: str, address: Address) -> bool:
        """Whether this address, to which the host's name resolved, may be connected to."""
        listed = host.lower() in self.hosts or any(address in network for network in self.networks)
        return listed or is_public(address)


def address_of(written: str) -> Address:
    """An address as the resolver gives it; the zone of a link is left away."""
    return ip_address(written.partition("%")[0])
