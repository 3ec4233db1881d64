"""The pages behind the links in notices, as a browser, a scanner and a mail provider use them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, FormData
from sqlalchemy import update

from gateway import clock
from gateway.outgoing.compose import Composer
from gateway.web.pages.links import LONGEST_TEXT, PATHS, POSTS_A_MINUTE
from gateway.web.pages.render import SAFE
from rules.sender.tokens import Link, LinkUse, link_token
from rules.ticket.notices import NoticeKind
from storage.db.tables import ParticipantRow, table
from storage.notices import outbox
from storage.notices.links import OVER_FOR
from storage.registry import mailboxes
from tests.gateway.web.link_pages import (
    ANN,
    EVE,
    ONE_CLICK,
    SAM,
    SUBJECT,
    Site,
    open_ticket,
    serving,
    site_with_a_ticket,
)
from tests.gateway.web.shown_forms import filled_in

HOUR = timedelta(hours=1)


@pytest.fixture
def subject() -> str:
    return SUBJECT


@pytest_asyncio.fixture
async def site(store_url: str, tmp_path: Path, subject: str) -> AsyncIterator[Site]:
    async with site_with_a_ticket(store_url, tmp_path, subject) as site:
        yield site


async def test_a_mailed_link_adds_the_proposed_person(site: Site) -> None:
    notices = await site.write(partial(outbox.claim, now=clock.now(), limit=50))
    (asking,) = [notice for notice in notices if notice.kind is NoticeKind.APPROVAL]
    assert asking.address == ANN
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    policy = site.services.runtime.policies[site.mailbox.policy]
    raw = Composer(keys, "https://postern.example").write(asking, policy).raw
    text = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    assert text is not None
    (path,) = re.findall(r"https://postern\.example(/people/\S+)", text.get_content())
    status, page = await site.get(path)
    assert status == 200
    assert EVE in page
    assert f"Request #{site.ticket}" in page
    assert SUBJECT in page
    status, page = await site.send(path, answer="in")
    assert status == 200
    assert "Person added" in page
    assert await site.presence() == "active"


async def test_a_declined_person_stays_declined(site: Site) -> None:
    path = await site.approval()
    status, page = await site.send(path, answer="out")
    assert (status, "Person not added" in page) == (200, True)
    for status, page in (await site.send(path, answer="in"), await site.get(path)):
        assert status == 200
        assert "This was already decided" in page
        assert "was not added" in page
        assert "<button" not in page
    assert await site.presence() == "removed"


async def test_the_pages_name_the_person_in_whose_name_they_act(site: Site) -> None:
    _, asking = await site.get(await site.approval())
    _, rating = await site.get(await site.path(LinkUse.FEEDBACK))
    _, decided = await site.send(await site.approval(), answer="in")

    for page in (asking, rating, decided):
        assert f'as <strong class="address">{ANN}</strong>' in page
    (entry,) = [e for e in (await site.ticket_view()).history if e.subject == EVE and e.was]
    assert (entry.actor, entry.source) == (ANN, "web")


async def test_a_link_decides_once_even_if_the_person_is_proposed_again(site: Site) -> None:
    path = await site.approval()
    await site.send(path, answer="out")
    people = table(ParticipantRow)
    again = update(people).where(people.c.address == EVE).values(presence="pending")
    await site.write(lambda c: c.execute(again))

    for status, page in (await site.get(path), await site.send(path, answer="in")):
        assert (status, "<button" in page) == (404, False)
    assert await site.presence() == "pending"


async def test_no_answer_decides_nothing(site: Site) -> None:
    for form in ({}, {"answer": ""}, {"answer": "yes"}):
        status, page = await site.send(await site.approval(), **form)
        assert status == 422
        assert "Please choose one of the options." in page
    assert await site.presence() == "pending"


async def test_a_person_is_added_to_the_ticket_that_the_page_showed_or_to_none(site: Site) -> None:
    """The ticket is merged into one with other content while the page is open; so is feedback."""
    approval, feedback = await site.approval(), await site.path(LinkUse.FEEDBACK)
    (_, ask), (_, rate) = await site.get(approval), await site.get(feedback)
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Leaks"))
    await site.set_ticket(merged_into=goal, status="closed")
    other = replace(site, ticket=goal)

    status, shown = await site.post(approval, **filled_in(ask, {"answer": "in"}))
    rated, again = await site.post(feedback, **filled_in(rate, {"rating": "bad", "text": "Late"}))

    assert (status, rated) == (409, 409)
    for page in (shown, again):
        assert f"the request was merged into #{goal}, which is shown here" in page
        assert f'name="ticket" value="{goal}"' in page
    assert ">\nLate</textarea>" in again
    assert (await other.presence(), await other.notes()) == ("pending", [])


async def test_a_full_ticket_shows_the_limit_and_decides_nothing(site: Site) -> None:
    policy = site.services.runtime.policies["default"]
    one = policy.model_copy(update={"cc": policy.cc.model_copy(update={"per_ticket": 1})})
    async with serving(site.services, {"default": one}) as client:
        form = {"answer": "in", "ticket": str(site.ticket)}
        answer = await client.post(await site.approval(), data=form)
        assert answer.status == 409
        assert f"Request #{site.ticket} may have no more people" in await answer.text()
    assert await site.presence() == "pending"


async def test_a_scanner_that_follows_links_changes_nothing(site: Site) -> None:
    for use in LinkUse:
        path = await site.path(use)
        for method in ("GET", "HEAD", "GET"):
            answer = await site.client.request(method, f"{path}?rating=bad&answer=in")
            assert answer.status == 200
    assert await site.presence() == "pending"
    assert await site.notified()
    assert await site.rating() == ""


def urlencoded() -> object:
    return ONE_CLICK


def multipart() -> object:
    form = FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    return form


def nothing() -> object:
    return b""


@pytest.mark.parametrize("body", [urlencoded, multipart, nothing])
async def test_one_click_unsubscribes_without_cookie_or_redirect(
    site: Site, body: Callable[[], object]
) -> None:
    path = await site.path(LinkUse.UNSUBSCRIBE)
    answer = await site.client.post(path, data=body(), allow_redirects=False)
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    assert "You are unsubscribed" in await answer.text()
    assert not await site.notified()


async def test_the_page_posts_what_one_click_posts(site: Site) -> None:
    path = await site.path(LinkUse.UNSUBSCRIBE)
    _, page = await site.get(path)
    assert 'name="List-Unsubscribe" value="One-Click"' in page
    assert SUBJECT in page


async def test_a_second_click_shows_that_it_was_done_before(site: Site) -> None:
    path = await site.path(LinkUse.UNSUBSCRIBE)
    await site.send(path, **ONE_CLICK)
    for status, page in (await site.send(path, **ONE_CLICK), await site.get(path)):
        assert status == 200
        assert "You are already unsubscribed" in page


async def test_the_rating_in_the_link_is_preselected(site: Site) -> None:
    path = await site.path(LinkUse.FEEDBACK)

    async def plain_buttons(query: str) -> list[str]:
        _, page = await site.get(path + query)
        return re.findall(r'name="rating" value="(\w+)" class="second"', page)

    assert await plain_buttons("?rating=good") == ["bad"]
    assert await plain_buttons("?rating=bad") == ["good"]
    assert await plain_buttons("?rating=great") == ["good", "bad"]
    assert await plain_buttons("") == ["good", "bad"]


async def test_a_rating_is_kept_with_its_text_and_reopens_nothing(site: Site) -> None:
    path = await site.path(LinkUse.FEEDBACK)
    status, page = await site.send(path, rating="bad", text=" Too slow.\r\nToo late.\x1b ")
    assert status == 200
    assert "Thank you" in page
    assert await site.rating() == "bad"
    assert await site.notes() == ["Too slow.\nToo late."]
    assert (await site.ticket_view()).summary.status == "resolved"


async def test_staff_reopen_a_ticket_by_the_link_of_an_alert(site: Site) -> None:
    path = await site.path(LinkUse.REOPEN)
    _, asked = await site.get(path)
    assert (await site.ticket_view()).summary.status == "resolved"

    _, done = await site.send(path)
    _, again = await site.send(path)

    view = await site.ticket_view()
    assert view.summary.status == "open"
    assert [(e.actor, e.source) for e in view.history if e.became == "open"] == [(SAM, "web")]
    assert f'You decide as <strong class="address">{SAM}' in asked
    assert f'Decided as <strong class="address">{SAM}' in done
    assert "It was open before" in again


@pytest.mark.parametrize("use", [LinkUse.FEEDBACK, LinkUse.REOPEN])
async def test_links_of_a_ticket_that_is_long_over_have_ended_and_say_so(
    site: Site, use: LinkUse
) -> None:
    path = await site.path(use)
    now = site.services.runtime.clock  # the store's, which may be some ms behind the system's
    for status in ("resolved", "closed"):
        await site.set_ticket(status=status, status_at=now() - OVER_FOR + HOUR)
        assert (await site.get(path))[0] == 200
        await site.set_ticket(status=status, status_at=now() - OVER_FOR)

        answers = [await site.get(path), await site.send(path, rating="bad", text="No!")]

        for code, page in answers:
            assert (code, "This link has ended" in page, SUBJECT in page) == (410, True, True)
        assert (await site.ticket_view()).summary.status == status
        assert (await site.rating(), await site.notes()) == ("", [])


async def test_the_link_to_reopen_a_merged_ticket_says_where_it_is_now(site: Site) -> None:
    path = await site.path(LinkUse.REOPEN)
    other = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Paper"))
    for with_sam in (True, False):
        if not with_sam:
            await site.remove(SAM, other)
        await site.set_ticket(merged_into=other, status="closed")

        for code, page in (await site.get(path), await site.send(path)):
            assert (code, f"#{site.ticket} was merged into #{other}" in page) == (409, True)
        assert await site.status_of(other) == "resolved"


async def test_a_customer_s_place_on_a_ticket_gives_no_link_that_reopens_it(site: Site) -> None:
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    (ann,) = [m.id for m in (await site.ticket_view()).members if m.address == ANN]
    token = link_token(keys, site.mailbox.id, LinkUse.REOPEN, Link(site.ticket, ann, ""))

    status, _ = await site.send(f"/reopen/{site.mailbox.id}/{token}")

    assert (status, (await site.ticket_view()).summary.status) == (404, "resolved")


async def test_a_later_rating_replaces_the_first(site: Site) -> None:
    path = await site.path(LinkUse.FEEDBACK)
    await site.send(path, rating="bad")
    _, page = await site.get(path)
    assert "Your earlier answer was “not good”." in page
    await site.send(path, rating="good")
    assert await site.rating() == "good"
    assert await site.notes() == []


async def test_one_link_leaves_at_most_ten_notes_and_the_page_says_so(site: Site) -> None:
    path = await site.path(LinkUse.FEEDBACK)
    for i in range(10):
        _, page = await site.send(path, rating="bad", text=f"No. {i}")
        assert "was not stored" not in page

    status, page = await site.send(path, rating="good", text="No. 10")

    assert (status, "Your text was not stored" in page) == (200, True)
    assert await site.rating() == "good"
    assert await site.notes() == [f"No. {i}" for i in range(10)]
    _, page = await site.send(path, rating="bad", text="No. 3")  # it is there already
    assert "was not stored" not in page
    assert await site.rating() == "bad"


@pytest.mark.parametrize(
    ("rating", "text", "error"),
    [
        ("", "Fine", "Please choose one of the options."),
        ("great", "Fine", "Please choose one of the options."),
        ("good", "é" * (LONGEST_TEXT + 1), "at most 2000 characters; yours has 2001"),
    ],
)
async def test_an_invalid_answer_keeps_what_was_typed(
    site: Site, rating: str, text: str, error: str
) -> None:
    status, page = await site.send(await site.path(LinkUse.FEEDBACK), rating=rating, text=text)
    assert status == 422
    assert error in page
    assert f"{text}</textarea>" in page
    assert (await site.rating(), await site.notes()) == ("", [])


async def test_the_longest_text_fits(site: Site) -> None:
    text = "\U0001f600" * LONGEST_TEXT
    status, _ = await site.send(await site.path(LinkUse.FEEDBACK), rating="good", text=text)
    assert status == 200
    assert await site.notes() == [text]


FORGED: list[Callable[[int, str], str]] = [
    lambda number, token: f"{number}/{token[:-3]}{'a' if token[-3] != 'a' else 'b'}{token[-2:]}",
    lambda number, token: f"{number}/{token[:30]}",
    lambda number, token: f"{number}/{token}/",
    lambda number, token: f"{number + 1}/{token}",
    lambda number, token: f"{number}0/{token}",
    lambda _, token: f"x/{token}",
    lambda number, _: f"{number}/",
    lambda number, _: f"{number}/%00%F0%9F%98%80",
    lambda number, _: f"{number}/" + "a" * 4000,
]


@pytest.mark.parametrize("use", LinkUse)
async def test_every_link_that_does_not_work_gets_the_same_page(site: Site, use: LinkUse) -> None:
    good = await site.path(use)
    elsewhere = partial(mailboxes.add_mailbox, address="sales@help.example", policy="default")
    number = await site.write(elsewhere)
    await site.services.runtime.mailbox_cache.current(fresh_s=0)
    token = good.rpartition("/")[2]
    paths = [f"{PATHS[use]}/{forge(site.mailbox.id, token)}" for forge in FORGED]
    paths.append(f"{PATHS[use]}/{number}/{token}")
    paths.extend(good.replace(PATHS[use], PATHS[other]) for other in LinkUse if other is not use)
    answers = {await site.get(path) for path in paths}
    answers |= {await site.send(path, answer="in", rating="bad") for path in paths}
    ((status, page),) = answers
    assert status == 404
    assert "This link does not work" in page
    assert "reply to the email that contains it" in page
    assert await site.notified()
    assert (await site.presence(), await site.rating()) == ("pending", "")


@pytest.mark.parametrize("use", [LinkUse.APPROVE, LinkUse.FEEDBACK])
async def test_a_person_off_the_ticket_gets_the_page_of_a_forged_link(
    site: Site, use: LinkUse
) -> None:
    path = await site.path(use)
    forged = await site.get(f"{PATHS[use]}/1/aaaa")
    await site.remove_ann()
    assert await site.get(path) == forged
    assert await site.send(path, answer="in", rating="bad") == forged


async def test_a_person_off_the_ticket_may_still_unsubscribe_and_learns_nothing(site: Site) -> None:
    path = await site.path(LinkUse.UNSUBSCRIBE)
    await site.remove_ann()
    for status, page in (await site.get(path), await site.send(path, **ONE_CLICK)):
        assert status == 200
        assert "no longer receives email" in page
        assert SUBJECT not in page


ATTACK = "</title></p><script>alert(1)</script>\"'&lt;{{ 6 * 7 }}"


@pytest.mark.parametrize("subject", [ATTACK])
async def test_nothing_of_a_subject_or_a_text_is_markup(site: Site) -> None:
    feedback = await site.path(LinkUse.FEEDBACK)
    pages = [
        await site.get(await site.approval()),
        await site.get(await site.path(LinkUse.UNSUBSCRIBE)),
        await site.get(feedback),
        await site.send(feedback, text=ATTACK),
        await site.send(feedback, text=ATTACK, rating="good"),
        await site.send(await site.approval(), answer="in"),
        await site.send(await site.path(LinkUse.UNSUBSCRIBE)),
    ]
    for _, page in pages:
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "{{ 6 * 7 }}" in page
        assert page.count("</title>") == 1


async def test_every_page_has_the_headers(site: Site) -> None:
    feedback, approval = await site.path(LinkUse.FEEDBACK), await site.approval()
    unsubscribe = await site.path(LinkUse.UNSUBSCRIBE)
    post, shown = site.client.post, {"ticket": str(site.ticket)}
    answers: list[ClientResponse] = [
        await site.client.get(approval),
        await post(approval, data={"answer": "in", **shown}),
        await post(approval, data=b"x", headers={"Content-Type": "text/plain"}),
        await site.client.get(unsubscribe),
        await post(unsubscribe, data=ONE_CLICK),
        await site.client.get(feedback),
        await post(feedback, data={"text": "x"}),
        await post(feedback, data={"text": "x" * 40_000}),
        await post(feedback, data={str(n): "" for n in range(50)}),
        await post(feedback, data={"rating": "good", **shown}),
        await site.client.get("/people/1/aaaa"),
    ]
    assert [a.status for a in answers] == [200, 200, 415, 200, 200, 200, 422, 413, 400, 200, 404]
    for answer in answers:
        page = await answer.text()
        assert {name: answer.headers[name] for name in SAFE} == SAFE
        assert answer.content_type == "text/html"
        assert "Set-Cookie" not in answer.headers
        assert " style=" not in page
        assert "<script" not in page


async def posts_until_refused(site: Site, path: str, **headers: str) -> tuple[ClientResponse, int]:
    """The answer that refuses, and how many posts it took: a bucket fills while a slow machine
    posts."""
    until = time.monotonic() + 30
    posts = 0
    while True:
        answer = await site.client.post(path, headers=headers)
        posts += 1
        if answer.status == 429 or time.monotonic() > until:
            return answer, posts


async def test_a_client_that_posts_too_often_must_wait(site: Site) -> None:
    path = "/unsubscribe/1/aaaa"
    answer, posts = await posts_until_refused(site, path)
    assert answer.status == 429
    assert posts > POSTS_A_MINUTE
    assert answer.headers["Retry-After"] == "60"
    assert (await site.get(await site.path(LinkUse.UNSUBSCRIBE)))[0] == 200
    answer, posts = await posts_until_refused(site, path, **{"X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 429
    assert posts < POSTS_A_MINUTE


async def test_a_store_that_is_down_is_reported_on_a_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("internal secret")

    path = await site.path(LinkUse.UNSUBSCRIBE)
    monkeypatch.setattr(site.services.runtime.database, "read", broken)
    monkeypatch.setattr(site.services.runtime.ledger, "submit", broken)
    for answer in (site.get(path), site.send(path, **ONE_CLICK)):
        status, page = await answer
        assert status == 503
        assert "went wrong on our side" in page
        assert "secret" not in page


async def test_a_rating_posted_many_times_at_once_is_one(site: Site) -> None:
    path = await site.path(LinkUse.FEEDBACK)
    answers = await asyncio.gather(
        *(site.send(path, rating="good", text="Thanks.") for _ in range(6))
    )
    assert {status for status, _ in answers} == {200}
    assert await site.notes() == ["Thanks."]
