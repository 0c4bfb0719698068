"""A whole purchase and refund over HTTP against a running server, done and checked as a user's browser would."""

import time
from collections.abc import Callable

import httpx
from rich.console import Console

from theatre.demo.shopper import Failed, Shopper

__all__ = ["perform"]

REQUEST_SECONDS = 20.0


def perform(url: str, console: Console) -> bool:
    """Do every step, print its time and outcome; True if all went well."""
    started = time.perf_counter()
    with (
        httpx.Client(base_url=url, timeout=REQUEST_SECONDS) as http,
        httpx.Client(timeout=REQUEST_SECONDS, follow_redirects=True) as browser,
    ):
        is_good = all(take(title, step, console) for title, step in Shopper(http, browser).steps().items())
    outcome = "[green]The demo ends OK" if is_good else "[red]The demo failed"
    console.print(f"{outcome}[/] after {time.perf_counter() - started:.2f} s at {url}")
    return is_good


def take(title: str, step: Callable[[], str], console: Console) -> bool:
    """Do one step and print how it went."""
    started = time.perf_counter()
    try:
        words, is_good = step(), True
    except Failed as error:
        words, is_good = str(error), False
    except httpx.HTTPError as error:
        words, is_good = f"no answer: {type(error).__name__} {error}", False
    mark = "[green]OK    [/]" if is_good else "[red]FAILED[/]"
    console.print(f"{mark} {time.perf_counter() - started:6.2f} s  {title:<28}  ", end="")
    console.print(words, markup=False, soft_wrap=True)
    return is_good
