"""The files and the formatting of a comment, as the mail to one recipient shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from gateway.outgoing.carried import Carried
from gateway.outgoing.mime import one_line
from gateway.outgoing.recipient_links import RecipientLinks
from rules.mail.colours import without_neutral_colours
from rules.mail.extent import FILES_NAMED
from rules.mail.markup import written
from rules.mail.presented import masked_pieces, with_images
from rules.service.travelling import FileWay
from storage.notices.comments import NoticeComment
from storage.notices.outbox import Notice

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a comment."""

    name: str
    size: str = ""
    """Such as `3.0 MB`; empty where it is not known."""
    way: str = ""
    """A value of `FileWay`; empty where the mail only names it."""
    number: int = 0
    link: str = ""
    """The recipient's own, for a file that is not in the mail."""


def content_id(notice: Notice, name: str) -> str:
    """The Content-ID of an image in the mail."""
    return f"{name}.{notice.id.hex}@{notice.mailbox.address.rpartition('@')[2]}"


def files_of(
    comment: NoticeComment,
    carried: Carried,
    redact: Redact,
    links: RecipientLinks | None,
    language: str,
) -> tuple[FileView, ...]:
    """The first files that reach the recipient, and a last entry for how many more there are."""
    more = comment.files_left_out + max(0, len(comment.attachments) - FILES_NAMED)
    shown: list[FileView] = []
    if not comment.files:
        shown += [FileView(one_line(redact(each))) for each in comment.attachments[:FILES_NAMED]]
    for file in comment.files[:FILES_NAMED]:
        way = carried.ways.get(file.id)
        if way is None and carried.ways:
            continue  # the mail only quotes it
        link = ""
        if links is not None and way in (None, FileWay.LINK):
            link = links.file(file.id)
        shown.append(
            FileView(
                name=one_line(redact(file.name)),
                size=size_text(file.size_bytes, language),
                way=way.value if way is not None else FileWay.LINK.value if link else "",
                number=file.id,
                link=link,
            )
        )
    return (*shown, FileView(f"… (+{more})")) if more > 0 else tuple(shown)


def size_text(size_bytes: int, language: str) -> str:
    """A size as people read it: `3.0 MB`, `30 MB`, `12 KB`, `87 B`."""
    for unit, octets in (("MB", 2**20), ("KB", 2**10)):
        if size_bytes >= octets:
            size = size_bytes / octets
            text = f"{size:.1f}" if size < 9.95 else f"{size:.0f}"
            return f"{text.replace('.', ',') if language == 'de' else text} {unit}"
    return f"{size_bytes} B"


def html_of(notice: Notice, carried: Carried, redact: Redact, most_octets: int) -> Markup:
    """The author's own HTML for this recipient; empty where its text is sent."""
    if not carried.html:
        return Markup("")
    masked = masked_pieces(carried.html, redact)
    if masked is None:
        return Markup("")

    def source(name: str) -> str:
        return f"cid:{content_id(notice, name)}" if name in carried.images else ""

    made, _ = with_images(masked, source, remote=False, placeholder="image")
    made, coloured = without_neutral_colours(made)
    markup = written(made)
    if coloured:  # chosen for a light page
        markup = f'<div class="paper">{markup}</div>'
    return Markup(markup) if len(markup.encode()) <= most_octets else Markup("")  # noqa: S704
