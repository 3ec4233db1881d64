"""Whether a request may be made by mail."""

from __future__ import annotations

from rules.decision.case import Case, Ruling


def taken_by_mail(case: Case, saw: str) -> Ruling | None:
    """The refusal of a mail that would open a ticket; None where the policy takes it."""
    del case, saw
    return None
