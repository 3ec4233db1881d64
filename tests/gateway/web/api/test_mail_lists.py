"""The journal, held mail and the outbox: for staff of their mailbox, and for reports."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.web.api.site import ALICE, ANN, SAM, SHARED, Site
from tests.gateway.web.threads import threads_of
from tests.in_process import ANYWHERE, SUPPORT, a_mail

EVE = "eve@evil.example"
PATHS = ("journal", "held", "outbox", "queues", "proposed")


async def ask(site: Site, path: str, actor: str = SAM, scope: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {scope or 'staff'}-token"}
    headers |= {"X-Postern-Actor": actor} if actor else {}
    answer = await site.client.get(f"/api/v1/{path}", headers=headers)
    return answer.status, await answer.json()


async def test_the_journal_is_read_in_pages_and_explained(either: Site) -> None:
    for number in range(3):
        await either.mailed(a_mail(ANN, subject=f"Lift {number}"))
    query = f"journal?mailbox={SUPPORT}&verdict=opened&text=LIFT&limit=2"

    _, first = await ask(either, query)
    _, second = await ask(either, f"{query}&before={first['before']}")

    subjects = [each["subject"] for each in (*first["mails"], *second["mails"])]
    assert (subjects, second["before"]) == (["Lift 2", "Lift 1", "Lift 0"], None)
    status, mail = await ask(either, f"journal/{first['mails'][0]['id']}", "", "read")
    assert (status, mail["rcpt_tos"]) == (200, [SUPPORT])
    assert mail["trace"][-1]["outcome"].startswith("opens")


async def test_reply_addresses_are_masked_wherever_a_sender_may_write_them(site: Site) -> None:
    sealed = "ae" * 18
    author = f"support+{sealed}@help.example"
    await site.postern.take(a_mail(author, Message_ID=f"<{author}>"), ANYWHERE, strangers="hold")

    found = [await ask(site, f"{path}?mailbox={SUPPORT}", "", "read") for path in PATHS]
    mail = found[0][1]["mails"][0]["id"]
    found.append(await ask(site, f"journal/{mail}", "", "read"))

    assert [status for status, _ in found] == [200] * 6
    assert not any(sealed in str(body) for _, body in found)


async def test_a_reply_address_that_is_masked_is_not_found_letter_by_letter(site: Site) -> None:
    for number in range(2):
        author = f"support+{'ae' * 18}@help.example"
        raw = a_mail(author, f"Sealed {number}")
        await site.postern.take(raw, ANYWHERE, strangers="hold")

    async def found(text: str) -> tuple[list[str], bool, bool]:
        path = f"journal?mailbox={SUPPORT}&limit=1&text={text}"
        _, page = await ask(site, path, "", "read")
        subjects = [each["subject"] for each in page["mails"]]
        return subjects, page["before"] is not None, page["searched_in_part"]

    assert await found("sealed") == (["Sealed 1"], True, False)
    assert await found("support%2Baea") == await found("eaea") == ([], False, False)


async def test_only_what_came_since_a_time_is_listed(site: Site) -> None:
    await site.mailed()
    later = datetime.now(UTC) + timedelta(seconds=1)

    _, before = await ask(site, f"journal?mailbox={SUPPORT}&since=2026-01-01T00:00:00%2B00:00")
    _, after = await ask(site, f"journal?mailbox={SUPPORT}&since={quote(later.isoformat())}")

    assert (len(before["mails"]), after["mails"]) == (1, [])


async def test_held_mail_is_read_in_pages_and_discarded_once(either: Site) -> None:
    for number in range(3):
        await either.postern.take(a_mail(f"eve{number}@evil.example"), ANYWHERE, strangers="hold")
    query = f"held?mailbox={SUPPORT}&limit=2"

    _, first = await ask(either, query)
    _, second = await ask(either, f"{query}&after={first['after']}")

    listed = [each["author"] for each in (*first["held"], *second["held"])]
    assert (listed, second["after"]) == ([f"eve{number}@evil.example" for number in range(3)], None)
    assert {each["proven"] for each in first["held"]} == {False}
    one = f"/api/v1/held/{first['held'][0]['id']}"
    headers = {"Authorization": "Bearer held-token", "X-Postern-Actor": SAM}
    removed = [await either.client.delete(one, headers=headers) for _ in range(2)]
    assert [await each.json() for each in removed] == [{"removed": 1}, {"removed": 0}]


async def test_what_waits_is_counted(site: Site) -> None:
    await site.postern.take(a_mail("eve@evil.example"), ANYWHERE, strangers="hold")
    await site.postern.take(a_mail("new@acme.example"))

    _, found = await ask(site, f"queues?mailbox={SUPPORT}", "", "read")

    waiting = {each["queue"]: each["waiting"] for each in found["queues"] if each["since"]}
    assert waiting == {"held": 1, "strangers": 1}


async def test_who_waits_to_be_added_to_a_ticket_is_named(either: Site) -> None:
    number = await either.mailed(a_mail(ANN, text="Please add my supplier.", Cc=EVE))
    path = f"proposed?mailbox={SUPPORT}"

    _, found = await ask(either, path)
    await either.effects(number, decline=[EVE])
    _, after = await ask(either, path)

    (person,) = found["people"]
    assert (person["ticket"], person["address"], person["asked_by"]) == (number, EVE, ANN)
    assert after == {"people": [], "more": False}


async def test_mail_that_waits_is_read_in_pages(either: Site) -> None:
    for _ in range(2):
        await either.open(ANN)
    query = f"outbox?mailbox={SUPPORT}&view=waiting&limit=1"

    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        _, page = await ask(either, f"{query}{after and f'&after={after}'}")
        ids += [each["id"] for each in page["mails"]]
        after = page["after"]

    _, whole = await ask(either, f"outbox?mailbox={SUPPORT}&view=waiting")
    assert len(ids) >= 2
    assert ids == [each["id"] for each in whole["mails"]]
    _, about = await ask(either, f"outbox?mailbox={SUPPORT}&ticket=1&address={ANN}")
    assert [each["id"] for each in about["mails"]] == [
        each["id"] for each in whole["mails"] if (each["ticket"], each["address"]) == (1, ANN)
    ]
    bounced = await ask(either, f"suppression?mailbox={SUPPORT}&after=a")
    assert bounced == (200, {"addresses": [], "after": None})


async def test_staff_have_a_mail_of_the_journal_as_it_arrived(site: Site) -> None:
    raw = a_mail("eve@evil.example")
    await site.postern.take(raw, ANYWHERE, strangers="hold")
    path = f"/api/v1/journal/{(await site.postern.last()).id}/raw"

    def token(scope: str, actor: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {scope}-token", "X-Postern-Actor": actor}

    for scope in ("staff", "held"):
        answer = await site.client.get(path, headers=token(scope, SAM))
        assert (answer.status, await answer.read()) == (200, raw)
    assert (await site.client.get(path, headers=token("held", ALICE))).status == 404
    assert (await site.client.get(path, headers=token("read", ""))).status == 403


async def test_what_would_become_of_a_mail_is_seen_and_nothing_is_stored(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threads_of(monkeypatch, "gateway.web.api.mail_preview.stated_sender")
    path = f"/api/v1/mails/preview?rcpt={SUPPORT}"

    async def preview(query: str, actor: str = SAM) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": actor}
        headers["Content-Type"] = "message/rfc822"
        answer = await site.client.post(path + query, data=a_mail(ANN), headers=headers)
        return answer.status, await answer.json()

    _, unproven = await preview("")
    status, proven = await preview("&proven=true")

    (decision,) = proven["decisions"]
    assert (status, decision["mailbox"], decision["verdict"]) == (200, SUPPORT, "opened")
    assert decision["trace"][-1]["outcome"].startswith("opens")
    assert unproven["decisions"][0]["verdict"] != "opened"
    assert (await preview("", ALICE))[0] == 404
    assert await site.postern.journal() == []
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("path", PATHS)
async def test_customers_and_staff_of_other_mailboxes_read_none(site: Site, path: str) -> None:
    status, _ = await ask(site, f"{path}?mailbox={SHARED}", ANN, "portal")
    other, _ = await ask(site, f"{path}?mailbox={SUPPORT}", ALICE)

    assert (status, other) == (403, 404)


async def test_a_mail_of_another_desk_looks_like_one_that_does_not_exist(site: Site) -> None:
    await site.mailed()
    here = (await site.postern.last()).id

    theirs = await ask(site, f"journal/{here}", ALICE)
    nobodys = await ask(site, "journal/01980000-0000-7000-8000-000000000000", ALICE)

    assert (theirs[0], nobodys[0]) == (404, 404)
    assert theirs[1]["detail"] == f"there is no mail {here}"


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "since=0001-01-01T00:00:00Z",
        "before=now",
        "text=%00",
        "verdict=opene",
    ],
)
async def test_an_invalid_query_is_refused(site: Site, query: str) -> None:
    status, body = await ask(site, f"journal?mailbox={SUPPORT}&{query}")

    assert (status, body["title"]) == (400, "Bad Request")
