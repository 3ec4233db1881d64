"""Each of the barriers against critical tickets alone, with the others disabled."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rules.decision.effects import Effects
from rules.policy import LevelSection, Policy
from rules.ticket.changes import Change, SetAnySeverity, Source, Workaround
from rules.ticket.severity import capped
from storage.db.tables import TicketRow
from storage.ticket.rows import ChangeContext
from tests.rules.building import ANN, World, a_mail, default_policy, policy_with
from tests.storage.shop import Shop, opened

ROOT = Path(__file__).parents[2]


def test_the_check_at_the_end_stops_what_the_type_let_through() -> None:
    """With two levels of the same name, which no parser accepts; the lower one is not critical."""
    levels = tuple(LevelSection(name="Same", meaning="x", critical=c) for c in (True, False))
    policy = policy_with(
        "severity", levels=levels, default="Same", ceiling="Same", high_importance=None
    )
    assert capped(policy.levels, "Same", "Same", None, may_claim=True).name == "Same"

    with pytest.raises(AssertionError, match="would open at Same"):
        World(policy=policy).decide(a_mail())


def test_a_ticket_opened_by_mail_has_mail_as_its_severity_source(shop: Shop) -> None:
    """The constraint of the database depends on that source."""
    shop.take(a_mail(subject="[P1] down"))

    assert shop.count(TicketRow, severity_source="mail", critical=False) == 1


@pytest.mark.parametrize("source", sorted(set(Source) - {Source.API, Source.CONSOLE}))
@pytest.mark.parametrize("name", ["Critical", "p1", " SEV1 "])
def test_only_the_api_and_the_console_make_a_ticket_critical(
    shop: Shop, source: Source, name: str
) -> None:
    number = opened(shop.take(a_mail()))

    refused = shop.refusal(number, SetAnySeverity(name, "it burns"), context=by(shop, source))
    assert "no mail makes a ticket Critical" in refused

    assert shop.ticket(number).severity == default_policy().severity.default
    change(shop, number, Source.API, SetAnySeverity(name, "it burns"))
    assert shop.ticket(number).severity == "Critical"


@pytest.mark.parametrize("text", ["#severity low", "#workaround", "Severity: Low", "[P4]"])
def test_a_ticket_made_critical_stays_so_whatever_its_customer_writes(
    shop: Shop, text: str
) -> None:
    number = opened(shop.take(a_mail()))
    change(shop, number, Source.API, SetAnySeverity("Critical", "it burns"))

    shop.take(a_mail(text=f"{text}\n\nHello"), to=shop.token(number, ANN.address))

    assert shop.ticket(number).severity == "Critical"


def by(shop: Shop, source: Source) -> ChangeContext:
    return replace(shop.context(), source=source)


def change(shop: Shop, number: int, source: Source, wanted: Change) -> None:
    assert isinstance(shop.change(number, wanted, context=by(shop, source)), Effects)


def test_a_workaround_by_mail_does_not_set_the_lower_of_two_critical_levels(shop: Shop) -> None:
    shop.policy = two_critical_levels()
    number = opened(shop.take(a_mail()))
    change(shop, number, Source.API, SetAnySeverity("Critical", "it burns"))

    context = by(shop, Source.STAFF_MAIL)
    refused = shop.refusal(number, Workaround("a bucket"), context=context)
    assert "no mail makes a ticket High" in refused

    assert shop.ticket(number).severity == "Critical"


def two_critical_levels() -> Policy:
    levels = default_policy().severity.levels
    both = tuple(each.model_copy(update={"critical": n < 2}) for n, each in enumerate(levels))
    return policy_with("severity", levels=both, ceiling="Normal", workaround_lowers=True)


TYPED = """
from rules.ticket.changes import SetSeverity
from rules.ticket.severity import Level, MailSeverity, capped

def level_of(critical: Level, severity: MailSeverity) -> MailSeverity:
    SetSeverity(severity, "it burns")
    SetSeverity(critical, "it burns")  # refused
    SetSeverity(critical.name, "it burns")  # refused
    severity.name = critical.name  # refused
    MailSeverity(critical)  # refused
    OpenedAt(capped([critical], "a", "a", None, True))
    OpenedAt(critical)  # refused
    return critical  # refused

class Critical(MailSeverity):  # refused
    name = "Critical"

class OpenedAt:
    def __init__(self, severity: MailSeverity) -> None:
        self.severity = severity
"""


def test_mypy_refuses_a_level_where_the_severity_of_a_mail_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "typed.py"
    file.write_text(TYPED)
    refused = {n for n, line in enumerate(TYPED.split("\n"), 1) if line.endswith("# refused")}
    options = ("--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={tmp_path}")

    run = [sys.executable, "-m", "mypy", *options, str(file)]
    output = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, check=False).stdout

    assert {int(n) for n in re.findall(r"typed.py:(\d+): error", output)} == refused, output
