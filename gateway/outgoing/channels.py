"""What a notice says of the plan and of the ways to reach us: by phone, by the channel for critical
problems, and by an escalation."""

from __future__ import annotations

from rules.policy import Policy, TierSection
from rules.service import sla_rules
from rules.ticket.changes import CRITICAL_SOURCES
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import KeptPayload, ReceiptPayload
from storage.notices.outbox import Notice, NoticeTicket


def _tier(about: NoticeTicket | None, policy: Policy) -> TierSection | None:
    return policy.tier(about.tier) if about is not None else None


def _own_tier(about: NoticeTicket | None, policy: Policy) -> TierSection | None:
    """The same for the people of its company; None for others, with whom it is not agreed."""
    return _tier(about, policy) if about is not None and about.is_for_its_company else None


def phone(notice: Notice, policy: Policy) -> str:
    """The phone support of the plan, for staff and for its company; empty where it has none."""
    find = _tier if notice.kind.traits.for_staff else _own_tier
    tier = find(notice.about, policy)
    return (tier.phone if tier is not None else None) or ""


def may_escalate(about: NoticeTicket | None, policy: Policy) -> bool:
    """Whether #escalate has an effect, as far as the notice can tell. Where the policy says so,
    what a mail claims to be critical must be logged in the portal first."""
    if about is None or not policy.escalation.levels:
        return False
    claimed_by_mail = about.critical_claimed and about.door not in CRITICAL_SOURCES
    critical = sla_rules.is_critical(policy, about.severity)
    in_portal_first = policy.escalation.critical_begins_in == "portal"
    return not (in_portal_first and claimed_by_mail and not critical)


def critical_channel(notice: Notice, policy: Policy) -> str:
    """The channel of the recipient's plan, or of all. Nobody is sent to the portal by which they
    came, unless the policy has a channel for those; what they claim in a later mail came by mail.
    """
    if not _claims_critical(notice):
        return ""
    about = notice.about
    answers_mail = notice.kind is not NoticeKind.ACKNOWLEDGEMENT
    if about is not None and about.door in CRITICAL_SOURCES and not answers_mail:
        return policy.severity.critical_channel_in_portal or ""
    return policy.critical_channel_of(_own_tier(about, policy))


def _claims_critical(notice: Notice) -> bool:
    payload = notice.payload
    if isinstance(payload, KeptPayload | ReceiptPayload):
        return payload.critical
    if notice.kind is NoticeKind.CRITICAL_CHANNEL:
        return True
    return notice.about is not None and notice.about.critical_claimed


def portal_first(notice: Notice, policy: Policy) -> bool:
    """Whether a critical problem on this plan is logged in the portal first."""
    about = notice.about
    if about is None or not _claims_critical(notice) or about.door in CRITICAL_SOURCES:
        return False
    tier = _own_tier(about, policy)
    return tier is not None and tier.critical_first_in_portal


def tier_title(about: NoticeTicket | None, policy: Policy) -> str:
    """The plan's name for people; its own where the policy does not have it any more."""
    tier = _tier(about, policy)
    return tier.title if tier else about.tier if about else ""
