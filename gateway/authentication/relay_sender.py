"""What a relay of ours states of the envelope sender of a mail that it hands to us.

The address of a relay does not show where the mail came from. It passes SPF for the domains whose
mail it sends, ours above all, whichever client gave it the mail.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.authentication.results_header import (
    may_forge_results,
    may_forge_sender,
    topmost_results,
)
from gateway.authentication.signatures import RawMessage
from gateway.authentication.stated_results import is_named, read_results


def relay_passed_sender(
    message: RawMessage, relays: Iterable[str], mail_from: str, domain: str
) -> bool:
    """Whether one of these relays states SPF of this envelope sender, in this domain, as passed,
    and no other SPF. CPU-bound, never raises."""
    topmost = topmost_results(message)
    found = read_results(topmost) if topmost is not None else None
    if found is None or not any(is_named(found.authserv_id, each) for each in relays):
        return False
    if may_forge_sender(mail_from) or may_forge_results(message):
        return False
    stated = [each for each in found.results if each.method == "spf"]
    return len(stated) == 1 and stated[0].passed and stated[0].is_about(domain)
