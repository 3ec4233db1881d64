"""What signatures cover that held when a relay or sealer saw the mail, although none holds here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.authentication.signatures import (
    HeaderField,
    RawMessage,
    Tags,
    signed_content_digest,
)
from gateway.authentication.structure import covered_names, structure_problem
from rules.sender.authentication import SignedScope


def assumed_scope(
    message: RawMessage, signatures: Sequence[tuple[HeaderField, Tags]]
) -> SignedScope:
    """What signatures cover of which one held when a relay saw it, although none holds here: only
    what each of them covers, since any of the others may be forged. Whether or not the relay has
    changed the body, it may have left the structure to the client that sent it the mail. CPU-bound.

    Raises whatever dkimpy raises.
    """
    names = _covered_by_each(signatures)
    problem = structure_problem(message, names)
    return SignedScope(signed_content_digest(message, *signatures[0]), names, problem=problem)


def assumed_fingerprints(
    message: RawMessage, signatures: Sequence[tuple[HeaderField, Tags]]
) -> tuple[str, ...]:
    """The fingerprints of such signatures, by which a mail is recognised whatever a relay of ours
    makes of the body of each copy. None unless all cover Message-ID, or all cover Date: one may be
    of another mail, which it would keep out. So may any under a seal, where the body may be
    somebody else's. CPU-bound.

    Raises whatever dkimpy raises.
    """
    if not signatures or not {"message-id", "date"} & set(_covered_by_each(signatures)):
        return ()
    return tuple(signed_content_digest(message, field, tags) for field, tags in signatures)


def _covered_by_each(signatures: Sequence[tuple[HeaderField, Tags]]) -> tuple[str, ...]:
    least = Counter(covered_names([tags for _, tags in signatures]))
    for _, tags in signatures:
        least &= Counter(covered_names([tags]))
    return tuple(least.elements())
