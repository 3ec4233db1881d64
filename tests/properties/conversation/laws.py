"""The laws of a conversation, each a function that raises where it is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from rules.decision import AddComment, Decision, OpenTicket, Reason, Verdict
from rules.proof.tokens import LinkUse, read_link_token, read_reply_token, read_sign_up_token
from rules.receipt import Receipt
from rules.ticket.lifecycle import Status
from rules.ticket.notices import Kind
from storage.tables import TicketRow, table
from tests.properties.conversation.book import ACTIVE, Book
from tests.properties.conversation.cast import MACHINE, OUTSIDERS, STAFF
from tests.properties.conversation.gate import Gate, Posted
from tests.properties.conversation.letters import Letter

IsOver = Callable[[int], bool]
_WORD = re.compile(r"zq\d{5}qz")
_TOKEN = re.compile(r"(?=([a-z2-7]{36}))")
_LINK = re.compile(r"(?:people|feedback|unsubscribe|signup)/\d+/([a-z2-7]{20,})")
_COMMAND = re.compile(r"^#(?:note|status|severity|cc|merge|nonsense)", re.MULTILINE)
_ticket = table(TicketRow)
REOPEN_DAYS = timedelta(days=14)


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
        "SELECT visibility FROM comment WHERE journal_id = :id", id=_key(gate, receipt)
    )
    return str(found[0].visibility) if found else ""


def _key(gate: Gate, receipt: Receipt) -> object:
    journal_id = receipt.journal_id
    return journal_id.hex if gate.database.is_sqlite else journal_id


# ---- of one mail --------------------------------------------------------------------------------


def was_filed_once(gate: Gate, receipt: Receipt) -> None:
    """What was answered 250 has its journal row, and lies on one ticket, in quarantine or aside."""
    key = _key(gate, receipt)
    journal = gate.rows("SELECT verdict FROM journal WHERE id = :id", id=key)
    comments = gate.rows("SELECT ticket_id FROM comment WHERE journal_id = :id", id=key)
    mails = gate.rows("SELECT state, ticket_id FROM mail WHERE journal_id = :id", id=key)
    assert [row.verdict for row in journal] == [receipt.verdict]
    assert [row.ticket_id for row in comments] == ([receipt.ticket] if receipt.ticket else [])
    if receipt.reply.accepted:
        state = "held" if receipt.verdict is Verdict.HELD else "filed"
        assert [tuple(row) for row in mails] == [(state, receipt.ticket)]
        assert receipt.ticket or receipt.verdict in (Verdict.HELD, Verdict.RECORDED)
    else:
        assert not mails


def nothing_was_caused(gate: Gate, receipt: Receipt, but_alert: bool = False) -> None:
    """No mail goes out for a machine's, but the alert of an address that is given up."""
    kinds = gate.rows("SELECT kind FROM notice WHERE cause = :id", id=_key(gate, receipt))
    assert {row.kind for row in kinds} <= ({Kind.ALERT.value} if but_alert else set())


def was_entitled(
    gate: Gate,
    book: Book,
    letter: Letter,
    receipt: Receipt,
    decision: Decision,
    over: Mapping[int, bool],
) -> None:
    """Nobody's words lie where he had no right to put them."""
    if letter.is_automatic and letter.author != MACHINE:
        assert receipt.verdict not in (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)
    match decision.action:
        case OpenTicket(follows=int(old)):
            assert book.may_publish(letter, old, over.__getitem__)
            assert over[old]
        case OpenTicket():
            assert letter.proof == "proven"
            assert letter.author not in book.deactivated
            assert letter.author not in OUTSIDERS
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
            id=_key(gate, receipt),
        )
    }
    wanted = {
        address
        for address, seat in book.seats[ticket].items()
        if seat.presence == ACTIVE and not seat.muted and book.is_reached(address)
    } - {letter.author, *letter.cc, *STAFF}
    assert told <= wanted | set(STAFF)
    said = decision.trace[-1].outcome
    if letter.is_automatic or "storm" in said or "answers at once, again" in said:
        return
    missing = wanted - told
    for address in missing:
        got = gate.rows(
            "SELECT id FROM notice WHERE ticket_id = :ticket AND address = :address",
            ticket=ticket,
            address=address,
        )
        assert len(got) >= gate.policy.budgets.notices_per_hour, f"{address} was not told"


def expected(book: Book, letter: Letter, is_over: IsOver) -> Callable[[Receipt], bool] | None:
    """What must become of the letter where that is plain; None where it is not."""
    if letter.is_automatic:
        return None
    if letter.proof == "forged":
        return lambda receipt: not receipt.reply.accepted
    token = book.tokens.get(letter.rcpt)
    if letter.author in book.deactivated:
        return lambda receipt: not receipt.reply.accepted
    if token is not None and token.holder == letter.author and letter.author not in STAFF:
        goal = book.lead(token.ticket, is_over) if book.is_live(token) else None
        if goal is not None and book.presence(goal, letter.author) == ACTIVE:
            landing = {Verdict.OPENED} if is_over(goal) else {Verdict.COMMENTED}
            return lambda receipt: (
                receipt.verdict in landing
                or receipt.reason is Reason.UNSUBSCRIBED
                or (receipt.verdict is Verdict.COMMENTED and "Thanks" in letter.text)
            )
    if letter.proof == "nothing":
        return lambda receipt: not receipt.reply.accepted
    if not list(book.leads(letter, is_over)) and letter.author in OUTSIDERS:
        return lambda receipt: not receipt.reply.accepted
    return None


def landed(expected: Callable[[Receipt], bool] | None, receipt: Receipt) -> None:
    assert expected is None or expected(receipt), f"{receipt.verdict} {receipt.reason}"


# ---- of one notice ------------------------------------------------------------------------------


def may_be_read(book: Book, posted: Posted) -> None:
    """Whoever gets a mail may read all that it says, now."""
    reader, ticket = posted.comes_to, posted.ticket
    assert book.is_reached(reader), f"{reader} is written to no more"
    seat = book.seats[ticket].get(reader) if ticket else None
    if ticket:
        assert posted.notice.kind is Kind.RECEIPT or book.may_read(ticket, reader)
    if seat is not None and reader not in STAFF:
        assert not seat.muted or posted.notice.kind is Kind.RECEIPT
    for text in posted.texts:
        for word in words_in(text):
            said = book.said[word]
            assert book.may_read(said.ticket, reader), f"{reader} reads {word}"
            assert said.visibility == "public" or reader in STAFF, f"{reader} reads {word}"
        if reader not in STAFF:
            assert not _COMMAND.search(text), f"{reader} reads a command"


def holds_no_token_of_others(gate: Gate, posted: Posted) -> None:
    """Every secret in a mail is its recipient's own, wherever and however it stands."""
    raw = posted.outgoing.raw.decode("ascii")
    forms = (raw, re.sub(r"\s+", "", raw), re.sub(r"=?\r\n[> \t]*", "", raw), *posted.texts)
    holders: set[str] = set()
    members = {row.id: row.address for row in gate.rows("SELECT id, address FROM participant")}
    for form in (f.lower() for f in forms):
        for found in _TOKEN.findall(form):
            token = read_reply_token(gate.keys, gate.mailbox.id, found)
            if token is not None:
                holders.add(members[token.participant])
        for found in _LINK.findall(form):
            for use in LinkUse:
                link = read_link_token(gate.keys, gate.mailbox.id, use, found)
                if link is not None:
                    holders.add(members[link.participant])
            address = read_sign_up_token(gate.keys, gate.mailbox.id, found, gate.now)
            if address is not None:
                holders.add(address)
    assert holders <= {posted.comes_to}, f"{posted.comes_to} has a token of {holders}"


# ---- of the store -------------------------------------------------------------------------------


def nobody_is_elsewhere(gate: Gate, book: Book) -> None:
    """Who is on which ticket is what the book says. Of the desk anybody may sit anywhere."""
    stored: dict[int, dict[str, str]] = {ticket: {} for ticket in book.seats}
    for row in gate.rows("SELECT ticket_id, address, presence FROM participant"):
        if row.address not in STAFF:
            stored[row.ticket_id][row.address] = row.presence
    assert stored == {
        ticket: {a: s.presence for a, s in seats.items() if a not in STAFF}
        for ticket, seats in book.seats.items()
    }


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
    assert {row.address for row in customers} <= set(STAFF)  # see test_found
