"""Every text of the console in both languages, and no text that nothing shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gateway import backtest_report, describe_decision
from gateway.backtest_report import Aspect, Outcome, value_of
from gateway.web.console import (
    next_steps,
    notice_words,
    openid_login,
    ticket_forms,
    ticket_offers,
    ticket_words,
    tickets,
    verdicts,
    words,
)
from rules.decision.reasons import Verdict
from rules.mail.language import ENGLISH_NAMES
from rules.people import ParticipantKind, Presence
from rules.policy.explain import SUBJECTS, english
from rules.service.digests import held_because
from rules.ticket.lifecycle import Status

WEB = Path(str(resources.files("gateway.web")))
SAYS = {
    "Refused": 1,
    "done": 1,
    "say": 0,
    "TrialFault": 0,
    "ReleaseFault": 0,
    "NotAsked": 0,
    "RegistryChange": 3,
    "sentence": 0,
    "phrase": 0,
    "Explained": 1,
    "InvalidValue": 0,
    "AlreadyExists": 0,
    "NotFound": 0,
    "not_found": 0,
}
"""The functions that show a text, and which argument it is."""


def in_templates() -> Iterator[str]:
    for template in (WEB / "templates" / "console").glob("*.html"):
        for found in re.finditer(r'\bt\("([^"]+)"', template.read_text("utf-8")):
            yield found[1]


ROOT = WEB.parents[1]
WORDED = (
    *(WEB / "console").glob("*.py"),
    *(ROOT / "rules" / "policy" / "explain").glob("*.py"),
    ROOT / "rules" / "service" / "contracts.py",
    *(
        ROOT / "storage" / "registry" / f"{name}.py"
        for name in ("checks", "companies", "console_users", "mailboxes", "people")
    ),
    *(
        ROOT / "gateway" / f"{name}.py"
        for name in ("backtest_report", "describe_decision", "mail_words", "organizations")
    ),
)
"""The modules whose texts the console shows."""


def in_code() -> Iterator[str]:
    """Texts that are an argument, directly or by the name `text`."""
    for module in WORDED:
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
    yield from (form for _, form in words._SPANS)


def in_policies() -> Iterator[str]:
    """Texts of policies that the code puts together: what it counts, days, months and chapters."""
    yield from (title for title, _ in SUBJECTS)
    yield from (*english.DAY_NAMES, *english.MONTHS, *ENGLISH_NAMES.values())
    for module in (ROOT / "rules" / "policy" / "explain").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name("count"), args=[_, ast.Constant(str(one)), *many]) if (
                    not many
                ):
                    yield from (f"{{number}} {one}", f"{{number}} {one}s")
                case ast.Call(
                    func=ast.Name("count"),
                    args=[_, ast.Constant(str(one)), ast.Constant(str(several))],
                ):
                    yield from (f"{{number}} {one}", f"{{number}} {several}")


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
    notice_words,
)
SHOWN = sorted(
    {
        *in_templates(),
        *in_code(),
        *in_policies(),
        *(key for each in TABLES for key in each.KEYS),
        *describe_decision.LABELS,
        *map(backtest_report.name_of, Aspect),
        *describe_decision._KINDS.values(),
        *Status,
        *ParticipantKind,
        *Presence,
    }
)
GERMAN = words.translations("de")
BY_VALUE = {
    *("viewer", "agent", "operator", "admin", "Please choose what becomes of the mail."),
    *("tier", "calendar", "assumption", "nothing aligned", "{text}"),
    *("{before}, {next}", "{before}; {next}", "{before} and {last}", "{before} or {last}"),
    *("the person on duty", "the person who is on duty there then"),
    "{asked} A text of {words} or more states it too.",
}
"""Shown by the value of a variable."""


def test_an_address_is_divided_at_its_at_sign_and_dots_alone() -> None:
    assert words.divisible("<b>.c@d.example") == "&lt;b&gt;<wbr>.c@<wbr>d<wbr>.example"


def test_a_ticket_that_a_text_names_is_a_link() -> None:
    assert words.with_tickets("<b> on #42.", "/tickets") == (
        '&lt;b&gt; on <a href="/tickets/42">#42</a>.'
    )


def test_a_back_test_names_mails_in_the_language_of_its_reader() -> None:
    outcome = Outcome(Verdict.OPENED, "", orders={"acknowledgement": 1, "new_ticket": 2})
    mails = value_of(outcome, Aspect.ORDERS)

    assert str(mails) == "acknowledgement: 1; new ticket: 2"
    german = mails.worded(words.in_language("de"))
    assert german == "Bestätigung: 1; neues Ticket, an den Support: 2"


def test_every_reason_for_which_a_mail_stays_held_has_words() -> None:
    reasons = (*verdicts.REASONS[Verdict.HELD], *verdicts.REASONS[Verdict.REFUSED])
    assert [each for each in reasons if "It is held as" in str(held_because(each))] == []


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
