"""Every command has a help text; wrong usage ends with 64."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner

from gateway.cli.commands import ENTRIES, app
from gateway.cli.listed import loaded
from tests import running

USAGE = 64
"""EX_USAGE of sysexits.h, as `postern --help` promises."""


def every_command() -> Iterator[tuple[str, ...]]:
    for each in ENTRIES:
        command = loaded(each)
        if isinstance(command, TyperGroup):
            yield from ((each.name, name) for name in command.commands)
        else:
            yield (each.name,)


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="postern")

    usage, sentence = re.split(r"\n\s*\n", result.stdout.strip())[:2]
    assert result.exit_code == 0
    assert usage.startswith(f"Usage: postern {' '.join(command)} ")
    assert sentence.strip().endswith(".")


def test_the_help_lists_every_command_in_order() -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2]

    assert [line.split()[0] for line in listed.strip().splitlines()] == [e.name for e in ENTRIES]


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert re.fullmatch(r"postern \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize(
    ("typed", "offered"), [("postern suppr", "suppression"), ("postern outbox re", "retry")]
)
def test_a_shell_completes_commands_and_those_of_a_group(typed: str, offered: str) -> None:
    asked = {
        "_POSTERN_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    result = CliRunner().invoke(app, prog_name="postern", env=asked)

    assert result.stdout.split() == [offered]


@pytest.mark.parametrize("arguments", ["sreve", "serve --prot 25"])
def test_wrong_usage_ends_with_64(arguments: str) -> None:
    done = running.fresh(*arguments.split())

    assert "--help" in done.stderr
    assert done.returncode == USAGE
