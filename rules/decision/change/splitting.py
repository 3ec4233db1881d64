"""A ticket is made out of a comment of another, or out of a text that staff write."""

from __future__ import annotations

from rules.commands.readable import readable
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, NewComment, SplitOff
from rules.identity import is_forwarded, is_unproven
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications, sla_rules
from rules.ticket.changes import Split
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.severity import MailSeverity, capped
from rules.ticket.visibility import Visibility


def split(
    ticket: Ticket, change: Split, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """It has the same requester and the same promises; its clock begins now. Who splits it is
    notified of it as of any new ticket, which names its number."""
    if not facts.is_request:
        return ChangeRefused(sentence("a link or a clock cannot split a ticket"))
    comment, has_files = _comment(ticket, change, facts)
    if isinstance(comment, Sentence):
        return ChangeRefused(comment)
    severity = _severity(ticket, policy)
    promised = sla_rules.target(policy, ticket.tier, ticket.targets, severity.name)
    subject = " ".join(comment.subject.split()) or ticket.subject
    made = SplitOff(
        subject=subject,
        requester=ticket.requester,
        language=ticket.language_of(ticket.requester),
        company=ticket.company,
        severity=severity,
        tier=ticket.tier,
        targets=ticket.targets,
        calendar=ticket.calendar,
        clock=sla_rules.opened(policy, promised, None, facts.at, ticket.calendar),
        comment=comment,
        orders=_orders(ticket, comment, facts, policy),
    )
    done = sentence(
        "a ticket is split off from #{ticket}; you get a notice of it", ticket=ticket.id
    )
    files = sentence("the files of that comment stay with #{ticket}", ticket=ticket.id)
    return Effects((made,), (done, files) if has_files else (done,))


def _comment(
    ticket: Ticket, change: Split, facts: ChangeFacts
) -> tuple[NewComment | Sentence, bool]:
    """The first comment of the new ticket, or why there is none; and whether it leaves files."""
    door = facts.source.value
    if change.comment is None:
        if not change.text.strip():
            return sentence(
                "#split: write the text of the new ticket below it, or name a comment"
            ), False
        new = NewComment(facts.actor, Visibility.PUBLIC, change.text.strip(), facts.at, door)
        return new, False
    known = facts.comments.get(change.comment)
    if known is None or known.visibility is not Visibility.PUBLIC:
        missing = sentence(
            "#{ticket} has no public comment {comment}", ticket=ticket.id, comment=change.comment
        )
        return missing, False
    text = readable(known.text, mail_of_staff=known.has_commands)
    if not text.strip():
        empty = sentence("comment {comment} has no text of its own", comment=change.comment)
        return empty, False
    # Staff state what is copied, and not that its author wrote it.
    keeps = is_unproven(known.proof) or is_forwarded(known.proof)
    proof = known.proof if keeps else door
    new = NewComment(known.author, Visibility.PUBLIC, text, facts.at, proof, subject=known.subject)
    return new, known.has_files


def _severity(ticket: Ticket, policy: Policy) -> MailSeverity:
    """That of the ticket, or the highest that is not critical."""
    names = [level.name for level in policy.levels]
    same = ticket.severity if ticket.severity in names else policy.severity.default
    return capped(policy.levels, same, same, None, may_claim=False)


def _orders(
    ticket: Ticket, comment: NewComment, facts: ChangeFacts, policy: Policy
) -> tuple[NoticeOrder, ...]:
    requester = ticket.participant(ticket.requester)
    notified: tuple[NoticeOrder, ...] = ()
    if requester is not None and requester.is_notified and not requester.is_staff:
        address, language = requester.address, requester.language
        if policy.acknowledgement.send:
            notified = (notifications.acknowledgement(address, language, comment.text, (), policy),)
        if comment.author != address:
            of_text = NoticeOrder(NoticeKind.COMMENT, address, language, quotes=True)
            notified = (*notified, of_text)
    others = notifications.for_opening(
        ticket.requester,
        staff=facts.staff,
        account_team=(),
        additions=(),
        policy=policy,
        language=ticket.language_of(ticket.requester),
    )
    return (*notified, *others)
