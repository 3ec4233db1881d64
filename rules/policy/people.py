"""Who is on a ticket, how much proof each action requires, and who is notified of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rules.policy.base import Section


class ProofSection(Section):
    """How much of a mail's sender must be proven before the mail may do something.

    T1 is a valid reply token from the token's owner, T2 a proven sender, T3 both, from staff. A
    policy can require more than the minimum for each action; less only for the words of a comment.
    """

    removed: ClassVar[Mapping[str, str]] = {
        "close": "by mail only staff close a ticket, from their own reply address; remove the line"
    }

    comment: Literal["token", "T1", "T2"] = "T1"
    """What becomes of a comment that only its author's reply address proves: `T2` refuses it, `T1`
    flags it for staff, `token` publishes it."""
    add_people: Literal["T2", "T3"] = "T2"
    command: Literal["T2", "T3"] = "T2"
    dkim_required: bool = False
    """SPF alone proves no sender: hosts that send for many domains pass it for all of them."""


class CcSection(Section):
    guests: Literal["add", "propose", "ignore"] = "propose"
    """What happens to anybody but a colleague whom a customer puts in To or Cc: a user of another
    company is treated like an unregistered address."""
    by_guests: Literal["add", "propose", "ignore"] = "propose"
    per_mail: Annotated[int, Field(ge=0, le=100)] = 10
    per_ticket: Annotated[int, Field(ge=1, le=500)] = 25


class AccountTeamSection(Section):
    told_of_new: bool = False
    """Whether a company's account team is notified of a new ticket on a paid tier."""


class SuccessManagerSection(Section):
    told_of_escalation: bool = False
    """Whether a company's customer success manager is notified of an escalation."""


class StaffSection(Section):
    notify: Literal["all", "followers", "none"] = "all"
    """Which staff receive what a customer writes by mail."""


class NoticesSection(Section):
    """Which changes of a ticket its participants are notified of; comments always are."""

    status: bool = True
    severity: bool = True
