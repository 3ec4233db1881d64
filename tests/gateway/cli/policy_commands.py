"""`postern policy` on a configuration with own policies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.gateway.cli.command_line import Output, run


@dataclass(frozen=True)
class PolicyCommands:
    """A configuration with a folder of own policies, and `postern policy` on it."""

    config: Path
    folder: Path

    def policy(self, *arguments: str) -> Output:
        return run("policy", *arguments, "--config", str(self.config))
