"""Registration, login, keys and service tokens."""

from tests.auth.people import House, Person, code_of, newcomer, signed_in


async def test_a_newcomer_registers_signs_in_and_is_known(house: House) -> None:
    person = Person(house)
    answer = await person.register()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": answer.json()["id"],
        "login": person.login,
        "email": person.email,
        "is_superuser": False,
    }
    login = await person.log_in(grant_type="password")
    assert login.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert login.json()["token_type"] == "bearer"
    assert login.json()["expires_in"] == 900
    person.keep(login)
    me = (await person.me()).json()
    assert me["login"] == person.login
    assert me["email_verified"] is False
    assert me["locale"] == "ru"
