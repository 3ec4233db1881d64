"""What a customer of a portal may cost: nobody else waits, and nobody is flooded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import pytest
from structlog.testing import capture_logs

from gateway import clock
from gateway.clock import new_id
from gateway.outgoing.quoted_comment import Redactor, quoted_comment
from gateway.web import readers
from gateway.web.api.access import CONTEXT
from rules.decision.effects import CommentWritten, NewComment, notified
from rules.mail import Attachment
from rules.mail.extent import READ_CHARACTERS
from rules.sender.masking import Masker
from rules.sender.tokens import Link, LinkUse, link_token
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import NewCommentPayload
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.notices import outbox
from storage.registry.signing_keys import load_keys
from storage.ticket import read
from storage.ticket.rows import ChangeContext
from storage.ticket.write import write
from tests.gateway.web.api.site import ANN, BOB, SAM, Site
from tests.gateway.web.masking_threads import masking_threads
from tests.gateway.web.threads import threads_of
from tests.in_process import SUPPORT, a_mail

COSTLY = "aHR0cHM6Ly9" + "q" * 60 + " "
LONG = COSTLY * 1380
"""Just below the longest text of a comment, all of it to be searched for links in base64."""
EVE = "eve@evil.example"
SHOWN = 10
"""Of these fit into one response."""


async def test_a_long_ticket_is_shown_outside_of_the_event_loop(site: Site) -> None:
    number = await site.open(ANN)
    for i in range(8):
        await site.effects(number, ANN, comment={"text": f"{LONG}{i}"})
    masker = Masker(await site.read(load_keys), (1, 2, 3), frozenset({SUPPORT}))
    masking_from = time.thread_time()
    masker.mask(LONG)
    masking_s = time.thread_time() - masking_from

    loop_from = time.thread_time()
    await site.effects(number, ANN, comment={"text": "one more"})

    assert time.thread_time() - loop_from < 3 * masking_s


async def test_what_takes_long_to_decide_is_decided_outside_of_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules read five thousand lines of a comment, as they do of a mail."""
    api = "gateway.web.api.tickets"
    threads = threads_of(monkeypatch, f"{api}.change_loaded", f"{api}.open_requested")
    number = await site.open(ANN, text="long\n" * 4000)
    await site.effects(number, ANN, comment={"text": "long\n" * 4000})
    await site.effects(number, SAM, add=[f"{n}@elsewhere.example" for n in range(20)])
    await site.effects(number, SAM, split=1)

    assert threads
    assert threading.get_ident() not in threads


async def test_a_list_is_shown_outside_of_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = masking_threads(monkeypatch)
    for _ in range(20):
        await site.open(SAM, requester=ANN, subject="&#43;a:\n+\u200b=41" * 20)

    listed = await site.numbers(f"?mailbox={SUPPORT}", ANN)

    assert len(listed) == 20
    assert threads
    assert threading.get_ident() not in threads


async def test_subjects_and_names_are_masked_once_for_many_reads(site: Site) -> None:
    number = await site.open(ANN, subject="&#43;a:\n+\u200b=41" * 20)
    masked_texts = site.client.app[CONTEXT].masked_texts

    await site.get(f"/{number}", ANN)
    remembered = masked_texts.size
    await site.get(f"?mailbox={SUPPORT}", ANN)

    assert 0 < remembered == masked_texts.size


async def test_mail_is_taken_while_customers_read_costly_tickets(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "STORE_S", 60)  # each of them gets its turn on a busy machine
    context = site.client.app[CONTEXT]
    begun, released = threading.Event(), threading.Event()

    def slow(_: Connection) -> str:
        begun.set()
        released.wait(10)
        return "shown"

    reading = [asyncio.create_task(context.show(slow, f"user{n}@acme.example")) for n in range(20)]
    await asyncio.to_thread(begun.wait, 10)
    await site.mailed(a_mail(BOB, "Another matter"))

    assert not any(each.done() for each in reading)
    released.set()
    assert await asyncio.gather(*reading) == ["shown"] * 20


async def test_a_ticket_is_shown_once_the_one_before_is_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody waits for that one any more."""
    monkeypatch.setattr(readers, "STORE_S", 0.05)
    context = site.client.app[CONTEXT]
    begun, released = threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        begun.set()
        released.wait(10)

    first = asyncio.create_task(context.show(slow, ANN))
    await asyncio.to_thread(begun.wait, 10)
    first.cancel()

    with capture_logs() as logged:
        busy, _ = await site.get("/1", SAM)
    released.set()
    monkeypatch.setattr(readers, "STORE_S", 8)
    free, _ = await site.get("/1", SAM)

    assert (busy, free) == (503, 404)
    assert [(each["event"], each["actor"]) for each in logged] == [("api_busy", SAM)]
    assert b"postern_api_busy_total 1.0" in context.runtime.metrics.render()


async def test_of_many_long_comments_the_latest_have_their_texts(site: Site) -> None:
    number = await site.open(ANN)
    for i in range(SHOWN + 2):
        await site.effects(number, ANN, comment={"text": f"{LONG}{i}"})

    _, ticket = await site.get(f"/{number}", ANN)

    shortened = [c["shortened"] for c in ticket["comments"]]
    assert shortened == [True] * 3 + [False] * SHOWN
    assert [c["text"] == "" for c in ticket["comments"]] == shortened

    first = ticket["comments"][3]["id"]
    _, earlier = await site.get(f"/{number}?before={first}", ANN)
    assert [c["text"][-9:] for c in earlier["comments"]] == [
        "is stuck.",
        *(f"{LONG}{i}"[-9:] for i in (0, 1)),
    ]
    assert not any(c["shortened"] for c in earlier["comments"])


async def test_before_names_a_comment_that_its_reader_may_see(either: Site) -> None:
    number, other = await either.open(ANN), await either.open(ANN)
    await either.effects(number, SAM, comment={"text": "secret", "visibility": "note"})
    note = (await either.ticket_view(number)).comments[-1].id
    elsewhere = (await either.ticket_view(other)).comments[0].id

    for wanted in (elsewhere, note, 10**17):
        status, body = await either.get(f"/{number}?before={wanted}", ANN)
        assert (status, body["detail"]) == (404, f"there is no comment {wanted} on #{number}")
    status, body = await either.get(f"/{number}?before={note}", SAM)
    assert (status, [c["text"] for c in body["comments"]]) == (200, ["It is stuck."])


async def test_a_long_text_is_masked_once_for_many_reads(site: Site) -> None:
    number = await site.open(ANN)
    for i in range(SHOWN):
        await site.effects(number, ANN, comment={"text": f"{LONG}{i}"})
    masked = site.client.app[CONTEXT].masked_texts
    assert 0 < masked.size < 2 * SHOWN * len(LONG)
    before = time.process_time()
    masker = Masker(await site.read(load_keys), (1, 2, 3), frozenset({SUPPORT}))
    for _ in range(SHOWN):
        masker.mask(LONG)
    masking_s = time.process_time() - before

    before = time.process_time()
    _, ticket = await site.get(f"/{number}", ANN)

    assert time.process_time() - before < masking_s / 2
    assert [c["text"] for c in ticket["comments"][1:]] == [f"{LONG}{i}" for i in range(SHOWN)]


async def test_of_texts_larger_than_memory_the_latest_are_read(either: Site) -> None:
    number = await either.open(ANN)
    long = "x" * (READ_CHARACTERS + 2)
    await either.write(partial(_as_if_mailed, number=number, texts=[long] * 18))

    view = await either.ticket_view(number)

    assert sum(len(comment.text) for comment in view.comments) <= read.TEXTS_READ
    assert [len(comment.text) for comment in view.comments[-15:]] == [READ_CHARACTERS + 2] * 15
    assert [comment.text_left_out for comment in view.comments] == [True] * 4 + [False] * 15
    _, early = await either.get(f"/{number}?before={view.comments[2].id}", ANN)
    assert [len(comment["text"]) for comment in early["comments"]] == [12, READ_CHARACTERS]
    assert [comment["shortened"] for comment in early["comments"]] == [False, True]


async def test_nothing_of_a_link_is_shown_where_the_cut_of_a_long_text_divides_it(
    site: Site,
) -> None:
    number = await site.open(ANN)
    token = link_token(await site.read(load_keys), 1, LinkUse.APPROVE, Link(1, 1, EVE))
    for shown in (20, len(token) - 5):
        text = "x" * (READ_CHARACTERS - shown - 1) + " " + token + " and more"
        order = NoticeOrder(NoticeKind.NEW_COMMENT, SAM, payload=NewCommentPayload(), quotes=True)
        await site.write(partial(_as_if_mailed, number=number, texts=[text], orders=(order,)))

        _, ticket = await site.get(f"/{number}", ANN)

        last = ticket["comments"][-1]
        assert (last["shortened"], token[:12] in last["text"]) == (True, False)
    (notice, *_) = [
        each
        for each in await site.write(partial(outbox.claim, now=clock.now(), limit=100))
        if each.comment is not None and token in each.comment.text
    ]
    masker = Masker(await site.read(load_keys), (1, 2, 3), frozenset({SUPPORT}))
    policy = site.postern.services.runtime.policies["default"]
    quoted = quoted_comment(notice, policy, Redactor(masker))
    assert quoted is not None
    assert quoted.shortened
    assert token[:12] not in quoted.text


async def test_the_notices_of_a_mail_do_not_have_its_whole_text_in_memory(either: Site) -> None:
    number = await either.open(ANN)
    sam = NoticeOrder(NoticeKind.NEW_COMMENT, SAM, payload=NewCommentPayload(), quotes=True)
    texts = ["x" * (READ_CHARACTERS + 2)]
    await either.write(partial(_as_if_mailed, number=number, texts=texts, orders=(sam, sam)))

    due = await either.write(partial(outbox.claim, now=clock.now(), limit=100))

    quoted = [len(n.comment.text) for n in due if n.kind is sam.kind and n.comment is not None]
    assert quoted == [READ_CHARACTERS + 2] * 2


async def test_of_thousands_of_files_those_of_the_latest_mails_are_listed(either: Site) -> None:
    number, texts = await either.open(ANN), ["first", "second", "third"]
    names = [f"{i}.txt" for i in range(read.FILES_READ // 2 + 1)]
    await either.write(partial(_as_if_mailed, number=number, texts=texts, files=names))

    _, ticket = await either.get(f"/{number}", ANN)

    comments = ticket["comments"]
    listed = [[each["name"] for each in comment["attachments"]] for comment in comments]
    assert listed == [[], [], names[:-2], names]
    assert [comment["attachments_shortened"] for comment in comments] == [False, True, True, False]
    _, before = await either.get(f"/{number}?before={comments[2]['id']}", ANN)
    assert [each["name"] for each in before["comments"][1]["attachments"]] == names


async def test_what_a_change_does_not_send_is_reported_counted_and_logged(site: Site) -> None:
    number = await site.open(ANN)
    forty = (NoticeOrder(NoticeKind.COMMENT, ANN),) * 40
    await site.write(partial(_as_if_mailed, number=number, texts=["x"], orders=forty))

    with capture_logs() as logged:
        effects = await site.effects(number, SAM, status="resolved")

    assert any(each.startswith("notices not sent") and each.endswith(": 1") for each in effects)
    (event,) = [each for each in logged if each["event"] == "notices_withheld"]
    assert (event["ticket"], event["notices"], event["cause"]) == (number, 1, "api")
    metrics = site.client.app[CONTEXT].runtime.metrics.render().decode()
    assert "postern_notices_withheld_total 1.0" in metrics


def _as_if_mailed(
    connection: Connection,
    number: int,
    texts: list[str],
    orders: tuple[NoticeOrder, ...] = (),
    files: Sequence[str] = (),
) -> None:
    mailbox, now = read.mailbox_of(connection, number), clock.now()
    assert mailbox is not None
    context = ChangeContext(mailbox, ANN, Source.MAIL, now, new_id)
    attached = tuple(Attachment("1", name, "text/plain", 1, "", inline=False) for name in files)
    for text in texts:
        comment = NewComment(ANN, Visibility.PUBLIC, text, now, "dkim", attachments=attached)
        written = CommentWritten(comment)
        write(connection, context, number, [written, *notified(orders)], None)


async def test_tickets_of_a_customer_have_the_budget_of_their_mails(either: Site) -> None:
    for _ in range(10):
        await either.open(ANN)

    status, body = await either.opened(ANN)

    assert status == 409
    assert "has opened 10 tickets within the hour" in body["detail"]
    assert (await either.opened(BOB))[0] == 201
    assert (await either.opened(SAM, requester=ANN))[0] == 201


async def test_a_customer_s_budget_of_tickets_is_not_used_up_by_those_that_others_open_for_them(
    either: Site,
) -> None:
    for n in range(5):
        closed = await either.mailed(a_mail(ANN, text=f"No. {n}", Cc=BOB))
        await either.effects(closed, status="closed")
        again = a_mail(BOB, f"Re: [#{closed}] Printer", f"Still no. {n}")
        assert await either.mailed(again) != closed
        await either.opened(SAM, requester=ANN)

    assert (await either.opened(ANN))[0] == 201
    for _ in range(5):
        await either.open(BOB)
    assert (await either.opened(BOB))[0] == 409  # with his five follow-ups


async def test_comments_of_a_customer_have_the_budget_of_their_mails(either: Site) -> None:
    number, other = await either.open(ANN), await either.open(ANN)
    lately = await either.read(partial(read.ticket_view, number=number))
    assert lately is not None
    row = lately.comments[0]
    await either.write(partial(_as_if_written, number=number, at=row.written_at, count=197))
    assert (await either.change(number, ANN, comment={"text": "the last one"}))[0] == 200

    status, body = await either.change(other, ANN, comment={"text": "one more"})

    assert status == 409
    assert body["detail"] == (
        "ann@acme.example has written 200 comments within the hour; try again later"
    )
    assert len((await either.ticket_view(other)).comments) == 1
    assert (await either.change(other, ANN, status="closed"))[0] == 200
    assert (await either.change(number, SAM, comment={"text": "Hello Ann"}))[0] == 200
    await either.effects(number, SAM, add=[BOB])
    assert (await either.change(number, BOB, comment={"text": "me too"}))[0] == 200


def _as_if_written(connection: Connection, number: int, at: datetime, count: int) -> None:
    mailbox = read.mailbox_of(connection, number)
    assert mailbox is not None
    context = ChangeContext(mailbox, ANN, Source.API, at, new_id)
    for i in range(count):
        comment = NewComment(ANN, Visibility.PUBLIC, f"no. {i}", at, Source.API.value)
        write(connection, context, number, [CommentWritten(comment)], None)


async def test_a_customer_s_seventh_change_of_a_severity_within_the_hour_is_refused(
    either: Site,
) -> None:
    number = await either.open(ANN)
    for level in ("critical", "high") * 3:
        await either.effects(number, ANN, severity=level, why="it is worse")

    status, body = await either.change(number, ANN, severity="critical", why="it is worse")

    assert status == 409
    assert "changed the severity of #1 6 times within the hour; try again after" in body["detail"]
    await either.effects(number, SAM, severity="critical", why="it is true")
    other = await either.open(ANN)
    await either.effects(other, ANN, severity="critical", why="another one")


INVISIBLE = "\u3164\u200b\u2800 \n\u00ad\ufe0f"


async def test_texts_that_nobody_sees_are_refused(site: Site) -> None:
    number = await site.open(ANN)
    status, body = await site.change(number, ANN, comment={"text": INVISIBLE})
    assert status == 409
    assert "the comment has only characters that nobody sees" in body["detail"]
    for field in ("subject", "text"):
        status, body = await site.opened(ANN, **{field: INVISIBLE.replace("\n", "")})
        assert (status, body["detail"]) == (
            409,
            f"the {field} has only characters that nobody sees",
        )
    done = await site.effects(number, ANN, comment={"text": "\U0001f44d\ufe0f"})
    assert "comment added" in str(done)


async def test_a_customer_who_adds_a_person_does_not_learn_that_they_were_removed(
    site: Site,
) -> None:
    number = await site.open(ANN)
    await site.effects(number, SAM, add=[BOB])
    await site.effects(number, SAM, remove=[BOB])

    status, body = await site.change(number, ANN, add=[BOB])

    never = f"{BOB} cannot be added by customers; ask staff"
    assert (status, body["detail"]) == (409, never)
