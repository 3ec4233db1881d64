"""What a staff person's own mail does on a ticket: answers, notes, commands."""

from __future__ import annotations

from typing import assert_never

from rules.commands import (
    USAGE,
    Assign,
    Cc,
    Command,
    Escalate,
    Help,
    Merge,
    Note,
    OnBehalf,
    Public,
    Requester,
    SetSeverity,
    SetStatus,
    Snooze,
    Split,
    Tag,
    Unsubscribe,
    Untag,
    Whom,
    Workaround,
    parse_commands,
)
from rules.decision.case import Case, Ruling
from rules.decision.content import body_text, has_files, is_unreadable
from rules.decision.entitlement import Entitlement, Right
from rules.decision.model import AddComment, Reason
from rules.decision.unsubscribe import unsubscribe
from rules.identity import is_proven_enough
from rules.mail.quoting import REPLY_MARK, published
from rules.service import notifications, sla_rules
from rules.service.participants import additions
from rules.ticket import changes
from rules.ticket.changes import Change
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility


def by_staff(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """A mail to a staff person's own reply or note address.

    Either all commands are done, or none: then the text stays a private draft, and a receipt
    gives the reason.
    """
    sender, policy = case.sender, case.policy
    member = ticket.participant(sender.address)
    given = parse_commands(
        published(body_text(case.mail), REPLY_MARK), policy.levels, policy.severity.ceiling
    )
    if Unsubscribe() in given.given and member is not None:
        return unsubscribe(case, ticket, member, saw, conflict)
    wanted, faults = _as_changes(given.given, sender.address)
    faults = (*given.faults, *faults, *((case.facts.refused,) if case.facts.refused else ()))
    if given.given and not is_proven_enough(sender, policy.proof.command):
        faults = (*faults, f"commands require {policy.proof.command}")
    if faults:
        refused = ReceiptPayload(ReceiptText.NOTHING_DONE, text="\n".join(faults))
        draft = AddComment(ticket.id, Visibility.PRIVATE, (), _receipt(case, ticket, refused))
        return Ruling(saw, draft, Reason.COMMAND_REFUSED, (f"refused: {faults[0]}", *conflict))
    silent = not (given.text.strip() or has_files(case.mail) or is_unreadable(case.mail))
    asks = any(isinstance(c, Help) for c in given.given)
    helped = _receipt(case, ticket, USAGE_RECEIPT) if asks else ()
    if silent and not wanted and not asks:
        empty = ReceiptPayload(ReceiptText.NOTHING_PUBLISHED)
        draft = AddComment(ticket.id, Visibility.PRIVATE, (), _receipt(case, ticket, empty))
        return Ruling(saw, draft, Reason.NOTHING_SAID, ("no text to publish", *conflict))
    # The more private reading wins.
    private = (
        entitled.right is Right.NOTE or silent or any(isinstance(c, Note) for c in given.given)
    )
    visibility = Visibility.NOTE if private else Visibility.PUBLIC
    action = AddComment(
        ticket.id,
        visibility,
        () if private else additions(case.mail, case.facts, sender, ticket, policy),
        (*helped, *(() if silent else _notices(case, ticket, visibility))),
        clock_change=None
        if private
        else sla_rules.answered(case.policy, ticket, case.facts.decided_at),
        by_staff=True,
        changes=wanted,
    )
    commands = (f"{len(wanted)} commands",) if wanted else ()
    return Ruling(
        saw, action, entitled.reason, (f"{visibility} on #{ticket.id}", *commands, *conflict)
    )


NOT_YET = ("tag", "untag", "requester", "split", "snooze", "onbehalf")
"""They are recognised, so that none of them is published, but not implemented."""
USAGE_RECEIPT = ReceiptPayload(
    ReceiptText.USAGE, text="\n".join(usage for name, usage in USAGE.items() if name not in NOT_YET)
)


def _notices(case: Case, ticket: Ticket, visibility: Visibility) -> tuple[NoticeOrder, ...]:
    author = case.sender.address
    orders = notifications.for_mailed_comment(
        case.mail, case.facts, ticket, author=author, visibility=visibility, policy=case.policy
    )
    return notifications.apply_storm_breaker(
        orders,
        mail=case.mail,
        facts=case.facts,
        ticket=ticket,
        author=author,
        policy=case.policy,
    )[0]


def _receipt(case: Case, ticket: Ticket, payload: ReceiptPayload) -> tuple[NoticeOrder, ...]:
    """One mail to the author; none once they were sent too many: then a machine writes for them."""
    sender = case.sender
    language = sender.person.language if sender.person is not None else ""
    receipt = NoticeOrder(NoticeKind.RECEIPT, sender.address, language, payload)
    return notifications.within_budget((receipt,), ticket, case.policy)


def _whom(to: Whom | str, me: str) -> str:
    match to:
        case Whom.ME:
            return me
        case Whom.NOBODY:
            return ""
        case _:
            return to


def _as_changes(given: tuple[Command, ...], me: str) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """What the commands change, in their order; and a fault for each that is not implemented."""
    wanted: list[Change] = []
    faults: list[str] = []
    for command in given:
        match command:
            case Note() | Public() | Help():
                pass
            case SetStatus(status=status):
                wanted.append(changes.SetStatus(status))
            case SetSeverity(level=level, reason=reason):
                wanted.append(changes.SetSeverity(level, reason))
            case Workaround(reason=reason):
                wanted.append(changes.Workaround(reason))
            case Assign(to=to):
                wanted.append(changes.Assign(_whom(to, me)))
            case Cc(added=added, removed=removed):
                wanted.extend(changes.AddPerson(address) for address in added)
                wanted.extend(changes.RemovePerson(address) for address in removed)
            case Merge(into=number):
                wanted.append(changes.Merge(number))
            case Escalate(reason=reason):
                wanted.append(changes.Escalate(reason))
            case Tag() | Untag() | Requester() | Split() | Snooze() | OnBehalf() | Unsubscribe():
                faults.append(f"#{type(command).__name__.lower()} cannot be done by mail here yet")
            case _:
                assert_never(command)
    return tuple(wanted), tuple(faults)
