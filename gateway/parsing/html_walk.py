"""Walks through the tokens of HTML and writes down the text that its reader sees.

No tree is built: a stack of the open elements is enough, with the rules of HTML for end tags that
are missing or crossed. A tag costs the same, however deep it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.parsing.html_controls import Selection, control_text
from gateway.parsing.html_elements import (
    BLOCKS,
    CELLS,
    GAPS,
    PREFORMATTED,
    SHUT,
    STRUCK,
    VOID,
    WITH_RULES,
    OpenElements,
    is_grid,
    raised,
)
from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_links import described_image, is_shown_by, target_of
from gateway.parsing.html_lists import ListNumbers
from gateway.parsing.html_quotes import QuoteMark, has_signs, mark_of
from gateway.parsing.html_quoting import QuoteRegion, QuoteRegions
from gateway.parsing.html_sheet import sheet_of
from gateway.parsing.html_style import ORDINARY, Style, style_of
from gateway.parsing.html_tokens import COMMENT, RAW, attributes, tokens

_KEPT = 1_000
_STYLED = ("style", "hidden", "STYLE", "Style")


@dataclass(slots=True)
class Around:
    """How text was written around an element that changes it."""

    style: Style
    tiny: bool
    invisible: bool
    preformatted: bool
    indent: str
    place: tuple[int, int]
    shut: bool = False
    struck: bool = False
    target: str = ""
    pictures: int = 0
    regions: list[QuoteRegion] = field(default_factory=list)


class HtmlWalk:
    """Of one piece of HTML. With `words_only` it writes the words of the author alone: no targets
    of links, no descriptions of images, no signs and numbers."""

    def __init__(self, markup: str, *, words_only: bool = False, quotes: bool = True) -> None:
        self.lines = HtmlLines()
        self._markup = markup
        self._words_only = words_only
        self._quotes = QuoteRegions(self.lines) if quotes and has_signs(markup) else None
        self._open = OpenElements[Around](self._leave)
        self._styles: dict[tuple[str, str], Style] = {}
        self._marks: dict[tuple[str, str], QuoteMark | None] = {}
        self._sheet = sheet_of(markup)
        self._hidden = 0
        self._struck = 0
        self._tiny = self._invisible = self._preformatted = self._first_in_pre = False
        self._lists = ListNumbers()
        self._selection: Selection | None = None
        self._pictures = 0
        self._grids: list[bool] = []
        """Of the open tables, whether they are drawn as one, rather than for the layout."""
        self._raised = 0

    def run(self) -> HtmlLines:
        """The lines, of which those are marked that are quoted."""
        for name, rest in tokens(self._markup):
            if not name:
                self._text(rest)
            elif name[0] == "/":
                self._end(name[1:])
            elif name == COMMENT:
                if self._quotes is not None and (region := self._quotes.comment(rest)) is not None:
                    self._quote_what_follows(region)
            elif name != RAW:
                self._start(name, rest)
            elif self._open.top_name() == "xmp":
                self._text(rest)
        self._open.close_all()
        self.lines.block()
        if self._quotes is not None:
            self._quotes.finish()
        return self.lines

    def _text(self, text: str) -> None:
        if self._hidden or self._tiny or self._invisible:
            return
        if self._selection is not None:
            self._selection.text(text)
        elif self._preformatted:
            if self._first_in_pre:  # the line break after the tag is no text
                text = text.removeprefix("\r").removeprefix("\n")
            self.lines.write_preformatted(text)
        elif self._raised and not self._words_only:
            self.lines.write(raised(text))
        else:
            self.lines.write(text)
        self._first_in_pre = False

    def _end(self, name: str) -> None:
        if name == "br":
            self._void(name, "")
        elif name == "p" and not self._open.has("p") and not self._hidden:
            self.lines.gap()  # an empty paragraph
        else:
            self._open.close(name)

    def _start(self, name: str, source: str) -> None:
        self._first_in_pre = False
        if name in VOID:
            self._void(name, source)
            return
        if name in BLOCKS or name == "a":
            self._open.close_before(name)
            if name in CELLS and self._open.needs_row() and name != "caption":
                self._start("tr", "")
        style = self._style(name, source) if source else ORDINARY
        self._edge(name, style)
        around = None
        marked = self._quotes is not None and (source or name == "blockquote")
        if style is not ORDINARY or name in WITH_RULES or marked:
            around = self._enter(name, source, style)
        self._open.push(name, around)

    def _style(self, name: str, source: str) -> Style:
        if not any(each in source for each in _STYLED) and not (
            self._sheet or (name == "p" and "lass" in source)
        ):
            return ORDINARY
        style = self._styles.get((name, source))
        if style is None:
            style = style_of(name, source, self._sheet.says)
            style = ORDINARY if style == ORDINARY else style
            if len(self._styles) < _KEPT:
                self._styles[name, source] = style
        return style

    def _mark(self, name: str, source: str) -> QuoteMark | None:
        key = name, source
        if key in self._marks:
            return self._marks[key]
        mark = mark_of(name, attributes(source)) if source else None
        if len(self._marks) < _KEPT:
            self._marks[key] = mark
        return mark

    def _enter(self, name: str, source: str, style: Style) -> Around | None:
        """What changes for the text within an element; None if nothing does."""
        lines = self.lines
        region = None
        if self._quotes is not None and not self._hidden and (source or name == "blockquote"):
            region = self._quotes.enter(name, self._mark(name, source))
        if region is None and style is ORDINARY and name not in WITH_RULES:
            return None
        around = self._around(style)
        if region is not None:
            around.regions.append(region)
        around.shut = style.hidden or name in SHUT
        self._hidden += around.shut
        self._tiny = self._tiny if style.tiny is None else style.tiny
        self._invisible = self._invisible if style.invisible is None else style.invisible
        if name in PREFORMATTED:
            self._preformatted = self._first_in_pre = True
        if style.preformatted is not None:
            self._preformatted = style.preformatted
        if (style.struck or name in STRUCK) and not self._words_only:
            around.struck = True
            if not self._struck:
                lines.open("~~")
            self._struck += 1
        if not self._hidden and name in WITH_RULES:
            self._begin(name, source, style, around)
        return around

    def _around(self, style: Style = ORDINARY) -> Around:
        lines = self.lines
        return Around(
            style,
            self._tiny,
            self._invisible,
            self._preformatted,
            lines.indent,
            lines.place(),
        )

    def _begin(self, name: str, source: str, style: Style, around: Around) -> None:
        """The rules of single elements, which end in `_finish`."""
        lines = self.lines
        found = attributes(source) if source else {}
        match name:
            case "a":
                around.target = "" if self._words_only else target_of(found.get("href", ""))
                around.pictures = self._pictures
            case "ul" | "ol":
                self._lists.open(found, ordered=name == "ol", unlisted=style.unlisted)
            case "li":
                bullet, indent = self._lists.item(found, unlisted=style.unlisted)
                lines.item("" if self._words_only else bullet, indent)
            case "table":
                self._grids.append(is_grid(found))
            case "tr" if self._open.is_in_table() and self._grids:
                lines.row(is_grid=self._grids[-1])
            case "td" | "th" if self._open.is_in_table():
                lines.cell(is_head=name == "th")
            case "sup":
                self._raised += 1
            case "select":
                self._selection = Selection(several="multiple" in found)
            case "option" if self._selection is not None:
                self._selection.option(chosen="selected" in found)
            case "q":
                self._text("“")
            case _:
                pass

    def _leave(self, name: str, around: Around | None) -> None:
        """An element ends."""
        if around is not None:
            self._finish(name, around)
        self._edge(name, around.style if around is not None else ORDINARY)

    def _edge(self, name: str, style: Style) -> None:
        """An element begins or ends: with a margin, with a line, or apart from what is next to
        it."""
        if self._hidden:
            return
        if name in GAPS and not style.flat and not (name in ("ul", "ol") and self._lists.depth):
            self.lines.gap()
        elif name in BLOCKS or style.display == "block":
            self.lines.block()
        elif style.display == "apart" or name == "button":
            self.lines.separate()

    def _finish(self, name: str, around: Around) -> None:
        lines = self.lines
        if not self._hidden and name in WITH_RULES:
            self._finish_rules(name, around)
        if around.struck:
            self._struck -= 1
            if not self._struck:
                lines.close("~~", around.place)
        self._hidden -= around.shut
        self._tiny, self._invisible = around.tiny, around.invisible
        self._preformatted = around.preformatted
        for region in around.regions:
            if self._quotes is not None and (follows := self._quotes.leave(region)) is not None:
                self._quote_what_follows(follows)

    def _quote_what_follows(self, region: QuoteRegion) -> None:
        """The region lasts until the element ends in which it stands."""
        around = self._open.remember(self._around)
        if around is not None:
            around.regions.append(region)

    def _finish_rules(self, name: str, around: Around) -> None:
        lines = self.lines
        match name:
            case "a" if around.target:
                label = lines.since(around.place)
                empty = not label.strip()
                is_picture = empty and self._pictures > around.pictures
                if is_picture or (not empty and not is_shown_by(label, around.target)):
                    lines.append_target(around.target, around.place)
            case "ul" | "ol":
                self._lists.close()
            case "li":
                lines.end_item()
                lines.indent = around.indent
            case "table" if self._grids:
                self._grids.pop()
            case "tr" if self._open.is_in_table():
                lines.end_row()
            case "sup":
                self._raised -= 1
            case "select" if self._selection is not None:
                shown, self._selection = self._selection.shown(), None
                self._text(f" {shown} ")
            case "q":
                self._text("”")
            case _:
                pass

    def _void(self, name: str, source: str) -> None:
        if self._hidden:
            return
        if name in ("img", "image", "input"):
            self._shown_without_end(name, source)
            return
        if self._invisible:
            return
        lines = self.lines
        if name == "br":
            if not self._tiny:
                lines.line_break()
            return
        if name == "hr":
            lines.gap()
            if self._quotes is not None and source:
                region = self._quotes.enter(name, self._mark(name, source))
                follows = None if region is None else self._quotes.leave(region)
                if follows is not None:
                    self._quote_what_follows(follows)

    def _shown_without_end(self, name: str, source: str) -> None:
        """An image or a control, as far as it is seen."""
        style = self._style(name, source)
        invisible = self._invisible if style.invisible is None else style.invisible
        if style.hidden or invisible:
            return
        found = attributes(source)
        if name == "input":
            around, self._invisible = self._invisible, False
            self._text(found.get("value", "") if self._words_only else control_text(found))
            self._invisible = around
            return
        self._pictures += 1
        if not self._words_only and (described := described_image(found)):
            self.lines.write(described)
