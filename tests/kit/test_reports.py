"""What may leave of an exception's words."""

import pytest

from theatre.kit.reports import discreet


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("plain words stay", "plain words stay"),
        ("invalid literal for int() with base 10: 'bob'", "invalid literal for int() with base 10: '…'"),
        ('no such user "bob"', "no such user '…'"),
        ("bob.smith@example.com is taken", "… is taken"),
        ("refused Bearer abcdefghijklmnop", "refused ***"),
        ("card 5555 5555 5555 4477 declined", "card *** declined"),
        ("first line\nDETAIL:  Key (email)=(bob) already exists.", "first line"),
    ],
)
def test_values_do_not_leave_with_the_words(words: str, told: str) -> None:
    assert discreet(words) == told
