"""The comments of a ticket as staff read them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from gateway.outgoing.mime import one_line
from gateway.web.console.journal import reason_words, size_words
from gateway.web.console.words import Say
from rules.identity import TOKEN_ALONE, is_unproven
from rules.mail.extent import shown_part
from rules.mail.presented import Mask
from rules.mail.quoting import visible
from rules.people import Presence
from rules.ticket.visibility import Visibility
from storage.ticket.views import CommentView, TicketView

SHOWN = 50
"""Comments on one page, the latest."""
TEXTS_SHOWN = 512 * 1024
"""Characters of all their texts: each is searched for what must be masked."""
LONGEST_NAME = 150
LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class ShownFile:
    id: int
    name: str
    size: str


@dataclass(frozen=True, slots=True)
class ShownComment:
    id: int
    kind: str
    """Identifies how it is drawn: `customer`, `staff`, `note`, `review` or `automatic`."""
    label: str
    """What it is, in words; empty for a public comment of a customer."""
    why: str
    """Why it waits for staff."""
    author: str
    at: datetime
    subject: str
    above: str
    """A quote that it begins with."""
    text: str
    below: str
    """The quote and the signature at its end."""
    hidden_lines: int
    warnings: tuple[str, ...]
    files: tuple[ShownFile, ...]
    has_more_files: bool
    mail: str
    """The path of its mail; empty if it came by none."""
    has_html: bool
    """Its mail can be shown as its author formatted it."""
    may_publish: str
    """The visibility from which it can be published; empty where it cannot."""
    may_join: bool
    """Its author is a customer, proven, who is not on the ticket, and can be added with it."""


@dataclass(frozen=True, slots=True)
class CommentThread:
    comments: tuple[ShownComment, ...]
    """The oldest first."""
    earlier: int | None
    """The comment before which others are on the page before."""
    is_latest: bool


def thread_of(ticket: TicketView, before: int | None, mask: Mask, say: Say) -> CommentThread:
    """The comments before one, or the latest, as far as a page goes."""
    until = list(takewhile(lambda each: each.id != before, ticket.comments))
    page, left = until[-SHOWN:], TEXTS_SHOWN
    shown: list[ShownComment] = []
    on_it = {each.address for each in ticket.members if each.presence == Presence.ACTIVE.value}
    for comment in reversed(page):
        left -= len(shown_part(comment.text))
        shown.append(_comment(comment, on_it, mask, say, with_text=left >= 0))
    earlier = page[0].id if len(until) > len(page) else None
    return CommentThread(
        tuple(reversed(shown)), earlier, is_latest=len(until) == len(ticket.comments)
    )


def _comment(
    comment: CommentView, on_it: Set[str], mask: Mask, say: Say, *, with_text: bool
) -> ShownComment:
    kind, label = _kind(comment, say)
    # Cut afterwards: of what the cut divides, the first part alone is not recognised.
    text = shown_part(mask(comment.text)) if with_text else ""
    seen = visible(text)
    waits = comment.visibility == Visibility.PRIVATE.value
    return ShownComment(
        id=comment.id,
        kind=kind,
        label=label,
        why=reason_words(comment.reason, say) if comment.reason and kind == "review" else "",
        author=comment.author,
        at=comment.written_at,
        subject=one_line(mask(comment.subject), LONGEST_SUBJECT),
        above=seen.hidden_above.strip("\n"),
        text=seen.text.strip("\n"),
        below=seen.hidden.strip("\n"),
        hidden_lines=seen.hidden_lines,
        warnings=tuple(_warnings(comment, say, is_whole=with_text)),
        files=tuple(
            ShownFile(each.id, one_line(mask(each.name), LONGEST_NAME), size_words(each.size_bytes))
            for each in comment.attachments
        ),
        has_more_files=comment.files_left_out,
        mail=f"/mails/{comment.journal_id}" if comment.journal_id is not None else "",
        has_html=comment.journal_id is not None and comment.has_html,
        may_publish=comment.visibility if waits or comment.folded_as is not None else "",
        may_join=waits
        and not comment.by_staff
        and not is_unproven(comment.proof)
        and comment.author not in on_it,
    )


def _kind(comment: CommentView, say: Say) -> tuple[str, str]:
    match comment.visibility:
        case Visibility.NOTE.value if comment.is_feedback:
            return "note", say("Feedback, for staff")
        case Visibility.NOTE.value:
            return "note", say("Note, for staff")
        case Visibility.PRIVATE.value if comment.by_staff:
            return "review", say("Draft")
        case Visibility.PRIVATE.value:
            return "review", say("To review")
        case Visibility.FOLDED.value:
            return "automatic", say("Automatic mail")
        case _ if comment.by_staff:
            return "staff", say("Support")
        case _:
            return "customer", ""


def _warnings(comment: CommentView, say: Say, *, is_whole: bool) -> list[str]:
    found = []
    if comment.proof == TOKEN_ALONE:
        found.append(say("Unproven: only the reply address proves the author."))
    elif is_unproven(comment.proof):
        found.append(say("Unproven: nothing proves the author."))
    if comment.degraded:
        found.append(
            say("The text could not be read ({why}). The mail has it.", why=comment.degraded)
        )
    if comment.charset_guessed:
        found.append(say("The character set is guessed, so some letters may be wrong."))
    if comment.text_left_out or not is_whole:
        found.append(say("The text is not shown here, since the later ones are so long."))
    elif len(shown_part(comment.text)) < len(comment.text):
        found.append(say("Shortened. The mail has the whole text."))
    return found
