"""One mail in one mailbox as the rules see it, made from its measurements.

New mails, released mails and recorded mails in a back-test are all processed the same way:
`consider`, then `storage.mail.facts.gather`, then `decide`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from rules.decision.change.facts import NeededFacts
from rules.decision.needed_facts import facts_needed_for_commands
from rules.mail import Envelope, Mail, Mailbox, Unread
from rules.mail.bounces import Bounce
from rules.mail.header import Author
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sender.pointers import Pointer, PointerKind, find_pointers, is_looped, returned_notice
from rules.sender.signature_scope import (
    apply_dkim_policy,
    content_identity,
    has_open_structure,
    hour_of_undated,
    identity_of_copy,
    lesser_copy,
    restrict_to_signed,
    trusted_recipients,
)
from rules.sender.tokens import Keys
from rules.ticket.changes import Source


@dataclass(frozen=True, slots=True)
class Received:
    """One mail as one of our mailboxes received it, before any policy is applied."""

    mail: Mail
    """As parsed."""
    envelope: Envelope
    """With the recipients of this mailbox only."""
    mailbox: Mailbox
    authentication: Authentication
    """As measured for this decision; a released mail may be vouched for by staff."""
    first_authentication: Authentication
    """As measured when the mail came: it shows which parts of the mail were signed. The same except
    for a released mail."""
    read_bounces: Callable[[], tuple[Bounce, ...]]
    """Reads the delivery reports in the mail; called only if a report is trusted."""
    came_at: datetime
    """When the mail came, also for one that is decided again."""
    stated_author: Author | None = None
    """The author as stated by staff; None if From is used."""
    as_new: bool = False
    """Ignore the tickets that it points to."""
    onto: int | None = None
    """The ticket that staff release it onto: it takes the place of those that it points to."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One mail in one mailbox, reduced to what its policy trusts."""

    mail: Mail
    """Restricted to what its proof covers; with its bounces where it came to a return path."""
    envelope: Envelope
    mailbox: Mailbox
    own_addresses: frozenset[str]
    """Every address of this Postern."""
    measured: Authentication
    """As it was measured, for the journal."""
    authentication: Authentication
    """The part of it that the mailbox's policy counts."""
    pointers: tuple[Pointer, ...]
    returned: UUID | None
    """The notice to whose return path it came; None for any other mail."""
    looped: bool
    """It carries our own loop mark."""
    structure_is_open: bool
    """What nobody signed may change what of it is read as its text."""
    needed: NeededFacts
    """What must be looked up for its commands."""
    policy: Policy
    """Of the mailbox; the mail is decided by the same policy."""
    identities: tuple[str, ...]
    """All by which this copy is recognised: `mail.identity`, and one for each signature."""
    of_the_mail: tuple[str, ...]
    """Those of the mail itself; others only if this is a lesser copy (see `lesser_copy`)."""
    content: str
    """What identifies the mail on any route, see `content_identity`; empty for a lesser copy."""
    deferred_as: str
    """By which it is known since when a mail is deferred, whatever the hour of its next attempt."""


@dataclass(frozen=True, slots=True)
class StaffRelease:
    """The release of a held mail by staff, as the audit trail of its ticket has it."""

    by: str
    source: Source
    held_for: str
    """The reason for which it was held."""
    why: str = ""
    """As the person who releases it states it; may be empty."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to decide a mail: a mail that was held has several."""

    decided_at: datetime
    came_at: datetime
    """When the mail came: its ticket and its clocks start then."""
    held: UUID | None = None
    """The journal row under which the mail is in quarantine; None if it is not."""
    release: StaffRelease | None = None
    """None for a mail that arrives, and for one whose author was enrolled meanwhile."""


def consider(
    received: Received, *, keys: Keys, own_addresses: frozenset[str], policy: Policy
) -> Considered:
    """The mail as the rules see it under the policy of its mailbox."""
    mailbox, envelope = received.mailbox, received.envelope
    dkim_required = policy.proof.dkim_required
    counted = apply_dkim_policy(received.authentication, dkim_required)
    first_counted = apply_dkim_policy(received.first_authentication, dkim_required)
    mail = restrict_to_signed(received.mail, first_counted)
    own_names = {*mailbox.names, *policy.public_addresses}
    returned = returned_notice(envelope, mailbox, keys)
    if returned is not None and not isinstance(mail.body, Unread):
        mail = replace(mail, bounces=received.read_bounces())
    at_return_path = returned is not None
    lesser = lesser_copy(mail, envelope, first_counted, own_names, at_return_path=at_return_path)
    # The Date counts even where no signature covers it: copies by all routes have one identity.
    hour = hour_of_undated(received.mail, received.came_at)
    deferred_as = identity_of_copy(mail.identity, lesser)
    bytes_identity = identity_of_copy(mail.identity, hour)
    of_the_mail = (bytes_identity, *received.first_authentication.fingerprints)
    identities = tuple(identity_of_copy(each, lesser) for each in of_the_mail)
    behind_list = received.first_authentication.author
    proven_author = Author(behind_list) if behind_list else mail.author
    author = received.stated_author or proven_author
    mail = replace(mail, author=author, identity=identities[0])
    # As it came: who releases it vouches for its author, and not for who sent it to us.
    recipients = trusted_recipients(mail, envelope, mailbox, first_counted)
    pointers = find_pointers(mail, recipients, mailbox, keys, policy.subject_tag.format)
    return Considered(
        mail=mail,
        envelope=envelope,
        mailbox=mailbox,
        own_addresses=own_addresses,
        measured=received.authentication,
        authentication=counted,
        pointers=_stated(received, pointers),
        returned=returned,
        looped=is_looped(mail, keys),
        structure_is_open=has_open_structure(first_counted),
        needed=facts_needed_for_commands(mail, policy),
        policy=policy,
        identities=identities,
        of_the_mail=of_the_mail,
        content="" if lesser or received.stated_author else content_identity(mail, hour),
        deferred_as=deferred_as,
    )


def _stated(received: Received, pointers: tuple[Pointer, ...]) -> tuple[Pointer, ...]:
    """Where the mail goes, if staff state that; else the pointers in it."""
    if received.onto is not None:
        return (Pointer(PointerKind.STATED, received.onto),)
    return () if received.as_new else pointers
