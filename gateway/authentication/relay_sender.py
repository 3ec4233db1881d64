"""What a relay of ours states of the envelope sender of a mail that it hands to us.

The address of a relay does not show where the mail came from. It passes SPF for the domains whose
mail it sends, ours above all, whoever gave it the mail.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.authentication.results_header import (
    RELAY_FIELDS,
    StatedResults,
    has_forged_greeting,
    is_named,
    may_forge_results,
    may_forge_sender,
    read_results,
)
from gateway.authentication.signatures import RawMessage


def relay_passed_sender(
    message: RawMessage, relays: Iterable[str], mail_from: str, domain: str
) -> bool:
    """Whether one of these relays states SPF of this envelope sender, in this domain, as passed,
    and no other SPF. CPU-bound, never raises."""
    found = _topmost(message)
    if found is None or not any(is_named(found.authserv_id, each) for each in relays):
        return False
    if may_forge_sender(mail_from) or may_forge_results(message):
        return False
    stated = [each for each in found.results if each.method == "spf"]
    return len(stated) == 1 and stated[0].passed and stated[0].is_about(domain)


def _topmost(message: RawMessage) -> StatedResults | None:
    """The first Authentication-Results, above which there are only fields that relays add; none if
    the client that the relay served named itself by more than a name."""
    found: StatedResults | None = None
    for name, value in message.fields:
        lower_name = name.strip().lower()
        if lower_name == b"received":
            if has_forged_greeting(value):
                return None
            if found is not None:  # of the relay itself, which adds its results above it
                return found
        elif lower_name == b"authentication-results":
            if found is not None:
                return found
            found = read_results(value)
            if found is None:
                return None
        elif lower_name not in RELAY_FIELDS and not lower_name.startswith(b"x-"):
            break
    return found
