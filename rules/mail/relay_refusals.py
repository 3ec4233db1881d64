"""Whether a relay that refuses a recipient for good blames their address, or knows nobody."""

from __future__ import annotations

from collections.abc import Collection

DOMAINS = 5
"""Recipients of so many domains that are refused for good, one after the other, are all that there
are. Those of one domain, which a company may have let lapse, are wrong addresses."""


def is_of_relay(address: str, refused: Collection[str], *, accepted_since: bool) -> bool:
    """Whether it is the relay's fault that it refuses this address, after it has refused those and
    accepted no mail since. One address may be wrong; a relay that knows none of several in a row is
    set up wrongly.

    `accepted_since`: it has refused the same mail before, and accepted others in between.
    """
    return not accepted_since and any(other != address for other in refused)
