"""Bounces (RFC 3464): which address failed, and whether that says the address does not work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

HARD_BOUNCES = 2
"""So many hard bounces suspend an address."""
DIAGNOSTIC_CHARACTERS = 300


class Failure(StrEnum):
    """What a bounce says about the address."""

    HARD = "hard"
    """The address does not work; the only kind that counts toward suspending it."""
    SOFT = "soft"
    """This mail was not delivered, but the next may be: a full mailbox, a policy, a timeout."""
    DELAYED = "delayed"
    """Not delivered yet; the other side still tries."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient that a mail did not reach."""

    recipient: str
    """The one spelling of its address (`rules.mail.addresses.normalise`); empty where unknown."""
    failure: Failure
    status: str
    """The enhanced status code (RFC 3463), such as `5.1.1`; empty where none is given."""
    diagnostic: str
    """What the other side said, on one line of at most 300 characters without controls."""
    original_id: str
    """Message-ID of the mail that came back, with its brackets; empty where unknown."""


# Of class 5 (RFC 3463 §2), what says that no mail to this address can arrive. All else that is
# permanent is permanent for this one mail: 5.3.x and 5.5.x blame a system, 5.6.x the content and
# 5.7.x a policy, and 5.2.2 (full) and 5.2.3 (too long) are over when somebody tidies up.
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

# These say nothing, so the reply code is asked. §3.5 knows x.4.1 in class 4 only; Exchange Online
# says 550 5.4.1 of unknown recipients, others say 541 5.4.1 of unwanted mail.
_UNINFORMATIVE = frozenset({"5.4.1", "5.5.0"})

# RFC 5321 §4.2.2, and RFC 7504 (521, 556: the host accepts no mail at all). 552 is a full mailbox,
# 554 can be anything.
_HARD_CODES = frozenset({521, 550, 551, 553, 556})
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)


def classify(status: str, action: str, smtp_code: int | None) -> Failure:
    """What a failed recipient's fields say about the address.

    `action` is the word of RFC 3464 §2.3.3: `delayed` is believed whatever the status is, any
    other word means failed. The status (RFC 3464 §2.3.4) is looked up in the table; one that says
    nothing (none, of class 2, `5.0.x`, `5.4.1`, `5.5.0`) leaves it to the SMTP reply code. Class 4
    is soft even when its sender has given up (RFC 3463 §2: the same mail may pass later).
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
    """Whether this bounce, after so many hard ones, is the one that suspends the address."""
    return failure is Failure.HARD and earlier_hard + 1 == HARD_BOUNCES


# An address such as 5.1.1.7 or a version such as 15.2.1 is no status. The best place for one is
# behind a reply code (RFC 2034 §4) or, as qmail writes it, behind a hash.
_PLACED = re.compile(
    r"(?<![0-9.])[45][0-9]{2}[ -]#?([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.[0-9])"
    r"|#([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.[0-9])"
)
_ANYWHERE = re.compile(r"(?<![0-9.])([45]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])(?!\.[0-9])")
_CODE = re.compile(r"(?:^|\bsaid:?|[:;>\]\"])\s{0,8}([45][0-9]{2})(?=[ \-#]|$)", re.MULTILINE)


def status_of(stated: str, diagnostic: str) -> str:
    """The most exact enhanced status at hand: as stated, or as the remote server said it.

    Many systems state `5.0.0` and hand on a `550 5.1.1` inside the diagnostic. Empty where there
    is none.
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


# What servers without enhanced codes say. The first line that fits wins, and the mild ones come
# first: where a text allows two readings, the address is spared.
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        # What answers another command than RCPT is not about the recipient.
        (r"(?:after|reply to) (?:\w+ of )?(?:initial|mail from|data|e?helo|connect)", "7.0"),
        (r"refused to talk to|rcpthosts", "7.0"),
        (r"(?:box|folder) (?:is )?full|over ?-?quota|quota (?:is )?exceed", "2.2"),
        (r"exceed[^\n]{0,40}quota", "2.2"),
        (r"(?:insufficient|not enough|out of) (?:\w+ )?(?:disk|storage|space)", "2.2"),
        (r"too (?:big|large)|size limit|exceeds[^\n]{0,40}size|maximum[^\n]{0,20} size", "3.4"),
        (r"\bspam|black ?list|block ?list|blocked|\bspf\b|\bdkim\b|\bdmarc\b|virus", "7.1"),
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


def presumed_status(status: str, diagnostic: str) -> str:
    """The status to judge by: where it says too little, what the words of the diagnostic mean."""
    if status and not _is_vague(status):
        return status
    text = " ".join(diagnostic[:_SEARCHED_CHARACTERS].split())
    kind = status[:1] or str(smtp_code_of(diagnostic) or 5)[0]
    return next(
        (f"{kind}.{meaning}" for pattern, meaning in _PHRASES if pattern.search(text)), status
    )


def _is_vague(status: str) -> bool:
    """Detail 0 is "other or undefined" in every subject (RFC 3463 §3)."""
    return status.endswith(".0")


_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def one_line(text: str) -> str:
    """A diagnostic as people and logs can take it: one line, no controls, 300 characters."""
    shown = _UNSEEN.sub(" ", text[:_SEARCHED_CHARACTERS])
    return " ".join(shown.split())[:DIAGNOSTIC_CHARACTERS].rstrip()
