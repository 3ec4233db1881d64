"""How a held mail leaves the quarantine when it is filed after all."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, bindparam, update

from rules.decision.considered import Attempt
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.ticket.audit import AuditEvent
from storage.db.ledger import Conflict
from storage.db.statements import compiled
from storage.db.tables import MailRow, table
from storage.ticket.rows import AuditEntry, ChangeContext, audit

_mail = table(MailRow)
_FILE_HELD = compiled(
    update(_mail)
    .where(
        _mail.c.mailbox_id == bindparam("mailbox"),
        _mail.c.journal_id == bindparam("held"),
        _mail.c.state == "held",
    )
    # `answer` stays: a sender who sends it again gets the same answer as the first time.
    .values(
        state="filed",
        journal_id=bindparam("filed"),
        ticket_id=bindparam("ticket"),
        author=bindparam("introducer"),
    )
    .returning(_mail.c.identity)
)
LEAVES_QUARANTINE = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED)
"""With any other verdict a mail that was held and is decided again stays held."""
_BRINGS_ID = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)


def introducer(author: str, receipt: Receipt) -> str:
    """Who brought the mail's id to its ticket; empty where nobody is known to have.

    It is not the author where nothing proves them: From and the Message-ID are then anybody's
    choice. Nor where the mail is only recorded: the envelope decides that, and whose ticket it goes
    to, so anybody who has a mail of theirs may have sent it. Nor if only an id of others led it
    there; else a further mail of theirs would follow this id as one of their own.
    """
    wrote = receipt.proven and receipt.verdict in _BRINGS_ID
    return author if wrote and receipt.reason is not Reason.FOREIGN_POINTER else ""


def leave_quarantine(
    connection: Connection, attempt: Attempt, receipt: Receipt, context: ChangeContext, author: str
) -> None:
    """A held mail that was decided again leaves the quarantine, once, if it is filed.

    Raises Conflict if it was released meanwhile.
    """
    if receipt.verdict not in LEAVES_QUARANTINE:
        return
    filed = _FILE_HELD.rows(
        connection,
        mailbox=context.mailbox.id,
        held=attempt.held,
        filed=receipt.journal_id,
        ticket=receipt.ticket,
        introducer=introducer(author, receipt),
    )
    if not filed:
        raise Conflict(f"mail {attempt.held} was released meanwhile")
    release = attempt.release
    if release is not None and receipt.ticket is not None:
        by = replace(context, actor=release.by, source=release.source)
        line = AuditEntry(
            AuditEvent.RELEASED, subject=author, was=release.held_for, reason=release.why
        )
        audit(connection, by, receipt.ticket, line)
