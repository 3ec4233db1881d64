"""Which front door a mail came through, by the fields that forwarders and lists write.

Anybody can write these fields, and nothing is decided by them: they are the beginning of an
operator's question why a mail was not proven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules.mail.addresses import domain_of
from rules.mail.header import Author, Header, author
from rules.mail.lists import id_of_list, list_id_of


class FrontDoor(StrEnum):
    """A way by which mail reaches a company; the names are those of docs/front-doors.md."""

    OWN_MX = "own MX"
    RELAY = "a listed relay"
    GOOGLE = "Gmail or Workspace forwards"
    MICROSOFT = "Microsoft 365 forwards"
    FORWARDED = "another host forwards"
    GROUP_KEPT = "Google Group, author kept"
    GROUP_REPLACED = "Google Group, author replaced"
    LIST_KEPT = "mailing list, author kept"
    LIST_REPLACED = "mailing list, author replaced"


@dataclass(frozen=True, slots=True)
class SeenDoor:
    door: FrontDoor
    signs: tuple[str, ...]
    """What was seen, for a person."""
    sealer: str
    """The domain of the newest seal of ARC, as written; empty if there is none."""

    @property
    def is_list(self) -> bool:
        return self.door in _LISTS

    @property
    def passes_on(self) -> bool:
        """Whether another host took the mail before us, and has to bounce what is refused here."""
        return self.door is not FrontDoor.OWN_MX


_LISTS = frozenset(
    {
        FrontDoor.GROUP_KEPT,
        FrontDoor.GROUP_REPLACED,
        FrontDoor.LIST_KEPT,
        FrontDoor.LIST_REPLACED,
    }
)
_SRS = re.compile(r"(?:^srs[01][=+-]|\+srs=)", re.IGNORECASE)
"""Envelope senders that a forwarder rewrote: `SRS0=…`, Exchange Online's `bounces+SRS=…`."""
_FORWARDED_BY_GMAIL = re.compile(r"\+caf_=", re.IGNORECASE)
_INSTANCE = re.compile(r"(?:^|;)\s*i\s*=\s*([0-9]{1,2})\s*(?:;|$)")
_DOMAIN = re.compile(r"(?:^|;)\s*d\s*=\s*([A-Za-z0-9._-]{1,253})\s*(?:;|$)")
_READ = 4_000
"""Characters of a seal that are read."""


def door_of(header: Header, mail_from: str, relay: str = "") -> SeenDoor:
    """The door, by the header and the envelope sender; the first of these that shows itself.

    `relay` is the name of the listed relay that the mail came from; empty for any other client.
    """
    sealer = newest_sealer(header)
    signs = tuple(_signs(header, mail_from, sealer))
    door = _door(header, mail_from, sealer)
    if relay:
        signs = (f"handed over by the listed relay {relay}", *signs)
        door = FrontDoor.RELAY if door is FrontDoor.OWN_MX else door
    return SeenDoor(door, signs, sealer)


def newest_sealer(header: Header) -> str:
    """The domain that closed the chain of ARC; empty if there is none."""
    seals = []
    for written in header.get_all("arc-seal"):
        instance, domain = _INSTANCE.search(written[:_READ]), _DOMAIN.search(written[:_READ])
        if instance and domain:
            seals.append((int(instance[1]), domain[1].lower()))
    return max(seals)[1] if seals else ""


def is_rewritten_path(mail_from: str) -> bool:
    """Whether a forwarder wrote this envelope sender (SRS)."""
    return _SRS.search(mail_from.rpartition("@")[0]) is not None


def _door(header: Header, mail_from: str, sealer: str) -> FrontDoor:
    present = header.names()
    if "x-google-group-id" in present or _is_of_google_group(header):
        replaced = "x-original-from" in present
        return FrontDoor.GROUP_REPLACED if replaced else FrontDoor.GROUP_KEPT
    if "list-id" in present:
        return FrontDoor.LIST_REPLACED if _is_the_list(header) else FrontDoor.LIST_KEPT
    local = mail_from.rpartition("@")[0]
    if not present.isdisjoint(("x-forwarded-for", "x-forwarded-to")) or (
        _FORWARDED_BY_GMAIL.search(local)
    ):
        return FrontDoor.GOOGLE
    passed_on = is_rewritten_path(mail_from) or "resent-from" in present
    if passed_on and (sealer == "microsoft.com" or any(n.startswith("x-ms-") for n in present)):
        return FrontDoor.MICROSOFT
    if passed_on or (sealer == "google.com" and _is_of_another_domain(header, mail_from)):
        return FrontDoor.GOOGLE if sealer == "google.com" else FrontDoor.FORWARDED
    return FrontDoor.OWN_MX


def _is_of_google_group(header: Header) -> bool:
    return header.get("mailing-list").lower().startswith("list ") and "list-id" in header.names()


def _is_the_list(header: Header) -> bool:
    """Whether the list put its own address into From."""
    found = author(header)
    if not isinstance(found, Author):
        return False
    if "x-original-from" in header.names():
        return True
    return list_id_of(header) == id_of_list(found.address)


def _is_of_another_domain(header: Header, mail_from: str) -> bool:
    found = author(header)
    return isinstance(found, Author) and domain_of(mail_from.lower()) != domain_of(found.address)


def _signs(header: Header, mail_from: str, sealer: str) -> Iterator[str]:
    if listed := header.get("list-id"):
        yield f"List-Id: {listed[:100]}"
    if original := header.get("x-original-from"):
        yield f"X-Original-From: {original[:100]}"
    if forwarded := header.get("x-forwarded-to") or header.get("x-forwarded-for"):
        yield f"X-Forwarded-To: {forwarded[:100]}"
    if resent := header.get("resent-from"):
        yield f"Resent-From: {resent[:100]}"
    if is_rewritten_path(mail_from) or _FORWARDED_BY_GMAIL.search(mail_from):
        yield f"an envelope sender of a forwarder: {mail_from[:100]}"
    if sealer:
        yield f"sealed by {sealer} (ARC)"
