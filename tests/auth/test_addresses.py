"""Whose address counts, behind proxies and without them."""

from ipaddress import ip_network

import pytest

from theatre.auth.addresses import Networks, find_device

PROXIES: Networks = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["6.6.6.6"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.1,10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.1, garbage"], "local"),
        ("10.0.0.1", [""], "local"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("fd00::1", ["2001:DB8::1"], "2001:db8::1"),
        (None, ["6.6.6.6"], "local"),
        ("testclient", ["6.6.6.6"], "local"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    assert find_device(peer, forwarded, "", trusted=PROXIES).address == address


@pytest.mark.parametrize(
    ("peer", "network"),
    [("203.0.113.1", "203.0.113.1"), ("2001:db8::1:2:3:4", "2001:db8::/64"), (None, "local")],
)
def test_limits_count_a_household_of_ipv6_as_one(peer: str | None, network: str) -> None:
    assert find_device(peer, [], "", trusted=[]).network == network
