"""The decision on one mail: an ordered tuple of checks; the first that rules decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from rules.decision.automation import automatic
from rules.decision.case import Arrival, Case, Finding, Pass, Ruling
from rules.decision.content import is_text_read_in_part
from rules.decision.entitlement import entitlement
from rules.decision.filing import known_ticket, new_ticket
from rules.decision.model import (
    Action,
    AddComment,
    Decision,
    Defer,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.decision.notices import with_author_notified, with_left_out_named
from rules.decision.screening import author, bounce, duplicate, proof, rate, sender
from rules.decision.trace import Step
from rules.facts import Facts
from rules.identity import Sender, identify, proof_of
from rules.mail import Body, Mail, Unread
from rules.mail.automatic import AutomaticClass, AutomationSign, sign_of_automation
from rules.mail.extent import READ_CHARACTERS, READ_LINES
from rules.mail.header import Ambiguous
from rules.mail.opening import TRACED
from rules.mail.quoting import is_forward, visible
from rules.policy import Policy
from rules.sender.pointers import PointerKind, thread_ids
from rules.service.more import SUMMARIES, summaries
from rules.ticket.notices import NoticeOrder

ON_ARRIVAL: tuple[Callable[[Arrival], Finding], ...] = (duplicate, bounce, automatic, author)
"""The last of them rules on every mail that does not have exactly one author."""
OF_A_SENDER: tuple[Callable[[Case], Finding], ...] = (
    proof,
    sender,
    rate,
    known_ticket,
    new_ticket,
)
"""The last of them rules on every mail."""


def decide(mail: Mail, facts: Facts, policy: Policy) -> Decision:
    """What happens to a mail. The first check that rules decides; one of them always does."""
    known = None if isinstance(mail.author, Ambiguous) else identify(mail.author, facts, policy)
    trace = list(_reading(mail))
    for check, finding in _findings(mail, facts, policy, known):
        action, withheld = _without_withheld(finding)
        action, later = _with_summaries(action, withheld, facts)
        notes = (*finding.notes, *later, *_left_out(withheld))
        trace.append(Step(check, finding.saw, "; ".join(notes)))
        match finding:
            case Pass():
                continue
            case Ruling(reason=reason):
                assert action is not None
                _assert_never_critical(action, policy)
                proof = proof_of(known, facts.authentication)
                return Decision(action, reason, tuple(trace), proof, withheld, _versions(facts))
            case _:
                assert_never(finding)
    raise AssertionError("author and new_ticket rule on every mail that reaches them")


def _without_withheld(finding: Finding) -> tuple[Action | None, tuple[NoticeOrder, ...]]:
    """What a check decided, without the notices that a budget withholds; and these."""
    action = finding.action if isinstance(finding, Ruling) else None
    match action:
        case AddComment() | OpenTicket() | EndSubscription() | Record() | Hold():
            withheld = tuple(order for order in action.orders if order.withheld)
            if withheld:
                kept = tuple(order for order in action.orders if not order.withheld)
                action = replace(action, orders=kept)
            by_commands = action.command_effects.withheld if isinstance(action, AddComment) else ()
            return action, (*withheld, *by_commands)
        case None | Refuse() | Defer() | Repeat():
            return action, ()
        case _:
            assert_never(action)


def _with_summaries(
    action: Action | None, withheld: tuple[NoticeOrder, ...], facts: Facts
) -> tuple[Action | None, tuple[str, ...]]:
    """The action with the summaries that make up for what is withheld; and a note on them."""
    match action:
        case OpenTicket(follows=number) | AddComment(ticket=number) | Record(ticket=number):
            ticket = facts.tickets.get(number) if number is not None else None
        case _:
            return action, ()
    if ticket is None or not withheld:
        return action, ()
    ordered = action.command_effects.notices if isinstance(action, AddComment) else ()
    covered = {order.address for order in ordered if order.kind in SUMMARIES}
    made = summaries(withheld, ticket, facts.decided_at, facts.decided_at)
    due = tuple(order for order in made if order.address not in covered)
    note = [f"{o.address} at {o.due_at:%H:%M} UTC" for o in due if o.due_at is not None]
    notes = (f"summary of what is withheld: to {', '.join(note)}",) if note else ()
    return replace(action, orders=(*action.orders, *due)), notes


def _left_out(orders: tuple[NoticeOrder, ...]) -> tuple[str, ...]:
    """For the trace."""
    if not orders:
        return ()
    each = (f"{order.kind.replace('_', ' ')} to {order.address}" for order in orders)
    return (f"withheld, sent enough within the hour, {len(orders)}: {', '.join(each)}",)


def _reading(mail: Mail) -> Iterator[Step]:
    """For the trace: what of the mail is not read by the rules."""
    if isinstance(mail.body, Unread):
        yield Step("text", f"{mail.size_bytes:,} bytes", "not read: header and envelope decide")
    elif is_text_read_in_part(mail):
        limits = f"first {READ_CHARACTERS:,} characters and {READ_LINES:,} lines"
        yield Step("text", "a long text", f"kept as a whole; the rules read its {limits}")
    if isinstance(mail.body, Body):
        seen = visible(mail.body.text, forwarded=is_forward(mail.subject, mail.body.text))
        if seen.lines:
            saw = f"lines that are not shown: {seen.hidden_lines}"
            yield Step("text", saw, f"{seen.hidden_kinds}; kept with the comment")
    if isinstance(mail.body, Body) and mail.body.damaged:
        yield Step("text", "a damaged encoding", "decoded as far as it goes; the raw mail is kept")
    for packed in mail.body.opened if isinstance(mail.body, Body) else ():
        if packed in TRACED:
            yield Step("text", *TRACED[packed])
    if isinstance(mail.body, Body) and mail.body.every_form:
        yield Step(
            "text",
            "parts that say different things, and an unsigned Content-Type",
            "all of them are shown",
        )


def _findings(
    mail: Mail, facts: Facts, policy: Policy, known: Sender | None
) -> Iterator[tuple[str, Finding]]:
    """The name and the finding of each check in order; a check runs when the caller gets to it."""
    sign = _sign(mail, facts, policy)
    entitlements = entitlement(mail, known, facts, policy)
    arrival = Arrival(mail, facts, policy, sender=known, entitlements=entitlements, automatic=sign)
    for first in ON_ARRIVAL:
        yield first.__name__, first(arrival)
    if known is not None:
        case = Case(mail, facts, policy, sender=known, entitlements=entitlements, automatic=sign)
        for check in OF_A_SENDER:
            found = with_left_out_named(case, check(case))
            yield check.__name__, with_author_notified(case, found)


def _sign(mail: Mail, facts: Facts, policy: Policy) -> AutomationSign | None:
    """The sign that the mail is automatic."""
    if facts.looped:
        return AutomationSign(AutomaticClass.CERTAIN, "a mail of ours, sent back")
    lists = policy.lists_of(facts.mailbox.address)
    replied = {PointerKind.REPLY_TOKEN, PointerKind.SUBJECT_TAG}
    answers = bool(thread_ids(mail)) or any(p.kind in replied for p in facts.pointers)
    subjects = [ticket.subject for ticket in facts.tickets.values()] if answers else []
    return sign_of_automation(mail, facts.envelope, lists, answers=answers, replied=subjects)


def _versions(facts: Facts) -> dict[int, int]:
    return {number: ticket.version for number, ticket in facts.tickets.items()}


def _assert_never_critical(action: Action, policy: Policy) -> None:
    """The second barrier: the type excludes critical levels, and the level is checked again."""
    if isinstance(action, OpenTicket):
        critical = {level.name for level in policy.levels if level.critical}
        if action.severity.name in critical:
            raise AssertionError(f"a mail would open at {action.severity.name}")
