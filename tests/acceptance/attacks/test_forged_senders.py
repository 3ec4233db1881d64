"""No attacker is mistaken for somebody else: each case of docs/attacks.md, tables 1 to 3."""

from __future__ import annotations

import re
import time

import pytest

from storage.mail.journal import JournalEntry
from tests.acceptance.attacks.attack import Attack
from tests.acceptance.attacks.author_cases import AUTHOR_CASES
from tests.acceptance.attacks.documented import ROOT, documented_rows
from tests.acceptance.attacks.domain_cases import DOMAIN_CASES
from tests.acceptance.attacks.signature_cases import SIGNATURE_CASES
from tests.acceptance.internet import (
    ANN,
    Target,
    a_mail,
    signed_by,
)

VERDICTS = {"550": "refused", "250": "held", "451": "deferred"}


REPLY_WITHIN_S = 15.0
"""The longest that an attack may take."""


def deliver(target: Target, attack: Attack) -> tuple[str, list[JournalEntry]]:
    """The reply and the new journal entries. Asserts that no ticket and no comment was added."""
    known = {entry.id for entry in target.journal()}
    before, started = target.counts(), time.monotonic()

    code, text = target.send(attack.raw(), attack.mail_from, helo=attack.helo)

    assert time.monotonic() - started < REPLY_WITHIN_S
    assert target.counts() == before
    return f"{code} {text}", [entry for entry in target.journal() if entry.id not in known]


@pytest.mark.parametrize("attack", [*AUTHOR_CASES, *SIGNATURE_CASES, *DOMAIN_CASES], ids=str)
def test_no_attacker_is_mistaken_for_somebody_else(target: Target, attack: Attack) -> None:
    reply, entries = deliver(target, attack)

    assert reply.startswith(attack.reply)
    if not attack.reason:
        assert entries == []
        return
    (entry,) = entries
    verdict = "recorded" if attack.reason == "automatic" else VERDICTS[reply[:3]]
    assert (entry.verdict, entry.reason, entry.ticket) == (verdict, attack.reason, None)
    assert not entry.authentication["aligned"] or attack.reason == "stranger"
    found = {f"{each['method']}={each['result']}" for each in entry.authentication["evidence"]}
    assert found >= set(attack.evidence)


def test_the_documentation_lists_each_attack_and_each_listed_test_exists() -> None:
    """docs/attacks.md has a row for each attack, and each test that it names exists."""
    page = (ROOT / "docs" / "attacks.md").read_text()
    listed = {tuple(cell.strip() for cell in line.split("|")[1:4]) for line in page.splitlines()}
    for attack in (*AUTHOR_CASES, *SIGNATURE_CASES, *DOMAIN_CASES):
        reply = " ".join(attack.reply.split()[:2])
        assert (attack.name, reply, f"`{attack.reason}`" if attack.reason else "none") in listed
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page):
        assert f"def {name}(" in tests, name
    assert sum(row.reason != "" for named in documented_rows().values() for row in named) >= 30


def test_postern_tail_shows_the_same_verdict_and_reason(target: Target) -> None:
    target.send(a_mail(ANN))

    (line,) = target.tail("-n", "1")

    assert (line["verdict"], line["reason"], line["author"]) == ("refused", "dmarc_reject", ANN)


def test_a_domain_with_mixed_scripts_causes_a_warning(target: Target) -> None:
    target.send(signed_by("evil.example", a_mail("ann@xn--cme-5cd.example")))

    assert "mixes scripts" in str(target.journal()[-1].authentication["warnings"])
