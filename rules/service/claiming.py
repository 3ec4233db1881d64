"""Whether a mail may claim a critical severity: what must be looked up depends on it."""

from __future__ import annotations

from rules.mail.subjects import unmarked_subject
from rules.policy import Policy
from rules.ticket.claims import claim_in_opening


def may_claim_critical(subject: str, text: str, policy: Policy) -> bool:
    """A cheap look, which runs for every mail, strangers' included. Of a reply only a part of the
    subject counts, so it may say yes where nothing is claimed; and a mark of importance is not
    looked at unless it claims a critical level, which few policies have it do."""
    words = policy.claim_vocabulary
    if words.high_importance is not None and words.by_rank[words.high_importance].critical:
        return True
    claim = claim_in_opening(words, unmarked_subject(subject, policy.subject_tag.format), text)
    return claim is not None and claim.critical
