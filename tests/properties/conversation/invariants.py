"""What must always hold, each a function that raises AssertionError if it does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from rules.decision.model import AddComment, Decision, OpenTicket
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.sender.tokens import LinkUse, read_link_token, read_reply_token, read_sign_up_token
from rules.service.limits import NoticeBudget, may_notify
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from storage.db.tables import TicketRow, table
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.outcomes import is_registered_machine
from tests.properties.conversation.people import AT_SALES, AT_SUPPORT, CONTACTS
from tests.properties.conversation.pipeline import Pipeline, SentNotice
from tests.properties.conversation.registry import AccountState

_MARKER = re.compile(r"zq\d{5}qz")
_TOKEN = re.compile(r"(?=([a-z2-7]{36}))")
_LINK = re.compile(r"(?:people|feedback|unsubscribe|signup)/\d+/([a-z2-7]{20,})")
_COMMAND = re.compile(r"^#(?:note|status|severity|cc|merge|complete|field|nonsense)", re.MULTILINE)
_ticket = table(TicketRow)
REOPEN_DAYS = timedelta(days=14)
_MAY_OPEN = (AccountState.USER, AccountState.STAFF, AccountState.COLLEAGUE)


def markers_in(text: str) -> set[str]:
    return set(_MARKER.findall(text))


def unquoted(text: str) -> str:
    """The lines of a text that are not quoted."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(">"))


def is_over(pipeline: Pipeline, ticket: int) -> bool:
    """Whether a reply to the ticket begins a new one: closed, or resolved two weeks ago."""
    query = select(_ticket.c.status, _ticket.c.status_at).where(_ticket.c.id == ticket)
    with pipeline.database.engine.connect() as connection:
        row = connection.execute(query).one()
    since: datetime | None = row.status_at
    if row.status == Status.RESOLVED:
        return since is not None and pipeline.now - since >= REOPEN_DAYS
    return bool(row.status == Status.CLOSED)


def visibility_of(pipeline: Pipeline, receipt: Receipt) -> str:
    """The visibility of the comment that a mail became; empty if it became none."""
    found = pipeline.rows(
        "SELECT visibility FROM comment WHERE journal_id = :id",
        id=_key(pipeline, receipt.journal_id),
    )
    return str(found[0].visibility) if found else ""


def _key(pipeline: Pipeline, journal_id: UUID) -> object:
    return journal_id.hex if pipeline.database.is_sqlite else journal_id


# ---- one mail -----------------------------------------------------------------------------------


def mail_is_filed_once(pipeline: Pipeline, receipt: Receipt) -> None:
    """A mail answered 250 is in the journal, and on one ticket, in quarantine or only recorded."""
    _is_written_once(pipeline, receipt)
    mails = _mails(pipeline, receipt.journal_id)
    if receipt.reply.accepted:
        state = "held" if receipt.verdict is Verdict.HELD else "filed"
        assert mails == [(state, receipt.ticket)]
        assert receipt.ticket or receipt.verdict in (Verdict.HELD, Verdict.RECORDED)
    else:
        assert not mails


def has_left_quarantine(pipeline: Pipeline, held: UUID, receipt: Receipt) -> bool:
    """Whether a held mail was filed under its new journal id; otherwise it is still held."""
    _is_written_once(pipeline, receipt)
    before, after = _mails(pipeline, held), _mails(pipeline, receipt.journal_id)
    if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
        assert (before, after) == ([("held", None)], [])
        return False
    assert (before, after) == ([], [("filed", receipt.ticket)])
    return True


def _is_written_once(pipeline: Pipeline, receipt: Receipt) -> None:
    key = _key(pipeline, receipt.journal_id)
    journal = pipeline.rows("SELECT verdict FROM journal WHERE id = :id", id=key)
    comments = pipeline.rows("SELECT ticket_id FROM comment WHERE journal_id = :id", id=key)
    assert [row.verdict for row in journal] == [receipt.verdict]
    assert [row.ticket_id for row in comments] == ([receipt.ticket] if receipt.ticket else [])


def _mails(pipeline: Pipeline, journal_id: UUID) -> list[tuple[object, ...]]:
    query = "SELECT state, ticket_id FROM mail WHERE journal_id = :id"
    return [tuple(row) for row in pipeline.rows(query, id=_key(pipeline, journal_id))]


def no_notice_was_caused(pipeline: Pipeline, receipt: Receipt, except_alert: bool = False) -> None:
    """A mail caused no notice, except the alert that an address is now suppressed."""
    kinds = pipeline.rows(
        "SELECT kind FROM notice WHERE cause = :id", id=_key(pipeline, receipt.journal_id)
    )
    assert {row.kind for row in kinds} <= ({NoticeKind.ALERT.value} if except_alert else set())


def nothing_answers_it(
    pipeline: Pipeline, expected: Expectations, mail: WrittenMail, receipt: Receipt
) -> None:
    """A marked mail is not answered, and only a proven person's with the marks of bulk mail, or a
    machine's, causes notices at all: a machine's to staff alone."""
    key, staff = _key(pipeline, receipt.journal_id), expected.registry.people.staff
    rows = pipeline.rows("SELECT kind, address FROM notice WHERE cause = :id", id=key)
    if is_registered_machine(expected, mail.author):
        assert {row.address for row in rows} <= set(staff)
    elif mail.may_be_a_persons:
        own = {row.kind for row in rows if row.address == mail.author}
        assert own <= {NoticeKind.RECEIPT.value}  # of a command that they gave
    elif mail.automatic_marker == "generated" and expected.registry.is_staff(mail.author):
        # What may be their own words, they are told of once an hour.
        assert [(row.kind, row.address) for row in rows] in (
            [],
            [(NoticeKind.RECEIPT.value, mail.author)],
        )
    else:
        assert not rows


def author_was_entitled(
    pipeline: Pipeline,
    expected: Expectations,
    mail: WrittenMail,
    receipt: Receipt,
    decision: Decision,
    over: Mapping[int, bool],
) -> None:
    """A mail reached a ticket only with the visibility that its author was entitled to."""
    machine = is_registered_machine(expected, mail.author)
    if not machine and not mail.may_be_a_persons:
        assert receipt.verdict not in (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)
    match decision.action:
        case OpenTicket(follows=int(old)):
            assert expected.may_publish(mail, old, over.__getitem__)
            assert over[old]
        case OpenTicket():
            assert mail.proof == "proven"
            assert expected.registry.account_state(mail.author) in _MAY_OPEN
        case AddComment(ticket=ticket) if visibility_of(pipeline, receipt) == "public":
            assert expected.may_publish(mail, ticket, over.__getitem__)
        case AddComment(ticket=ticket):
            assert expected.may_publish(mail, ticket, over.__getitem__) or expected.may_flag(
                mail, ticket, over.__getitem__
            )


def participants_were_notified(
    pipeline: Pipeline,
    expected: Expectations,
    mail: WrittenMail,
    receipt: Receipt,
    decision: Decision,
) -> None:
    """A public comment was sent to all participants except its author and its Cc recipients.

    Exceptions: automatic mail (marked, or an author who repeatedly answers at once), a storm, and
    recipients who have used up their hourly budget.
    """
    match decision.action:
        case OpenTicket(follows=int(ticket)):
            pass
        case AddComment(ticket=ticket) if visibility_of(pipeline, receipt) == "public":
            pass
        case _:
            return
    notified = {
        row.address
        for row in pipeline.rows(
            "SELECT address FROM notice WHERE cause = :id AND kind = 'comment'",
            id=_key(pipeline, receipt.journal_id),
        )
    }
    staff = set(expected.registry.people.staff)
    due = _notified_participants(expected, ticket) - {mail.author, *mail.cc, *staff}
    assert notified <= due | staff
    outcome = decision.trace[-1].outcome
    machine = mail.is_automatic and is_registered_machine(expected, mail.author)
    if (machine and not mail.released) or not mail.may_be_a_persons:
        return
    if "storm" in outcome or "answers at once, again" in outcome:
        return
    budget = NoticeBudget.WAITING if "unproven" in outcome else NoticeBudget.CUSTOMERS
    if mail.author in staff:
        budget = NoticeBudget.STAFF
    _only_the_budget_was_used_up(pipeline, ticket, due - notified, budget)


def staff_comment_was_notified(
    pipeline: Pipeline, expected: Expectations, ticket: int, actor: str, text: str
) -> None:
    """A public comment by staff was sent to all participants, and to nobody else."""
    rows = pipeline.rows(
        "SELECT n.address FROM notice n JOIN comment c ON n.comment_id = c.id "
        "WHERE c.text = :text AND n.kind = 'comment'",
        text=text,
    )
    notified, staff = {row.address for row in rows}, set(expected.registry.people.staff)
    due = _notified_participants(expected, ticket) - {actor, *staff}
    assert notified <= due | staff
    _only_the_budget_was_used_up(pipeline, ticket, due - notified, NoticeBudget.STAFF)


def _notified_participants(expected: Expectations, ticket: int) -> set[str]:
    return {one for one in expected.participants[ticket] if expected.is_notified(ticket, one)}


def _only_the_budget_was_used_up(
    pipeline: Pipeline, ticket: int, missing: Iterable[str], budget: NoticeBudget
) -> None:
    most = pipeline.policy.budgets.notices_per_hour
    for address in missing:
        received = pipeline.rows(
            "SELECT id FROM notice WHERE ticket_id = :ticket AND address = :address",
            ticket=ticket,
            address=address,
        )
        assert not may_notify(len(received), most, budget), f"{address} was not notified"


# ---- one notice ---------------------------------------------------------------------------------


def recipient_may_read(expected: Expectations, sent: SentNotice) -> None:
    """The recipient of a notice may, at this time, read everything that it contains."""
    reader, ticket, staff = sent.recipient, sent.ticket, expected.registry.people.staff
    assert expected.registry.receives_mail(reader), f"{reader} must not receive mail"
    participant = expected.participants[ticket].get(reader) if ticket else None
    if ticket:
        is_let_in = sent.notice.kind is NoticeKind.RECEIPT or reader in CONTACTS
        assert is_let_in or expected.may_read(ticket, reader)
    if participant is not None and reader not in staff:
        assert not participant.unsubscribed or sent.notice.kind is NoticeKind.RECEIPT
    for text in sent.texts:
        for marker in markers_in(text):
            assert marker in expected.comments, (
                f"{reader} reads {marker}, which is on no ticket of this mailbox"
            )
            comment = expected.comments[marker]
            shown = reader in CONTACTS and comment.ticket == ticket
            assert shown or expected.may_read(comment.ticket, reader), f"{reader} reads {marker}"
            assert comment.visibility == "public" or reader in staff, f"{reader} reads {marker}"
        if reader not in staff:
            assert not _COMMAND.search(text), f"{reader} reads a command"


def holds_only_own_tokens(pipeline: Pipeline, sent: SentNotice) -> None:
    """Every token in a notice is its recipient's own, in whatever part and encoding it occurs."""
    raw = sent.outgoing.raw.decode("ascii")
    forms = (raw, re.sub(r"\s+", "", raw), re.sub(r"=?\r\n[> \t]*", "", raw), *sent.texts)
    lowered = [form.lower() for form in forms]
    tokens = {found for form in lowered for found in _TOKEN.findall(form)}
    links = {found for form in lowered for found in _LINK.findall(form)}
    holders: set[str] = set()
    addresses = {
        row.id: row.address for row in pipeline.rows("SELECT id, address FROM participant")
    }
    for mailbox in pipeline.mailboxes.values():
        holders |= {addresses[one] for one in _token_holders(pipeline, mailbox.id, tokens, links)}
        for found in links:
            address = read_sign_up_token(pipeline.keys, mailbox.id, found, pipeline.now)
            holders |= {address} if address is not None else set()
    assert holders <= {sent.recipient}, f"{sent.recipient} has a token of {holders}"


def _token_holders(
    pipeline: Pipeline, mailbox: int, tokens: Iterable[str], links: Iterable[str]
) -> Iterator[int]:
    """The participants whose reply addresses or signed links are among these."""
    for found in tokens:
        token = read_reply_token(pipeline.keys, mailbox, found)
        if token is not None:
            yield token.participant
    for found in links:
        for use in LinkUse:
            link = read_link_token(pipeline.keys, mailbox, use, found)
            if link is not None:
                yield link.participant


# ---- the whole store ----------------------------------------------------------------------------


def participants_are_as_expected(pipeline: Pipeline, expectations: Iterable[Expectations]) -> None:
    """Each ticket has the expected participants. Staff may be on any ticket."""
    wanted = {
        (expected.mailbox, ticket): {
            address: participant.presence
            for address, participant in participants.items()
            if not expected.registry.is_staff(address)
        }
        for expected in expectations
        for ticket, participants in expected.participants.items()
    }
    staff = {
        (expected.mailbox, address)
        for expected in expectations
        for address in expected.registry.people.staff
    }
    stored: dict[tuple[str, int], dict[str, str]] = {ticket: {} for ticket in wanted}
    for row in pipeline.rows(
        "SELECT p.ticket_id, p.address, p.presence, m.address AS mailbox "
        "FROM participant p JOIN mailbox m ON m.id = p.mailbox_id"
    ):
        if (row.mailbox, row.address) not in staff:
            stored[row.mailbox, row.ticket_id][row.address] = row.presence
    assert stored == wanted


def quarantine_is_as_expected(pipeline: Pipeline, expectations: Iterable[Expectations]) -> None:
    """Exactly the expected mails are held."""
    held = {
        row.journal_id for row in pipeline.rows("SELECT journal_id FROM mail WHERE state = 'held'")
    }
    assert held == {_key(pipeline, one) for expected in expectations for one in expected.held}


def no_ticket_is_critical(pipeline: Pipeline) -> None:
    assert not pipeline.rows("SELECT id FROM ticket WHERE critical OR severity = 'Critical'")


def no_promise_is_lost(pipeline: Pipeline) -> None:
    """Under a policy that promises an answer to everybody, a ticket has a clock, or waits for
    something that ends; it never has both, and neither once it is over."""
    rows = pipeline.rows(
        "SELECT id, status, clock, waiting, tell_at FROM ticket"
        " WHERE merged_into IS NULL AND deleted_at IS NULL"
    )
    for row in rows:
        assert not (row.clock and row.waiting), f"#{row.id} has a clock, and waits"
        if row.status in (Status.RESOLVED.value, Status.CLOSED.value):
            assert (row.clock, row.waiting, row.tell_at) == ("", "", None)
        else:
            assert row.clock or (row.waiting and row.tell_at), f"#{row.id} has no promise"


def nobody_is_notified_twice(pipeline: Pipeline) -> None:
    """Once for each comment; staff are notified of a flagged one again when it is accepted."""
    twice = pipeline.rows(
        "SELECT comment_id, address, kind, detail, count(*) FROM notice "
        "WHERE comment_id IS NOT NULL "
        "GROUP BY comment_id, address, kind, detail HAVING count(*) > 1"
    )
    assert not twice
    customers = pipeline.rows(
        "SELECT comment_id, address, count(*) FROM notice WHERE comment_id IS NOT NULL "
        "GROUP BY comment_id, address HAVING count(*) > 1"
    )
    assert {row.address for row in customers} <= {*AT_SUPPORT.staff, *AT_SALES.staff}
