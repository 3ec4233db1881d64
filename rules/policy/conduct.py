"""How the desk conducts itself: quarantine, limits, closed tickets, and what it writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rules.policy.base import ReplyText, Section, Text


class HoldSection(Section):
    """Mails in quarantine."""

    days: Annotated[int, Field(ge=1, le=365)] = 14
    """How long a mail waits for its release, or for its author to be enrolled."""
    then: Literal["discard", "keep"] = "discard"
    """What happens to it after that; the raw mail is stored in either case."""


class SubjectTagSection(Section):
    format: Annotated[
        str,
        StringConstraints(pattern=r"^[^{}]+\{n\}[^{}]*$", max_length=40),
        Field(description="put {n} once where the ticket's number goes, such as [#{n}]"),
    ] = "[#{n}]"


class AcknowledgementSection(Section):
    send: bool = True
    text: Text
    pause_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """At most one acknowledgement to one sender in so many minutes."""


class LifecycleSection(Section):
    reopen_days: Annotated[int, Field(ge=0, le=365)] = 14
    """So long a reply reopens a resolved ticket; later it opens a new one, linked to it."""


class FeedbackSection(Section):
    ask: bool = False
    """Whether one mail asks for feedback when a ticket is resolved."""
    text: Text = (
        "How did we do? One click below tells us, or a few words in reply to this mail. "
        "Neither opens your request again."
    )


class BudgetsSection(Section):
    """The most that happens in one hour, so that no loop and no flood gets far."""

    notices_per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    """To one address about one ticket."""
    tickets_per_hour: Annotated[int, Field(ge=1, le=1000)] = 10
    """By one sender; further mails are held."""
    reopens_per_hour: Annotated[int, Field(ge=1, le=100)] = 3
    """Of one ticket."""


class TextsSection(Section):
    sign_up: ReplyText
    """What a stranger is told, inside the SMTP dialogue."""
    invitation: Text
    """What a colleague who is not enrolled is written, above his sign-up link."""
    deactivated: ReplyText
    suspended: ReplyText
    community: ReplyText = (
        "Your plan comes without support by mail. Please ask in the community forum."
    )
    """What somebody on a tier without support is told."""
