"""Whose address counts as the sender's."""

from ipaddress import ip_address, ip_network

import pytest

from theatre.payment.senders import sender_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["185.71.76.1"], "203.0.113.9"),
        ("10.0.0.1", ["185.71.76.1"], "185.71.76.1"),
        ("10.0.0.1", ["185.71.76.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["185.71.76.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::1", ["2a02:5180::5"], "2a02:5180::5"),
        ("::ffff:10.0.0.1", ["185.71.76.1"], "185.71.76.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], sender: str) -> None:
    """F-C13: what a stranger writes into X-Forwarded-For counts for nothing."""
    assert sender_of(peer, forwarded, trusted=PROXIES) == ip_address(sender)


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [(None, []), ("", []), ("testclient", []), ("10.0.0.1", ["unknown"]), ("10.0.0.1", [""])],
)
def test_a_sender_that_cannot_be_told_is_nobody(peer: str | None, forwarded: list[str]) -> None:
    assert sender_of(peer, forwarded, trusted=PROXIES) is None
