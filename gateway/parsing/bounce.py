"""Bounces: delivery status notifications (RFC 3464), and the reports of older systems.

This module only reads. Anybody can write a mail that looks like a bounce, so the result proves
nothing by itself: only a bounce that arrived at the signed return path of one of our notices may
count against an address, and the caller must check that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from gateway.parsing.mail_tree import numbered_leaves, read_tree
from gateway.parsing.mime import read_body
from gateway.parsing.tree import MimePart
from rules.mail import Unreadable, charsets
from rules.mail.addresses import normalise
from rules.mail.bounces import (
    DIAGNOSTIC_CHARACTERS,
    Bounce,
    classify,
    one_line,
    presumed_status,
    smtp_code_of,
    status_of,
)
from rules.mail.header import Header, message_ids
from rules.mail.header import read as read_header

READ_BYTES = 1 << 20
"""A bounce has its report at its beginning; a returned mail after it may be long."""
RECIPIENTS_LIMIT = 50
_GROUPS_LIMIT = 500
_TEXT_CHARACTERS = 64 * 1024
_STATUS_CHARACTERS = 256 * 1024
_DIAGNOSTIC_CHARACTERS = 4_096
_ALL_DIAGNOSTICS_CHARACTERS = 4 * _DIAGNOSTIC_CHARACTERS
"""Of one mail, divided among its reports: of each at least so much as is shown of it."""
_ORIGINAL_BYTES = 64 * 1024


def read_bounce(raw: bytes) -> tuple[Bounce, ...]:
    """Every failed or delayed recipient, at most 50; empty for a mail that is not a bounce.

    Never raises, and takes time linear in at most the first 1 MiB. Recipients that were
    delivered, relayed or expanded are left out (RFC 3464 §2.3.3).
    """
    raw = raw[:READ_BYTES]
    header = read_header(raw)
    if not _may_be_bounce(header):
        return ()
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return ()
    leaves = [leaf for _, leaf in numbered_leaves(tree)]
    groups = list(islice(_recipient_groups(leaves), _GROUPS_LIMIT))
    text = read_body(tree).text[:_TEXT_CHARACTERS]
    original_id = _original_id(leaves, text, header)
    of_content = len(groups) == 1 and _AFTER_DATA.search(text) is not None
    longest = _part_of(len(groups))
    found = (
        (_from_recipient_fields(group, longest, original_id, of_content) for group in groups)
        if groups
        else _from_report_text(header, text, original_id)
    )
    # Of two reports about one recipient the first counts.
    by_recipient: dict[str, Bounce] = {}
    for bounce in found:
        if bounce is not None:
            by_recipient.setdefault(bounce.recipient, bounce)
    return tuple(islice(by_recipient.values(), RECIPIENTS_LIMIT))


_DAEMON = re.compile(
    r"(?:^|[<\s,\"'(])(?:mailer-daemon|postmaster|mail\.delivery\.system)(?=[@>\s\"')]|$)",
    re.IGNORECASE,
)
_REPORT_TYPE = re.compile(r"report-type\s{0,8}=\s{0,8}\"?([\w-]{1,40})", re.IGNORECASE)


def _may_be_bounce(header: Header) -> bool:
    """Whether it is a delivery report by type (RFC 6522 §3), or from a mail system by author."""
    content_type = header.get("content-type")[:_DIAGNOSTIC_CHARACTERS].strip().lower()
    if content_type.startswith("multipart/report"):
        report_type = _REPORT_TYPE.search(content_type)
        return report_type is None or report_type[1] in (
            "delivery-status",
            "global-delivery-status",
        )
    return "x-failed-recipients" in header.names() or bool(
        _DAEMON.search(header.get("from")[:_DIAGNOSTIC_CHARACTERS])
    )


def _part_of(reports: int) -> int:
    """The characters of a diagnostic that are read where a mail has so many reports: to find what
    they mean takes dozens of searches in each of them."""
    part = _ALL_DIAGNOSTICS_CHARACTERS // max(reports, 1)
    return min(_DIAGNOSTIC_CHARACTERS, max(DIAGNOSTIC_CHARACTERS, part))


# ---- RFC 3464 -----------------------------------------------------------------------------------

_STATUS_KINDS = ("message/delivery-status", "message/global-delivery-status")
_Group = Mapping[str, str]


def _recipient_groups(leaves: list[MimePart]) -> Iterator[_Group]:
    """The fields of each recipient (RFC 3464 §2.3), from the status part or its substitute.

    Some systems, and some relays, label that part text/plain.
    """
    typed = [leaf for leaf in leaves if leaf.media_type in _STATUS_KINDS]
    # A multipart without parts has lost its boundaries.
    plain = [leaf for leaf in leaves if leaf.media_type.startswith(("text/plain", "multipart/"))]
    for candidates in (typed, plain):
        found = False
        for leaf in candidates:
            for group in _groups(_before_original(_text_of(leaf))):
                if "action" in group or "status" in group or "diagnostic-code" in group:
                    found = True
                    yield group
        if found:
            return


_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,40}+)[ \t]{0,8}:(.*+)")
_RECIPIENTS = ("original-recipient", "final-recipient")


def _groups(text: str) -> Iterator[_Group]:
    """The groups of fields with a recipient, unfolded; an empty line separates two groups."""
    group: dict[str, str] = {}
    last = ""
    for line in (*text[:_STATUS_CHARACTERS].split("\n"), ""):
        if line[:1] in (" ", "\t") and line.strip() and last:
            if len(group[last]) < _DIAGNOSTIC_CHARACTERS:
                group[last] += " " + line.strip()[:_DIAGNOSTIC_CHARACTERS]
            continue
        field = _FIELD.match(line)
        # Some systems omit the empty line before the next recipient.
        repeats = field is not None and field[1].lower() == "final-recipient" in group
        if not line.strip() or repeats:
            if any(name in group for name in _RECIPIENTS):
                yield group
            group, last = {}, ""
        if field is not None:
            name = field[1].lower()
            last = name if name not in group else ""
            group.setdefault(name, field[2].strip()[:_DIAGNOSTIC_CHARACTERS])
        elif line.strip():
            last = ""


_SUCCESSFUL_ACTIONS = ("delivered", "relayed", "expanded")
_COMMENT = re.compile(r"\([^()]*+\)")
_TYPED = re.compile(r"\s*+[\w.+-]{1,40}+\s{0,8};\s*+")


def _from_recipient_fields(
    group: _Group, longest: int, original_id: str, of_content: bool
) -> Bounce | None:
    action = _COMMENT.sub(" ", group.get("action", "failed")).strip().lower()
    diagnostic = group.get("diagnostic-code", "")
    typed = _TYPED.match(diagnostic)
    if typed:
        diagnostic = diagnostic[typed.end() :]
    stated = group.get("status", "")
    if action in _SUCCESSFUL_ACTIONS or (not group.get("action") and stated.startswith("2.")):
        return None
    # The original recipient, if given (§2.3.1), takes precedence over the final one.
    known = (_address_in(group.get(name, "")) for name in _RECIPIENTS)
    recipient = next(filter(None, known), "")
    return _bounce(recipient, action, stated, diagnostic[:longest], original_id, of_content)


def _bounce(
    recipient: str,
    action: str,
    stated: str,
    diagnostic: str,
    original_id: str,
    of_content: bool = False,
) -> Bounce:
    status = status_of(stated, diagnostic)
    presumed = presumed_status(status, diagnostic, of_content=of_content)
    failure = classify(presumed, action, smtp_code_of(diagnostic))
    return Bounce(recipient, failure, status, one_line(diagnostic), original_id)


# ---- Other formats ------------------------------------------------------------------------------


def _any_of(*phrases: str) -> re.Pattern[str]:
    """Matches any of these phrases across line breaks; a phrase may be a regular expression."""
    return re.compile(
        "|".join(phrase.replace(" ", r"\s{1,8}") for phrase in phrases), re.IGNORECASE
    )


_AFTER_DATA = _any_of("in reply to end of DATA", "after (?:pipelined )?end of data")
"""As Postfix and Exim say, in the text of a report alone, that a server refused the mail itself."""

_OPENING = _any_of(
    r"this is the qmail-send program",
    r"(?:wasn't able|unable|not able) to deliver (?:your |the )?message",
    r"(?:could not|cannot) be delivered",
    r"has not (?:yet )?been delivered to",
    r"did not reach the following recipient",
    r"following recipient(?:s|\(s\))? (?:could not be|cannot be|can't be) reached",
    r"delivery has failed to these recipients",
    r"delivery to the following recipient",
    r"following address(?:es|\(es\))? (?:failed|had)",
    r"was(?:n't| not) delivered to",
    r"(?:delivery )?failure (?:report|reasons)",
    r"report to sender",
    r"transcript of session follows",
    r"(?:error|trouble) (?:\w{1,20} ){0,5}(?:delivering|to deliver) ",
    r"is delayed for more than",
    r"unknown user: ",
    r"delivery failed \d{1,4} attempts: ",
)
_DELAY = _any_of(
    r"delivery (?:attempts )?(?:will continue|is delayed)",
    r"has not yet been delivered",
    r"(?:has been|is) delayed",
    r"will (?:keep trying|continue trying|be retried)",
    r"no action is required on your part",
    r"do not need to re-?send",
)
# The returned mail follows such a line, or begins with its first trace fields.
_ORIGINAL = re.compile(
    r"^(?:[-=*_|# \t]{0,60}+(?:below this line|this is a copy of|(?:the )?headers? of the original"
    r"|original message|returned message|unsent message|message headers? follow"
    r"|message text follows|a copy of (?:the|your) |enclosed is a copy|returned mail follows)"
    r"|(?:return-path|received)[ \t]{0,8}:)",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = r"[^\s<>()\[\]\",;:\\@]{1,64}+@[^\s<>()\[\]\",;:\\@]{1,189}+"
_ANY_ADDRESS = re.compile(_ADDRESS)
# A line that begins with an address, possibly after a reply code, and continues with the reason.
_ADDRESS_LINE = re.compile(
    r"[\s*>\"'<•-]{0,40}+(?:[45][0-9]{2}[ -](?:[45]\.[0-9]{1,3}\.[0-9]{1,3} )?)?[<\"']?"
    r"(?:(?:smtp|mailto|rfc822)[:;])?(" + _ADDRESS + r")[>\"']?(?=[\s:;,(\[.\]<-]|$)",
    re.IGNORECASE,
)


def _from_report_text(header: Header, text: str, original_id: str) -> Iterator[Bounce]:
    """The recipients in a plain-text report, each with the text that follows it."""
    text = _before_original(text)
    opening = _OPENING.search(text)
    named = [
        address
        for field in header.get_all("x-failed-recipients")[:RECIPIENTS_LIMIT]
        for address in _addresses(field)
    ]
    if opening is None and not named:
        return
    report = text[opening.start() :] if opening else text
    action = "delayed" if _DELAY.search(report) else "failed"
    own_addresses = {*_addresses(header.get("to")), *_addresses(header.get("from"))}
    sections = _sections(report)
    if named:
        recipients = dict.fromkeys(named)
    else:
        recipients = dict.fromkeys(address for address in sections if address not in own_addresses)
    if not recipients and opening:
        rest_of_line = report[opening.end() - opening.start() :].partition("\n")[0]
        recipients = dict.fromkeys(
            [address for address in _addresses(rest_of_line) if address not in own_addresses][:1]
        )
    longest = _part_of(min(len(recipients), RECIPIENTS_LIMIT))
    for recipient in islice(recipients, RECIPIENTS_LIMIT):
        diagnostic = sections.get(recipient, "") or report
        yield _bounce(recipient, action, "", diagnostic[:longest], original_id)
    if not recipients and (smtp_code_of(report) or status_of("", report)):
        yield _bounce("", action, "", report[:_DIAGNOSTIC_CHARACTERS], original_id)


def _sections(text: str) -> dict[str, str]:
    """Each address that begins a line, and the text from there to the next such address."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    characters_left = _DIAGNOSTIC_CHARACTERS
    for line in text.split("\n"):
        found = _ADDRESS_LINE.match(line)
        address = _address_in(found[1]) if found else ""
        if found and address:
            if address not in sections and len(sections) == 2 * RECIPIENTS_LIMIT:
                break
            current = sections.setdefault(address, [])
            characters_left = _DIAGNOSTIC_CHARACTERS - sum(map(len, current))
            bare = not line[: found.start(1)].strip("\t <>\"'*•-")
            line = line[found.end() :].lstrip(" :>\"'") if bare else line
        if characters_left > 0:
            current.append(line.strip())
            characters_left -= len(line) + 1
    return {address: "\n".join(lines).strip() for address, lines in sections.items()}


def _before_original(text: str) -> str:
    original = _ORIGINAL.search(text)
    return text[: original.start()] if original else text


def _addresses(text: str) -> list[str]:
    found = islice(_ANY_ADDRESS.finditer(text[:_TEXT_CHARACTERS]), RECIPIENTS_LIMIT)
    return [address for match in found if (address := _address_in(match[0]))]


def _address_in(text: str) -> str:
    """The first address in a text, normalised; empty if there is none."""
    found = _ANY_ADDRESS.search(text[:_DIAGNOSTIC_CHARACTERS])
    return (normalise(found[0].rstrip(".'")) or "") if found else ""


# ---- The returned mail --------------------------------------------------------------------------

_ORIGINAL_KINDS = (
    "message/rfc822",
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)
# Gmail puts it into a field of its own, among the per-message fields.
_ID_LINE = re.compile(
    r"^[ \t>]{0,8}+(?:x-original-)?message-id[ \t]{0,8}+:\s{0,8}+(<[!-;=?-~]{1,248}+>)",
    re.IGNORECASE | re.MULTILINE,
)


def _original_id(leaves: Iterable[MimePart], text: str, header: Header) -> str:
    """From the returned mail (RFC 6522 §3), the report's text, or its In-Reply-To."""
    texts = [text]
    for leaf in leaves:
        if leaf.media_type in _ORIGINAL_KINDS:
            returned = read_header(leaf.content()[:_ORIGINAL_BYTES].lstrip())
            for found in message_ids(returned, "message-id"):
                return found
        elif leaf.media_type in _STATUS_KINDS:
            texts.append(_text_of(leaf)[:_TEXT_CHARACTERS])
    named = (line[1] for line in map(_ID_LINE.search, texts) if line and "=?" not in line[1])
    return next(named, next(iter(message_ids(header, "in-reply-to")), ""))


def _text_of(leaf: MimePart) -> str:
    text, _ = charsets.decode(leaf.content(), leaf.parameter("charset"))
    return text.replace("\r\n", "\n").replace("\r", "\n")
