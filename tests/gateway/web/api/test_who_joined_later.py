"""Who joins a ticket reads it from then on: each way by which a customer reads, for each of them.

What came before was written to others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from gateway.web.api.operations import Operation
from gateway.web.api.routes import OPERATIONS
from gateway.web.api.scopes import Scope
from tests.gateway.building import multipart, text
from tests.gateway.web.api.site import ANN, BOB, CAT, GIL, SAM, SHARED, Site
from tests.gateway.web.api.test_comment_html import PNG, both, image, mail
from tests.in_process import ANYWHERE, SUPPORT, TRUSTED, a_mail

WAYS: Sequence[Operation[Any]] = [
    each for each in OPERATIONS if Scope.PORTAL in each.scopes and "{number}" in each.path
]
"""Everything that a portal may ask for about one ticket."""
ALL_OF_IT, FROM_THEN_ON = ["EARLIER", "LATER"], ["LATER"]


async def take(
    site: Site, words: str, to: str, cc: str = "", subject: str = "Lift", peer: str = TRUSTED
) -> int:
    """The ticket of a mail of Ann's, in HTML and with an image, which is a file of it too."""
    head = f"From: {ANN}\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    head += f"Cc: {cc}\r\n" if cc else ""
    html = text(f'<p>{words}</p><img src="cid:logo@x">', "html")
    raw = head.encode() + multipart("related", html, image(PNG, "logo@x"))
    (reply,) = await site.postern.take(raw, peer, to)
    return int(reply.text.rpartition("#")[2])


async def conversation(site: Site, mailbox: str) -> int:
    """Ann asks, with Bob in copy; staff add Cat and Gil; she writes again."""
    number = await take(site, "EARLIER", mailbox, cc=BOB)
    await site.effects(number, add=[CAT, GIL])
    assert await take(site, "LATER", mailbox, subject=f"Re: [#{number}] Lift") == number
    return number


async def comments_of(site: Site, number: int, actor: str = SAM) -> list[Any]:
    status, ticket = await site.get(f"/{number}", actor)
    assert status == 200, ticket
    return list(ticket["comments"])


async def texts(site: Site, number: int, actor: str) -> list[str]:
    return [each["text"].split("\n")[0] for each in await comments_of(site, number, actor)]


async def image_of(site: Site, number: int, comment: int) -> str:
    _, body = await site.get(f"/{number}/comments/{comment}/html", SAM)
    (found,) = re.findall(r'src="[^"]*/images/([^"]+)"', body["html"])
    return str(found)


async def read_by(site: Site, way: Operation[Any], number: int, actor: str) -> list[str]:
    """The words of the comments that somebody reads in one way."""
    read = []
    asked = {"status": "open"} if way.method == "PATCH" else None
    for comment in await comments_of(site, number):
        (words,) = re.findall("EARLIER|LATER", comment["text"])
        path = way.path.removeprefix("/api/v1/tickets").format(
            number=number,
            comment=comment["id"],
            attachment=comment["attachments"][0]["id"],
            image=await image_of(site, number, comment["id"]),
        )
        key = str(uuid4()) if asked is not None else None
        shown = []
        for _ in range(2 if asked is not None else 1):  # a repeat gets the ticket as well
            answer = await site.ask(way.method, path, actor, json=asked, key=key)
            assert answer.status in (200, 403, 404), await answer.text()
            is_there = answer.status == 200
            if is_there and "{" not in way.path.removeprefix("/api/v1/tickets/{number}"):
                is_there = words in await answer.text()
            shown.append(is_there)
        assert len(set(shown)) == 1
        read += [words] if shown[0] else []
    return read


@pytest.mark.parametrize(
    ("mailbox", "readers"),
    [
        (SUPPORT, {ANN: ALL_OF_IT, BOB: ALL_OF_IT, CAT: FROM_THEN_ON, GIL: FROM_THEN_ON}),
        # Here the tickets of a company are open to its people, whether they are on them or not.
        (SHARED, {ANN: ALL_OF_IT, BOB: ALL_OF_IT, CAT: ALL_OF_IT, GIL: FROM_THEN_ON}),
    ],
)
async def test_who_joins_a_ticket_reads_what_comes_from_then_on(
    either: Site, mailbox: str, readers: dict[str, list[str]]
) -> None:
    number = await conversation(either, mailbox)
    readers = {SAM: ALL_OF_IT, **readers}

    read = {
        (who, way.name): await read_by(either, way, number, who) for who in readers for way in WAYS
    }

    assert len(WAYS) == 5, "a new way of reading a ticket: the table above asks for it too"
    assert read == {(who, way.name): readers[who] for who in readers for way in WAYS}


async def test_the_answer_says_that_earlier_comments_are_not_shown(either: Site) -> None:
    number = await conversation(either, SUPPORT)
    earlier, later = (each["written_at"] for each in await comments_of(either, number))

    since = {}
    for who in (SAM, ANN, BOB, CAT, GIL):
        _, shown = await either.get(f"/{number}", who)
        _, changed = await either.change(number, who, status="open")
        since[who] = shown["comments_since"]
        assert changed["ticket"]["comments_since"] == since[who]

    assert [since[who] for who in (SAM, ANN, BOB)] == [None, None, None]
    assert earlier < since[GIL] < later
    assert since[CAT] == since[GIL]


async def test_an_image_that_is_only_quoted_is_for_those_who_had_it_before(either: Site) -> None:
    number = await either.mailed()
    await either.effects(number, add=[GIL])
    html = (
        '<p>NEW <img src="cid:new@x"></p><blockquote type="cite"><p>OLD <img src="cid:old@x"></p>'
        "</blockquote>"
    )
    parts = (text(html, "html"), image(PNG, "new@x"), image(PNG, "old@x"))
    raw = mail(multipart("related", *parts), subject=f"Re: [#{number}] Lift")
    await either.postern.take(raw, TRUSTED)
    new, old = (each["id"] for each in (await comments_of(either, number))[-1]["attachments"])

    read = {
        who: [
            (await either.ask("GET", f"/{number}/attachments/{each}", who)).status
            for each in (new, old)
        ]
        for who in (SAM, ANN, GIL)
    }

    assert read == {SAM: [200, 200], ANN: [200, 200], GIL: [200, 403]}


async def test_who_joined_later_reads_what_their_own_comments_quote(either: Site) -> None:
    number = await either.mailed()
    await either.effects(number, add=[GIL])
    html = "<p>Mine.</p><blockquote type='cite'><p>Yours.</p></blockquote>"
    raw = mail(both("Mine.\r\n\r\n> Yours.\r\n", html), GIL, f"Re: [#{number}] Lift")
    await either.postern.take(raw, TRUSTED)

    _, ticket = await either.get(f"/{number}", GIL)

    (mine,) = ticket["comments"]
    assert "Yours." in mine["text"]
    _, shown = await either.get(f"/{number}/comments/{mine['id']}/html", GIL)
    assert "Yours." in shown["html_quoted"]


async def test_a_comment_from_before_is_no_place_to_page_from(site: Site) -> None:
    number = await conversation(site, SUPPORT)
    earlier, later = (each["id"] for each in await comments_of(site, number))

    before_it = await site.get(f"/{number}?before={earlier}", GIL)
    status, before_later = await site.get(f"/{number}?before={later}", GIL)

    assert (before_it[0], before_it[1]["detail"]) == (
        404,
        f"there is no comment {earlier} on #{number}",
    )
    assert (status, before_later["comments"]) == (200, [])
    assert before_later["comments_since"] is not None


async def test_who_is_removed_and_added_again_does_not_read_what_was_written_meanwhile(
    either: Site,
) -> None:
    """Nor what they have read before; their own words they do."""
    number = await either.open(ANN, cc=[BOB])
    await either.effects(number, BOB, comment={"text": "Here too."})
    await either.effects(number, remove=[BOB])
    await either.effects(number, comment={"text": "About Bob."})
    await either.effects(number, add=[BOB], comment={"text": "Welcome back."})

    assert await texts(either, number, BOB) == ["Here too.", "Welcome back."]
    assert len(await texts(either, number, ANN)) == 4


async def test_who_was_proposed_reads_what_comes_from_the_approval_on(either: Site) -> None:
    number = await take(either, "EARLIER", SUPPORT, cc=GIL)
    await take(either, "MEANWHILE", SUPPORT, subject=f"Re: [#{number}] Lift")
    assert (await either.get(f"/{number}", GIL))[0] == 404
    await either.effects(number, ANN, comment={"text": "LAST"})
    await either.effects(number, approve=[GIL])
    await either.effects(number, ANN, comment={"text": "NEXT"})

    assert await texts(either, number, GIL) == ["NEXT"]


async def test_the_requester_reads_their_request(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, requester=CAT)

    assert await texts(site, number, CAT) == ["It is stuck."]


async def test_what_is_published_is_read_by_who_joined_before(either: Site) -> None:
    """It goes out as if it were written then."""
    number = await either.mailed()
    await either.postern.take(a_mail(SAM, f"[#{number}]", "Odd."))
    await either.effects(number, add=[GIL])
    flagged = (await comments_of(either, number))[1]
    assert flagged["visibility"] == "private"
    before = await texts(either, number, GIL)

    await either.effects(number, publish=flagged["id"])

    assert (before, await texts(either, number, GIL)) == ([], ["Odd."])


async def test_a_mail_that_was_held_is_read_by_those_in_copy_of_it(either: Site) -> None:
    """They join by its release, long after it came."""
    number = await either.open(ANN)
    raw = a_mail(ANN, "On the lift", "With Cat.", Cc=CAT)
    await either.postern.take(raw, ANYWHERE, strangers="hold")
    await either.effects(number, comment={"text": "Meanwhile."})
    headers = {"Authorization": "Bearer held-token", "X-Postern-Actor": SAM}
    listed = await either.client.get(f"/api/v1/held?mailbox={SUPPORT}", headers=headers)
    (held,) = (await listed.json())["held"]

    released = await either.client.post(
        f"/api/v1/held/{held['id']}/release", headers=headers, json={"onto": number}
    )

    assert released.status == 200
    assert await texts(either, number, CAT) == ["With Cat."]


async def test_who_comes_by_a_merge_reads_each_ticket_since_they_were_on_it(either: Site) -> None:
    goal, theirs = await either.open(ANN), await either.open(CAT, text="Mine too.")
    await either.effects(theirs, merge_into=goal)
    await either.effects(goal, comment={"text": "To both."})

    assert await texts(either, goal, CAT) == ["To both."]
    assert await texts(either, theirs, CAT) == ["Mine too."]


async def test_what_a_later_comment_quotes_is_not_read_by_who_joined_after_it(
    either: Site,
) -> None:
    """By mail they are sent a comment without what its author's client quotes, too."""
    number = await take(either, "EARLIER", SUPPORT)
    await either.effects(number, add=[GIL])
    quoting = "<p>LATER</p><div class=gmail_quote><blockquote>EARLIER</blockquote></div>"
    subject = f"Re: [#{number}] Lift"
    await either.postern.take(mail(both("LATER\r\n\r\n> EARLIER\r\n", quoting), ANN, subject))
    _, later = await comments_of(either, number)

    (shown,) = await comments_of(either, number, GIL)
    _, as_html = await either.get(f"/{number}/comments/{later['id']}/html", GIL)
    _, in_full = await either.get(f"/{number}/comments/{later['id']}/html", ANN)

    assert "EARLIER" in later["text"]
    assert "EARLIER" in in_full["html_quoted"]
    assert "LATER" in shown["text"]
    assert "LATER" in as_html["html"]
    assert "EARLIER" not in str(shown)
    assert "EARLIER" not in str(as_html)
    assert shown["hidden"] == later["hidden"]
    assert later["hidden"]["kind"] == "quoted text"
