"""Kills a server repeatedly under load, and reports what happened to every acknowledged mail."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.load_mails import Acknowledgement
from tests.faults.node import Node
from tests.faults.reconciliation import Findings, reconcile
from tests.faults.retrying_senders import RetryingSenders, running_senders

MIN_MAILS, MAX_MAILS = 8, 24
"""The number of mails that are acknowledged between two kills."""


@dataclass(frozen=True, slots=True)
class KillReport:
    """The result of a series of kills."""

    kills: int
    acknowledged: Mapping[str, Acknowledgement]
    cut_after_dot: int
    """Mails that the server had received completely but not answered when it was killed."""
    restarts_s: list[float]
    first_250_s: list[float]
    """From each restart to the first acknowledgement."""
    kills_at: list[float]
    """By the monotonic clock."""
    findings: Findings
    final_refusals: list[tuple[int, str]]
    """Permanent refusals."""

    def __str__(self) -> str:
        found = {name: len(each) for name, each in self.findings.faults().items()}
        return (
            f"{self.kills} kills, {len(self.acknowledged)} acknowledged,"
            f" {self.cut_after_dot} cut after the dot, slowest restart"
            f" {max(self.restarts_s):.2f} s, faults {found or 'none'}"
        )


def kill_under_load(node: Node, store_url: str, kills: int, seed: int) -> KillReport:
    """Kill the running node `kills` times, each after a random number of mails.

    At the end the node is stopped by SIGTERM and the store is read.
    """
    rng = random.Random(seed)
    restarts_s, first_250_s, kills_at = [], [], []
    with running_senders(RetryingSenders([node.smtp], seed=seed)) as senders:
        for _ in range(kills):
            senders.wait_for_more(rng.randint(MIN_MAILS, MAX_MAILS))
            kills_at.append(time.monotonic())
            node.kill()
            began = time.monotonic()
            restarts_s.append(node.start(until="takes_mail"))
            senders.wait_for_more(1)
            first_250_s.append(time.monotonic() - began)
        senders.wait_for_more(MIN_MAILS)
        senders.finish()
    node.terminate()
    report = KillReport(
        kills=kills,
        acknowledged=senders.acknowledged,
        cut_after_dot=senders.cut_after_dot,
        restarts_s=restarts_s,
        first_250_s=first_250_s,
        kills_at=kills_at,
        findings=reconcile(store_url, senders.acknowledged),
        final_refusals=[reply for reply in senders.refusals if reply[0] // 100 != 4],
    )
    print(report)
    return report
