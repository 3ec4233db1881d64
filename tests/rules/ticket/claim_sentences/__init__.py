"""Sentences by which people claim a severity, or do not, each of one mail.

`en.toml` and `de.toml` are what the patterns must recognise. `mails_en.toml` and `mails_de.toml`
are whole openings, of which not all are recognised by patterns; weights are learnt from all of
them (`tests/claim_model.py`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway import policies
from rules.mail.subjects import unmarked_subject
from rules.policy import Policy
from rules.ticket.severity import Level

POLICY = policies.load(None)["default"]
_CLAIMS = {
    "critical": "critical",
    "lesser": "lesser",
    "lowest": "lesser",
    "not_critical": "lesser",
    "nothing": "",
}


class Sentence(NamedTuple):
    text: str
    """The subject, and after "|" the begin of the text."""
    claim: str
    """`critical`, `lesser`, or empty for none."""

    def mail(self, policy: Policy) -> tuple[str, str]:
        """The bare subject and the text, with the names of the levels of a policy."""
        subject, _, text = filled(policy, self.text).partition("|")
        return unmarked_subject(subject.strip(), policy.subject_tag.format), text.strip()


def filled(policy: Policy, sentence: str) -> str:
    """The sentence with the names and numbers of the levels of a policy."""
    top, lesser, low = policy.levels[0], policy.levels[1], policy.levels[-1]

    def number(level: Level) -> str:
        return next(name for name in level.names if re.fullmatch(r"P\d", name))

    values = {"top": top.name, "topn": number(top), "lesser": lesser.name, "low": low.name}
    values["lessern"] = number(lesser)
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], sentence)


def listed(name: str) -> Mapping[str, Sequence[str]]:
    """The sentences of a file by what they claim."""
    found: dict[str, list[str]] = tomllib.loads(
        (Path(__file__).parent / f"{name}.toml").read_text("utf-8")
    )
    return found


def everything() -> list[Sentence]:
    """All sentences, in the order of the files."""
    return [
        Sentence(text, _CLAIMS[kind])
        for name in ("en", "de", "mails_en", "mails_de")
        for kind, texts in listed(name).items()
        for text in texts
    ]
