"""The names in the DNS by which mail was proven here, for each author's domain.

A sender chooses most of the names that are looked up for their mail: the domain of the envelope,
`d=` and `s=` of a signature. If one of them is silent and that deferred the mail, as long as the
author's domain is a customer's, then anybody could find out who our customers are. So such a
failure defers a mail only where the name has proven mail of that domain before.

Kept by domain and never by address, in memory: after a start nothing is known.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from gateway.authentication.suffixes import may_be_one_organisation, organisation_of

MAX_ORGANISATIONS = 4_096
MAX_NAMES = 64
"""Of one organisation. Both limits drop what was used least recently; within an organisation, of
the part of it that has the most names, since its parts may belong to several people."""


class ProvenNames:
    """Pairs of an author's domain and a name that has proven its mail, by organisation, so that
    nobody's names displace more than one organisation of others."""

    def __init__(
        self, max_organisations: int = MAX_ORGANISATIONS, max_names: int = MAX_NAMES
    ) -> None:
        self._max_organisations, self._max_names = max_organisations, max_names
        self._pairs: OrderedDict[str, OrderedDict[tuple[str, str], None]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._pairs.values()))

    def has(self, domain: str, name: str) -> bool:
        return (domain, name) in self._pairs.get(organisation_of(domain), ())

    def add(self, domain: str, names: Collection[str]) -> None:
        """A mail of this domain was proven by what these names answered."""
        if not names:
            return
        organisation = organisation_of(domain)
        pairs = self._pairs.setdefault(organisation, OrderedDict())
        self._pairs.move_to_end(organisation)
        for name in names:
            pairs[domain, name] = None
            pairs.move_to_end((domain, name))
        while len(pairs) > self._max_names:
            del pairs[_of_the_largest(organisation, pairs)]
        while len(self._pairs) > self._max_organisations:
            self._pairs.popitem(last=False)


def _of_the_largest(organisation: str, pairs: Collection[tuple[str, str]]) -> tuple[str, str]:
    """The oldest pair of the part of an organisation that has the most of them."""
    sizes = Counter(_part(organisation, domain) for domain, _ in pairs)
    most = max(sizes.values())
    return next(pair for pair in pairs if sizes[_part(organisation, pair[0])] == most)


def _part(organisation: str, domain: str) -> str:
    """The label of a domain below its organisation: its owner owns all names under it."""
    return domain.removesuffix(organisation).rstrip(".").rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class NamesOfAuthor:
    """Which failures in the DNS defer a mail of one domain."""

    proven: ProvenNames
    domain: str

    def defers(self, name: str) -> bool:
        """Whether a failure at a name may defer the mail: no sender chooses the author's own
        domain, its organisation's and their DMARC records; any other name must have proven mail."""
        host = name.removeprefix("_dmarc.")
        if host in (self.domain, organisation_of(self.domain)):
            return True
        if host != name and self.domain.endswith(f".{host}"):
            return True
        return self.proven.has(self.domain, name)

    def prove(self, names: Collection[str]) -> None:
        self.proven.add(self.domain, names)

    def owner(self, name: str) -> str:
        """The organisation whose mail depends on a name and whose places it may have; empty for
        names that strangers own and that have proven nothing."""
        if self.defers(name) or may_be_one_organisation(self.domain, name):
            return organisation_of(self.domain)
        return ""


@dataclass(frozen=True, slots=True)
class NamesOfSigners:
    """The same for a mail without a single author: only keys are looked up for it."""

    proven: ProvenNames

    def defers(self, name: str) -> bool:
        return self.proven.has(name.partition("._domainkey.")[2], name)

    def prove(self, names: Collection[str]) -> None:
        for name in names:
            self.proven.add(name.partition("._domainkey.")[2], (name,))

    def owner(self, name: str) -> str:
        return organisation_of(name.partition("._domainkey.")[2])


def key_name(selector: str, domain: str) -> str:
    """Where the key of a signature is (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{domain}".lower()
