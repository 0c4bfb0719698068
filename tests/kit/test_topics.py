"""Topic patterns: what a queue gets."""

import pytest

from theatre.kit.broker.topics import matches


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("payment.attempt.succeeded", "payment.attempt.succeeded", True),
        ("payment.attempt.succeeded", "payment.attempt.succeeded.twice", False),
        ("payment.attempt.succeeded", "payment-attempt.succeeded", False),
        ("payment.attempt.*", "payment.attempt.failed", True),
        ("payment.attempt.*", "payment.attempt", False),
        ("payment.attempt.*", "payment.attempt.", False),
        ("payment.attempt.*", "payment.attempt.a.b", False),
        ("*.session.*", "auth.session.revoked", True),
        ("payment.#", "payment", True),
        ("payment.#", "payment.attempt.failed", True),
        ("payment.#", "payments.attempt", False),
        ("#.failed", "failed", True),
        ("#.failed", "payment.attempt.failed", True),
        ("#.failed", "payment.unfailed", False),
        ("payment.#.failed", "payment.failed", True),
        ("payment.#.failed", "payment.attempt.failed", True),
        ("payment.#.failed", "paymentfailed", False),
        ("#", "anything.at.all", True),
        ("short_link.visit.*", "short_link.visit.counted", True),
    ],
)
def test_a_pattern_takes_its_keys_and_no_others(pattern: str, key: str, taken: bool) -> None:
    assert matches(pattern, key) is taken
