"""The rooms of what people are told: templates, mailings, deliveries; and letters that nobody should trust."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.web.panel import MakeStaff, forged, posted, rooms_of
from tests.web.visitor import Form, Page, Visitor

ID = UUID("01a215a0-0000-7000-8000-00000000abcd")
ROOMS = ("/admin/templates", "/admin/mailings", "/admin/deliveries")
PLACES = (
    *ROOMS,
    *(
        "/admin/templates/new-template",
        "/admin/templates/registration",
        "/admin/templates/registration/draft",
    ),
    *("/admin/templates/registration/versions/0/letters/ru", "/admin/mailings/new", "/admin/audit/letters"),
)
ABSENT = (
    *("/admin/templates/no_such", "/admin/templates/No%3Fsuch"),
    *("/admin/templates/registration/versions/9", "/admin/templates/registration/draft?version=9"),
    *("/admin/templates/registration/versions/9/letters/ru", f"/admin/mailings/{ID}"),
)
FORMS = (
    *("/admin/templates/new-template", "/admin/templates/registration/draft"),
    *("/admin/templates/registration/draft/letters/en", "/admin/templates/registration/versions"),
    *("/admin/templates/registration/versions/0/activate", "/admin/templates/registration/archive"),
    *("/admin/mailings/new", "/admin/mailings/count", "/admin/mailings", f"/admin/mailings/{ID}/pause"),
    *(f"/admin/mailings/{ID}/cancel", f"/admin/deliveries/{ID}/retry"),
)
WORDING = {
    "variables": "promo_code = SPRING\nwhat = 10% = a tenth",
    "subject_ru": "Скидка {{ promo_code }}",
    "text_ru": "Здравствуйте, {{ login }}!\r\n\r\n{{ what }}: {{ promo_code }}",
    "subject_en": "Offer {{ promo_code }}",
    "text_en": "Hello {{ login }}!\r\n\r\n{{ what }}: {{ promo_code }}",
    "html_ru": "",
    "html_en": "<b>{{ promo_code }}</b> {{ what }}",
}
HOSTILE = (
    "<script>top.location='https://evil.example'</script><img src=https://evil.example/seen.png onerror=alert(1)>"
    "<form action=/admin/views method=post><button>Free</button></form><base href=https://evil.example>"
    "<meta http-equiv=refresh content='0;url=https://evil.example'><iframe src=/admin></iframe>"
    "{{ promo_code }}{{ what }}"
)
MAILING = {
    "name": "Spring",
    "category": "offers",
    "title_ru": "Весна",
    "text_ru": "Скидка",
    "title_en": "Spring is here",
    "text_en": "Ten percent off",
    "link": "/plans",
    "template_code": "",
    "values": "",
    "audience": "users",
    "user_ids": "",
    "starts_at": "2040-01-02T03:04",
    "cron": "",
    "zone": "Europe/Moscow",
    "rate_per_minute": "600",
}


@pytest.fixture
async def editor(make_staff: MakeStaff) -> Visitor:
    return await make_staff("marketing")


async def test_the_rooms_are_open_to_those_who_write_and_to_nobody_else(
    editor: Visitor, make_staff: MakeStaff, visitor: Visitor, member: Visitor
) -> None:
    finance = await make_staff("finance")
    for path in PLACES:
        assert (await editor.open(path)).status == 200, path
        assert (await finance.open(path)).status == 403, path
        assert (await member.open(path)).status == 403, path
        assert (await visitor.http.get(path)).headers["location"].startswith("/signin?next=/admin"), path
    assert set(ROOMS) <= rooms_of(await editor.open("/admin"))  # it leads to the first room of their own
    assert not set(ROOMS) & rooms_of(await finance.open("/admin"))


async def test_what_is_not_there_is_a_page_of_the_panel(editor: Visitor) -> None:
    for path in ABSENT:
        assert (await editor.http.get(path)).status_code == 404, path
    assert (await editor.open("/admin/deliveries?user_id=nobody")).status == 200
    assert "not acceptable" in (await editor.open("/admin/deliveries?user_id=nobody")).text


async def test_no_form_counts_that_we_did_not_give(editor: Visitor) -> None:
    await editor.open("/admin/templates")
    for path in FORMS:
        assert (await editor.send(forged(path, **{**WORDING, **MAILING}))).status_code == 403, path


async def test_what_a_form_asks_is_for_the_doors_to_allow(make_staff: MakeStaff) -> None:
    finance = await make_staff("finance")
    seal = (await finance.open("/admin/payments")).form("/admin/find").fields["form_token"]
    for path in FORMS:
        form = Form(path, {"form_token": seal, "key": str(uuid4()), **WORDING, **MAILING, "code": "x"})
        assert (await finance.send(form)).status_code == 403, path


async def test_a_template_is_made_changed_and_taken_back(editor: Visitor) -> None:
    code = await made(editor)
    page = await editor.open(f"/admin/templates/{code}")
    assert "Offer SPRING" in page.text
    assert "Скидка SPRING" in page.text
    draft = await editor.open(f"/admin/templates/{code}/draft")
    assert "what = 10% = a tenth" in draft.text
    form = draft.form("/draft")
    shown = Page(await editor.send(form, **{**WORDING, "subject_en": "Only today: {{ promo_code }}"}))
    assert "Only today: SPRING" in shown.text
    assert "Only today" not in (await editor.open(f"/admin/templates/{code}")).text  # nothing is saved
    second = {**WORDING, "subject_en": "Now {{ promo_code }}", "note": "shorter", "activate": "true"}
    saved = await editor.send(Form(f"/admin/templates/{code}/versions", form.fields), **second)
    assert saved.headers["location"] == f"/admin/templates/{code}?note=version_active"
    page = await editor.open(f"/admin/templates/{code}")
    assert "Now SPRING" in page.text
    assert "shorter" in page.text
    back = await editor.send(page.form("/versions/1/activate"))
    assert back.headers["location"] == f"/admin/templates/{code}?note=version_active"
    assert "Offer SPRING" in (await editor.open(f"/admin/templates/{code}")).text
    assert "Now SPRING" in (await editor.open(f"/admin/templates/{code}/versions/2")).text
    again = await editor.open(f"/admin/templates/{code}/draft?version=2")
    assert "Now {{ promo_code }}" in [given.get("value") for given in again.all("input")]
    told = await editor.open(f"/admin/audit/letters?subject_id={code}")
    for action in ("template.create", "template.change", "template.activate"):
        assert action in told.text
    gone = await editor.send(page.form("/archive"))
    assert gone.headers["location"] == "/admin/templates?note=template_archived"
    assert (await editor.open(f"/admin/templates/{code}")).status == 404


async def test_the_same_form_makes_one_version(editor: Visitor) -> None:
    code = await made(editor)
    form = (await editor.open(f"/admin/templates/{code}/draft")).form("/draft")
    change = {**WORDING, "subject_en": "Twice {{ promo_code }}", "activate": "true"}
    for _ in range(2):
        sent = await editor.send(Form(f"/admin/templates/{code}/versions", form.fields), **change)
        assert sent.status_code == 303
    page = await editor.open(f"/admin/templates/{code}")
    assert [given["data-version"] for given in page.all("tr") if "data-version" in given] == ["2", "1"]


async def test_a_letter_of_the_house_goes_back_to_what_it_came_with(editor: Visitor) -> None:
    path = "/admin/templates/session_stolen"
    draft = await editor.open(f"{path}/draft")
    assert "{{ forgot_url }}" in draft.text
    texts = {
        "text_ru": "Смените пароль: {{ forgot_url }} ({{ occurred_at }})",
        "text_en": "Change your password: {{ forgot_url }} ({{ occurred_at }})",
    }
    saved = await editor.send(
        Form(f"{path}/versions", draft.form("/draft").fields),
        **texts,
        html_ru="",
        html_en="",
        activate="true",
    )
    assert saved.headers["location"] == f"{path}?note=version_active", saved.text
    page = await editor.open(path)
    assert "Change your password:" in page.text
    assert "{{ forgot_url }}" in (await editor.open(f"{path}/draft")).text
    assert (await editor.send(page.form("/versions/0/activate"))).status_code == 303
    assert "Change your password:" not in (await editor.open(path)).text


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("subject_en", "{{ price }}", "The value price is not declared"),
        ("text_ru", "{% for it in login %}{% endfor %} {{ promo_code }} {{ what }}", "This is no template"),
        ("html_en", "{{ promo_code ", "This is no template"),
        ("text_en", "Hello", "is needed and not there"),
        ("subject_ru", "", "Something must be written here"),
        ("variables", "Ünfit = x", "It cannot be written like this"),
    ],
)
async def test_what_is_refused_is_said_beside_its_field(
    editor: Visitor, field: str, text: str, said: str
) -> None:
    code = await made(editor)
    form = (await editor.open(f"/admin/templates/{code}/draft")).form("/draft")
    fields = {**WORDING, field: text}
    for action in ("draft", "versions"):
        page = Page(await editor.send(Form(f"/admin/templates/{code}/{action}", form.fields), **fields))
        assert page.status == 400, action
        assert said in page.text
        assert field in wrong_fields(page)
    fresh = posted(await editor.open("/admin/templates/new-template"), "/admin/templates/new-template")
    page = Page(await editor.send(fresh, code=f"t_{uuid4().hex}", **fields))
    assert page.status == 400
    assert field in wrong_fields(page)


async def test_a_code_is_taken_once(editor: Visitor) -> None:
    form = posted(await editor.open("/admin/templates/new-template"), "/admin/templates/new-template")
    page = Page(await editor.send(form, code="registration", **WORDING))
    assert page.status == 400
    assert "There is a template of this code already" in page.text
    assert "Offer {{ promo_code }}" in [given.get("value") for given in page.all("input")]


async def test_a_hostile_letter_can_do_nothing(editor: Visitor) -> None:
    code = await made(
        editor, html_en=HOSTILE, subject_en="<script>alert(1)</script>{{ promo_code }}{{ what }}"
    )
    page = await editor.open(f"/admin/templates/{code}")
    frames = list(page.all("iframe"))
    assert [frame["sandbox"] for frame in frames] == ["", ""]
    assert "alert(1)" in page.text  # as text
    assert all((given.get("src") or "").startswith("/") for given in page.all("script"))
    assert not list(page.all("base"))
    form = (await editor.open(f"/admin/templates/{code}/draft")).form("/draft")
    fields = {**WORDING, "html_en": HOSTILE}
    drafted = await editor.send(Form(f"/admin/templates/{code}/draft/letters/en", form.fields), **fields)
    for letter in (await editor.http.get(str(frames[1]["src"])), drafted):
        assert "evil.example" in letter.text
        check_harmless(letter)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_values_are_text_in_a_letter_never_markup(editor: Visitor) -> None:
    code = await made(editor, variables="promo_code = <img src=x>\nwhat = {{ login }}")
    letter = await editor.http.get(f"/admin/templates/{code}/versions/1/letters/en")
    assert "&lt;img src=x&gt;" in letter.text
    assert "{{ login }}" in letter.text


async def test_a_mailing_is_counted_before_it_is_made(editor: Visitor, member: Visitor) -> None:
    named = f"{await id_of(member)}\r\n{uuid4()}"
    name = f"Spring {uuid4()}"
    counted = await counted_with(editor, user_ids=named, name=name)
    assert "data-total" in {name for _, given in counted.tags for name in given}
    assert "people: 2" in counted.text
    assert name not in (await editor.open("/admin/mailings")).text
    form = posted(counted, "/admin/mailings")
    made_at = [(await editor.send(form)).headers["location"] for _ in range(2)]
    assert made_at[0] == made_at[1]  # pressed twice, made once
    page = await editor.open(made_at[0])
    assert "waits for its time" in page.text
    assert "Spring is here" in page.text
    assert ": 2" in page.text
    path = made_at[0].partition("?")[0]
    assert path in [given.get("href") for given in (await editor.open("/admin/mailings")).all("a")]
    for decision, state in (("pause", "paused"), ("resume", "waits for its time"), ("cancel", "canceled")):
        answer = await editor.send((await editor.open(path)).form(f"/{decision}"))
        assert answer.headers["location"] == f"{path}?note=mailing_{decision}"
        assert state in (await editor.open(path)).text
    over = await editor.send(page.form("/pause"))
    assert over.headers["location"] == f"{path}?fault=notification.mailing_over"


async def test_what_was_typed_comes_back_from_the_count(editor: Visitor) -> None:
    counted = await counted_with(editor, user_ids=str(ID))
    back = Page(await editor.send(Form("/admin/mailings/new", posted(counted, "/admin/mailings").fields)))
    assert back.status == 200
    assert "Spring is here" in [given.get("value") for given in back.all("input")]
    assert str(ID) in back.text


@pytest.mark.parametrize(
    ("field", "text", "step"),
    [
        ("user_ids", "", "count"),
        ("user_ids", "not-an-id", "count"),
        ("category", "payments", "count"),
        ("cron", "61 * * * *", "make"),
        ("zone", "Moscow", "make"),
        ("starts_at", "soon", "make"),
        ("rate_per_minute", "0", "make"),
        ("rate_per_minute", "many", "make"),
        ("link", "https://evil.example", "make"),
        ("title_ru", "", "make"),
    ],
)
async def test_a_mailing_that_makes_no_sense_is_refused_beside_its_field(
    editor: Visitor, field: str, text: str, step: str
) -> None:
    form = (await editor.open("/admin/mailings/new")).form("/count")
    action = "/admin/mailings/count" if step == "count" else "/admin/mailings"
    sent = await editor.send(Form(action, form.fields), **{**MAILING, "user_ids": str(ID), field: text})
    page = Page(sent)
    assert page.status == 400
    assert "Spring is here" in [given.get("value") for given in page.all("input")]
    if field != "category":
        assert field in wrong_fields(page)


async def test_a_mailing_says_what_its_template_lacks(editor: Visitor) -> None:
    code = await made(editor)
    form = (await editor.open("/admin/mailings/new")).form("/count")
    fields = {**MAILING, "user_ids": str(ID), "template_code": code, "values": "what = Ten\nwhy = x"}
    page = Page(await editor.send(Form("/admin/mailings", form.fields), **fields))
    assert page.status == 400
    assert "The value promo_code is needed" in page.text
    assert "The value why is not declared" in page.text
    fields["values"] = "what = Ten\npromo_code = SUMMER"
    sent = await editor.send(Form("/admin/mailings", form.fields), **fields)
    assert f"/admin/templates/{code}/versions/1" in (await editor.http.get(sent.headers["location"])).text


async def test_deliveries_to_one_customer_are_a_link_away(make_staff: MakeStaff, member: Visitor) -> None:
    user_id = await id_of(member)
    editor = await make_staff("marketing")
    page = await editor.open(f"/admin/deliveries?user_id={user_id}&kind=registration")
    assert page.status == 200
    assert not [given for given in page.all("a") if "/admin/users/" in (given.get("href") or "")]
    answer = await editor.send(sealed_as(page, f"/admin/deliveries/{ID}/retry"))
    assert answer.status_code == 404
    written = await editor.open(f"/admin/mailings/new?user_id={user_id}")
    assert user_id in written.text


async def test_rooms_keep_to_the_rules_of_all_pages(editor: Visitor) -> None:
    code = await made(editor)
    mailing = (
        await editor.send(posted(await counted_with(editor, user_ids=str(ID)), "/admin/mailings"))
    ).headers
    paths = [path for path in PLACES if "letters" not in path]
    for path in (*paths, f"/admin/templates/{code}", mailing["location"]):
        page = await editor.open(path)
        labelled = {given.get("for") for given in page.all("label")}
        fields = [*page.all("input"), *page.all("textarea"), *page.all("select")]
        visible = [given for given in fields if given.get("type") != "hidden"]
        assert [given for given in visible if given.get("id") not in labelled] == [], path
        assert len(list(page.all("h1"))) == 1
        for tag, given in page.tags:
            assert "style" not in given, tag
            assert not [name for name in given if name.startswith("on")]
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids)), path


async def made(editor: Visitor, **changes: str) -> str:
    """Make a template; gives its code."""
    code = f"offer_{uuid4().hex[:10]}"
    form = posted(await editor.open("/admin/templates/new-template"), "/admin/templates/new-template")
    answer = await editor.send(form, code=code, description="An offer", **{**WORDING, **changes})
    assert answer.headers.get("location") == f"/admin/templates/{code}?note=template_created", answer.text
    return code


async def counted_with(editor: Visitor, **fields: str) -> Page:
    """Write a mailing and have it counted."""
    form = (await editor.open("/admin/mailings/new")).form("/count")
    page = Page(await editor.send(form, **{**MAILING, **fields}))
    assert page.status == 200
    return page


async def id_of(member: Visitor) -> str:
    """Give the id of somebody who is signed in."""
    headers = {"Authorization": f"Bearer {member.cookie('access')}"}
    return str((await member.http.get("/auth/api/v1/users/me", headers=headers)).json()["id"])


def wrong_fields(page: Page) -> set[str]:
    """Name the fields that are marked as wrong."""
    fields = [*page.all("input"), *page.all("textarea")]
    return {given["name"] or "" for given in fields if given.get("aria-invalid") == "true"}


def sealed_as(page: Page, action: str) -> Form:
    """Make a form that we did not give, with the seal of one that we did."""
    seal = page.form("/signout").fields["form_token"]
    return Form(action, {"form_token": seal})


def check_harmless(letter: httpx.Response) -> None:
    """See that a letter is a document of nobody's, which runs and loads nothing."""
    assert letter.status_code == 200
    policy = letter.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(policy)
    assert "frame-ancestors 'self'" in policy
    assert not [rule for rule in policy if rule.startswith(("script-src", "connect-src", "frame-src"))]
    assert "img-src data:" in policy
    assert letter.headers["x-frame-options"] == "SAMEORIGIN"
    assert letter.headers["x-content-type-options"] == "nosniff"
