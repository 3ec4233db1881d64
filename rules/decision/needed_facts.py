"""What must be looked up for the commands of a mail before the mail is decided."""

from __future__ import annotations

from dataclasses import replace

from rules.commands import Digest, Directive, Macro, OnBehalf, parse_commands
from rules.decision.change.facts import NeededFacts, facts_needed_for
from rules.decision.content import body_text, forwarded_by, requested_command
from rules.mail import Mail, Unread
from rules.mail.addresses import normalise
from rules.mail.number_signs import MAY_BE_COMMAND
from rules.mail.quoting import REPLY_MARK, published
from rules.policy import Policy
from rules.service.claiming import may_claim_critical
from rules.ticket.changes import Change


def facts_needed_for_commands(mail: Mail, policy: Policy) -> NeededFacts:
    """For every mail: whether its sender may give commands is not known yet.

    Nothing for a mail whose body is unread: a decision that reaches its commands needs the body.
    """
    if isinstance(mail.body, Unread):
        return NeededFacts()
    text = body_text(mail)
    forwarded = forwarded_by(mail)
    author = forwarded.author if forwarded is not None else ""
    named = frozenset(filter(None, map(normalise, forwarded.people))) if forwarded else frozenset()
    alerts = may_claim_critical(mail.subject, text, policy)
    if not MAY_BE_COMMAND.search(text):
        addresses = named | {author} - {""}
        return NeededFacts(addresses=addresses, contacts=alerts, forwarded=forwarded)
    given = parse_commands(published(text, REPLY_MARK), policy.levels, policy.severity.ceiling)
    changes: list[Change] = [each for each in given.given if not isinstance(each, Directive)]
    requested = requested_command(mail)
    needed = facts_needed_for([*changes, requested] if requested is not None else changes)
    customers = {author, *(each.address for each in given.given if isinstance(each, OnBehalf))}
    addresses = needed.addresses | named | customers - {""}
    macros = {each.name for each in given.given if isinstance(each, Macro)}
    replies = frozenset(macros - {""}) if macros else None
    contacts = needed.contacts or alerts
    return replace(
        needed,
        addresses=addresses,
        contacts=contacts,
        forwarded=forwarded,
        replies=replies,
        digest=Digest() in given.given,
    )
