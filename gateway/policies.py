"""Finds policy files: the shipped ones, and those of the user's folder, which take precedence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from gateway import clock
from rules.mail import Mailbox
from rules.policy import Policy, PolicyRefused, parse
from rules.policy.switching import Orphan, orphans
from rules.service.contracts import endless_promises
from rules.validation.messages import suggestion, text_of
from storage.db.database import Connection
from storage.registry import companies, mailboxes
from storage.registry.mailboxes import OrdinaryTickets

Policies = Mapping[str, Policy]


class PolicyBook(Mapping[str, Policy]):
    """The policies in force by name: replaced all together, never one by one."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def replace(self, policies: Policies) -> None:
        """Put other policies in force. What is being decided goes on with the policy it has."""
        self._policies = policies

    def __getitem__(self, name: str) -> Policy:
        return self._policies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)


SHIPPED = "shipped"
_NAME = re.compile(r"^name[ \t]*=.*$", re.MULTILINE)
_MARK = re.compile(r"#[^\n]*\bchange me\b")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy with its file."""

    policy: Policy
    text: str
    source: str
    """The file's path, or `shipped`."""


def load(folder: Path | None) -> Policies:
    """Every policy by name. Raises PolicyRefused for the first invalid file."""
    return {name: found.policy for name, found in find(folder).items()}


def find(folder: Path | None) -> dict[str, PolicyFile]:
    """Every policy by name, with its file. Raises PolicyRefused like `load`."""
    found = {file.policy.name: file for file in _shipped()}
    if folder is not None:
        found.update(_of_folder(folder))
    return found


def find_valid(folder: Path | None) -> tuple[Policies, Sequence[Path]]:
    """The same of the valid files alone; and the others."""
    found = {file.policy.name: file.policy for file in _shipped()}
    refused = []
    for path in sorted(folder.glob("*.toml")) if folder is not None else ():
        try:
            policy = read(path).policy
        except PolicyRefused:
            refused.append(path)
        else:
            found[policy.name] = policy
    return found, refused


@cache
def _shipped() -> tuple[PolicyFile, ...]:
    """Parsed once: they change only with the program itself, which a running process keeps."""
    entries = sorted(resources.files("rules.policy.presets").iterdir(), key=lambda each: each.name)
    texts = {each.name: each.read_text("utf-8") for each in entries if each.name.endswith(".toml")}
    return tuple(PolicyFile(parse(text, name), text, SHIPPED) for name, text in texts.items())


def read(path: Path) -> PolicyFile:
    """The policy of one file. Raises PolicyRefused, which names every fault."""
    try:
        text = text_of(path.read_bytes(), str(path))
    except OSError as error:
        raise PolicyRefused(str(path), [f"cannot be read: {error}"]) from error
    return PolicyFile(parse(text, str(path)), text, str(path))


def _of_folder(folder: Path) -> dict[str, PolicyFile]:
    if not folder.is_dir():
        raise PolicyRefused(str(folder), ["policies.folder is not a folder"])
    own: dict[str, PolicyFile] = {}
    for path in sorted(folder.glob("*.toml")):
        file = read(path)
        name = file.policy.name
        if name in own:
            raise PolicyRefused(
                str(path), [f"the name {name!r} is used by another policy of this folder"]
            )
        own[name] = file
    return own


def named(policies: Policies, name: str, source: str) -> Policy:
    """The policy of a name. Raises PolicyRefused, which suggests a name and mentions `source`."""
    if name in policies:
        return policies[name]
    hint = suggestion(name, policies) or f"expected one of: {', '.join(sorted(policies))}"
    raise PolicyRefused(source, [f"no policy {name!r} ({hint})"])


def add_mailbox(connection: Connection, policies: Policies, address: str, policy: str) -> Mailbox:
    """Register a mailbox under a policy. Raises PolicyRefused where there is none of that name, and
    InvalidValue or AlreadyExists."""
    chosen = named(policies, policy, f"mailbox {address}")
    mailboxes.add_mailbox(connection, address, chosen.name)
    return mailboxes.mailbox_named(connection, address)


def of_mailbox(policies: Policies, mailbox: Mailbox) -> Policy:
    """The policy of a mailbox. Raises PolicyRefused where there is none of that name."""
    return named(policies, mailbox.policy, f"mailbox {mailbox.address}")


def check_tickets(connection: Connection, mailbox: Mailbox, policy: Policy, source: str) -> None:
    """Raise PolicyRefused if tickets that are not critical would stand at a critical level.

    No mail ever makes a ticket critical: not one that was filed under another policy either.
    """
    critical = [level.name for level in policy.levels if level.critical]
    faults = [
        _would_be_critical(mailbox, policy, tickets)
        for tickets in mailboxes.ordinary_tickets(connection, mailbox.id, critical)
    ]
    if faults:
        raise PolicyRefused(source, faults)


def check_contracts(
    connection: Connection, mailbox: Mailbox, policy: Policy, source: str, now: datetime
) -> None:
    """Raise PolicyRefused if what a contract promises would not pass in years in the hours of this
    policy: its requests would have no due time."""
    contracts = companies.contracts_from(connection, mailbox, now)
    faults = [
        f"the contract of {company} promises {key} {level} within {span!r}, which is more than "
        f"five years in the hours of {where} of the policy {policy.name!r}; give it more hours, or "
        "change the contract first (postern company tier)"
        for company, agreed in contracts.items()
        for each in agreed
        for key, level, span, where in endless_promises(
            each.targets, each.calendar, each.tier, policy
        )
    ]
    if faults:
        raise PolicyRefused(source, faults)


def check_all(policies: Policies, connection: Connection) -> None:
    """Raise PolicyRefused if these policies cannot be in force for the mailboxes of a store."""
    for mailbox in mailboxes.list_mailboxes(connection):
        of_mailbox(policies, mailbox)
    check_all_tickets(policies, connection)


@dataclass(frozen=True, slots=True)
class SharedAddress:
    """An address by which senders know several of our mailboxes."""

    address: str
    mailboxes: tuple[str, ...]
    policies: tuple[str, ...]
    """Theirs, in the same order."""

    def __str__(self) -> str:
        return (
            f"{self.address} is an address of {' and '.join(self.mailboxes)}: a recipient of a "
            "signed mail to it can send it to the other mailbox. Name it under aliases or lists in "
            "the policy of one mailbox, which may need a policy file of its own"
        )


def shared_addresses(policies: Policies, connection: Connection) -> list[SharedAddress]:
    """The addresses of which mail counts as addressed to several mailboxes: the own one of each,
    and the aliases and lists of its policy."""
    known: dict[str, list[Mailbox]] = {}
    for mailbox in mailboxes.list_mailboxes(connection):
        policy = policies.get(mailbox.policy)
        others = policy.public_addresses if policy is not None else frozenset()
        for address in {mailbox.address, *others}:
            known.setdefault(address, []).append(mailbox)
    return [
        SharedAddress(each, tuple(m.address for m in of), tuple(m.policy for m in of))
        for each, of in sorted(known.items())
        if len(of) > 1
    ]


def check_all_contracts(policies: Policies, connection: Connection) -> None:
    """The same for the contracts of the companies of every mailbox that takes mail."""
    for mailbox in mailboxes.list_mailboxes(connection):
        source, policy = f"mailbox {mailbox.address}", of_mailbox(policies, mailbox)
        check_contracts(connection, mailbox, policy, source, clock.now())


def check_all_tickets(policies: Policies, connection: Connection) -> None:
    """The same for every mailbox that names a known policy; one that takes no mail may again."""
    for mailbox in mailboxes.list_mailboxes(connection, inactive_too=True):
        if (policy := policies.get(mailbox.policy)) is not None:
            check_tickets(connection, mailbox, policy, f"mailbox {mailbox.address}")


def left_by(connection: Connection, mailbox: Mailbox, policy: Policy) -> tuple[Orphan, ...]:
    """What open tickets of a mailbox have that this policy does not, and what becomes of them."""
    return orphans(mailboxes.open_tickets(connection, mailbox.id), policy)


def _would_be_critical(mailbox: Mailbox, policy: Policy, tickets: OrdinaryTickets) -> str:
    """What is wrong, and both ways out."""
    numbers = ", ".join(f"#{number}" for number in tickets.first)
    more = ", …" if tickets.count > len(tickets.first) else ""
    one = tickets.count == 1
    return (
        f"the policy {policy.name!r} makes {tickets.level} critical, but {tickets.count} "
        f"ticket{'' if one else 's'} of {mailbox.address} that {'is' if one else 'are'} not "
        f"critical {'has' if one else 'have'} this severity ({numbers}{more}). "
        f"Give the critical level another name, or first close {'it' if one else 'them'} or set "
        f"{'its' if one else 'their'} severity: "
        f"postern tickets set {tickets.first[0]} --severity LEVEL"
    )


def copied(model: PolicyFile, name: str, source: str) -> PolicyFile:
    """A policy under a new name. Raises PolicyRefused for an invalid name."""
    text = _NAME.sub(lambda _: f"name = {json.dumps(name)}", model.text, count=1)
    return PolicyFile(parse(text, source), text, source)


def placeholder_lines(text: str) -> tuple[int, ...]:
    """The numbers of the lines that are marked `# change me`, after the file's opening comment."""
    lines = text.split("\n")
    opening = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return tuple(n for n, line in enumerate(lines, 1) if n > opening and _MARK.search(line))
