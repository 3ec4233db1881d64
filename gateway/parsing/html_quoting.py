"""Which lines of the text of HTML are quoted, as the marks of clients show while it is read."""

from __future__ import annotations

from typing import NamedTuple

from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_quotes import COMMENTS, QuoteMark, introduction, is_header

_ABOVE_A_QUOTE = 40
"""Lines above a quote in which its introduction is looked for."""
_SIGNATURE_LINES = 12
_SIGNATURE_CHARACTERS = 800


class QuoteRegion(NamedTuple):
    """An open element with a mark, or what follows one."""

    mark: QuoteMark
    begins: int
    """The line at which it began."""
    follows: int | None = None
    """For what follows it: how many lines had begun until then."""


class QuoteRegions:
    """The marks of the open elements. A line is quoted if it is within one that quotes."""

    def __init__(self, lines: HtmlLines) -> None:
        self._lines = lines
        self._depth = 0
        self._containers = 0
        self.is_forward = False
        """The client marks what it forwards, and nothing is quoted."""
        self._is_reply = False
        """Something above is quoted for certain."""
        self._attribution: QuoteRegion | None = None
        self._attribution_ends = 0
        self._signatures: list[tuple[int, int]] = []
        self._open_signatures = 0

    @property
    def are_open(self) -> bool:
        """Whether what is written now is quoted, or a signature."""
        return self._depth > 0 or self._open_signatures > 0

    def enter(self, name: str, mark: QuoteMark | None) -> QuoteRegion | None:
        """An element begins, with the line that it begins; its region, if it has a mark."""
        if self.is_forward or (mark is None and name != "blockquote"):
            return None
        self._lines.block()
        begins = len(self._lines.texts)
        if mark is QuoteMark.FORWARD:
            self.is_forward = self._depth == 0
            return None
        if mark is QuoteMark.CONTAINER:
            self._containers += 1
        elif mark is QuoteMark.SIGNATURE:
            self._open_signatures += 1
        elif mark is QuoteMark.QUOTE:
            self._begin_quote(certain=True)
        elif name == "blockquote" and self._begin_quote(
            certain=mark is QuoteMark.LINED and self._is_reply
        ):
            mark = QuoteMark.QUOTE
        return QuoteRegion(mark, begins) if mark is not None else None

    def comment(self, text: str) -> QuoteRegion | None:
        """A comment by which a client marks what follows as quoted."""
        if self.is_forward or self._depth or not any(each in text.lower() for each in COMMENTS):
            return None
        self._lines.block()
        return self._follow(len(self._lines.texts))

    def _follow(self, begins: int) -> QuoteRegion:
        """What follows in the same element is quoted."""
        self._quote_from(begins)
        self._begin_quote(certain=True)
        return QuoteRegion(QuoteMark.REST, begins, self._lines.written)

    def leave(self, region: QuoteRegion) -> QuoteRegion | None:
        """Its element ends. The region that begins now in the element around it, if one does."""
        lines = self._lines
        lines.block()
        match region.mark:
            case QuoteMark.REST if region.follows == lines.written:
                return region  # nothing followed: the element was there for the mark alone
            case QuoteMark.REST | QuoteMark.HEADER if region.follows is None:
                certain = region.mark is QuoteMark.REST
                if not self._depth and (certain or self._has_header(region.begins)):
                    return self._follow(region.begins)
            case QuoteMark.QUOTE | QuoteMark.REST:
                self._depth -= 1
                lines.is_quoted = self._depth > 0
            case QuoteMark.CONTAINER:
                self._containers -= 1
            case QuoteMark.ATTRIBUTION:
                self._attribution, self._attribution_ends = region, len(lines.texts)
                if self._depth == 0 and self._has_header(region.begins):
                    self.is_forward = True  # a reply has a line there, a forward a header
            case QuoteMark.LINED:
                if not self._depth and self._has_header(region.begins):
                    self._quote_from(region.begins)
                    self._is_reply = True
            case QuoteMark.SIGNATURE:
                self._open_signatures -= 1
                if not self._depth:
                    self._signatures.append((region.begins, len(lines.texts)))
            case _:
                pass
        return None

    def _begin_quote(self, *, certain: bool) -> bool:
        """Begins a quote here, with the lines that introduce it, unless it may be the author's."""
        lines = self._lines
        if not self._depth:
            introduced = self._introduce()
            if not (certain or introduced or self._containers):
                return False
        self._is_reply = True
        self._depth += 1
        lines.is_quoted = True
        return True

    def _introduce(self) -> bool:
        """Marks the lines that introduce a quote which begins here, if there are any."""
        texts = self._lines.texts
        if self._attribution is not None and not any(texts[self._attribution_ends :]):
            self._quote_from(self._attribution.begins)
            self._attribution = None
            return True
        above = texts[-_ABOVE_A_QUOTE:]
        begins = introduction(above, in_container=self._containers > 0)
        self._quote_from(len(texts) - len(above) + begins)
        return begins < len(above)

    def _has_header(self, begins: int) -> bool:
        return is_header(self._lines.texts[begins : begins + _ABOVE_A_QUOTE])

    def _quote_from(self, begins: int) -> None:
        texts, quoted = self._lines.texts, self._lines.quoted
        while begins < len(texts) and not texts[begins]:
            begins += 1  # the space above is the author's
        quoted[begins:] = [True] * len(quoted[begins:])

    def finish(self) -> list[int]:
        """Quotes nothing if else nothing of the author's would be left. The lines that it adds, by
        index, in the order in which it adds them."""
        lines = self._lines
        own = [
            number
            for number, text in enumerate(lines.texts)
            if not lines.quoted[number] and any(map(str.isalnum, text))
        ]
        if not own:
            lines.quoted[:] = [False] * len(lines.quoted)
            return []
        added = self._set_off_end(own[-1] + 1)
        if self._signatures and own[-1] < self._signatures[-1][1]:
            added += self._set_off_signature(own[0], *self._signatures[-1])
        return added

    def _set_off_end(self, below: int) -> list[int]:
        """Begins a quote below everything of the author's with an empty line, which shows that it
        is one (see `rules.mail.quoting`)."""
        texts, quoted = self._lines.texts, self._lines.quoted
        while below < len(texts) and not (quoted[below] and texts[below]):
            below += 1
        if below < len(texts):
            added = [False, True] if texts[below - 1] else [True]
            texts[below:below] = [""] * len(added)
            quoted[below:below] = added
            return [*range(below, below + len(added))]
        return []

    def _set_off_signature(self, first: int, begins: int, ends: int) -> list[int]:
        """Two dashes above a signature below which the author wrote nothing (RFC 3676 §4.3)."""
        texts, quoted = self._lines.texts, self._lines.quoted
        signed = [text for text in texts[begins:ends] if text]
        if not signed or first >= begins or signed[0].startswith("--"):
            return []
        if "--" in [text.strip() for text in texts[:begins][-2:]]:
            return []
        if len(signed) <= _SIGNATURE_LINES and sum(map(len, signed)) <= _SIGNATURE_CHARACTERS:
            while not texts[begins]:
                begins += 1
            texts.insert(begins, "-- ")
            quoted.insert(begins, False)
            return [begins]
        return []
