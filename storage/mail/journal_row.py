"""The journal row of one mail. Of a mail of which nothing is kept it is 1 KiB, and few at most,
however many recipients, signatures and long fields the sender wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rules.decision.considered import Considered
from rules.decision.model import Decision
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.decision.room import counts_against_network
from rules.mail.header import Author
from rules.networks import network_of, provider_of
from rules.sender.authentication import Authentication, as_dict
from storage.ticket.rows import storable

UNPROVEN = '{"aligned": false'
"""How the verdict on a sender whom nothing proved begins in the row."""
KEEPS_NOTHING = (Verdict.REFUSED, Verdict.DEFERRED, Verdict.DUPLICATE)
STEP_CHARACTERS = 1000
"""Of what a check saw, and of its result."""
BRIEF_STEP_CHARACTERS = 80
BRIEF_HELO_CHARACTERS = 64
BRIEF_SUBJECT_CHARACTERS = 100
BRIEF_RECIPIENTS_CHARACTERS = 330
"""A recipient has at most 320: one is always shown."""
BRIEF_EVIDENCE = 4
BRIEF_DETAIL_CHARACTERS = 80


def journal_values(
    considered: Considered, decision: Decision, receipt: Receipt, kept_bytes: int
) -> dict[str, Any]:
    """The columns of the row, except its id and its time."""
    envelope, mail = considered.envelope, considered.mail
    brief = receipt.verdict in KEEPS_NOTHING
    length = BRIEF_STEP_CHARACTERS if brief else STEP_CHARACTERS
    trace = [
        (step.check, storable(step.saw, length), storable(step.outcome, length))
        for step in decision.trace
    ]
    recipients = " ".join(envelope.rcpt_tos)
    measured = considered.measured
    counted = counts_against_network(decision, proven=considered.authentication.aligned)
    return {
        "mailbox_id": considered.mailbox.id,
        "verdict": receipt.verdict.value,
        "reason": receipt.reason.value,
        "ticket_id": receipt.ticket,
        "peer": envelope.peer[:45],
        "helo": storable(envelope.helo, BRIEF_HELO_CHARACTERS if brief else 255),
        "mail_from": storable(envelope.mail_from, 320),
        "rcpt_tos": storable(_first_of(envelope.rcpt_tos) if brief else recipients),
        "author": mail.author.address if isinstance(mail.author, Author) else "",
        "subject": storable(mail.subject, BRIEF_SUBJECT_CHARACTERS if brief else 998),
        "message_id": storable(mail.message_id, 252),
        "identity": mail.identity,
        "size_bytes": mail.size_bytes,
        "reply": str(receipt.reply),
        "trace": json.dumps(trace, ensure_ascii=False),
        "authentication": json.dumps(
            _in_brief(measured) if brief else as_dict(measured), ensure_ascii=False
        ),
        "network": network_of(envelope.peer) if counted else "",
        "provider": provider_of(envelope.peer) if counted else "",
        "kept_bytes": kept_bytes,
        "unread": decision.unread,
    }


def _first_of(recipients: Iterable[str]) -> str:
    """The first recipients, and how many more there are."""
    shown: list[str] = []
    size = left = 0
    for recipient in recipients:
        size += len(recipient) + 1
        if left or size > BRIEF_RECIPIENTS_CHARACTERS:
            left += 1
        else:
            shown.append(recipient)
    return " ".join([*shown, f"+{left}"] if left else shown)


def _in_brief(measured: Authentication) -> dict[str, object]:
    """Enough to explain the mail, but not to decide it again: nothing of it is kept. What was not
    found is left out."""
    brief = replace(
        measured,
        evidence=tuple(
            replace(each, detail=each.detail[:BRIEF_DETAIL_CHARACTERS])
            for each in measured.evidence[:BRIEF_EVIDENCE]
        ),
        warnings=tuple(w[:BRIEF_DETAIL_CHARACTERS] for w in measured.warnings[:BRIEF_EVIDENCE]),
        signed_scope=None,
        author_scope=None,
        fingerprints=(),
    )
    found = {name: value for name, value in as_dict(brief).items() if value}
    return {"aligned": brief.aligned, **found}
