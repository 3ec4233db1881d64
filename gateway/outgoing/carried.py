"""What goes with a comment into the mails about it: its files, and its formatting.

All of it is read from the raw mail when the notice is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.parsing.mail_files import NotTaken
from gateway.parsing.our_mails import is_whole_text, replaces_text
from gateway.parsing.taken import TakenFile
from rules.commands.readable_html import readable_html
from rules.identity import is_unproven
from rules.mail.images import image_type
from rules.mail.markup import Piece, UnsafeMarkupError, pieces
from rules.mail.presented import images_in, quoted_images
from rules.mail.shown_html import HtmlView, PlainOnly
from rules.service.travelling import FileWay, fitting
from storage.notices.attached import AttachedFile
from storage.notices.comments import NoticeComment


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes with a comment, for one kind of reader."""

    ways: Mapping[int, FileWay] = field(default_factory=lambda: MappingProxyType({}))
    """How each file reaches the reader, by its number. A file without a way is only quoted."""
    contents: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Of those that are in the mail."""
    html: tuple[Piece, ...] = ()
    """The author's own HTML, not yet masked; empty where the text is sent."""
    images: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Of that HTML, by name."""

    def as_links(self) -> Carried:
        """The same for a mail with nothing in it but its texts."""
        inside = (FileWay.ATTACHED, FileWay.INLINE)
        ways = {n: FileWay.LINK if way in inside else way for n, way in self.ways.items()}
        return Carried(ways, html=self.html)


def all_gone(comment: NoticeComment) -> Carried:
    """The raw mail is no longer stored."""
    return Carried({file.id: FileWay.GONE for file in comment.files})


@dataclass(frozen=True, slots=True)
class Packing:
    """What should go with a comment, as far as the structure of its mail shows it: `carried` puts
    the octets of `wanted` into it."""

    ways: Mapping[int, FileWay]
    wanted: Mapping[str, AttachedFile]
    """The files that are to be in the mail, by `Attachment.part`."""
    html: tuple[Piece, ...]
    images: Mapping[str, bytes]

    def carried(self, found: Mapping[str, TakenFile] | NotTaken) -> Carried:
        """What goes with the comment, with the files that were taken out of its mail."""
        ways, images = dict(self.ways), dict(self.images)
        if isinstance(found, NotTaken):
            # Missing: it was read by another version, which counted the parts in another way.
            way = FileWay.LINK if found is NotTaken.MISSING else FileWay.UNREAD
            ways |= {file.id: way for file in self.wanted.values()}
            return Carried(ways, html=self.html, images=images)
        contents: dict[int, bytes] = {}
        for part, taken in found.items():
            file = self.wanted[part]
            if taken.is_ours:
                ways[file.id] = FileWay.WITHHELD
                continue
            contents[file.id] = taken.content
            if ways[file.id] is FileWay.INLINE and image_type(taken.content):
                images[part] = taken.content
            else:
                ways[file.id] = FileWay.ATTACHED
        return Carried(ways, contents, self.html, images)


def packing(
    comment: NoticeComment,
    view: HtmlView | None,
    *,
    for_staff: bool,
    formatted: bool,
    room_bytes: int,
) -> Packing:
    """What should go with a comment. `view` is the HTML of its mail, needed where that is sent
    (`formatted`) or where the mail places images in its text."""
    plan = _Plan(comment, view, for_staff, formatted)
    ways = plan.ways()
    inside = [f for f in comment.files if ways.get(f.id) in (FileWay.INLINE, FileWay.ATTACHED)]
    if is_unproven(comment.proof):  # anybody may have sent them in the author's name
        inside, ways = [], ways | {file.id: FileWay.LINK for file in inside}
    first = sorted(inside, key=lambda file: ways[file.id] is not FileWay.INLINE)
    chosen = fitting(((file.id, file.size_bytes) for file in first), room_bytes)
    wanted = {file.part: file for file in inside if file.id in chosen}
    ways |= {file.id: FileWay.LINK for file in inside if file.id not in chosen}
    images = dict(view.images) if view is not None and plan.html else {}
    return Packing(ways, wanted, plan.html, images)


class _Plan:
    """The way of each file as far as the mail's structure shows it."""

    def __init__(
        self, comment: NoticeComment, view: HtmlView | None, for_staff: bool, formatted: bool
    ) -> None:
        self._comment, self._for_staff = comment, for_staff
        own, quoted = _pieces_of(view)
        self._unknown = view is not None and view.plain_only not in (None, PlainOnly.NO_HTML)
        self._quoted = quoted_images(view, quoted) if view is not None else set[str]()
        self._own = set(images_in(own)) - self._quoted
        cut = (
            readable_html(
                own,
                quoted,
                comment.text,
                view.text if view else "",
                mail_of_staff=True,
                outside=False,
            )
            if formatted and own
            else None
        )
        self.html = tuple(cut[0]) if cut is not None else ()

    def ways(self) -> dict[int, FileWay]:
        shown = set(images_in(self.html))
        return {
            file.id: way
            for file in self._comment.files
            if (way := self._way(file, shown)) is not None
        }

    def _way(self, file: AttachedFile, shown: Collection[str]) -> FileWay | None:
        """None for an image that the mail has only in what it quotes, or in its signature."""
        if file.part in shown:
            return FileWay.INLINE
        if file.part in self._own and not self.html:
            return FileWay.ATTACHED
        if file.part in self._own or file.part in self._quoted:
            return None
        by_staff = self._comment.by_staff and not self._for_staff
        if by_staff and (
            is_whole_text(file.name, file.content_type) or (self._unknown and file.inline)
        ):
            return FileWay.WITHHELD
        tnef = replaces_text(file.name, file.content_type)
        return FileWay.LINK if tnef else FileWay.ATTACHED


def _pieces_of(view: HtmlView | None) -> tuple[list[Piece], list[Piece]]:
    if view is None:
        return [], []
    try:
        return pieces(view.html), pieces(view.quoted)
    except UnsafeMarkupError:
        return [], []
