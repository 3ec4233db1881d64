"""The elements of HTML as far as they shape text, and which of them are open.

Browsers close elements that have no end tag, and ignore end tags that close nothing (HTML standard
§13.2.6). Of these rules the ones are here on which the text depends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = _names(
    "area base basefont bgsound br col command embed frame hr image img input keygen link meta"
    " param source track wbr"
)
GAPS = _names("blockquote dl figure h1 h2 h3 h4 h5 h6 hr ol p pre ul")
"""Blocks with a margin above and below."""
BLOCKS = GAPS | _names(
    "address article aside body caption center dd details dialog dir div dt fieldset figcaption"
    " footer form header hgroup html legend li listing main menu nav section summary table tbody"
    " td textarea tfoot th thead tr video xmp"
)
SHUT = _names("title style script iframe noembed noframes template datalist desc metadata")
"""Nobody sees what is in them."""
PREFORMATTED = frozenset({"pre", "listing", "xmp", "textarea"})
STRUCK = frozenset({"s", "strike", "del"})
CELLS = frozenset({"td", "th", "caption"})
_GROUPS = frozenset({"tr", "tbody", "thead", "tfoot"})
_TABLES = CELLS | _GROUPS | {"table"}
_FORMATTING = _names("a b big code del em font i nobr s small strike strong tt u")
_ITEMS = {"li": ("li",), "dt": ("dt", "dd"), "dd": ("dt", "dd")}
_AROUND_ITEMS = frozenset({"ul", "ol", "dl", "menu", "dir", "table", "td", "th", "blockquote"})
WITH_RULES = (
    SHUT | PREFORMATTED | STRUCK | CELLS | _names("a ul ol li table tr select option q sup")
)
_CROSSED = 64
"""How many open elements are examined for one tag, so that each tag costs the same."""

_DIGITS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")

E = TypeVar("E")


def is_grid(found: Mapping[str, str]) -> bool:
    """Whether the lines of a table are drawn: then a cell means what its column does."""
    border, style = found.get("border", "0").strip(), found.get("style", "")
    drawn = border not in ("0", "", "0px") or "border-collapse" in style
    return drawn or "TableGrid" in found.get("class", "")


def raised(text: str) -> str:
    """A number as an exponent; any other raised text as it is."""
    bare = text.strip()
    return text.translate(_DIGITS) if bare.lstrip("+-−").isdigit() and len(bare) < 4 else text


class OpenElements(Generic[E]):
    """The open elements with what is remembered of each; `leave` is called when one closes."""

    def __init__(self, leave: Callable[[str, E | None], None]) -> None:
        self._leave = leave
        self._stack: list[tuple[str, E | None]] = []
        # The names that are open within each table and each cell: no end tag reaches out of them.
        self._scopes: list[tuple[str, dict[str, int]]] = [("", {})]

    def top_name(self) -> str:
        return self._stack[-1][0] if self._stack else ""

    def has(self, name: str) -> bool:
        """Whether an end tag of this name closes an element."""
        return bool(self._scopes[-1][1].get(name))

    def is_in_table(self) -> bool:
        """Whether the next element stands directly in a table, or in a row of it."""
        return self._scopes[-1][0] == "table"

    def needs_row(self) -> bool:
        return self.is_in_table() and not self._scopes[-1][1].get("tr")

    def push(self, name: str, around: E | None) -> None:
        if name == "table" or (name in CELLS and self.is_in_table()):
            self._scopes.append((name, {}))
        else:
            names = self._scopes[-1][1]
            names[name] = names.get(name, 0) + 1
        self._stack.append((name, around))

    def remember(self, make: Callable[[], E]) -> E | None:
        """What is remembered of the innermost open element; None if none is open."""
        if not self._stack:
            return None
        name, around = self._stack[-1]
        if around is None:
            around = make()
            self._stack[-1] = (name, around)
        return around

    def pop(self) -> None:
        name, around = self._stack.pop()
        names = self._scopes[-1][1]
        if names.get(name):
            names[name] -= 1
        elif self._scopes[-1][0] == name:
            self._scopes.pop()
        self._leave(name, around)

    def close_all(self) -> None:
        while self._stack:
            self.pop()

    def close_before(self, name: str) -> None:
        """Closes what a start tag closes that has no end tag."""
        names = self._scopes[-1][1]
        if name in _TABLES and name != "table":
            self._close_cell_or_row(name)
        elif name in _ITEMS:
            self._close_item(_ITEMS[name])
        if name == "a":
            self.close("a")
        elif names.get("p"):
            self._pop_to("p")

    def _close_cell_or_row(self, name: str) -> None:
        if len(self._scopes) < 2:
            return
        if self._scopes[-1][0] in CELLS:
            self._leave_scope()
        if name in _GROUPS and self._scopes[-1][1].get("tr"):
            self._pop_to("tr")

    def _close_item(self, names: tuple[str, ...]) -> None:
        if not any(self._scopes[-1][1].get(name) for name in names):
            return
        for back in range(1, min(len(self._stack), _CROSSED) + 1):
            name = self._stack[-back][0]
            if name in names:
                self._pop_to(name)
                return
            if name in _AROUND_ITEMS:
                return

    def close(self, name: str) -> None:
        """Closes what an end tag closes, if it closes anything."""
        if name in _TABLES:
            self._close_table_part(name)
            return
        if not self.has(name):
            return
        if self._stack[-1][0] == name:
            self.pop()
        elif name in BLOCKS:
            self._pop_to(name)
        else:
            self._close_inline(name)

    def _close_inline(self, name: str) -> None:
        """Not beyond a block that is open: what formats letters ends in its midst, anything else
        goes on."""
        crossed = False
        for back in range(1, min(len(self._stack), _CROSSED) + 1):
            found, around = self._stack[-back]
            if found == name:
                if not crossed:
                    self._pop_to(name)
                elif name in _FORMATTING:
                    del self._stack[-back]
                    self._scopes[-1][1][name] -= 1
                    self._leave(name, around)
                return
            if found in _TABLES and (found == "table" or found in CELLS):
                return
            crossed = crossed or found in BLOCKS

    def _close_table_part(self, name: str) -> None:
        if name == "table":
            if self._scopes[-1][0] in CELLS:
                self._leave_scope()
            if self._scopes[-1][0] == "table":
                self._leave_scope()
            return
        if name in CELLS:
            if self._scopes[-1][0] in CELLS:
                self._leave_scope()
            return
        if self._scopes[-1][0] in CELLS:
            self._leave_scope()
        if self._scopes[-1][1].get(name):
            self._pop_to(name)

    def _pop_to(self, name: str) -> None:
        """Closes the innermost element of this name, which is open in this scope."""
        while True:
            at_end = self._stack[-1][0] == name
            self.pop()
            if at_end:
                return

    def _leave_scope(self) -> None:
        depth = len(self._scopes)
        while len(self._scopes) >= depth:
            self.pop()
