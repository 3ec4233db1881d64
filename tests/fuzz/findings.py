"""What a fuzzer found: a broken law, and the input that broke it as a file to replay."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

Case = Mapping[str, Any]
"""The input as JSON; bytes are Latin-1 text (`to_text`)."""

MOST_FINDINGS = 20
"""After so many findings a part stops: the same bug is usually found again and again."""


def to_text(data: bytes) -> str:
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    return text.encode("latin-1")


def random_for(seed: int, part: str, number: int) -> Random:
    """The randomness of one case."""
    return Random(f"{seed}/{part}/{number}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken law. More than one case if it is unknown which of several broke it."""

    part: str
    law: str
    detail: str
    cases: Sequence[Case]

    def __str__(self) -> str:
        return f"{self.part}: {self.law}: {self.detail}"


@dataclass
class Report:
    """What one part ran and found."""

    part: str
    seed: int
    cases: int = 0
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    """What was measured, for the reader."""

    def add(self, law: str, detail: str, *cases: Case) -> None:
        self.findings.append(Finding(self.part, law, detail[:2000], cases))

    @property
    def is_full(self) -> bool:
        return len(self.findings) >= MOST_FINDINGS

    def __str__(self) -> str:
        shown = "; ".join(f"{name} {value}" for name, value in self.figures.items())
        return f"{self.part}: {self.cases:,} cases, {len(self.findings)} findings; {shown}"


def save(report: Report, folder: Path) -> list[Path]:
    """Writes a file for each finding; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, finding in enumerate(report.findings):
        law = re.sub(r"[^a-z]+", "-", finding.law.lower())[:40].strip("-")
        path = folder / f"{report.part}-{report.seed}-{number:02d}-{law}.json"
        content = {
            "part": finding.part,
            "seed": report.seed,
            "law": finding.law,
            "detail": finding.detail,
            "cases": list(finding.cases),
        }
        path.write_text(json.dumps(content, indent=1))
        paths.append(path)
    return paths
