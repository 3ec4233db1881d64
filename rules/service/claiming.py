"""Whether a mail may claim a critical severity: what must be looked up depends on it."""

from __future__ import annotations

from rules.mail.subjects import unmarked_subject
from rules.policy import Policy
from rules.ticket.claims import claim_in_opening, claim_in_reply


def may_claim_critical(subject: str, text: str, policy: Policy) -> bool:
    """A cheap look, which runs for every mail, strangers' included. Of a reply only a part of the
    subject counts, so it may say yes where nothing is claimed, and its text is also read alone:
    its likeness to known mails depends on the subject. A mark of importance is not looked
    at unless it claims a critical level, which few policies have it do."""
    words = policy.claim_vocabulary
    if words.high_importance is not None and words.by_rank[words.high_importance].critical:
        return True
    bare = unmarked_subject(subject, policy.subject_tag.format)
    in_opening = claim_in_opening(words, bare, text)
    if in_opening is not None and in_opening.critical:
        return True
    in_reply = claim_in_reply(words, "", text)
    return in_reply is not None and in_reply.critical
