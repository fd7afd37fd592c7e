"""Which addresses are the public's, in all their forms."""

from __future__ import annotations

import pytest

from ted.addresses import Reach, address_of, is_public
from ted.errors import BadSetting


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.3", "169.254.169.254", "172.31.0.1"),
        *(
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
        ),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1"),
        *("::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::7f00:1"),
        *("2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "100::1", "5f00::1", "4000::1"),
    ],
)
def test_what_is_not_of_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address_of(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_what_is_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(address_of(address))


def test_listed_networks_and_hosts_need_not_be_public() -> None:
    reach = Reach.of(["127.0.0.0/8", "10.1.2.3", "Images.internal", "fd00::/8"], [80])

    assert reach.allows("any.example", address_of("127.9.9.9"))
    assert reach.allows("any.example", address_of("10.1.2.3"))
    assert reach.allows("any.example", address_of("fd00::5"))
    assert reach.allows("images.INTERNAL", address_of("192.168.0.7"))
    assert not reach.allows("any.example", address_of("10.1.2.4"))
    assert not reach.allows("any.example", address_of("::ffff:127.0.0.1"))


@pytest.mark.parametrize("listed", ["127.0.0.1/8", "10.0.0.0/40", "300.1.1.1", "fd00::/200"])
def test_what_is_neither_host_nor_network_is_refused(listed: str) -> None:
    with pytest.raises(BadSetting, match="neither a host nor a network"):
        Reach.of([listed], [80])
