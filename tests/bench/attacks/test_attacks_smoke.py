"""The measurement works; no test depends on its figures."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

import pytest

from rules import replies
from rules.mail.addresses import domain_of
from rules.policy.conduct import BudgetsSection
from tests.bench.attacks import __main__ as bench
from tests.bench.attacks.attackers import ATTACKS, Attacker
from tests.bench.attacks.honest import PATIENCE_S, Waits


def test_a_short_run_prints_a_row_for_each_attack(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--seconds", "1", "--folder", str(tmp_path)]
    bench.main([*arguments, "--attacks", "harvest", "forms"])
    shown = capsys.readouterr().out
    rows = [line.split(": ")[0] for line in shown.splitlines() if line.startswith("| ")]
    assert rows[1:] == ["| harvest", "| forms"], shown
    assert "highest p99" in shown
    assert replies.TOO_MANY_MAILS.text not in shown


def test_the_honest_client_meets_no_limit_on_its_mail() -> None:
    given = bench.options([])
    mails = bench.most_mails(given)
    people = bench.honest_people(mails)
    senders = Counter(person.address for person in islice(cycle(people), mails))
    domains = Counter[str]()
    for address, sent in senders.items():
        domains[domain_of(address)] += sent
    assert max(senders.values()) <= BudgetsSection().tickets_per_hour
    assert max(domains.values()) <= BudgetsSection().domain_mails_per_hour


def test_a_run_too_long_for_those_limits_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.options(["--seconds", "60"])
    assert "domain_mails_per_hour" in capsys.readouterr().err


def test_a_failed_mail_counts_as_the_longest_wait() -> None:
    waits = Waits([0.1] * 98, ["refused", "refused"])
    assert waits.at(0.5) == 0.1
    assert waits.at(0.99) == PATIENCE_S


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_by_itself_where_nobody_listens(name: str, tmp_path: Path) -> None:
    (tmp_path / "lines-0.eml").write_bytes(b"x")
    attacker = Attacker(smtp=1, http=1, seconds=0.2, folder=tmp_path)
    asyncio.run(attacker.together(2, ATTACKS[name][2]))
    assert set(attacker.did) <= {"turned away"}
