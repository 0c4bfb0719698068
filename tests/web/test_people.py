"""Accounts and roles in the panel: found, seen, acted on; what is refused is said in words."""

import re
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import httpx
import pytest

from tests.factories.house import OpenHouse
from tests.web.panel import MakeStaff, forged, rooms_of, sign_in
from tests.web.visitor import PASSWORD, Form, Page, Visitor
from theatre.web.app import create_app
from theatre.web.settings import WebSettings

ID = "0197a000-0000-7000-8000-00000000dead"
FORMS = (
    *("/admin/users/find", f"/admin/users/{ID}/block", f"/admin/users/{ID}/unblock"),
    *(f"/admin/users/{ID}/unlock", f"/admin/users/{ID}/sessions/end", f"/admin/users/{ID}/sessions/{ID}/end"),
    *(f"/admin/users/{ID}/roles", f"/admin/users/{ID}/roles/{ID}/take"),
    *("/admin/roles", f"/admin/roles/{ID}", f"/admin/roles/{ID}/delete"),
)
FIELDS = {"word": "x", "reason": "x", "role_id": str(ID), "name": "x"}


@pytest.fixture
async def admin(make_visitor: Callable[[], Visitor]) -> Visitor:
    """The first superuser."""
    return await sign_in(make_visitor(), "admin", "admin")


async def sealed(staff: Visitor, action: str, **fields: str) -> httpx.Response:
    """Send a form that is ours by its seal, wherever it may go."""
    token = (await staff.open("/admin/users")).form("/find").fields["form_token"]
    return await staff.send(Form(action, {"form_token": token}), **fields)


async def page_of(staff: Visitor, somebody: Visitor) -> str:
    """Find somebody's page by the login."""
    found = await sealed(staff, "/admin/users/find", word=somebody.login.upper())
    assert found.status_code == 303
    path: str = found.headers["location"]
    UUID(path.removeprefix("/admin/users/"))
    return path


async def role_named(staff: Visitor, name: str) -> str:
    """Give the id of a role, as the forms of its card have it."""
    text = (await staff.http.get("/admin/roles")).text.partition(f'data-role="{name}"')[2]
    found = re.search(r"/admin/roles/([0-9a-f-]{36})", text)
    assert found
    return found[1]


async def made_role(admin: Visitor, *permissions: str) -> tuple[str, str]:
    """Make a role; gives its id and its name."""
    name = f"r{uuid4().hex[:10]}"
    form = (await admin.open("/admin/roles")).form("/admin/roles")
    answer = await admin.http.post(
        form.action, data={**form.fields, "name": name, "permissions": list(permissions)}
    )
    assert answer.headers["location"] == "/admin/roles?note=role_created"
    return await role_named(admin, name), name


@pytest.fixture
async def manager(admin: Visitor, make_visitor: Callable[[], Visitor]) -> Visitor:
    """Somebody who keeps accounts and may do nothing with money."""
    role_id, _ = await made_role(admin, "auth.read", "auth.manage")
    somebody = await make_visitor().join()
    path = await page_of(admin, somebody)
    given = await sealed(admin, f"{path}/roles", role_id=role_id)
    assert given.headers["location"] == f"{path}?note=role_given"
    staff = make_visitor()
    staff.login = somebody.login
    return await sign_in(staff, somebody.login)


@pytest.mark.parametrize("path", FORMS)
async def test_no_form_counts_that_we_did_not_give(admin: Visitor, path: str) -> None:
    await admin.open("/admin/users")
    assert (await admin.send(forged(path, **FIELDS))).status_code == 403


async def test_support_sees_an_account_and_changes_nothing_of_it(
    make_staff: MakeStaff, member: Visitor, visitor: Visitor
) -> None:
    support = await make_staff("support")
    path = await page_of(support, member)
    page = await support.open(path)
    for shown in (member.login, f"{member.login}@example.com", "may sign in", "signed in", "Newest payments"):
        assert shown in page.text
    assert not [form for form in page.forms if form.action.startswith("/admin/users/")]
    assert (await support.open(f"{path}/logins")).status == 200
    for form in FORMS[1:]:
        action = form.replace(f"/admin/users/{ID}", path)
        assert (await support.http.post(action)).status_code in {403, 422}, action
        assert (await sealed(support, action, **FIELDS)).status_code == 403, action
    assert (await visitor.http.get(path)).headers["location"].startswith("/signin")
    for stranger in (member, await make_staff("content")):
        for closed in (path, f"{path}/logins", "/admin/roles", "/admin/audit/accounts"):
            assert (await stranger.open(closed)).status == 403, closed


async def test_people_are_found_by_how_their_names_begin_and_no_name_stands_in_an_address(
    make_staff: MakeStaff, make_visitor: Callable[[], Visitor]
) -> None:
    support = await make_staff("support")
    stem = f"twin{uuid4().hex[:8]}"
    for end in "ab":
        twin = make_visitor()
        twin.login = f"{stem}-{end}"
        await twin.join()
    both = await sealed(support, "/admin/users/find", word=f"{stem}")
    assert both.status_code == 200
    links = {str(given.get("href")) for given in Page(both).all("a")}
    assert len({link for link in links if link.startswith("/admin/users/")}) == 2
    assert not [link for link in links if stem in link]
    one = await sealed(support, "/admin/users/find", word=f"{stem}-a@example.com")
    assert one.headers["location"].startswith("/admin/users/")
    user_id = one.headers["location"].rpartition("/")[2]
    by_id = await sealed(support, "/admin/users/find", word=f" {user_id} ")
    assert by_id.headers["location"] == one.headers["location"]
    # the box at the top finds who has bought nothing, too
    top = await sealed(support, "/admin/find", word=f"{stem}-b")
    assert top.headers["location"].startswith("/admin/users/")
    for nobody in (f"nobody-{stem}", "%", " ", "\u0130"):
        answer = await sealed(support, "/admin/users/find", word=nobody)
        assert answer.headers["location"].startswith("/admin/users?fault="), nobody


async def test_accounts_are_narrowed_by_state_and_role(admin: Visitor, member: Visitor) -> None:
    role_id, name = await made_role(admin)
    path = await page_of(admin, member)
    await sealed(admin, f"{path}/roles", role_id=role_id)
    assert member.login in (await admin.open(f"/admin/users?role={name}")).text
    assert member.login not in (await admin.open(f"/admin/users?role={name}&is_active=false")).text
    rubbish = await admin.open("/admin/users?is_active=maybe&role=%20%00")
    assert rubbish.status == 200
    assert "not acceptable" in rubbish.text


async def test_a_block_signs_out_and_keeps_out_until_it_is_lifted(
    admin: Visitor, make_staff: MakeStaff, member: Visitor, visitor: Visitor
) -> None:
    path = await page_of(admin, member)
    assert (await admin.submit(path, "/block", reason="  ")).status_code == 422
    blocked = await admin.submit(path, "/block", reason="Card thieves")
    assert blocked.headers["location"] == f"{path}?note=person_blocked"
    page = await admin.open(blocked.headers["location"])
    assert "Blocked, and signed out everywhere" in page.text
    assert "Nowhere." in page.text
    signing_in = (await visitor.open("/signin")).form("/signin")
    assert (await visitor.send(signing_in, login=member.login, password=PASSWORD)).status_code == 400
    # whoever only reads sees it, and the money of the customer as before
    assert "blocked" in (await (await make_staff("support")).open(path)).text
    lifted = await admin.submit(path, "/unblock", reason="It was the owner")
    assert lifted.headers["location"] == f"{path}?note=person_unblocked"
    assert (await visitor.send(signing_in, login=member.login, password=PASSWORD)).status_code == 303
    told = (await admin.open(f"/admin/audit/accounts?subject_id={path.rpartition('/')[2]}")).text
    for word in ("Card thieves", "It was the owner", "user.block", "user.unblock", "user.read"):
        assert word in told
    assert "as it was written" in (await admin.open("/admin/audit/accounts/verify")).text


async def test_sessions_are_ended_one_by_one_and_never_anothers(
    admin: Visitor, member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    path = await page_of(admin, member)
    ends = [form for form in (await admin.open(path)).forms if re.search(r"/sessions/.{36}/end", form.action)]
    other = await page_of(admin, await make_visitor().join())
    theirs = ends[0].action.replace(path, other)
    assert (await sealed(admin, theirs)).headers["location"] == f"{other}?fault=admin.gone"
    for where in ("note=sessions_ended", "fault=admin.gone"):  # once, and once too often
        assert (await admin.send(ends[0])).headers["location"] == f"{path}?{where}"
    assert "Nowhere." in (await admin.open(path)).text
    assert (await sealed(admin, f"{path}/sessions/end")).headers["location"].endswith("note=sessions_ended")


async def test_who_is_kept_waiting_is_let_try_again(
    admin: Visitor, member: Visitor, visitor: Visitor
) -> None:
    path = await page_of(admin, member)
    form = (await visitor.open("/signin")).form("/signin")
    for _ in range(6):
        await visitor.send(form, login=f"{member.login}@example.com", password="not this one")
    page = await admin.open(path)
    assert "too many tries" in page.text
    assert "waits until" in page.text
    assert (await admin.send(page.form("/unlock"))).headers["location"].endswith("note=person_unlocked")
    assert "waits until" not in (await admin.open(path)).text


async def test_roles_are_given_and_taken_by_who_may_do_as_much(
    admin: Visitor, manager: Visitor, member: Visitor
) -> None:
    path, boss = await page_of(manager, member), "/admin/users"
    support = await role_named(admin, "support")
    for action, fields in ((f"{path}/roles", {"role_id": support}), (f"/admin/roles/{support}", {})):
        refused = await sealed(manager, action, **fields)
        assert refused.headers["location"].endswith("?fault=auth.beyond_your_rights"), action
    assert (
        "more than you may do yourself" in (await manager.open(f"{path}?fault=auth.beyond_your_rights")).text
    )
    given = await admin.send((await admin.open(path)).form("/roles"), role_id=support)
    assert given.headers["location"] == f"{path}?note=role_given"
    assert "support" in (await admin.open(path)).text
    # now the customer may do more than the manager, who can touch the account no more
    refused = await sealed(manager, f"{path}/block", reason="x")
    assert refused.headers["location"] == f"{path}?fault=auth.beyond_your_rights"
    taken = await admin.submit(path, f"/roles/{support}/take")
    assert taken.headers["location"] == f"{path}?note=role_taken"
    gone = await sealed(admin, f"{path}/roles", role_id=str(ID))
    assert gone.headers["location"] == f"{path}?fault=admin.gone"
    admin.login = "admin"
    own = (await sealed(admin, f"{boss}/find", word="admin@example.com")).headers["location"]
    refused = await sealed(admin, f"{own}/block", reason="x")
    assert refused.headers["location"] == f"{own}?fault=auth.own_account"
    assert "their own account" in (await admin.open(refused.headers["location"])).text


async def test_a_role_is_made_changed_and_deleted_and_a_seeded_one_stays(admin: Visitor) -> None:
    role_id, name = await made_role(admin, "billing.read")
    taken = Page(await sealed(admin, "/admin/roles", name=name, permissions="movies.manage"))
    assert taken.status == 400
    assert "a role of this name already" in taken.text
    assert name in [given.get("value") for given in taken.all("input")]
    assert "movies.manage" in [given.get("value") for given in taken.all("input") if "checked" in given]
    wrong = Page(await sealed(admin, "/admin/roles", name="No Such Name"))
    assert "small latin letters" in wrong.text
    unknown = Page(await sealed(admin, "/admin/roles", name=f"{name}x", permissions="keys.steal"))
    assert "no such permission" in unknown.text
    changed = await sealed(admin, f"/admin/roles/{role_id}", name=f"{name}-2", permissions="billing.refund")
    assert changed.headers["location"] == "/admin/roles?note=role_changed"
    assert await role_named(admin, f"{name}-2") == role_id
    seeded = await role_named(admin, "marketing")
    for action, fields in (
        (f"/admin/roles/{seeded}/delete", {}),
        (f"/admin/roles/{seeded}", {"name": "x-2"}),
    ):
        refused = await sealed(admin, action, **fields)
        assert refused.headers["location"] == "/admin/roles?fault=auth.role_seeded"
    page = await admin.open("/admin/roles")
    assert f"/admin/roles/{seeded}/delete" not in [form.action for form in page.forms]
    for where in ("note=role_deleted", "fault=admin.gone"):
        deleted = await sealed(admin, f"/admin/roles/{role_id}/delete")
        assert deleted.headers["location"] == f"/admin/roles?{where}"


async def test_who_keeps_accounts_only_has_rooms_without_money(manager: Visitor, member: Visitor) -> None:
    page = await manager.open("/admin")
    assert rooms_of(page) == {"/admin/users", "/admin/roles", "/admin/audit"}
    assert not [form for form in page.forms if form.action == "/admin/find"]
    path = await page_of(manager, member)
    seen = await manager.open(path)
    assert member.login in seen.text
    assert "Newest payments" not in seen.text
    assert (await manager.open("/admin/audit")).status == 200
    assert (await manager.open("/admin/payments")).status == 403


async def test_pages_with_forms_keep_to_the_rules_of_all_pages(admin: Visitor, member: Visitor) -> None:
    for path in ("/admin/roles", await page_of(admin, member), "/admin/users", "/admin/audit/accounts"):
        page = await admin.open(path)
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids)), path
        labelled = {given.get("for") for given in page.all("label")}
        visible = [given for given in page.all("input") if given.get("type") != "hidden"]
        assert [given for given in visible if given.get("id") not in labelled] == [], path


class WithoutAuth(httpx.ASGITransport):
    """The house, but auth does not answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/auth/"):
            raise httpx.ConnectError("nobody there")
        return await super().handle_async_request(request)


@pytest.fixture
async def cut_off(house: OpenHouse) -> AsyncIterator[Visitor]:
    """Somebody at a storefront that does not reach auth."""
    app = create_app(WebSettings(public_url=house.url), transport=WithoutAuth(house.doors))
    async with app.router.lifespan_context(app):
        somebody = Visitor(app, house.url)
        yield somebody
        await somebody.http.aclose()


async def test_money_is_shown_when_auth_does_not_answer(
    make_staff: MakeStaff, cut_off: Visitor, member: Visitor
) -> None:
    support = await make_staff("support")
    path = await page_of(support, member)
    cut_off.http.cookies.update(support.http.cookies)
    page = await cut_off.open(path)
    assert page.status == 200
    assert "Accounts do not answer just now" in page.text
    assert "Newest payments" in page.text
    rooms = await cut_off.open("/admin/users")
    assert rooms.status == 200
    assert "Bought last" in rooms.text


async def test_an_account_that_is_not_there_is_said_and_is_no_fault(make_staff: MakeStaff) -> None:
    support = await make_staff("support")
    page = await support.open(f"/admin/users/{ID}")
    assert page.status == 200
    assert "no account of this id" in page.text
    assert (await support.open(f"/admin/users/{ID}/logins")).status == 404
