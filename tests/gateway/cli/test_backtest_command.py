"""`postern policy simulate`, as a support lead types it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import clock, policies
from gateway.backtest_report import Aspect
from gateway.config.model import TrustSection
from tests import running
from tests.desk import SUPPORT, a_mail, enrolled_store, open_desk
from tests.gateway.cli.test_policy_commands import Office
from tests.stores import SqliteStores

DAY = timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path, sqlite_stores: SqliteStores) -> Office:
    url = enrolled_store(sqlite_stores.new())

    async def filled() -> None:
        async with open_desk(url, tmp_path, TrustSection()) as desk:
            await desk.take(a_mail(subject="[High] Printer =?utf-8?q?=E2=80=8B?="))
            await desk.take(a_mail(subject="[High] Screen"))

    asyncio.run(filled())
    return Office(running.write_config(tmp_path, url), tmp_path)


def changed(office: Office, was: str = "", became: str = "") -> str:
    """A file with the default policy, one of its words changed."""
    text = policies.find(None)["default"].text
    assert was in text
    file = office.folder / "new.toml"
    file.write_text(text.replace(was, became) if was else text)
    return str(file)


LOWER = ('ceiling = "High"', 'ceiling = "Normal"')


def test_the_command_prints_a_summary_and_a_table(office: Office) -> None:
    said = office.policy("simulate", changed(office, *LOWER), "--limit", "1")

    assert said.code == 0
    assert "2 mails looked at: 0 the same, 2 different" in said.out
    assert "severity: High → Normal" in said.out
    assert "1 of the 2 follow, the newest; 1 do not" in said.out
    assert "Screen" in said.out
    assert "Printer" not in said.out


def test_what_a_stranger_wrote_is_safe_for_a_terminal(office: Office) -> None:
    said = office.policy("simulate", changed(office, *LOWER))

    assert "\\u200b" in said.out
    assert "\u200b" not in said.out


def test_json_has_every_key_whatever_differs(office: Office) -> None:
    same = json.loads(office.policy("simulate", changed(office), "--json").out)
    lower = changed(office, *LOWER)
    other = json.loads(office.policy("simulate", lower, "--json", "--limit", "1").out)

    assert same.keys() == other.keys()
    assert (same["different"], same["differences"]) == (0, [])
    assert other["differs_in"] == dict.fromkeys(same["differs_in"], 0) | {"severity": 2}
    assert (other["mails"], other["same"], other["not_shown"]) == (2, 0, 1)
    (shown,) = other["differences"]
    assert shown["differs_in"] == ["severity"]
    assert (shown["was"]["severity"], shown["would_be"]["severity"]) == ("High", "Normal")
    assert shown["was"].keys() == {aspect.value for aspect in Aspect}


def test_a_broken_policy_is_refused_in_the_words_of_validate(office: Office) -> None:
    file = changed(office, "ceiling", "cieling")

    said = office.policy("simulate", file)

    assert said.code == os.EX_CONFIG
    assert said.err == office.run("policy", "validate", file).err


def test_an_unknown_mailbox_is_named(office: Office) -> None:
    said = office.policy("simulate", changed(office), "--mailbox", "sales@help.example")

    assert said.code == os.EX_DATAERR
    assert "no mailbox sales@help.example; there are: support@help.example" in said.err


@pytest.mark.parametrize("span", ["30", "soon", "999999d", "2026-13-01", "-3d"])
def test_a_time_that_is_none_is_refused(office: Office, span: str) -> None:
    said = office.policy("simulate", changed(office), f"--since={span}")

    assert said.code == os.EX_USAGE
    assert f"--since {span} is no time; write 30d" in said.err


def test_a_span_that_ends_before_it_begins_is_refused(office: Office) -> None:
    said = office.policy("simulate", changed(office), "--since", "2d", "--until", "3d")

    assert said.code == os.EX_USAGE
    assert "--since 2d is not before --until 3d" in said.err


def test_a_mailbox_and_a_date_may_be_named(office: Office) -> None:
    begin = f"{clock.now() - DAY:%Y-%m-%d}"

    said = office.policy("simulate", changed(office), "--since", begin, "--mailbox", SUPPORT)

    assert said.code == 0
    assert f"the mails to {SUPPORT} from {begin} 00:00" in said.out
