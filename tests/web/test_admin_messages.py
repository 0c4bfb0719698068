"""Forms of templates and mailings: values by the line, faults beside their fields."""

from theatre.web.admin_messages import beside, lines_of, values_of
from theatre.web.errors import Fault


def test_values_are_read_line_by_line() -> None:
    assert values_of("a = 1\r\n\r\n b=x = y \nc") == {"a": "1", "b": "x = y", "c": ""}
    assert lines_of({"a": "1\n2", "b": ""}) == "a = 1 2\nb = "


def test_faults_find_their_fields() -> None:
    names = {
        "draft.texts.ru.html": "html_ru",
        "texts.en.subject": "subject_en",
        "lines.ru.title": "title_ru",
        "audience.users.user_ids.3": "user_ids",
        "audience.users.user_ids": "user_ids",
        "variables.Ü.[key]": "variables",
        "": "",
    }
    for name, field in names.items():
        assert list(beside([Fault(name, "x", "y" * 9_999)])) == [field]
    assert len(beside([Fault("zone", "x", "y" * 9_999)])["zone"][0].message) == 300
