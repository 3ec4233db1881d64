"""A mail to the reply addresses of several tickets: it is filed on one of them, and says so.

It is one mail, with one comment and one identity. Staff read with it on which tickets it is not,
and so does its author, if they may write there: they can send it there by itself.
"""

from __future__ import annotations

from dataclasses import replace

from rules.decision.case import Case, Ruling
from rules.decision.entitlement import Entitlement, Right
from rules.decision.model import AddComment, OpenTicket
from rules.decision.notices import receipt
from rules.identity import ProofLevel, Standing
from rules.sender.pointers import PointerKind
from rules.sentence import sentence
from rules.service import notifications
from rules.service.limits import NoticeBudget
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder
from rules.ticket.payloads import NewCommentPayload, NewTicketPayload, ReceiptPayload
from rules.ticket.visibility import Visibility


def naming_others(case: Case, ticket: Ticket, ruling: Ruling) -> Ruling:
    """The ruling on this ticket, with the others whose reply addresses the mail has."""
    others = [
        each
        for each in case.entitlements
        if each.kind is PointerKind.REPLY_TOKEN and each.ticket != ticket.id
    ]
    named = tuple(dict.fromkeys(f"#{each.ticket}" for each in others))
    if not named:
        return ruling
    note = f"not filed on {', '.join(named)}, whose reply address it has as well"
    ruling = replace(ruling, notes=(*ruling.notes, note))
    match ruling.action:
        case AddComment() as action:
            orders = tuple(_naming(order, named) for order in action.orders)
            receipts = _receipt(case, ticket, action, others)
            return replace(ruling, action=replace(action, orders=(*orders, *receipts)))
        case OpenTicket(mentions=None) as action:
            number = others[0].ticket
            orders = tuple(_mentioning(order, number) for order in action.orders)
            return replace(ruling, action=replace(action, orders=orders, mentions=number))
        case _:
            return ruling


def _naming(order: NoticeOrder, named: tuple[str, ...]) -> NoticeOrder:
    if not isinstance(order.payload, NewCommentPayload):
        return order
    return replace(order, payload=replace(order.payload, not_on=named))


def _mentioning(order: NoticeOrder, number: int) -> NoticeOrder:
    if not isinstance(order.payload, NewTicketPayload):
        return order
    return replace(order, payload=replace(order.payload, mentions=number))


def _receipt(
    case: Case, ticket: Ticket, action: AddComment, others: list[Entitlement]
) -> tuple[NoticeOrder, ...]:
    """For a proven author, of the tickets on which they could write: of no other they learn that it
    exists. What is flagged is answered by its own receipt, if at all."""
    sender = case.sender
    by_staff = sender.standing is Standing.STAFF
    open_to_them = [
        each.ticket
        for each in others
        if each.right is Right.COMMENT or (by_staff and each.right is not Right.NONE)
    ]
    proven = sender.proof_level >= ProofLevel.PROVEN
    if not open_to_them or not proven or not case.takes_answers:
        return ()
    if action.visibility is Visibility.PRIVATE:
        return ()
    said = sentence(
        "Your email is on #{ticket} alone. It was sent to the reply address of {others} as well: "
        "to write there, send it to that address by itself.",
        ticket=ticket.id,
        others=", ".join(dict.fromkeys(f"#{number}" for number in open_to_them)),
    )
    order = receipt(case.mail, sender, ticket, ReceiptPayload(sentences=(said,)))
    budget = NoticeBudget.STAFF if by_staff else NoticeBudget.CUSTOMERS
    return notifications.within_budget((order,), ticket, case.policy, budget)
