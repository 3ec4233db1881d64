"""The commands of a mail: decided with it, on the ticket as the mail's comment leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rules.decision.after import after
from rules.decision.case import Case
from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, NewComment, notified
from rules.decision.model import AddComment
from rules.decision.notices import receipt
from rules.facts import EscalationFacts
from rules.service.assigning import readers_of, without_comment
from rules.service.limits import NoticeBudget
from rules.service.notifications import within_budget
from rules.ticket.changes import Change, Source
from rules.ticket.model import Ticket
from rules.ticket.payloads import ReceiptOutcome, ReceiptPayload
from rules.ticket.visibility import Visibility


def with_commands(
    case: Case,
    ticket: Ticket,
    comment: AddComment,
    changes: Sequence[Change],
    source: Source,
    *,
    silent: bool = False,
) -> AddComment | ChangeRefused:
    """The comment with the effects of its commands and the receipt for them, or the refusal.
    `silent`: it has no words besides them."""
    if not changes:
        return comment
    at, author = case.facts.decided_at, case.sender.address
    written = NewComment(author, comment.visibility, text="", written_at=at)
    ticket = after(ticket, comment.effects(written, at), at)
    facts = ChangeFacts(
        at=at,
        actor=author,
        source=source,
        by_staff=comment.by_staff,
        mailbox=case.facts.mailbox.address,
        published=comment.visibility is Visibility.PUBLIC,
        comments_with=not silent,
        staff=case.facts.staff,
        people=case.facts.people,
        own_addresses=case.facts.own_addresses,
        tickets=case.facts.tickets,
        escalation=case.facts.escalations.get(ticket.id, EscalationFacts()),
        comments=case.facts.comments.get(ticket.id, {}),
        escalated_lately=case.facts.escalated_lately,
        unreachable=case.facts.unreachable,
    )
    decided = decide_changes(ticket, changes, facts, case.policy)
    if isinstance(decided, ChangeRefused):
        return decided
    budget = NoticeBudget.STAFF if comment.by_staff else NoticeBudget.CUSTOMERS
    payload = ReceiptPayload(sentences=decided.done, outcome=ReceiptOutcome.DONE)
    done = receipt(case.mail, case.sender, ticket, payload)
    orders = within_budget((done,), ticket, case.policy, budget)
    effects = Effects((*decided.rows, *notified(orders)), decided.done)
    others = without_comment(comment.orders, readers_of(decided.notices))
    return replace(comment, orders=others, command_effects=effects)
