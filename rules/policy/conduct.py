"""How the support team acts: quarantine, limits, closed tickets, and its standard texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rules.policy.base import LevelName, ReplyText, Section, Text


class HoldSection(Section):
    """Mails in quarantine."""

    days: Annotated[int, Field(ge=1, le=365)] = 14
    """How long a mail waits for its release, or for its author to be registered."""
    then: Literal["discard", "keep"] = "discard"
    """What happens to it after that; what is discarded is deleted from the store."""

    per_sender: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Held mails of one proven sender; further ones are deferred."""
    per_domain: Annotated[int, Field(ge=1, le=10_000)] = 200
    """The same of all proven senders of one domain."""
    per_network: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Held mails from one client network whose senders are not proven or not registered."""
    unproven: Annotated[int, Field(ge=1, le=10_000)] = 2000
    """The same from all networks: proven mail always finds room besides them."""


class QuotaSection(Section):
    """What one client network (/24, or /48 of IPv6) may have stored in a day."""

    network_mails: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    network_mib: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """As stored, compressed."""
    network_refused: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Journal rows of mails of which nothing is kept; further ones are answered and counted."""


class FilesSection(Section):
    """The files of a comment, on their way to those who are notified of it."""

    attach_mib: Annotated[int, Field(ge=0, le=100)] = 10
    """Attached to a mail up to this size in all; the others are links."""


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
    """At most one acknowledgement per sender in this many minutes."""
    without_promise: Text = (
        "Requests are submitted in the portal. We keep this email; its response time starts once "
        "you submit it there, or once our staff accept it."
    )
    """Added to the acknowledgement where `requests_by_mail` is `without_promise`."""


class LifecycleSection(Section):
    reopen_days: Annotated[int, Field(ge=0, le=365)] = 14
    """How long a reply reopens a resolved ticket; later it opens a new one, linked to it."""


class FeedbackSection(Section):
    ask: bool = False
    """Whether one mail asks for feedback when a ticket is resolved."""
    text: Text | None = None
    """What that mail says, in place of our own text in its reader's language."""
    in_answers: bool = False
    """Whether each answer by staff has a link for feedback too."""


class FollowUpSection(Section):
    """What an answer states at high severity."""

    levels: tuple[LevelName, ...] = ()
    """The levels at which an answer states the next steps and the next follow-up."""
    via_manager: bool = False
    """Whether these answers also go to the success manager of a company that is updated so."""


class ReviewSection(Section):
    """The review of a resolved ticket together with the customer."""

    levels: tuple[LevelName, ...] = ()
    """The levels at which one mail asks for a review when a ticket is resolved."""
    text: Text | None = None
    """What that mail says, in place of our own text in its reader's language."""


class BudgetsSection(Section):
    """Hourly limits that stop loops and floods early."""

    notices_per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    """To one address about one ticket."""
    tickets_per_hour: Annotated[int, Field(ge=1, le=1000)] = 10
    """By one sender; further mails are held."""
    sender_mails_per_hour: Annotated[int, Field(ge=1, le=1000)] = 200
    """By one proven sender; further mails are deferred."""
    domain_mails_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 2000
    """By all proven senders of one company with addresses in one domain."""
    sender_mib_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 512
    """Of one proven sender, as stored; further mails are deferred."""
    domain_mib_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Of the people for whom `domain_mails_per_hour` counts."""
    reopens_per_hour: Annotated[int, Field(ge=1, le=100)] = 3
    """Of one ticket."""


class TextsSection(Section):
    sign_up: ReplyText
    """The SMTP reply to an unregistered sender."""
    invitation: Text
    """The text above the sign-up link that an unregistered colleague receives."""
    deactivated: ReplyText
    suspended: ReplyText
    community: ReplyText = (
        "Your plan comes without support by mail. Please ask in the community forum."
    )
    """The SMTP reply to a sender on a tier without support."""
    portal_only: ReplyText = (
        "Requests are submitted in the portal, not by mail. Replies to a request are taken here."
    )
    """The SMTP reply to a request where `requests_by_mail` is `refuse`."""
