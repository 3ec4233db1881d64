"""`postern policy backtest`, as a support lead types it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import clock, policies
from gateway.backtest_report import Aspect
from tests import running
from tests.gateway.cli.command_line import run
from tests.gateway.cli.policy_commands import PolicyCommands
from tests.in_process import SUPPORT, TRUSTS_LOOPBACK, a_mail, enrolled_store, open_postern
from tests.stores import SqliteStores

DAY = timedelta(days=1)


@pytest.fixture
def commands(tmp_path: Path, sqlite_stores: SqliteStores) -> PolicyCommands:
    url = enrolled_store(sqlite_stores.new())

    async def filled() -> None:
        async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as desk:
            await desk.take(a_mail(subject="[High] Printer =?utf-8?q?=E2=80=8B?="))
            await desk.take(a_mail(subject="[High] Screen"))

    asyncio.run(filled())
    return PolicyCommands(running.write_config(tmp_path, url), tmp_path)


def changed(commands: PolicyCommands, was: str = "", became: str = "") -> str:
    """A file with the default policy, changed in one place."""
    text = policies.find(None)["default"].text
    assert was in text
    file = commands.folder / "new.toml"
    file.write_text(text.replace(was, became) if was else text)
    return str(file)


LOWER = ('ceiling = "High"', 'ceiling = "Normal"')


def test_the_command_prints_a_summary_and_a_table(commands: PolicyCommands) -> None:
    done = commands.policy("backtest", changed(commands, *LOWER), "--limit", "1")

    assert done.code == 0
    assert "2 mails looked at: 0 the same, 2 different" in done.out
    assert "severity: High → Normal" in done.out
    assert "the newest 1 of the 2 follow; 1 do not" in done.out
    assert "Screen" in done.out
    assert "Printer" not in done.out


def test_what_a_stranger_wrote_is_safe_for_a_terminal(commands: PolicyCommands) -> None:
    done = commands.policy("backtest", changed(commands, *LOWER))

    assert "\\u200b" in done.out
    assert "\u200b" not in done.out


def test_json_has_every_key_whatever_differs(commands: PolicyCommands) -> None:
    same = json.loads(commands.policy("backtest", changed(commands), "--json").out)
    lower = changed(commands, *LOWER)
    other = json.loads(commands.policy("backtest", lower, "--json", "--limit", "1").out)

    assert same.keys() == other.keys()
    assert (same["different"], same["differences"]) == (0, [])
    assert other["differs_in"] == dict.fromkeys(same["differs_in"], 0) | {"severity": 2}
    assert (other["mails"], other["same"], other["not_shown"]) == (2, 0, 1)
    (shown,) = other["differences"]
    assert shown["differs_in"] == ["severity"]
    assert (shown["was"]["severity"], shown["would_be"]["severity"]) == ("High", "Normal")
    assert shown["was"].keys() == {aspect.value for aspect in Aspect}


def test_a_broken_policy_is_refused_with_the_message_of_validate(commands: PolicyCommands) -> None:
    file = changed(commands, "ceiling", "cieling")

    done = commands.policy("backtest", file)

    assert done.code == os.EX_CONFIG
    assert done.err == run("policy", "validate", file).err


def test_an_unknown_mailbox_is_named(commands: PolicyCommands) -> None:
    done = commands.policy("backtest", changed(commands), "--mailbox", "sales@help.example")

    assert done.code == os.EX_DATAERR
    assert "no mailbox sales@help.example; expected one of: support@help.example" in done.err


@pytest.mark.parametrize("span", ["30", "soon", "999999d", "2026-13-01", "-3d"])
def test_an_invalid_time_is_refused(commands: PolicyCommands, span: str) -> None:
    done = commands.policy("backtest", changed(commands), f"--since={span}")

    assert done.code == os.EX_USAGE
    assert f"--since {span}: must be 30d" in done.err


def test_a_span_that_ends_before_it_begins_is_refused(commands: PolicyCommands) -> None:
    done = commands.policy("backtest", changed(commands), "--since", "2d", "--until", "3d")

    assert done.code == os.EX_USAGE
    assert "--since 2d is not before --until 3d" in done.err


def test_a_mailbox_and_a_date_can_be_named(commands: PolicyCommands) -> None:
    begin = f"{clock.now() - DAY:%Y-%m-%d}"

    done = commands.policy("backtest", changed(commands), "--since", begin, "--mailbox", SUPPORT)

    assert done.code == 0
    assert f"the mails to {SUPPORT} from {begin} 00:00" in done.out
