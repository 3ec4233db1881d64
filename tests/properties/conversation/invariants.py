"""The laws of a conversation, each a function that raises where it is broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from rules.decision.model import AddComment, Decision, OpenTicket, Verdict
from rules.decision.receipt import Receipt
from rules.sender.tokens import LinkUse, read_link_token, read_reply_token, read_sign_up_token
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from storage.db.tables import TicketRow, table
from tests.properties.conversation.expectations import Book
from tests.properties.conversation.mails import Letter
from tests.properties.conversation.outcomes import is_registered_machine
from tests.properties.conversation.people import AT_SALES, AT_SUPPORT
from tests.properties.conversation.pipeline import Gate, Posted
from tests.properties.conversation.registry import Standing

_WORD = re.compile(r"zq\d{5}qz")
_TOKEN = re.compile(r"(?=([a-z2-7]{36}))")
_LINK = re.compile(r"(?:people|feedback|unsubscribe|signup)/\d+/([a-z2-7]{20,})")
_COMMAND = re.compile(r"^#(?:note|status|severity|cc|merge|nonsense)", re.MULTILINE)
_ticket = table(TicketRow)
REOPEN_DAYS = timedelta(days=14)
_MAY_OPEN = (Standing.USER, Standing.STAFF, Standing.COLLEAGUE)


def words_in(text: str) -> set[str]:
    return set(_WORD.findall(text))


def own_words(text: str) -> str:
    """What was not quoted."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(">"))


def is_over(gate: Gate, ticket: int) -> bool:
    """Whether a reply to the ticket begins a new one: closed, or resolved two weeks ago."""
    query = select(_ticket.c.status, _ticket.c.status_at).where(_ticket.c.id == ticket)
    with gate.database.engine.connect() as connection:
        row = connection.execute(query).one()
    since: datetime | None = row.status_at
    if row.status == Status.RESOLVED:
        return since is not None and gate.now - since >= REOPEN_DAYS
    return bool(row.status == Status.CLOSED)


def visibility_of(gate: Gate, receipt: Receipt) -> str:
    """Of the comment that a mail left; empty where it left none."""
    found = gate.rows(
        "SELECT visibility FROM comment WHERE journal_id = :id", id=_key(gate, receipt.journal_id)
    )
    return str(found[0].visibility) if found else ""


def _key(gate: Gate, journal_id: UUID) -> object:
    return journal_id.hex if gate.database.is_sqlite else journal_id


# ---- of one mail --------------------------------------------------------------------------------


def was_filed_once(gate: Gate, receipt: Receipt) -> None:
    """What was answered 250 has its journal row, and lies on one ticket, in quarantine or aside."""
    _is_written_once(gate, receipt)
    mails = _mails(gate, receipt.journal_id)
    if receipt.reply.accepted:
        state = "held" if receipt.verdict is Verdict.HELD else "filed"
        assert mails == [(state, receipt.ticket)]
        assert receipt.ticket or receipt.verdict in (Verdict.HELD, Verdict.RECORDED)
    else:
        assert not mails


def has_left_quarantine(gate: Gate, held: UUID, receipt: Receipt) -> bool:
    """Whether a held mail was filed under its new line; else it is where it was, untouched."""
    _is_written_once(gate, receipt)
    before, after = _mails(gate, held), _mails(gate, receipt.journal_id)
    if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
        assert (before, after) == ([("held", None)], [])
        return False
    assert (before, after) == ([], [("filed", receipt.ticket)])
    return True


def _is_written_once(gate: Gate, receipt: Receipt) -> None:
    key = _key(gate, receipt.journal_id)
    journal = gate.rows("SELECT verdict FROM journal WHERE id = :id", id=key)
    comments = gate.rows("SELECT ticket_id FROM comment WHERE journal_id = :id", id=key)
    assert [row.verdict for row in journal] == [receipt.verdict]
    assert [row.ticket_id for row in comments] == ([receipt.ticket] if receipt.ticket else [])


def _mails(gate: Gate, journal_id: UUID) -> list[tuple[object, ...]]:
    query = "SELECT state, ticket_id FROM mail WHERE journal_id = :id"
    return [tuple(row) for row in gate.rows(query, id=_key(gate, journal_id))]


def nothing_was_caused(gate: Gate, receipt: Receipt, but_alert: bool = False) -> None:
    """No mail goes out for a machine's, but the alert of an address that is given up."""
    kinds = gate.rows(
        "SELECT kind FROM notice WHERE cause = :id", id=_key(gate, receipt.journal_id)
    )
    assert {row.kind for row in kinds} <= ({NoticeKind.ALERT.value} if but_alert else set())


def was_entitled(
    gate: Gate,
    book: Book,
    letter: Letter,
    receipt: Receipt,
    decision: Decision,
    over: Mapping[int, bool],
) -> None:
    """Nobody's words lie where he had no right to put them."""
    if letter.is_automatic and not is_registered_machine(book, letter.author):
        assert receipt.verdict not in (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)
    match decision.action:
        case OpenTicket(follows=int(old)):
            assert book.may_publish(letter, old, over.__getitem__)
            assert over[old]
        case OpenTicket():
            assert letter.proof == "proven"
            assert book.roll.standing(letter.author) in _MAY_OPEN
        case AddComment(ticket=ticket) if visibility_of(gate, receipt) == "public":
            assert book.may_publish(letter, ticket, over.__getitem__)
        case AddComment(ticket=ticket):
            assert book.may_publish(letter, ticket, over.__getitem__) or book.may_flag(
                letter, ticket, over.__getitem__
            )


def everybody_was_told(
    gate: Gate, book: Book, letter: Letter, receipt: Receipt, decision: Decision
) -> None:
    """A public comment goes to all who were on the ticket, but whoever wrote it or has it anyway.

    But for a machine's (by its marks, or since it answers at once and again), for a storm, and for
    whoever has got as many mails as an hour allows.
    """
    match decision.action:
        case OpenTicket(follows=int(ticket)):
            pass
        case AddComment(ticket=ticket) if visibility_of(gate, receipt) == "public":
            pass
        case _:
            return
    told = {
        row.address
        for row in gate.rows(
            "SELECT address FROM notice WHERE cause = :id AND kind = 'comment'",
            id=_key(gate, receipt.journal_id),
        )
    }
    wanted = {address for address in book.seats[ticket] if book.is_notified(ticket, address)} - {
        letter.author,
        *letter.cc,
        *book.roll.cast.staff,
    }
    assert told <= wanted | set(book.roll.cast.staff)
    said = decision.trace[-1].outcome
    if letter.is_automatic or "storm" in said or "answers at once, again" in said:
        return
    _only_a_budget_keeps_silent(gate, ticket, wanted - told)


def was_heard(gate: Gate, book: Book, ticket: int, who: str, text: str) -> None:
    """What is said in public at the desk goes to all who are on the ticket, and no further."""
    rows = gate.rows(
        "SELECT n.address FROM notice n JOIN comment c ON n.comment_id = c.id "
        "WHERE c.text = :text AND n.kind = 'comment'",
        text=text,
    )
    told, staff = {row.address for row in rows}, set(book.roll.cast.staff)
    wanted = {one for one in book.seats[ticket] if book.is_notified(ticket, one)} - {who, *staff}
    assert told <= wanted | staff
    _only_a_budget_keeps_silent(gate, ticket, wanted - told)


def _only_a_budget_keeps_silent(gate: Gate, ticket: int, missing: Iterable[str]) -> None:
    for address in missing:
        got = gate.rows(
            "SELECT id FROM notice WHERE ticket_id = :ticket AND address = :address",
            ticket=ticket,
            address=address,
        )
        assert len(got) >= gate.policy.budgets.notices_per_hour, f"{address} was not told"


# ---- of one notice ------------------------------------------------------------------------------


def may_be_read(book: Book, posted: Posted) -> None:
    """Whoever gets a mail may read all that it says, now."""
    reader, ticket, staff = posted.comes_to, posted.ticket, book.roll.cast.staff
    assert book.roll.is_reached(reader), f"{reader} is written to no more"
    seat = book.seats[ticket].get(reader) if ticket else None
    if ticket:
        assert posted.notice.kind is NoticeKind.RECEIPT or book.may_read(ticket, reader)
    if seat is not None and reader not in staff:
        assert not seat.muted or posted.notice.kind is NoticeKind.RECEIPT
    for text in posted.texts:
        for word in words_in(text):
            assert word in book.said, f"{reader} reads {word}, which is on no ticket of this desk"
            said = book.said[word]
            assert book.may_read(said.ticket, reader), f"{reader} reads {word}"
            assert said.visibility == "public" or reader in staff, f"{reader} reads {word}"
        if reader not in staff:
            assert not _COMMAND.search(text), f"{reader} reads a command"


def holds_no_token_of_others(gate: Gate, posted: Posted) -> None:
    """Every secret in a mail is its recipient's own, wherever and however it stands."""
    raw = posted.outgoing.raw.decode("ascii")
    forms = (raw, re.sub(r"\s+", "", raw), re.sub(r"=?\r\n[> \t]*", "", raw), *posted.texts)
    holders: set[str] = set()
    members = {row.id: row.address for row in gate.rows("SELECT id, address FROM participant")}
    for form in (f.lower() for f in forms):
        for mailbox in gate.mailboxes.values():
            holders |= {members[one] for one in _participants_named(gate, mailbox.id, form)}
            for found in _LINK.findall(form):
                address = read_sign_up_token(gate.keys, mailbox.id, found, gate.now)
                holders |= {address} if address is not None else set()
    assert holders <= {posted.comes_to}, f"{posted.comes_to} has a token of {holders}"


def _participants_named(gate: Gate, mailbox: int, text: str) -> Iterator[int]:
    """Those whose reply addresses or signed links stand in a text."""
    for found in _TOKEN.findall(text):
        token = read_reply_token(gate.keys, mailbox, found)
        if token is not None:
            yield token.participant
    for found in _LINK.findall(text):
        for use in LinkUse:
            link = read_link_token(gate.keys, mailbox, use, found)
            if link is not None:
                yield link.participant


# ---- of the store -------------------------------------------------------------------------------


def nobody_is_elsewhere(gate: Gate, books: Iterable[Book]) -> None:
    """Who is on which ticket is what the books say. Of the desk anybody may sit anywhere."""
    wanted = {
        (book.mailbox, ticket): {
            address: seat.presence
            for address, seat in seats.items()
            if not book.roll.is_staff(address)
        }
        for book in books
        for ticket, seats in book.seats.items()
    }
    staff = {(book.mailbox, address) for book in books for address in book.roll.cast.staff}
    stored: dict[tuple[str, int], dict[str, str]] = {ticket: {} for ticket in wanted}
    for row in gate.rows(
        "SELECT p.ticket_id, p.address, p.presence, m.address AS mailbox "
        "FROM participant p JOIN mailbox m ON m.id = p.mailbox_id"
    ):
        if (row.mailbox, row.address) not in staff:
            stored[row.mailbox, row.ticket_id][row.address] = row.presence
    assert stored == wanted


def the_quarantine_holds(gate: Gate, books: Iterable[Book]) -> None:
    """Neither more nor less than what the books say, whatever was released or thrown away."""
    held = {row.journal_id for row in gate.rows("SELECT journal_id FROM mail WHERE state = 'held'")}
    assert held == {_key(gate, one) for book in books for one in book.held}


def nothing_is_critical(gate: Gate) -> None:
    assert not gate.rows("SELECT id FROM ticket WHERE critical OR severity = 'Critical'")


def nobody_is_told_twice(gate: Gate) -> None:
    """Of one comment; staff are told of a flagged one again once it is accepted."""
    twice = gate.rows(
        "SELECT comment_id, address, kind, detail, count(*) FROM notice "
        "WHERE comment_id IS NOT NULL "
        "GROUP BY comment_id, address, kind, detail HAVING count(*) > 1"
    )
    assert not twice
    customers = gate.rows(
        "SELECT comment_id, address, count(*) FROM notice WHERE comment_id IS NOT NULL "
        "GROUP BY comment_id, address HAVING count(*) > 1"
    )
    assert {row.address for row in customers} <= {*AT_SUPPORT.staff, *AT_SALES.staff}
