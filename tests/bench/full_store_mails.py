"""What came and went by mail in a full store: the journal, comments with the history of their
tickets, and notices. Bytes of mails are not stored, as after their time is over."""

from __future__ import annotations

from storage.db.tables import (
    AttachmentRow,
    AuditRow,
    BouncedRow,
    CommentRow,
    JournalRow,
    MailRow,
    NoticeRow,
    WithheldRow,
)
from storage.notices.outbox import UNSUBSCRIBED
from tests.bench import ticket_history
from tests.bench.sql_rows import DAY, TEXTS, SqlRows, quoted
from tests.storage.db.listings import SAM, SUPPORT, TICKET

LONGEST_THREAD = 1_000
OPENED, SENT, TO_STAFF, FAILED, WITHDRAWN, LATE, REFUSED, RECORDED, HELD, OF_STRANGERS = range(10)
"""Kinds of rows of a ticket, each of which has an id of its own."""

_RECEIVED = {
    "peer": "'192.0.2.7'",
    "helo": "'mail.example'",
    "rcpt_tos": f"'{SUPPORT.address}'",
    "size_bytes": "4000",
    "reply": "'250 2.0.0 accepted'",
    "trace": quoted(ticket_history.TRACE),
    "authentication": quoted(ticket_history.PROOF),
}
_KNOWN = {
    "mailbox_id": "mailbox_id",
    "identity": "identity",
    "journal_id": "id",
    "message_id": "message_id",
    "ticket_id": "ticket_id",
    "raw_digest": "''",
    "author": "author",
}
_OF_TICKET = {"mailbox_id": "t.mailbox_id", "ticket_id": "t.id"}


def add(rows: SqlRows) -> None:
    """Everything that came and went on the tickets of a store."""
    _add_opening_mails(rows)
    _add_comments(rows)
    _add_history(rows)
    _add_rare_comments(rows)
    _add_notices(rows)
    _add_other_mails(rows)


def _add_opening_mails(rows: SqlRows) -> None:
    entry = {
        "id": rows.sql.id(OPENED, "opened_at", "ticket.id"),
        "mailbox_id": "mailbox_id",
        "received_at": "opened_at",
        "verdict": "'opened'",
        "reason": "'new_request'",
        "ticket_id": "ticket.id",
        "mail_from": "requester",
        "author": "requester",
        "subject": "subject",
        "message_id": "message_id",
        "identity": "'opened-' || ticket.id",
    }
    rows.add(JournalRow, "ticket ORDER BY ticket.id", _RECEIVED | entry)
    filed = _KNOWN | {"answer": "'filed'", "state": "'filed'"}
    rows.add(MailRow, "journal ORDER BY received_at", filed)


def _add_comments(rows: SqlRows) -> None:
    """The mail of each ticket, the answers to half of them, and one long thread."""
    if not rows.sql.is_sqlite:  # a trigger writes their words
        rows.run("SET session_replication_role = origin")
    public = {"visibility": "'public'"}
    asked = public | {
        "mailbox_id": "j.mailbox_id",
        "ticket_id": "j.ticket_id",
        "journal_id": "j.id",
        "author": "j.author",
        "text": "words || ' number' || j.ticket_id",
        "written_at": "j.received_at",
    }
    source = f"journal AS j JOIN texts ON n = j.ticket_id % {TEXTS} ORDER BY j.received_at"
    rows.add(CommentRow, source, asked)
    answered = public | _OF_TICKET
    answered |= {"author": f"'{SAM}'", "proof": "'console'", "text": "words"}
    at = {"written_at": rows.sql.later("t.opened_at", "3600")}
    source = f"ticket AS t JOIN texts ON n = t.id % {TEXTS - 1} WHERE t.id % 2 = 0"
    rows.add(CommentRow, source, answered | at)
    at = {"written_at": rows.sql.later("t.opened_at", "60 * i")}
    by = {"author": f"CASE WHEN i % 2 = 0 THEN '{SAM}' ELSE t.requester END"}
    rows.add(CommentRow, _LONG_THREAD, answered | at | by)


def _add_history(rows: SqlRows) -> None:
    event = _OF_TICKET | {
        "at": "t.updated_at",
        "actor": f"'{SAM}'",
        "source": "'console'",
        "event": "'status_changed'",
        "was": "'open'",
        "became": "'pending'",
        "reason": "''",
    }
    rows.add(AuditRow, "ticket AS t", event)
    rows.add(AuditRow, _LONG_THREAD, event)
    breached = {"event": "'sla_breached'", "subject": "'first'", "was": "''", "became": "''"}
    rows.add(AuditRow, "ticket AS t WHERE t.id % 40 = 3", event | breached)


_LONG_THREAD = (
    f"ticket AS t, numbers JOIN texts ON n = i % {TEXTS} "
    f"WHERE t.id = {TICKET} AND i <= {LONGEST_THREAD} ORDER BY i"
)


def _add_rare_comments(rows: SqlRows) -> None:
    """Those that wait for staff, folded ones, and those with files."""
    rare = _OF_TICKET | {
        "author": "t.requester",
        "text": "'Are you there?'",
        "written_at": rows.sql.later("t.opened_at", "7200"),
    }
    rows.add(CommentRow, "ticket AS t WHERE t.id % 1000 = 33", rare | {"visibility": "'private'"})
    folded = {
        "visibility": "'folded'",
        "folded_as": "'public'",
        "journal_id": rows.sql.id(OPENED, "t.opened_at", "t.id"),
    }
    rows.add(CommentRow, "ticket AS t WHERE t.id % 1000 = 63", rare | folded)
    file = {
        "mailbox_id": "c.mailbox_id",
        "comment_id": "c.id",
        "part": "'2'",
        "name": "'report.pdf'",
        "content_type": "'application/pdf'",
        "size_bytes": "1000",
        "content_id": "''",
        "inline": "FALSE",
    }
    rows.add(AttachmentRow, "comment AS c WHERE c.ticket_id % 10 = 3", file)


def _add_notices(rows: SqlRows) -> None:
    """An acknowledgement of each ticket, a mail to the agent of theirs, and what failed, was
    withdrawn or is late; none is due now, since the server would send it."""
    ordered = _OF_TICKET | {
        "address": "t.requester",
        "created_at": "t.opened_at",
        "due_at": "t.opened_at",
        "attempts": "1",
    }
    sent = {"state": "'sent'", "sent_at": rows.sql.later("t.opened_at", "2")}
    late = {"state": "'due'", "due_at": rows.sql.time(f"{rows.present} + {10 * DAY}")}
    failed = {"state": "'dead'", "last_error": "'550 no such user'"}
    kinds: tuple[tuple[int, str, str, dict[str, str]], ...] = (
        (SENT, "acknowledgement", "TRUE", sent),
        (TO_STAFF, "new_ticket", "t.id % 10 = 3", sent | {"address": f"'{SAM}'"}),
        (FAILED, "comment", "t.id % 500 = 0", failed),
        (WITHDRAWN, "comment", "t.id % 500 = 8", failed | {"last_error": f"'{UNSUBSCRIBED}'"}),
        (LATE, "comment", "t.id % 2000 = 9", late),
    )
    for number, kind, condition, values in kinds:
        key = {"id": rows.sql.id(number, "t.opened_at", "t.id"), "kind": f"'{kind}'"}
        rows.add(NoticeRow, f"ticket AS t WHERE {condition}", ordered | key | values)
    bounced = {
        "mailbox_id": "mailbox_id",
        "address": "address",
        "why": "'550 no such user'",
        "last_at": rows.sql.time(rows.present),
        "suspended_at": rows.sql.time(rows.present),
    }
    rows.add(BouncedRow, "person WHERE id > 1000 AND id % 200 = 5", bounced)
    withheld = _OF_TICKET | {"address": "t.requester", "since": "t.opened_at", "number": "3"}
    rows.add(WithheldRow, "ticket AS t WHERE t.id % 10000 = 3", withheld)


def _add_other_mails(rows: SqlRows) -> None:
    """Mails that are on no ticket: refused, recorded and held ones."""
    stranger = "'somebody.' || t.id || '@elsewhere.example'"
    other = {
        "mailbox_id": "t.mailbox_id",
        "received_at": "t.opened_at",
        "ticket_id": "NULL",
        "subject": "t.subject",
        "message_id": "'<other' || t.id || '@elsewhere.example>'",
        "mail_from": stranger,
        "author": stranger,
        "identity": "'other-' || t.id",
    }
    proven, anybody = {"network": "''"}, {"network": "'198.51.100.0/24'"}
    kinds: tuple[tuple[int, str, str, str, dict[str, str]], ...] = (
        (REFUSED, "t.id % 10 IN (1, 4, 7)", "refused", "stranger", proven),
        (RECORDED, "t.id % 10 = 2", "recorded", "automatic", proven),
        (HELD, "t.id % 1000 = 9", "held", "not_signed", proven),
        (OF_STRANGERS, "t.id % 1000 = 19", "held", "stranger_held", anybody),
    )
    for number, condition, verdict, reason, network in kinds:
        key = {"id": rows.sql.id(number, "t.opened_at", "t.id")}
        ruled = {"verdict": f"'{verdict}'", "reason": f"'{reason}'"}
        source = f"ticket AS t WHERE {condition} ORDER BY t.id"
        rows.add(JournalRow, source, _RECEIVED | other | key | ruled | network)
    held = _KNOWN | {"answer": "'held'", "state": "'held'"}
    rows.add(MailRow, "journal WHERE verdict = 'held'", held)
