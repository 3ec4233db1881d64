"""Requests that are sent again with the same `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from gateway import clock
from storage.ticket import request_keys
from tests.gateway.web.api.site import ANN, BOB, SAM, Site
from tests.gateway.web.stuck_writers import stuck_writers
from tests.in_process import SUPPORT

KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'


async def opened(
    site: Site, actor: str = ANN, key: str | None = KEY, text: str = "It is stuck."
) -> tuple[int, Any]:
    new = {"mailbox": SUPPORT, "subject": "Lift", "text": text}
    response = await site.ask("POST", "", actor, json=new, key=key)
    body = await response.json()
    return response.status, body.get("number", body.get("detail"))


async def commented(site: Site, number: int, text: str = "Still.", **more: Any) -> tuple[int, Any]:
    patch = {"comment": {"text": text}, **more}
    response = await site.ask("PATCH", f"/{number}", SAM, json=patch, key=KEY)
    return response.status, await response.json()


async def texts(site: Site, number: int) -> list[str]:
    return [each.text for each in (await site.ticket_view(number)).comments]


async def test_a_repeated_request_opens_one_ticket(either: Site) -> None:
    first = await opened(either)

    assert await opened(either) == first
    assert await either.numbers(f"?mailbox={SUPPORT}") == [first[1]]


async def test_requests_at_the_same_time_open_one_ticket(either: Site) -> None:
    answers = await asyncio.gather(*(opened(either) for _ in range(4)))

    assert len(set(answers)) == 1
    assert await either.numbers(f"?mailbox={SUPPORT}") == [answers[0][1]]


async def test_the_key_of_another_request_does_not_say_whether_there_is_a_ticket(
    either: Site,
) -> None:
    assert (await opened(either))[0] == 201
    _, others = await opened(either, actor=BOB)

    answers = [
        await either.ask("PATCH", f"/{number}", ANN, json={"status": "closed"}, key=KEY)
        for number in (others, others + 1)
    ]

    assert [each.status for each in answers] == [404, 404]


async def test_the_key_of_another_request_is_refused(either: Site) -> None:
    _, number = await opened(either)

    status, why = await opened(either, text="The other one is stuck.")

    assert (status, "was used for another request" in why) == (422, True)
    assert (await commented(either, number))[0] == 200  # another person's key
    assert (await commented(either, number, "Else."))[0] == 422


async def test_the_same_key_of_two_people_opens_two_tickets(site: Site) -> None:
    assert (await opened(site, ANN))[1] != (await opened(site, BOB))[1]


async def test_a_key_with_and_without_quotation_marks_is_the_same(site: Site) -> None:
    assert await opened(site, key=KEY) == await opened(site, key=KEY.strip('"'))


async def test_a_repeated_comment_is_written_once_and_reports_the_same(either: Site) -> None:
    number = await either.open(ANN)

    _, first = await commented(either, number, status="closed")
    status, second = await commented(either, number, status="closed")

    assert (status, second["effects"]) == (200, first["effects"])
    assert await texts(either, number) == ["It is stuck.", "Still."]


async def test_a_repeated_deletion_gets_the_first_answer(site: Site) -> None:
    number = await site.open(ANN)

    answers = [
        await (await site.ask("PATCH", f"/{number}", SAM, json={"delete": True}, key="gone")).json()
        for _ in range(2)
    ]

    assert answers[0] == answers[1]


async def test_a_repeat_shows_no_ticket_that_its_sender_may_not_read_any_more(either: Site) -> None:
    number = await either.open(ANN)
    await either.effects(number, SAM, add=[BOB])
    asked = {"comment": {"text": "Mine."}}
    first = await (await either.ask("PATCH", f"/{number}", BOB, json=asked, key=KEY)).json()
    await either.effects(number, SAM, remove=[BOB], comment={"text": "Without Bob."})

    again = await (await either.ask("PATCH", f"/{number}", BOB, json=asked, key=KEY)).json()

    assert again == {"effects": first["effects"], "ticket": None}


async def test_a_request_that_was_refused_is_not_remembered(site: Site) -> None:
    number = await site.open(ANN)
    await site.change(number, comment={"text": "Away."}, merge_into=await site.open(ANN))

    status, body = await commented(site, number)

    assert (status, "was merged into" in body["detail"]) == (409, True)
    assert await commented(site, number) == (status, body)


@pytest.mark.parametrize("key", ["", '""', "k" * 201, "clé"])
async def test_an_invalid_key_is_refused(site: Site, key: str) -> None:
    status, why = await opened(site, key=key)

    assert (status, "Idempotency-Key: must be" in why) == (400, True)


async def test_a_key_is_forgotten_after_its_time(either: Site) -> None:
    _, first = await opened(either)
    week = request_keys.KEPT_FOR

    at = clock.now() + week
    assert await either.write(partial(request_keys.forget, now=at - timedelta(hours=1))) == 0
    assert await either.write(partial(request_keys.forget, now=at + timedelta(hours=1))) == 1

    assert (await opened(either))[1] != first


async def test_of_a_request_that_may_still_be_done_it_is_not_said_that_nothing_was(
    either: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had begun when its time was up: a program that believed so would write it twice."""
    number = await either.open(ANN)
    with stuck_writers(monkeypatch, either.postern.services.runtime):
        status, body = await commented(either, number)

    again, _ = await commented(either, number)

    assert (status, again) == (503, 200)
    assert "not known whether" in body["detail"]
    assert await texts(either, number) == ["It is stuck.", "Still."]
