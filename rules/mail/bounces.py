"""Bounces (RFC 3464): which address failed, and whether the address is permanently unusable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

HARD_BOUNCES = 2
"""The number of hard bounces that suspends an address."""
DIAGNOSTIC_CHARACTERS = 300


class Failure(StrEnum):
    """What a bounce implies for the address."""

    HARD = "hard"
    """The address does not work; the only kind that counts toward suspension."""
    SOFT = "soft"
    """This mail was not delivered, but the next may be: a full mailbox, a policy, a timeout."""
    DELAYED = "delayed"
    """Not delivered yet; the remote system keeps trying."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient that a mail did not reach."""

    recipient: str
    """The normalised address (`rules.mail.addresses.normalise`); empty if unknown."""
    failure: Failure
    status: str
    """The enhanced status code (RFC 3463), such as `5.1.1`; empty if none is given."""
    diagnostic: str
    """The remote system's message, on one line of at most 300 characters without controls."""
    original_id: str
    """Message-ID of the returned mail, with its brackets; empty if unknown."""


# The codes of class 5 (RFC 3463 §2) that mean that no mail to this address can arrive. All others
# are permanent for this one mail only: 5.3.x and 5.5.x blame a system, 5.6.x the content and 5.7.x
# a policy, and 5.2.2 (full) and 5.2.3 (too long) end when the mailbox is cleaned up.
_HARD = frozenset(
    {
        "5.1.0",  # §3.2: something is wrong with the address
        "5.1.1",  # §3.2: bad destination mailbox
        "5.1.2",  # §3.2: bad destination system
        "5.1.3",  # §3.2: bad address syntax
        "5.1.4",  # §3.2: ambiguous mailbox
        "5.1.6",  # §3.2: moved, no forwarding address
        "5.1.10",  # RFC 7505 §4.2: the domain accepts no mail (null MX)
        "5.2.1",  # §3.3: mailbox disabled
        "5.4.4",  # §3.5: no route, the host is not in the DNS
        "5.4.310",  # Exchange Online: the domain does not exist
    }
)
# 5.1.7 and 5.1.8 are about the sender, 5.1.9 about a gateway: they are not in the table.

# These are ambiguous, so the reply code decides. §3.5 defines x.4.1 in class 4 only; Exchange
# Online uses 550 5.4.1 for unknown recipients, others use 541 5.4.1 for unwanted mail.
_UNINFORMATIVE = frozenset({"5.4.1", "5.5.0"})

# RFC 5321 §4.2.2, and RFC 7504 (521, 556: the host accepts no mail at all). 552 means a full
# mailbox, 554 can mean anything.
_HARD_CODES = frozenset({521, 550, 551, 553, 556})
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)


def classify(status: str, action: str, smtp_code: int | None) -> Failure:
    """What a failed recipient's fields imply for the address.

    `action` is the value of RFC 3464 §2.3.3: `delayed` takes precedence over any status, every
    other value means failed. The status (RFC 3464 §2.3.4) is looked up in the table; for an
    uninformative one (none, class 2, `5.0.x`, `5.4.1`, `5.5.0`) the SMTP reply code decides. Class
    4 is soft even if the remote system has given up (RFC 3463 §2: the same mail may succeed later).
    """
    if action.strip().lower() == "delayed":
        return Failure.DELAYED
    found = _STATUS.fullmatch(status)
    kind, subject = (found[1], found[2]) if found else ("", "")
    if kind == "4":
        return Failure.SOFT
    if kind == "5" and subject != "0" and status not in _UNINFORMATIVE:
        return Failure.HARD if status in _HARD else Failure.SOFT
    return Failure.HARD if smtp_code in _HARD_CODES else Failure.SOFT


def suspends_address(earlier_hard: int, failure: Failure) -> bool:
    """Whether this failure, after `earlier_hard` hard bounces, suspends the address."""
    return failure is Failure.HARD and earlier_hard + 1 == HARD_BOUNCES


# An IP address such as 5.1.1.7 or a version such as 15.2.1 is not a status. The most reliable place
# is after a reply code (RFC 2034 §4) or, as qmail writes it, after a hash.
_PLACED = re.compile(
    r"(?<![0-9.])[45][0-9]{2}[ -]#?([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.\w)"
    r"|#([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.\w)"
)
# Nor is the name of a file, such as 5.1.1.exe.
_ANYWHERE = re.compile(r"(?<![0-9.])([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.\w)")
_CODE = re.compile(r"(?:^|\bsaid:?|[:;>\]\"])\s{0,8}([45][0-9]{2})(?=[ \-#]|$)", re.MULTILINE)


def status_of(stated: str, diagnostic: str) -> str:
    """The most specific enhanced status: the stated one, or one in the remote server's message.

    Many systems state `5.0.0` and include a `550 5.1.1` in the diagnostic. Empty if there is none.
    """
    found = _STATUS.search(stated)
    status = found[0] if found else ""
    if status and not _is_vague(status):
        return status
    mentioned = [one or other for one, other in _PLACED.findall(diagnostic)]
    mentioned += _ANYWHERE.findall(diagnostic)
    of_class = [one for one in mentioned if not status or one[0] == status[0]]
    exact = next((one for one in of_class if not _is_vague(one)), "")
    return exact or status or next(iter(of_class), "")


def smtp_code_of(diagnostic: str) -> int | None:
    """The first SMTP reply code in a text (RFC 5321 §4.2), of class 4 or 5."""
    found = _CODE.search(diagnostic)
    return int(found[1]) if found else None


# Messages of servers without enhanced codes. The first match wins, and the mild meanings come
# first: if a text is ambiguous, the address is not suspended.
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        # A reply to a command other than RCPT is not about the recipient.
        (r"(?:after|reply to) (?:\w+ of )?(?:initial|mail from|data|e?helo|connect)", "7.0"),
        (r"refused to talk to|rcpthosts", "7.0"),
        (r"(?:box|folder) (?:is )?full|over ?-?quota|quota (?:is )?exceed", "2.2"),
        (r"exceed[^\n]{0,40}quota", "2.2"),
        (r"(?:insufficient|not enough|out of) (?:\w+ )?(?:disk|storage|space)", "2.2"),
        (r"too (?:big|large)|size limit|exceeds[^\n]{0,40}size|maximum[^\n]{0,20} size", "3.4"),
        (r"\bspam|black ?list|block ?list|blocked|\bspf\b|\bdkim\b|\bdmarc\b|virus", "7.1"),
        (r"malware|infected|phish|suspicious|content|attach|banned|\bheaders?\b|\bscore", "7.1"),
        (r"administrative prohibition|message (?:was )?(?:not accepted|refused|rejected)", "7.1"),
        (r"polic(?:y|ies)|reputation|relay|reverse dns|\bptr\b|sender (?:\w+ )?reject", "7.1"),
        (r"not (?:permitted|allowed)|access denied|rate limit|authenti|authori[sz]", "7.1"),
        (r"timed? ?out|too many hops|\bloop|retry time(?:out)?|in the queue too long", "4.7"),
        (r"(?:mailbox|account|user)[^\n]{0,40}(?:disabled|(?:in|de)activ|suspended|frozen)", "2.1"),
        (r"unknown host|host (?:is )?(?:unknown|not found)|host or domain name not found", "4.4"),
        (r"no such (?:host|domain)|domain[^\n]{0,60}(?:not exist|not found)|unrouteable", "4.4"),
        (r"(?:user|recipient|box|account|address|name)[^\n]{0,60}?(?:unknown|not exist)", "1.1"),
        (r"unknown (?:\w+ )?(?:user|recipient|address|mailbox|account|local)", "1.1"),
        (r"(?:user|recipient|mailbox|account|address|name)[^\n]{0,60}? not (?:be )?found", "1.1"),
        (r"not (?:listed in|recogni[sz]ed|a valid (?:mailbox|user|recipient))", "1.1"),
        (r"no (?:such |mailbox|account)|(?:does not|doesn't|n't) (?:exist|have an? )", "1.1"),
        (r"invalid (?:recipient|user|mailbox|address)|not our customer|no longer", "1.1"),
    )
)
_SEARCHED_CHARACTERS = 4_096


def presumed_status(status: str, diagnostic: str, *, of_content: bool = False) -> str:
    """The status; if it is missing or vague, the one that the text of the diagnostic implies.

    `of_content`: the server had accepted the recipient, and refused the mail itself. Who writes on
    a ticket chooses what its mails contain, so only a status may then blame the address.
    """
    if of_content and (status in _UNINFORMATIVE or not status or _is_vague(status)):
        return f"{status[:1] or str(smtp_code_of(diagnostic) or 5)[0]}.6.0"
    if status and not _is_vague(status):
        return status
    text = " ".join(diagnostic[:_SEARCHED_CHARACTERS].split())
    kind = status[:1] or str(smtp_code_of(diagnostic) or 5)[0]
    return next(
        (f"{kind}.{meaning}" for pattern, meaning in _PHRASES if pattern.search(text)), status
    )


def _is_vague(status: str) -> bool:
    """Whether the detail is 0, "other or undefined" in every subject (RFC 3463 §3)."""
    return status.endswith(".0")


_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def one_line(text: str) -> str:
    """A diagnostic fit for people and logs: one line, no controls, at most 300 characters."""
    shown = _UNSEEN.sub(" ", text[:_SEARCHED_CHARACTERS])
    return " ".join(shown.split())[:DIAGNOSTIC_CHARACTERS].rstrip()
