"""Whether a request may be made by mail."""

from __future__ import annotations

from rules.decision.case import Case, Ruling
from rules.decision.model import Refuse
from rules.decision.reasons import Reason
from rules.identity import Standing


def taken_by_mail(case: Case, saw: str) -> Ruling | None:
    """The refusal of a mail that would open a ticket; None where the policy takes it.

    Its author is proven, and so may learn where requests are submitted. What staff write, or
    release from quarantine, is taken.
    """
    if case.policy.requests_by_mail != "refuse" or case.released:
        return None
    if case.sender.standing is Standing.STAFF:
        return None
    refusal, notes = Refuse(case.policy.texts.portal_only), ("requests are made in the portal",)
    return Ruling(saw, refusal, Reason.PORTAL_ONLY, notes)
