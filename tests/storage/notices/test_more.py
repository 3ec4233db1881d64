"""The late mails of a full hour: one summary, and one acknowledgement for several tickets."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from gateway.outgoing.compose import Composer
from rules.decision.considered import Attempt
from rules.mail.extent import FILES_NAMED
from rules.people import ParticipantKind
from rules.service.more import EXAMINED, OWN_COMMENTS, SHOWN
from rules.ticket.changes import AddPerson, PublishComment, RemovePerson
from rules.ticket.notices import NoticeKind, NoticeState
from rules.ticket.payloads import AcknowledgementPayload
from storage.db.tables import AttachmentRow, CommentRow, NoticeRow, PersonRow, TicketRow, table
from storage.mail.filing import file
from storage.notices import more, outbox
from storage.notices.outbox import Notice
from tests.gateway.outgoing.notices import read, text_of
from tests.rules.building import (
    ANN,
    BOB,
    GIL,
    KEYS,
    NOON,
    NOTHING,
    SAM,
    SUPPORT,
    a_mail,
    policy_with,
)
from tests.storage.shop import Shop, opened

_comment, _notice, _attachment = table(CommentRow), table(NoticeRow), table(AttachmentRow)
_ticket, _person = table(TicketRow), table(PersonRow)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def claim(shop: Shop, at: datetime) -> list[Notice]:
    """What is sent by then, as the dispatcher takes and completes it."""
    sent = []
    for notice in shop.write(lambda c: outbox.claim(c, at, 1000)):
        completed = shop.database.read(lambda c, one=notice: more.as_it_is_sent(c, one))  # type: ignore[misc]
        if completed is not None:
            sent.append(completed)
            shop.write(lambda c, one=notice: outbox.sent(c, [one.id], at))  # type: ignore[misc]
    return sent


def write_comments(shop: Shop, number: int, many: int, at: datetime, **values: Any) -> list[int]:
    """Comments directly in the store, past the rules."""
    row = {"mailbox_id": shop.mailbox.id, "ticket_id": number, "author": ANN.address}
    row |= {"visibility": "public", "text": "x", "proof": "dkim:acme.example", "subject": ""}
    row |= {"charset_guessed": False, "written_at": at} | values
    made = insert(_comment).values([row] * many).returning(_comment.c.id)
    return list(shop.write(lambda c: c.execute(made).scalars().all()))


def order_directly(
    shop: Shop, number: int, kind: NoticeKind, *addresses: str, **values: Any
) -> None:
    """Notices directly in the store, past the rules."""
    row: dict[str, Any] = {"mailbox_id": shop.mailbox.id, "ticket_id": number, "state": "due"}
    row |= {"kind": kind.value, "detail": "{}", "created_at": NOON, "due_at": NOON}
    row |= {"language": "", "source": "", "actor": "", "attempts": 0, "last_error": ""}
    rows = [row | values | {"id": shop.new_id(), "address": each} for each in addresses]
    shop.write(lambda c: c.execute(insert(_notice), rows))


def conversation(shop: Shop, mails: int, author: str = ANN.address) -> int:
    """A ticket of Ann's with Bob on it, and as many comments, one a minute."""
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    for minute in range(1, mails + 1):
        at = NOON + minute * MINUTE
        shop.take(a_mail(author, text=f"word {minute}"), shop.token(number, author), at=at)
    return number


def summary_of(claimed: list[Notice], address: str) -> list[Notice]:
    kinds = (NoticeKind.MORE, NoticeKind.STAFF_MORE)
    return [n for n in claimed if n.kind in kinds and n.address == address]


def text(shop: Shop, notice: Notice) -> str:
    return text_of(read(Composer(KEYS, "https://postern.example").write(notice, shop.policy)))


def test_everybody_is_sent_once_what_a_full_hour_withheld(shop: Shop) -> None:
    number = conversation(shop, 24)
    claim(shop, NOON + 30 * MINUTE)

    late = claim(shop, NOON + HOUR + MINUTE)

    (to_bob,) = summary_of(late, BOB.address)
    (to_sam,) = summary_of(late, SAM.address)
    assert (to_bob.ticket, to_bob.more.number) == (number, 4)
    shown = text(shop, to_bob)
    assert "4 comments, since " in shown
    assert [f"word {n}\n" in shown for n in (20, 21, 24)] == [False, True, True]
    assert to_sam.more.number >= 4
    assert "word 24" in text(shop, to_sam)
    assert not summary_of(claim(shop, NOON + 5 * HOUR), BOB.address)


@pytest.mark.parametrize(
    ("staff", "name"),
    [
        ("Sam", "Sam"),
        ("Sam", "SAM"),
        ("Sam", "Sa\u200dm "),
        ("Sam", "Sa\u00adm"),
        ("Sam", "\u3164Sam"),
        ("Sam", "Sam\ufe0f"),
        ("Sam", "Sa\u180bm\u180f"),
        ("Sam", "S\u2065am\U000e0fff"),
        ("Sam", "Sam."),
        ("Sam", "S_a-m"),
        ("Sam", "Ｓａｍ"),
        ("Jörg Sam", "JÖRG SAM"),
        ("Jörg Sam", "Jo\u00ad\u0308rg  Sam"),
        ("Jörg\u00ad Sam", "Jörg Sam"),
        ("Sam", "Sam Bell"),
        ("Sam", ""),
    ],
)
def test_a_customer_with_the_name_of_a_staff_person_is_shown_by_their_address(
    shop: Shop, staff: str, name: str
) -> None:
    """Customers choose their name when they sign up."""

    def rename(connection: Connection) -> None:
        for address, own in ((BOB.address, name), (SAM.address, staff)):
            named = update(_person).where(_person.c.address == address)
            connection.execute(named.values(name=own))

    shop.write(rename)
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    for author, words in ((BOB.address, "A question."), (SAM.address, "An answer.")):
        sent = a_mail(author, text=words, message_id=f"<{author}>")
        shop.take(sent, shop.token(number, author), at=NOON + MINUTE)

    mails = [
        read(Composer(KEYS, "https://postern.example").write(notice, shop.policy))
        for notice in claim(shop, NOON + HOUR)
        if notice.kind is NoticeKind.COMMENT and notice.address == ANN.address
    ]

    shown = {text_of(mail).partition(" wrote:")[0]: str(mail["From"]) for mail in mails}
    support, of_staff = "<support@help.example>", staff.replace("\u00ad", "")
    theirs = (
        {f"Sam Bell <{BOB.address}>": f"Sam Bell via Support {support}"}
        if name == "Sam Bell"
        else {BOB.address: f"Support {support}"}
    )
    assert shown == {of_staff: f"{of_staff} via Support {support}"} | theirs


def test_a_customer_is_not_shown_what_only_staff_may_read(shop: Shop) -> None:
    number = conversation(shop, 21)
    stranger = "pat@acme.example"
    shop.set_participant(number, BOB.address, part=ParticipantKind.USER.value)
    at = NOON + 22 * MINUTE
    shop.take(a_mail(stranger, text="a secret"), shop.token(number, ANN.address), at=at)
    shop.take(a_mail(SAM.address, text="a note"), shop.token(number, ANN.address), at=at)

    (summary,) = summary_of(claim(shop, NOON + 2 * HOUR), BOB.address)

    assert [each.text for each in summary.more.latest] == ["word 21"]


def test_who_joined_within_the_hour_is_not_sent_what_was_written_before(shop: Shop) -> None:
    """It was written to others. What is written with the change that adds them is theirs."""
    number = opened(shop.take(a_mail()))
    shop.take(a_mail(text="the price"), shop.token(number, ANN.address), at=NOON + 5 * MINUTE)
    adding = a_mail(SAM.address, text="The plan.", to=(SUPPORT,), cc=(GIL.address,))
    shop.take(adding, shop.token(number, SAM.address), at=NOON + 10 * MINUTE)
    asks = a_mail(GIL.address, text="#digest")

    shop.take(asks, shop.token(number, GIL.address), at=NOON + 20 * MINUTE)

    (summary,) = summary_of(claim(shop, NOON + 21 * MINUTE), GIL.address)
    assert [each.text for each in summary.more.latest] == ["The plan."]


def test_nor_is_who_was_removed_what_was_written_meanwhile(shop: Shop) -> None:
    shop.policy = policy_with("budgets", notices_per_hour=1)
    number = conversation(shop, 3)
    left, back = (shop.context(NOON + minute * MINUTE) for minute in (5, 15))

    shop.change(number, RemovePerson(BOB.address), context=left)
    for minute, words in ((10, "on Bob"), (20, "later")):
        at = NOON + minute * MINUTE
        shop.take(a_mail(text=words), shop.token(number, ANN.address), at=at)
        if minute == 10:
            shop.change(number, AddPerson(BOB.address), context=back)

    (summary,) = summary_of(claim(shop, NOON + 2 * HOUR), BOB.address)
    assert [each.text for each in summary.more.latest] == ["later"]


def test_the_success_manager_is_shown_the_answers_alone(shop: Shop) -> None:
    number, max_ = opened(shop.take(a_mail())), "max@help.example"
    write_comments(shop, number, 1, NOON + MINUTE, text="It does not print.")
    write_comments(shop, number, 1, NOON + MINUTE, text="> E17\nWe replace it.", author=SAM.address)
    since = json.dumps({"since": NOON.isoformat()})
    order_directly(shop, number, NoticeKind.MANAGER_MORE, max_, detail=since)

    (summary,) = [n for n in claim(shop, NOON + HOUR) if n.address == max_]

    assert [each.text for each in summary.more.latest] == ["> E17\nWe replace it."]
    assert not summary.more.latest[0].by_mail
    assert "E17" in text(shop, summary)  # not of a mail: a marked line is meant to be read
    assert "Please pass these answers on." in text(shop, summary)


def test_somebody_who_writes_like_a_machine_gets_none(shop: Shop) -> None:
    number = conversation(shop, 15)
    for minute in range(16, 31):
        at = NOON + minute * MINUTE
        shop.take(a_mail(BOB.address, text=f"b {minute}"), shop.token(number, BOB.address), at=at)
    for minute in range(31, 39):
        at = NOON + minute * MINUTE
        shop.take(a_mail(text=f"a {minute}"), shop.token(number, ANN.address), at=at)

    assert not summary_of(claim(shop, NOON + 2 * HOUR), BOB.address)


def test_two_more_tickets_within_the_pause_get_one_acknowledgement_after_it(shop: Shop) -> None:
    first, second, third = (
        opened(shop.take(a_mail(subject=f"Matter {n}"), at=NOON + n * MINUTE)) for n in range(3)
    )
    at_once = [n.ticket for n in claim(shop, NOON + 3 * MINUTE) if n.address == ANN.address]

    (late,) = [n for n in claim(shop, NOON + 10 * MINUTE) if n.address == ANN.address]

    assert at_once == [first]
    assert late.ticket == second
    assert late.payload == AcknowledgementPayload(late.payload.questions, (f"#{third}: Matter 2",))  # type: ignore[attr-defined]
    assert f"* #{third}: Matter 2" in text(shop, late)
    waiting = [n for n in shop.notices(ANN.address) if n.state is NoticeState.DUE]
    assert waiting == []


def test_a_late_acknowledgement_says_what_became_of_its_tickets(shop: Shop) -> None:
    first, second, third, fourth = (
        opened(shop.take(a_mail(subject=f"Matter {n}"), at=NOON + n * MINUTE)) for n in range(4)
    )
    claim(shop, NOON + 4 * MINUTE)
    set_ticket(shop, third, deleted_at=NOON)
    set_ticket(shop, fourth, merged_into=first, status="closed")
    set_ticket(shop, second, merged_into=first, status="closed")

    (late,) = [n for n in claim(shop, NOON + HOUR) if n.address == ANN.address]

    assert late.ticket == second
    shown = text(shop, late)
    assert f"* #{second} → #{first}: Matter 1" in shown
    assert f"* #{fourth} → #{first}: Matter 3" in shown
    assert f"#{third}" not in shown


def test_the_late_acknowledgement_of_a_deleted_ticket_goes_out_for_those_it_names(
    shop: Shop,
) -> None:
    _, second, third, fourth, fifth = (
        opened(shop.take(a_mail(subject=f"Matter {n}"), at=NOON + n * MINUTE)) for n in range(5)
    )
    claim(shop, NOON + 5 * MINUTE)
    for number in (second, third):
        set_ticket(shop, number, deleted_at=NOON)

    sent = [claim(shop, NOON + HOUR) for _ in range(2)]

    (late,) = [n for each in sent for n in each if n.address == ANN.address]
    assert (late.ticket, late.payload) == (
        fourth,
        AcknowledgementPayload(also=(f"#{fifth}: Matter 4",)),
    )


def set_ticket(shop: Shop, number: int, **values: Any) -> None:
    change = update(_ticket).where(_ticket.c.id == number).values(**values)
    shop.write(lambda c: c.execute(change).rowcount)


def test_one_that_a_clock_ahead_of_ours_sent_does_not_stop_the_next_ticket(shop: Shop) -> None:
    ahead = NOON + 11 * MINUTE
    shop.take(a_mail(subject="Matter 0"), at=ahead)
    claim(shop, ahead)

    second, third = (opened(shop.take(a_mail(subject=f"Matter {n}"), at=NOON)) for n in (1, 2))

    (late,) = [n for n in claim(shop, NOON + 10 * MINUTE) if n.address == ANN.address]
    assert late.ticket == second
    assert f"* #{third}: Matter 2" in text(shop, late)


def test_a_ticket_gets_its_own_acknowledgement_while_the_one_that_waited_is_being_sent(
    shop: Shop,
) -> None:
    for n in (0, 1):
        shop.take(a_mail(subject=f"Matter {n}"), at=NOON + n * MINUTE)
    taken = shop.write(lambda c: outbox.claim(c, NOON + 10 * MINUTE, 1000))

    third = opened(shop.take(a_mail(subject="Matter 2"), at=NOON + 9 * MINUTE))

    assert [n.state for n in shop.notices(ANN.address) if n.ticket == third] == [NoticeState.DUE]
    assert len([n for n in taken if n.address == ANN.address]) == 2


def test_the_receipt_of_a_refused_reply_has_its_text_to_be_sent_again(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    claim(shop, NOON)
    mine = "#stauts open\n\nPlease restart it.\n\n> It does not print."

    shop.take(a_mail(SAM.address, text=mine), shop.token(number, SAM.address), at=NOON + MINUTE)

    (receipt,) = [n for n in claim(shop, NOON + MINUTE) if n.kind is NoticeKind.RECEIPT]
    shown = text(shop, receipt)
    assert receipt.address == SAM.address
    assert "Nothing was done, and nothing was published:" in shown
    assert "kept as a private draft, which your colleagues see" in shown
    assert "#stauts open\n\nPlease restart it." in shown


def test_the_receipt_of_a_reply_to_the_plain_address_says_how_to_publish_it(shop: Shop) -> None:
    number = opened(shop.take(a_mail(message_id="<first@acme.example>")))
    claim(shop, NOON)

    reply = a_mail(SAM.address, text="Restart it.", in_reply_to=("<first@acme.example>",))
    shop.take(reply, at=NOON + MINUTE)

    (receipt,) = [n for n in claim(shop, NOON + MINUTE) if n.kind is NoticeKind.RECEIPT]
    shown = text(shop, receipt)
    assert receipt.comment is not None
    assert f"postern tickets set {number} --publish {receipt.comment.number}" in shown
    assert "Restart it." in shown


def test_what_others_may_have_written_in_a_readers_name_costs_them_no_summary(shop: Shop) -> None:
    number = conversation(shop, 24)
    due = shop.write(lambda c: outbox.claim(c, NOON + 2 * HOUR, 1000))
    (summary,) = summary_of(due, BOB.address)

    def is_sent_after(many: int, **values: str) -> bool:
        write_comments(shop, number, many, NOON + 10 * MINUTE, author=BOB.address, **values)
        return shop.database.read(lambda c: more.as_it_is_sent(c, summary)) is not None

    assert is_sent_after(OWN_COMMENTS, proof="token", visibility="private")
    assert is_sent_after(OWN_COMMENTS, proof="nothing", visibility="private")
    assert is_sent_after(OWN_COMMENTS, visibility="folded")
    assert is_sent_after(OWN_COMMENTS - 1)
    assert not is_sent_after(1, proof="api")


def test_a_claim_reads_no_text_of_fifty_summaries_and_sending_one_reads_beginnings(
    shop: Shop,
) -> None:
    number = opened(shop.take(a_mail()))
    ids = write_comments(shop, number, SHOWN + 5, NOON + MINUTE, text="x" * (256 * 1024))
    file = {"mailbox_id": shop.mailbox.id, "part": "2", "content_type": "text/plain"}
    file |= {"size_bytes": 1, "content_id": "", "inline": False, "comment_id": ids[-1]}
    files = [file | {"name": f"{n}.txt"} for n in range(2000)]
    shop.write(lambda c: c.execute(insert(_attachment), files))
    readers = [f"s{n}@help.example" for n in range(50)]
    claim(shop, NOON)
    detail = json.dumps({"since": (NOON + MINUTE).isoformat()})
    order_directly(shop, number, NoticeKind.STAFF_MORE, *readers, detail=detail)

    tracemalloc.start()
    claimed = shop.write(lambda c: outbox.claim(c, NOON + HOUR, 50))
    _, of_the_claim = tracemalloc.get_traced_memory()
    shop.database.read(lambda c: more.as_it_is_sent(c, claimed[0]))  # compiles the statements
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    sent = shop.database.read(lambda c: more.as_it_is_sent(c, claimed[0]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(claimed) == 50
    assert of_the_claim < 2_000_000
    assert most - before < 3 * SHOWN * EXAMINED
    assert sent is not None
    assert (sent.more.number, len(sent.more.latest)) == (SHOWN + 5, SHOWN)
    assert {len(each.text) for each in sent.more.latest} == {EXAMINED + 1}
    last = sent.more.latest[-1]
    assert (len(last.attachments), last.files_left_out) == (FILES_NAMED, 2000 - FILES_NAMED)
    shown = text(shop, sent)
    assert "… (+1995)" in shown
    assert "[Shortened." in shown


def test_a_comment_that_was_written_before_and_published_now_is_in_the_summary(shop: Shop) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    flagged = a_mail(ANN.address, text="from the beginning")
    shop.take(flagged, shop.token(number, ANN.address), at=NOON + MINUTE, proof=NOTHING)
    claim(shop, NOON + 2 * MINUTE)
    enough = [BOB.address] * 60
    order_directly(shop, number, NoticeKind.FOLLOW_UP, *enough, state="sent")
    (private,) = shop.database.read(
        lambda c: (
            c.execute(select(_comment.c.id).where(_comment.c.visibility == "private"))
            .scalars()
            .all()
        )
    )

    shop.change(number, PublishComment(private), context=shop.context(NOON + 20 * MINUTE))

    (summary,) = summary_of(claim(shop, NOON + 3 * HOUR), BOB.address)
    assert [each.text for each in summary.more.latest] == ["from the beginning"]


def test_a_mail_that_was_held_for_days_is_in_the_summary(shop: Shop) -> None:
    number = conversation(shop, 21)
    held = shop.entry(a_mail(text="held for days"), shop.token(number, ANN.address))
    released = replace(held, attempt=Attempt(NOON + 25 * MINUTE, NOON - 50 * HOUR))

    shop.write(lambda c: file(c, [released]))

    (summary,) = summary_of(claim(shop, NOON + 3 * HOUR), BOB.address)
    assert [each.text for each in summary.more.latest] == ["word 21", "held for days"]


def test_an_alert_shows_what_a_customer_wrote_last(shop: Shop) -> None:
    number = opened(shop.take(a_mail(ANN.address, text="It smokes.")))
    write_comments(shop, number, 1, NOON + MINUTE, text="And it burns.")
    write_comments(shop, number, 1, NOON + 2 * MINUTE, text="Not ours.", author=SAM.address)
    write_comments(shop, number, 1, NOON + 2 * MINUTE, text="Noted.", author="console:root")
    write_comments(shop, number, 1, NOON + 3 * MINUTE, text="Twice.", visibility="private")
    for kind in more.QUOTE_THE_LAST:
        order_directly(shop, number, kind, SAM.address, "chief@elsewhere.example")

    sent = [each for each in claim(shop, NOON) if each.kind in more.QUOTE_THE_LAST]

    assert len(sent) == 2 * len(more.QUOTE_THE_LAST)
    shown = {(each.address, each.comment.text) for each in sent if each.comment is not None}
    assert shown == {(SAM.address, "Twice."), ("chief@elsewhere.example", "And it burns.")}


def test_an_alert_on_a_ticket_without_words_of_a_customer_is_sent_without(shop: Shop) -> None:
    number = opened(shop.take(a_mail(SAM.address, text="For myself.")))
    order_directly(shop, number, NoticeKind.ALERT, SAM.address)

    (alert,) = [each for each in claim(shop, NOON) if each.kind is NoticeKind.ALERT]

    assert alert.comment is None
