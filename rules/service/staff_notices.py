"""Which of the staff a notice about a ticket goes to, as each of them prefers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rules.people import Staff, StaffNotices
from rules.ticket.model import Ticket


def interested(staff: Iterable[Staff], own: Collection[str] = ()) -> list[Staff]:
    """Those who prefer to be notified; `own` are the addresses of whose own ticket it is. Everybody
    where nobody is left, not even a reader of digests: no ticket is without a reader. Whose mail
    bounces reads none, and so counts only where it is everybody's."""
    desk = list(staff)
    everybody = [each for each in desk if each.reachable] or desk
    wanted = [
        each
        for each in everybody
        if each.notices is StaffNotices.ALL
        or (each.notices is StaffNotices.MINE and each.address in own)
    ]
    if wanted or any(each.notices is StaffNotices.DIGEST for each in everybody):
        return wanted
    return everybody


def colleagues(staff: Iterable[Staff], author: str) -> list[Staff]:
    """The staff whom mail about what an author writes reaches, besides the author."""
    return [each for each in staff if each.reachable and each.address != author]


def is_alone(staff: Iterable[Staff], author: str) -> bool:
    """Whether the author is of the staff, and mail reaches nobody else of them: what keeps their
    words from the customers must then be said to the author."""
    desk = list(staff)
    return any(each.address == author for each in desk) and not colleagues(desk, author)


def owners(ticket: Ticket) -> frozenset[str]:
    """The addresses of the staff who follow a ticket, and of its assignee."""
    following = {p.address for p in ticket.participants if p.is_staff and p.is_notified}
    return frozenset(following | {ticket.assignee} - {""})
