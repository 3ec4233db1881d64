"""Every command has a help text; wrong usage ends with 64."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from gateway.cli.commands import app
from tests import running

USAGE = 64
"""EX_USAGE of sysexits.h, as `postern --help` promises."""


def every_command(group: TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from every_command(command, *path, name)
        else:
            yield (*path, name)


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)


@pytest.mark.parametrize("command", list(every_command(ROOT)), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="postern")

    usage, sentence = re.split(r"\n\s*\n", result.stdout.strip())[:2]
    assert result.exit_code == 0
    assert usage.startswith(f"Usage: postern {' '.join(command)} ")
    assert sentence.strip().endswith(".")


@pytest.mark.parametrize("arguments", ["sreve", "serve --prot 25"])
def test_wrong_usage_ends_with_64(arguments: str) -> None:
    done = running.fresh(*arguments.split())

    assert "--help" in done.stderr
    assert done.returncode == USAGE
