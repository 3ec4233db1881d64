"""Whose a domain is that proves an author, where two registered companies share a parent domain.

By RFC 9989 each name below a parent domain with a DMARC record proves the others. Where a company
of ours has one of the names, it does not: its people write as nobody of another company, nor as a
person whom we do not know, and none as our staff.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

US = 0
"""In the place of a company: who runs the mailbox, with their staff."""


def names_above(domain: str) -> list[str]:
    """The domain and each domain that it is below, the nearest first, without the top level."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def is_of_another_company(
    domain: str,
    author_domain: str,
    owners: Mapping[str, int],
    residents: Mapping[str, Collection[int]],
) -> bool:
    """Whether a domain belongs to another company than the author's. A name belongs to the company
    of the nearest domain, its own or one above it, that one is registered with, or whose
    `residents` have an address in it; to us alone if staff are among them. What belongs to nobody
    counts as ours, as far as it is the author's. Who has a domain above the author's could prove it
    in any case."""
    nearest = _nearest(domain, owners, residents)
    if nearest is None or nearest in names_above(author_domain):
        return False
    own = _nearest(author_domain, owners, residents)
    of_author = {US} if own is None else _companies(own, owners, residents)
    return of_author.isdisjoint(_companies(nearest, owners, residents))


def _nearest(
    domain: str, owners: Mapping[str, int], residents: Mapping[str, Collection[int]]
) -> str | None:
    return next((n for n in names_above(domain) if n in owners or residents.get(n)), None)


def _companies(
    name: str, owners: Mapping[str, int], residents: Mapping[str, Collection[int]]
) -> set[int]:
    if name in owners:
        return {owners[name]}
    return {US} if US in residents[name] else set(residents[name])
