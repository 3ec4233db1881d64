"""Every text of the console in both languages, and no text that nothing shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gateway.web.console import (
    next_steps,
    openid_login,
    ticket_forms,
    ticket_offers,
    ticket_words,
    tickets,
    verdicts,
    words,
)

WEB = Path(str(resources.files("gateway.web")))
SAYS = {
    "Refused": 1,
    "done": 1,
    "say": 0,
    "TrialFault": 0,
    "ReleaseFault": 0,
    "NotAsked": 0,
    "RegistryChange": 3,
}
"""The functions that show a text, and which argument it is."""


def in_templates() -> Iterator[str]:
    for template in (WEB / "templates" / "console").glob("*.html"):
        for found in re.finditer(r'\bt\("([^"]+)"', template.read_text("utf-8")):
            yield found[1]


def in_code() -> Iterator[str]:
    """Texts that are an argument, directly or by the name `text` or `form`."""
    for module in (WEB / "console").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                name = getattr(function, "attr", getattr(function, "id", ""))
                at = SAYS.get(name)
                if at is not None and len(node.args) > at:
                    yield from _texts(node.args[at])
            elif isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "text" for target in node.targets
            ):
                yield from _texts(node.value)
    words_of_mails = ast.parse((WEB.parent / "mail_words.py").read_text("utf-8"))
    for node in ast.walk(words_of_mails):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence":
            yield from _texts(node.args[0])
    yield from (form for _, form in words._SPANS)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


TABLES = (
    verdicts,
    ticket_words,
    tickets,
    ticket_forms,
    ticket_offers,
    openid_login,
    next_steps,
)
SHOWN = sorted({*in_templates(), *in_code(), *(key for each in TABLES for key in each.KEYS)})
GERMAN = words.translations("de")
BY_VALUE = {"viewer", "agent", "operator", "admin", "Please choose what becomes of the mail."}
"""Shown by the value of a variable."""


def test_an_address_is_divided_at_its_at_sign_and_dots_alone() -> None:
    assert words.divisible("<b>.c@d.example") == "&lt;b&gt;<wbr>.c@<wbr>d<wbr>.example"


def test_a_ticket_that_a_text_names_is_a_link() -> None:
    assert words.with_tickets("<b> on #42.", "/tickets") == (
        '&lt;b&gt; on <a href="/tickets/42">#42</a>.'
    )


def test_there_are_texts() -> None:
    assert len(SHOWN) > 70


def test_every_text_has_its_translation_with_the_same_values() -> None:
    assert [text for text in SHOWN if text not in GERMAN] == []
    assert {text: values_in(GERMAN[text]) for text in SHOWN} == {
        text: values_in(text) for text in SHOWN
    }


def values_in(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def test_no_translation_is_left_over() -> None:
    assert set(GERMAN) - set(SHOWN) - BY_VALUE == set()
