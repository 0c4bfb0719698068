"""Where browsers may be sent after paying."""

import pytest

from theatre.payment.addresses import check_return_url
from theatre.payment.errors import ReturnUrlForeign

OWN = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "url", [OWN, f"{OWN}/", f"{OWN}/payments/1?from=a&b=%20#top", f"{OWN}?a=b", f"{OWN}/a//b/../c"]
)
def test_pages_of_ours_are_allowed(url: str) -> None:
    check_return_url(url, public_url=f"{OWN}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/payments",
        "https://127.0.0.1:8000/",
        "http://evil.example/",
        f"{OWN}0/",
        f"{OWN}@evil.example/",
        f"{OWN}.evil.example/",
        f"{OWN}\\@evil.example/",
        f"{OWN}/\\evil.example",
        f"{OWN}/a b",
        f"{OWN}/a\nSet-Cookie: x=1",
        f"{OWN}/\x00",
        f"{OWN}/\ud800",
        f"{OWN}/кино",
        f"{OWN}/%zz",
        f"{OWN}/{'a' * 2_048}",
        f" {OWN}/",
        "javascript:alert(1)",
        f"http://user@127.0.0.1:8000/{OWN}",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ReturnUrlForeign):
        check_return_url(url, public_url=OWN)
