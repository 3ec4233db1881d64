"""Kills a server again and again under load, and reports what became of every promise."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.load_mails import Acknowledgement
from tests.faults.node import Node
from tests.faults.reconciliation import Findings, reconcile
from tests.faults.retrying_senders import Crew, at_work

FEWEST, MOST = 15, 45
"""Between two kills, so many mails are acknowledged."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a series of kills went."""

    kills: int
    acknowledged: Mapping[str, Acknowledgement]
    cut_after_dot: int
    """Mails that were with the server, unanswered, when it was killed: the doubtful ones."""
    restarts_s: list[float]
    findings: Findings
    final_refusals: list[tuple[int, str]]
    """Replies that are no invitation to try again."""

    def __str__(self) -> str:
        found = {name: len(each) for name, each in self.findings.faults().items()}
        return (
            f"{self.kills} kills, {len(self.acknowledged)} acknowledged,"
            f" {self.cut_after_dot} cut after the dot, slowest restart"
            f" {max(self.restarts_s):.2f} s, faults {found or 'none'}"
        )


def kill_under_load(node: Node, store_url: str, kills: int, seed: int) -> Report:
    """Kill the running node so many times, each after a number of mails that `seed` draws.

    The node is stopped in good order at the end and the store read then.
    """
    chance = random.Random(seed)
    restarts_s = []
    with at_work(Crew([node.smtp], seed=seed)) as crew:
        for _ in range(kills):
            crew.wait_for_more(chance.randint(FEWEST, MOST))
            node.kill()
            restarts_s.append(node.start())
        crew.wait_for_more(FEWEST)
        crew.finish()
    node.terminate()
    report = Report(
        kills=kills,
        acknowledged=crew.acknowledged,
        cut_after_dot=crew.cut_after_dot,
        restarts_s=restarts_s,
        findings=reconcile(store_url, crew.acknowledged),
        final_refusals=[reply for reply in crew.refusals if reply[0] // 100 != 4],
    )
    print(report)
    return report
