"""A participant unsubscribes from a ticket by mail, or asks for what was withheld from them."""

from __future__ import annotations

import re
from datetime import timedelta

from rules.decision.case import Case, Ruling
from rules.decision.content import (
    UNSUBSCRIBE,
    body_text,
    has_files,
    is_text_read_in_part,
    is_unreadable,
)
from rules.decision.model import EndSubscription, Record
from rules.decision.notices import receipt
from rules.decision.reasons import Reason
from rules.mail import Mail
from rules.mail.quoting import visible
from rules.mail.thanks import only_thanks
from rules.people import Participant
from rules.service.limits import HOUR
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import MorePayload, ReceiptPayload, ReceiptText


def unsubscribe(
    case: Case,
    ticket: Ticket,
    member: Participant,
    saw: str,
    conflict: tuple[str, ...],
    others: tuple[NoticeOrder, ...] = (),
) -> Ruling:
    """They stay on the ticket and get one last mail that confirms it; automatic mail gets none.

    `others` are notices to other people, about the words of the mail.
    """
    payload = ReceiptPayload(ReceiptText.LEFT)
    answer = receipt(case.mail, case.sender, ticket, payload)
    orders = (answer,) if not case.by_machine and not member.muted else ()
    new = not case.sender.standing.may_write
    ending = EndSubscription(
        ticket.id, member.id, member.address, (*orders, *others), unregistered=new
    )
    return Ruling(saw, ending, Reason.UNSUBSCRIBED, (f"unsubscribed from #{ticket.id}", *conflict))


AGAIN_AFTER = timedelta(minutes=10)
"""Of two mails that ask for the same, the second is not answered within this time."""


def send_digest(case: Case, ticket: Ticket, saw: str, conflict: tuple[str, ...]) -> Ruling:
    """The comments of the last hour, which a budget may have withheld from them, are sent now; the
    mail is kept and triggers nothing else."""
    address, now = case.sender.address, case.facts.decided_at
    last = ticket.summary_at.get(address)
    lately = last is not None and now - AGAIN_AFTER < last <= now
    payload = MorePayload((now - HOUR).isoformat())
    order = NoticeOrder(NoticeKind.MORE, address, ticket.language_of(address), payload)
    kept = Record(ticket.id, address, orders=() if lately else (order,))
    notes = ("sent a few minutes ago",) if lately else ()
    asked = f"asks for what was withheld on #{ticket.id}"
    return Ruling(saw, kept, Reason.DIGEST_ASKED, (asked, *notes, *conflict))


def says_more(mail: Mail) -> bool:
    """Whether a mail whose first line is the command says anything else: thanks, a name and a
    signature do not count, nor does the one line that a client writes below a subject that is the
    command."""
    if has_files(mail) or is_text_read_in_part(mail) or is_unreadable(mail):
        return True
    said = visible(body_text(mail)).text.strip()
    if not is_by_subject(mail):
        said = said.partition("\n")[2].strip()
    elif _OF_CLIENT.fullmatch(" ".join(said.split()).rstrip(".! ")):
        return False
    return bool(said) and not only_thanks(f"Thanks\n{said}")


_OF_CLIENT = re.compile(
    r"(?:please )?unsubscribe(?: me)?"
    r"|this (?:is an automatic(?:ally (?:generated|sent))? (?:message|e-?mail|mail)"
    r"|(?:message|e-?mail|mail) (?:was|is|has been) (?:automatically (?:generated|sent|created)"
    r"|(?:generated|sent|created) automatically))(?: by [\w. ]{1,40})?"
    r"|dies(?: ist eine automatisch(?:e| generierte| erstellte) (?:nachricht|e-?mail|mail)"
    r"|e (?:nachricht|e-?mail|mail) wurde automatisch (?:generiert|erstellt|erzeugt|gesendet"
    r"|versendet|verschickt))"
    r"|cet? (?:message|e-?mail|courriel) a été (?:généré|envoyé|créé) automatiquement"
    r"|apple mail (?:sent|hat|a envoyé|ha inviato|ha enviado|envió|heeft|enviou)\b.{0,80}"
    r"(?:unsubscri|abmeld|abbestell|désabonn|désinscri|disiscri|annull|cancelar|afmeld|uitschrij)"
    r"[^\"“„«»]{0,80}[\"“„«»].{0,300}[\"”“»«]",
    re.IGNORECASE,
)
"""What a client says that it sends by itself (Gmail, Apple Mail, Outlook), as a whole."""


def is_by_subject(mail: Mail) -> bool:
    """Whether the subject is the command, as a click on a link of ours writes it. What stands below
    may be meant for nobody but the desk."""
    return mail.subject.strip().casefold() == UNSUBSCRIBE
