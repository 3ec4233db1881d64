"""Notices that several decisions have in common."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.case import Case, Finding, Ruling
from rules.decision.content import body_text
from rules.decision.model import AddComment, Hold, OpenTicket
from rules.decision.reasons import Reason
from rules.identity import ProofLevel, Sender, Standing, is_machine
from rules.mail import Mail
from rules.mail.language import author_language
from rules.mail.subjects import unmarked_subject
from rules.sentence import Sentence, sentence
from rules.service import notifications
from rules.service.limits import NoticeBudget
from rules.service.participants import Addition, left_out, proposals, without_pending
from rules.service.storms import apply_storm_breaker
from rules.service.unnotified import unnotified
from rules.ticket.claims import claim_in_opening
from rules.ticket.model import Ticket
from rules.ticket.notice_timing import may_be_notified_of_hold
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic, KeptPayload, ReceiptPayload
from rules.ticket.visibility import Visibility


def receipt(
    mail: Mail, sender: Sender, ticket: Ticket | None, payload: ReceiptPayload
) -> NoticeOrder:
    """What became of a mail or its commands, for its sender alone: in the language that is known of
    them on the ticket, else in their own, else in that of the mail."""
    of_ticket = ticket.language_of(sender.address) if ticket is not None else ""
    own = sender.person.language if sender.person is not None else ""
    language = of_ticket or own or author_language(mail.header)
    return NoticeOrder(NoticeKind.RECEIPT, sender.address, language, payload)


def approval_request(
    case: Case, ticket: Ticket, additions: tuple[Addition, ...]
) -> tuple[NoticeOrder, ...]:
    """Asks the requester to decide on the proposed people; or alerts staff if they get no mail, or
    if this is their own mail, which may not be answered. Nobody is asked for a machine."""
    proven = case.sender.proof_level >= ProofLevel.PROVEN
    asks = case.takes_answers or case.sender.address != ticket.requester
    if not asks and is_machine(case.sender):
        return ()
    return notifications.for_proposed(
        ticket,
        additions,
        author=case.sender.address,
        staff=case.facts.staff,
        policy=case.policy,
        budget=NoticeBudget.CUSTOMERS if proven else NoticeBudget.WAITING,
        asks=asks,
    )


def of_comment(
    case: Case,
    ticket: Ticket,
    orders: tuple[NoticeOrder, ...],
    visibility: Visibility,
    *,
    certain: bool,
    by_staff: bool = False,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...], tuple[str, ...]]:
    """The notices of a comment that a storm or a machine leaves; why it leaves no more; and who on
    the ticket gets none. The last two are notes for the trace."""
    author = case.sender.address
    left, calm = apply_storm_breaker(
        orders,
        mail=case.mail,
        facts=case.facts,
        ticket=ticket,
        author=author,
        policy=case.policy,
        certain=certain,
        by_staff=by_staff,
    )
    quiet = unnotified(
        ticket,
        author=author,
        direct=notifications.direct_recipients(
            case.mail, proven=case.sender.proof_level >= ProofLevel.PROVEN
        ),
        visibility=visibility,
        policy=case.policy,
    )
    return left, calm, quiet


MOST_NAMED = 10
"""Of the people who do not join, in an alert."""


def with_left_out_named(case: Case, finding: Finding) -> Finding:
    """The finding; where a mail names more people than it or its ticket takes, staff are alerted of
    those who do not join, or the staff person who named them: they and their author believe that
    they are on the ticket."""
    if not isinstance(finding, Ruling) or case.by_machine:
        return finding
    action = finding.action
    waits = finding.reason is Reason.TOKEN_ONLY
    of_mail = (case.mail, case.facts, case.sender)
    match action:
        case AddComment(ticket=number) if waits or action.visibility is Visibility.PUBLIC:
            ticket = case.facts.tickets.get(number)
            if waits and ticket is not None:
                _, out = proposals(*of_mail, ticket, case.policy)
            else:
                out = left_out(*of_mail, ticket, case.policy)
        case OpenTicket(follows=followed):
            ticket = case.facts.tickets.get(followed) if followed is not None else None
            among = without_pending(ticket) if ticket is not None else None
            # Its requester where staff open it, and people of the mail that they forward.
            there = {action.requester, *(each.address for each in action.additions)}
            further = left_out(*of_mail, among, case.policy)
            out = tuple(address for address in further if address not in there)
        case _:
            return finding
    if not out:
        return finding
    orders = (*action.orders, *_alert_of_left_out(case, ticket, out))
    note = f"{len(out)} in To or Cc do not join: too many people"
    return replace(finding, action=replace(action, orders=orders), notes=(*finding.notes, note))


def _alert_of_left_out(
    case: Case, ticket: Ticket | None, out: tuple[str, ...]
) -> tuple[NoticeOrder, ...]:
    facts, policy, author = case.facts, case.policy, case.sender.address
    proven = case.sender.proof_level >= ProofLevel.PROVEN
    readers = [each for each in facts.staff if each.address == author]
    if case.sender.standing is not Standing.STAFF or not proven:
        readers = list(facts.staff) if policy.staff.notify != "none" else []
        if ticket is not None:
            readers = list(notifications.notified_staff(ticket, facts.staff, policy))
    what = _said_of_left_out(author, out, proven=proven)
    alerts = notifications.alert(AlertTopic.PEOPLE, (what,), readers, policy)
    if ticket is None:
        return alerts
    return notifications.within_budget(alerts, ticket, policy, NoticeBudget.WAITING)


def _said_of_left_out(author: str, out: tuple[str, ...], *, proven: bool) -> Sentence:
    more = f" … (+{len(out) - MOST_NAMED})" if len(out) > MOST_NAMED else ""
    addresses = ", ".join(out[:MOST_NAMED]) + more
    if proven:
        return sentence(
            "{author} named {addresses} in To or Cc. They do not join: that is more people than an "
            "email or a ticket takes. To add a person, reply with #cc +ADDRESS.",
            author=author,
            addresses=addresses,
        )
    return sentence(  # who has a copy of the address may ask in their name
        "An email in the name of {author}, which nothing but a reply address proves, names "
        "{addresses} in To or Cc. They do not join: that is more people than an email or a ticket "
        "takes. Add nobody before you know that {author} wrote it.",
        author=author,
        addresses=addresses,
    )


LONGEST_SUBJECT = 200
_MAY_BE_OF_OTHERS = (Reason.NOT_ADDRESSED, Reason.NOT_SIGNED)
"""The author has signed the mail, and nothing shows that they sent it here."""


def with_author_notified(case: Case, finding: Finding) -> Finding:
    """The finding; where it holds the mail of an author who is proven and registered, they are
    notified of that, once a day; of a mail that claims to be critical once an hour, with the
    critical channel, whatever their client asks for.

    A mail that anybody may have sent again is not answered: a third party would cause the notice
    of the day, and so keep the author from that of a mail of their own.
    """
    if not isinstance(finding, Ruling) or not isinstance(finding.action, Hold):
        return finding
    sender, facts = case.sender, case.facts
    proven = sender.proof_level >= ProofLevel.PROVEN and sender.standing.may_write
    released = facts.came_at is not None and facts.came_at < facts.decided_at
    if not proven or released or not case.is_of_a_person:
        return finding
    critical = _claims_critical(case)
    if not critical and not case.takes_answers:
        return finding
    if finding.reason in _MAY_BE_OF_OTHERS:
        return replace(finding, notes=(*finding.notes, "its author is not notified"))
    if not may_be_notified_of_hold(facts.kept_at, facts.decided_at, critical=critical):
        within = "an hour, of the critical channel" if critical else "a day"
        return replace(finding, notes=(*finding.notes, f"its author was notified within {within}"))
    own = sender.person.language if sender.person is not None else ""
    language = own or author_language(case.mail.header)
    payload = KeptPayload(case.mail.subject[:LONGEST_SUBJECT], critical)
    kept = NoticeOrder(NoticeKind.KEPT, sender.address, language, payload)
    action = replace(finding.action, orders=(*finding.action.orders, kept))
    return replace(finding, action=action, notes=(*finding.notes, "its author is notified"))


def _claims_critical(case: Case) -> bool:
    """Whether a mail that is held claims to be critical."""
    words, mail = case.policy.claim_vocabulary, case.mail
    bare = unmarked_subject(mail.subject, case.policy.subject_tag.format)
    claim = claim_in_opening(words, bare, body_text(mail), mail.header)
    return claim is not None and claim.critical
