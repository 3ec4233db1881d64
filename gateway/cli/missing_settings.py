"""Finds the settings without which a mail is not taken as its author's: each is tried.

A setting is missing if the mail would be filed with it. Whether to make it is for the operator to
judge: it trusts somebody, and not for this mail alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from itertools import combinations

from gateway.authentication.authenticator import Trust
from gateway.authentication.stated_results import read_results
from gateway.reception import Reception
from gateway.services import Services
from gateway.shares import address_of
from rules.decision.model import Decision
from rules.decision.reasons import Verdict
from rules.mail import Delivery, Mailbox
from rules.mail.addresses import domain_of, normalise
from rules.mail.front_doors import SeenDoor, is_rewritten_path
from rules.mail.header import Author, Header, author
from rules.policy import Policy
from storage.mail import filing
from storage.mail.apply import Entry

TOGETHER = 3
"""So many settings are tried together at most."""
ADDRESSES = 5
"""So many addresses in To and Cc are tried."""
FILED = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is tried."""

    text: str
    """As it is written into its file."""
    only_if: str
    """What must be true of whom it trusts."""
    policy: str = ""
    """The policy that it belongs to; empty for the configuration."""
    trust: Callable[[Trust], Trust] = lambda trust: trust
    lists: str = ""
    aliases: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What would become of the mail in one mailbox."""

    entry: Entry
    decision: Decision

    @property
    def is_filed(self) -> bool:
        return self.decision.verdict in FILED


async def judge(services: Services, delivery: Delivery, with_: Sequence[Setting] = ()) -> Judged:
    """What would become of the mail, as if it came for the first time; nothing is written."""
    ingest = services.ingest
    runtime, authenticator = ingest.runtime, ingest.authenticator
    for setting in with_:
        authenticator = authenticator.trusting(setting.trust(authenticator.trust))
        runtime = replace(runtime, policies=_changed(runtime.policies, setting))
    reception = Reception(runtime=runtime, parser=ingest.parser, authenticator=authenticator)
    entry = _unseen((await reception.entries(delivery, judged=True))[0])
    ((_, decision),) = await runtime.read(partial(filing.preview, entries=[entry]))
    return Judged(entry, decision)


async def missing_settings(
    services: Services, delivery: Delivery, header: Header, seen: SeenDoor, mailbox: Mailbox
) -> Sequence[Setting]:
    """The fewest settings with which the mail would be filed; empty if none would help."""
    trust, policy = services.ingest.authenticator.trust, services.ingest.runtime.policy_of(mailbox)
    candidates = list(_candidates(delivery, header, seen, trust, policy, mailbox))
    for number in range(1, TOGETHER + 1):
        for chosen in combinations(candidates, number):
            if (await judge(services, delivery, chosen)).is_filed:
                return chosen
    return ()


def _candidates(
    delivery: Delivery,
    header: Header,
    seen: SeenDoor,
    trust: Trust,
    policy: Policy,
    mailbox: Mailbox,
) -> Iterator[Setting]:
    ours = {mailbox.address, *policy.public_addresses}
    found = author(header)
    if seen.is_list and isinstance(found, Author) and found.address not in ours:
        yield _list(found.address, mailbox)
    written = (normalise(address) for name in ("to", "cc") for address in _plain(header, name))
    for address in [each for each in dict.fromkeys(written) if each and each not in ours]:
        yield _list(address, mailbox) if seen.is_list else _alias(address, mailbox)
    if seen.sealer and seen.sealer not in trust.sealers:
        yield Setting(
            f'trust.sealers = ["{seen.sealer}"]',
            f"{seen.sealer} forwards your mail: it is then believed about every author",
            trust=lambda old: replace(old, sealers=(*old.sealers, seen.sealer)),
        )
    path = delivery.envelope.mail_from
    forwarder = domain_of(path.lower())
    if is_rewritten_path(path) and forwarder not in trust.forwarders:
        yield Setting(
            f'trust.forwarders = ["{forwarder}"]',
            f"{forwarder} is yours, and its servers forward your mail and seal it (ARC)",
            trust=lambda old: replace(old, forwarders=(*old.forwarders, forwarder)),
        )
    if (relay := _relay(delivery, header)) is not None:
        network, name = relay
        yield Setting(
            f'[[trust.relays]] peer = "{network}", authserv_id = "{name}"',
            f"{network} is an MTA of yours that removes results of this name from all other mail",
            trust=lambda old: replace(old, relays=(*old.relays, (ip_network(network), name))),
        )


def _list(address: str, mailbox: Mailbox) -> Setting:
    only_if = f"{address} is a list or group of yours that has {mailbox.address} as a member"
    return Setting(f'lists = ["{address}"]', only_if, mailbox.policy, lists=address)


def _alias(address: str, mailbox: Mailbox) -> Setting:
    only_if = f"{address} is an address of yours that is forwarded to {mailbox.address}"
    return Setting(f'aliases = ["{address}"]', only_if, mailbox.policy, aliases=address)


def _plain(header: Header, name: str) -> Iterator[str]:
    """The addresses of a field, as far as they are easily found."""
    for part in header.get(name)[:2_000].split(",")[:ADDRESSES]:
        yield part.rpartition("<")[2].partition(">")[0].strip()


def _relay(delivery: Delivery, header: Header) -> tuple[str, str] | None:
    """The client and the name in the topmost results, if the client's address is known."""
    peer = address_of(delivery.envelope.peer)
    values = header.raw_values("authentication-results")
    stated = read_results(values[0]) if values else None
    if peer is None or stated is None:
        return None
    return f"{peer}/{peer.max_prefixlen}", stated.authserv_id


def _changed(policies: Mapping[str, Policy], setting: Setting) -> Mapping[str, Policy]:
    if not setting.policy:
        return policies
    policy = policies[setting.policy]
    values = {name: getattr(policy, name) for name in Policy.model_fields}
    values["lists"] = (*policy.lists, *filter(None, [setting.lists]))
    values["aliases"] = (*policy.aliases, *filter(None, [setting.aliases]))
    return {**policies, setting.policy: Policy.model_construct(**values)}


def _unseen(entry: Entry) -> Entry:
    """The entry without what shows that the mail came before."""
    never = (f"as if it had not come before: {entry.journal_id}",)
    considered = replace(entry.considered, identities=never, of_the_mail=never)
    return replace(entry, considered=considered)
