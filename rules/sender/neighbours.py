"""Whose a domain is that proves an author, where two registered companies share a parent domain.

By RFC 9989 each name below a parent domain with a DMARC record proves the others. Where a company
of ours has one of the names and another company another, it does not: neither writes as the other,
and none as our staff.
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
    residents: Collection[int] = (),
) -> bool:
    """Whether a domain belongs to another company than the author's. A name belongs to the company
    of the nearest domain that is registered, its own or one above it; an author's domain that is
    not, to the companies of the `residents`, who have an address in it, or to us alone if staff are
    among them. Who has a domain above the author's could prove it in any case."""
    theirs = _registered(domain, owners)
    if theirs is None or theirs in names_above(author_domain):
        return False
    own = _registered(author_domain, owners)
    of_author = {owners[own]} if own is not None else {US} & set(residents) or set(residents)
    return bool(of_author) and owners[theirs] not in of_author


def _registered(domain: str, owners: Mapping[str, int]) -> str | None:
    return next((name for name in names_above(domain) if name in owners), None)
