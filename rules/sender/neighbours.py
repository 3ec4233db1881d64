"""Whose a domain is that proves an author, where two registered companies share a parent domain.

By RFC 9989 each name below a parent domain with a DMARC record proves the others. Where a company
of ours has one of the names, it does not: its people write as nobody of another company, nor as a
person whom we do not know, and none as our staff.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field

US = 0
"""In the place of a company: who runs the mailboxes, with their staff."""
MAX_LABELS = 10
"""More than a domain has that anybody is registered with. A sender may write names of 120."""


def names_above(domain: str) -> list[str]:
    """The domain and each domain that it is below, the nearest first, without the top level and
    without names of more labels than `MAX_LABELS`."""
    labels = domain.split(".")[-MAX_LABELS:]
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


@dataclass(frozen=True, slots=True)
class Register:
    """Whose some domains are, as one mailbox has it: each company by what it has in common with
    itself in the registers of other mailboxes. A name belongs to the company of the nearest
    domain, its own or one above it, that one is registered with, or whose `residents` have an
    address in it; to us alone if staff are among them."""

    owners: Mapping[str, Hashable]
    residents: Mapping[str, Collection[Hashable]] = field(default_factory=dict)

    def knows_any(self) -> bool:
        return bool(self.owners or self.residents)

    def nearest(self, domain: str) -> str:
        """That domain; empty if the name is nobody's."""
        names = names_above(domain)
        return next((n for n in names if n in self.owners or self.residents.get(n)), "")

    def companies(self, domain: str) -> Collection[Hashable]:
        name = self.nearest(domain)
        if name in self.owners:
            return {self.owners[name]}
        theirs = self.residents.get(name, ())
        return {US} if US in theirs else theirs


def is_of_another_company(
    domain: str, author_domain: str, here: Register, elsewhere: Iterable[Register] = ()
) -> bool:
    """Whether a domain belongs to another company than the author's, for a mailbox with a register.
    What belongs to nobody counts as ours, as far as it is the author's. Who has a domain above the
    author's could prove it in any case.

    The registers of our other mailboxes, `elsewhere`, count where they know a nearer domain: a
    customer of one mailbox proves nobody of another company at another one.
    """
    known = len(here.nearest(domain))
    nearer = (each for each in elsewhere if len(each.nearest(domain)) > known)
    return any(_is_of_another(domain, author_domain, each, here) for each in (here, *nearer))


def _is_of_another(domain: str, author_domain: str, register: Register, here: Register) -> bool:
    """Whether it does by one register. The author's domain is whose that register says, or the one
    of the mailbox where that knows a nearer one."""
    nearest = register.nearest(domain)
    if not nearest or nearest in names_above(author_domain):
        return False
    knows_best = max((register, here), key=lambda each: len(each.nearest(author_domain)))
    author = set(knows_best.companies(author_domain)) or {US}
    return author.isdisjoint(register.companies(domain))
