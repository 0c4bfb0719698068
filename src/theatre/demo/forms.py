"""Reading a page's form as a browser does: its address, its hidden fields, and what a person would type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx


@dataclass
class Form:
    """A form as the page has it; `asked` are the fields that a person fills in."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def filled(self, words: Mapping[str, str]) -> dict[str, str]:
        """Give the fields to send, with a person's words in those that ask for them."""
        return {**self.hidden, **{name: word for name, word in words.items() if name in self.asked}}


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            action = urljoin(self.url, values.get("action", ""))
            self.forms.append(Form(action, values.get("method", "get").upper()))
        elif tag == "input" and self.forms and (name := values.get("name")):
            if values.get("type") == "hidden":
                self.forms[-1].hidden[name] = values.get("value", "")
            else:
                self.forms[-1].asked.add(name)


def read_form(page: httpx.Response, words: Mapping[str, str]) -> Form | None:
    """Find the form of a page that asks for any of these words."""
    parser = _Forms(str(page.url))
    parser.feed(page.text)
    return next((form for form in parser.forms if form.asked & words.keys()), None)
