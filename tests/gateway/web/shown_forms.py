"""The forms of a page, as a browser sends them: with what the page has in their hidden fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class ShownForm:
    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """The names of the fields that are typed or chosen."""
    buttons: set[tuple[str, str]] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[ShownForm] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(ShownForm(have.get("action", "")))
        elif self.forms and (name := have.get("name")):
            if tag == "button":
                self.forms[-1].buttons.add((name, have.get("value", "")))
            elif tag == "input" and have.get("type") == "hidden":
                self.forms[-1].hidden[name] = have.get("value", "")
            else:
                self.forms[-1].others.add(name)


def forms_of(page: str) -> Sequence[ShownForm]:
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def filled_in(page: str, form: Mapping[str, str], action: str = "") -> dict[str, str]:
    """What a browser sends if this is entered into the form of the page that it fits best, and the
    button of it pressed."""
    entered = set(form.items())

    def fits(each: ShownForm) -> tuple[bool, int]:
        return bool(action) and each.action == action, len(
            entered & (each.buttons | set(each.hidden.items()))
        )

    best = max(forms_of(page), key=fits, default=ShownForm(""))
    return {**best.hidden, **form}
