"""The signs of automatic mail (RFC 3834), in three classes.

What a sign does is decided after the sender is proven (`rules.decision.screening.automatic`): a
customer's mail bears the marks of bulk mail if a mailing list, a group or a CRM has passed it on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules.mail.addresses import without_detail
from rules.mail.automatic_subjects import absence, automatic_reply, begins_as_absence
from rules.mail.extent import squeezed
from rules.mail.header import Author, Header
from rules.mail.lists import is_of_list
from rules.mail.message import Envelope, Mail

MAX_RECEIVED = 30
"""More hops than this indicate a mail loop (RFC 5321 §6.3)."""
NULL_PATH = "null reverse-path"
LOOP_FIELD = "x-postern-loop"
"""In every mail of a Postern."""
FOREIGN_NOTICE = "a notice of another Postern"
_SUBJECT = "Subject: "
FROM_READ = 500
"""Characters of From in which a name is looked for."""


class AutomaticClass(StrEnum):
    CERTAIN = "certain"
    """It answers, reports or circulates: no person wrote it."""
    UNCLEAR = "unclear"
    """It is declared as generated, which a forwarding rule does to a person's mail as well; or
    nothing but its subject says that it is an answer."""
    BULK = "bulk"
    """It came through a mailing list or a mass mailer, which may have passed on a person's mail."""


@dataclass(frozen=True, slots=True)
class AutomationSign:
    """The sign by which a mail is taken for automatic."""

    kind: AutomaticClass
    text: str
    """What was seen, for the trace."""

    @property
    def is_journal_report(self) -> bool:
        """Whether it is a copy of a mail between others, which their server has made."""
        return self.text in _JOURNAL_FIELDS

    @property
    def is_null_path(self) -> bool:
        """Whether only the envelope shows it, which the last sender chooses."""
        return self.text == NULL_PATH

    @property
    def is_foreign_notice(self) -> bool:
        """Whether another Postern sent it, of its own accord."""
        return self.text == FOREIGN_NOTICE

    @property
    def is_subject(self) -> bool:
        """Whether its subject says that it answers by itself: nothing may answer it."""
        return self.text.startswith(_SUBJECT)

    def __str__(self) -> str:
        return self.text


_COMMENT = re.compile(r"\([^()]*\)")
_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "list-help")
_JOURNAL_FIELDS = ("x-ms-journal-report", "x-ms-exchange-organization-journal-report")
_CERTAIN_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-fc-machinegenerated",
    "x-failed-recipients",
    *_JOURNAL_FIELDS,
)
FIELDS_READ = (
    "auto-submitted",
    "precedence",
    "content-type",
    "x-auto-response-suppress",
    *_LIST_FIELDS,
    *_CERTAIN_FIELDS,
    LOOP_FIELD,
)
"""The fields that this module reads; besides them Received, which no signature covers."""
_BULK_PRECEDENCES = frozenset(("bulk", "list", "junk"))
_SILENCING = frozenset(("all", "autoreply"))
"""Values of X-Auto-Response-Suppress that concern answers of ours; DR, RN, NRN and OOF concern
reports and absence notices (MS-OXCMAIL §2.2.3.2.14)."""


def sign_of_automation(
    mail: Mail,
    envelope: Envelope,
    lists: Collection[str] = (),
    *,
    answers: bool = False,
    replied: Collection[str] = (),
) -> AutomationSign | None:
    """The strongest sign that this mail is automatic; None for a person's mail.

    `lists` are the addresses and List-Ids of our own lists and groups, whose marks count for
    nothing. `answers` is whether the mail replies to something, `replied` the subjects of the
    tickets that it points to.
    """
    certain = next(_certain_signs(mail), "") or (NULL_PATH if envelope.mail_from == "" else "")
    if certain:
        return AutomationSign(AutomaticClass.CERTAIN, certain)
    submitted = next(_submitted(mail.header), "")
    if submitted and LOOP_FIELD in mail.header.names():
        return AutomationSign(AutomaticClass.UNCLEAR, FOREIGN_NOTICE)
    if opening := _automatic_subject(mail, answers, replied):
        return AutomationSign(AutomaticClass.UNCLEAR, f"{_SUBJECT}{opening}")
    if submitted:
        return AutomationSign(AutomaticClass.UNCLEAR, f"Auto-Submitted: {submitted[:40]}")
    bulk = next(_bulk_signs(mail.header), "")
    if bulk and not is_of_list(mail.header, lists):
        return AutomationSign(AutomaticClass.BULK, bulk)
    return None


def may_be_recorded(mail: Mail, envelope: Envelope) -> bool:
    """Whether the mail may have a certain or an unclear sign, whatever it answers."""
    sign = sign_of_automation(mail, envelope)
    if sign is None or sign.kind is AutomaticClass.BULK:
        return begins_as_absence(mail.subject)
    return True


def wants_no_answer(mail: Mail) -> bool:
    """Whether the sender requests no automatic answer (MS-OXCMAIL §2.2.3.2.14)."""
    return not _SILENCING.isdisjoint(_suppressed(mail.header))


def _certain_signs(mail: Mail) -> Iterator[str]:
    header = mail.header
    present = header.names()
    if "auto-submitted" in present and "auto-replied" in _submitted(header):
        yield "Auto-Submitted: auto-replied"
    if header.get("content-type").strip().lower().startswith("multipart/report"):
        yield "multipart/report"
    if not present.isdisjoint(_CERTAIN_FIELDS):
        yield from (name for name in _CERTAIN_FIELDS if name in present)
    if "precedence" in present and "auto_reply" in _precedences(header):
        yield "Precedence: auto_reply"
    if isinstance(mail.author, Author):
        base, _ = without_detail(mail.author.address)
        if base.startswith("mailer-daemon@"):
            yield f"author {base[:80]}"
    if "received" in present and (hops := len(header.raw_values("received"))) > MAX_RECEIVED:
        yield f"{hops} Received lines"


def _automatic_subject(mail: Mail, answers: bool, replied: Collection[str]) -> str:
    """The beginning of the subject, if auto-responders begin their answers like that.

    `Automatic reply:` counts in any mail. `AUTO:` and `Out of office` also begin a person's
    request, so they count only in a reply, or where its sender declares the mail as a machine's.
    """
    if opening := automatic_reply(mail.subject):
        return opening
    declared = any(_submitted(mail.header)) or "all" in _suppressed(mail.header)
    if not (answers or declared):
        return ""
    named = mail.header.get("from")[:FROM_READ]
    return absence(mail.subject, replied, named, declared=declared)


def _submitted(header: Header) -> Iterator[str]:
    """The first token of each Auto-Submitted (RFC 3834 §5) that is not `no`."""
    for value in header.get_all("auto-submitted"):
        plain = _COMMENT.sub(" ", value).strip().lower()
        token = re.split(r"[\s;]", plain, maxsplit=1)[0]
        if token not in ("", "no"):
            yield token


def _precedences(header: Header) -> Iterator[str]:
    return (value.strip().lower() for value in header.get_all("precedence"))


def _bulk_signs(header: Header) -> Iterator[str]:
    present = header.names()
    yield from (name for name in _LIST_FIELDS if name in present)
    yield from (f"Precedence: {p}" for p in _precedences(header) if p in _BULK_PRECEDENCES)


def _suppressed(header: Header) -> Iterator[str]:
    for value in header.get_all("x-auto-response-suppress"):
        yield from (each.strip().lower() for each in re.split(r"[,;\s]", squeezed(value)[:998]))
