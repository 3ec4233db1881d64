"""Which domains can be of one organisation, by the public suffix list.

Below a shared parent domain no customer is another, and none of them is the host.
"""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

KEPT = 4_096
"""The latest answers that are kept; the list takes 40 µs for each, and most mail repeats them."""


@cache
def public_suffixes() -> PublicSuffixList:
    """The list, both of its sections: registries, and hosts that share a domain among customers.

    A top-level domain that is not listed has no suffixes that we would know of: of the names below
    it, none are taken for one organisation.
    """
    return PublicSuffixList(accept_unknown=False)


@lru_cache(KEPT)
def may_be_one_organisation(one: str, other: str) -> bool:
    """Whether the list allows two domains (A-labels) to be of one organisation.

    The same domain, or two that were registered as one. Where the list does not know the top-level
    domain: a domain and one below it.
    """
    if one == other:
        return True
    suffixes = public_suffixes()
    if suffixes.publicsuffix(one) is not None:
        registered = suffixes.privatesuffix(one)
        return registered is not None and registered == suffixes.privatesuffix(other)
    lower, upper = sorted((one, other), key=len, reverse=True)
    return "." in upper and lower.endswith(f".{upper}")


@lru_cache(KEPT)
def organisation_of(domain: str) -> str:
    """The domain that was registered, of which a domain is a part; itself where that is unknown."""
    return public_suffixes().privatesuffix(domain) or domain


def is_of_somebody(name: str) -> bool:
    """Whether a name is one that was registered, or below it: not everybody can have one in it."""
    return "." in name and public_suffixes().publicsuffix(name.lower()) != name.lower()
