"""`postern policy`, as a support lead types it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway import policies
from rules.policy.explain import chapters_of
from tests import running
from tests.gateway.cli.command_line import run
from tests.gateway.cli.policy_commands import PolicyCommands
from tests.stores import SqliteStores


@pytest.fixture
def commands(tmp_path: Path) -> PolicyCommands:
    """There is no store yet."""
    folder = tmp_path / "policies"
    folder.mkdir()
    extra = f'[policies]\nfolder = "{folder}"'
    config = running.write_config(tmp_path, f"sqlite:///{tmp_path}/store.db", extra)
    return PolicyCommands(config, folder)


def test_list_names_the_shipped_policies_without_a_store(commands: PolicyCommands) -> None:
    done = commands.policy("list")

    assert done.code == 0
    rows = {line.split()[0]: line for line in done.out.splitlines()}
    for name, policy in policies.load(None).items():
        assert policy.title in rows[name]
    assert "No store answers" in done.out
    assert not (commands.config.parent / "store.db").exists()


def test_list_names_the_mailboxes_that_use_a_policy(
    tmp_path: Path, sqlite_stores: SqliteStores
) -> None:
    config = running.write_config(tmp_path, sqlite_stores.new())
    commands = PolicyCommands(config, tmp_path)
    added = run("mailbox", "add", "help@desk.example", "--config", str(config))
    assert added.code == 0

    done = commands.policy("list")

    using = [line.split()[0] for line in done.out.splitlines() if "help@desk.example" in line]
    assert using == ["default"]


def test_list_names_the_file_of_an_own_policy(commands: PolicyCommands) -> None:
    commands.policy("new", "ours")

    assert str(commands.folder / "ours.toml") in commands.policy("list").out


def test_show_prints_the_file(commands: PolicyCommands) -> None:
    assert commands.policy("show", "default").out == policies.find(None)["default"].text


def test_explain_prints_every_chapter(commands: PolicyCommands) -> None:
    done = commands.policy("explain", "default")

    for chapter in chapters_of(policies.load(None)["default"]):
        assert f"{chapter.title}\n" in done.out


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_unknown_policy_gets_a_suggestion(commands: PolicyCommands, command: str) -> None:
    done = commands.policy(command, "defualt")

    assert done.code == os.EX_CONFIG
    assert done.err.endswith("no policy 'defualt' (did you mean default?)\n")


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_a_copy_of_any_shipped_policy_is_valid_under_its_new_name(
    commands: PolicyCommands, name: str
) -> None:
    made = commands.policy("new", "ours", "--from", name)

    assert made.code == 0
    own = policies.load(commands.folder)["ours"]
    assert own.model_copy(update={"name": name}) == policies.load(None)[name]


def test_new_prints_the_next_steps(commands: PolicyCommands) -> None:
    config_without_folder = running.write_config(commands.folder, "sqlite:///nowhere.db")
    into = commands.config.parent / "elsewhere"

    done = run(
        "policy", "new", "ours", "--folder", str(into), "--config", str(config_without_folder)
    )

    assert done.code == 0
    steps = done.out
    assert f"postern policy validate {into}/ours.toml" in steps
    assert f'folder = "{into}"' in steps
    assert "mailbox add support@help.example --policy ours" in steps


def test_new_names_the_lines_to_change(commands: PolicyCommands) -> None:
    model = next(n for n, found in policies.find(None).items() if "# change me" in found.text)

    done = commands.policy("new", "ours", "--from", model)

    lines = (commands.folder / "ours.toml").read_text().splitlines()
    (step,) = (line for line in done.out.splitlines() if "# change me" in line)
    numbers = [int(number.strip(",.")) for number in step.rpartition("line")[2].split()[1:]]
    assert numbers
    assert all("# change me" in lines[number - 1] for number in numbers)


def test_new_never_overwrites(commands: PolicyCommands, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine = elsewhere / "ours.toml"
    mine.write_text("mine")

    done = commands.policy("new", "ours", "--folder", str(elsewhere))

    assert done.code == os.EX_DATAERR
    assert "already exists; nothing was written" in done.err
    assert mine.read_text() == "mine"


def test_new_refuses_the_name_of_an_existing_policy(commands: PolicyCommands) -> None:
    done = commands.policy("new", "default")

    assert done.code == os.EX_DATAERR
    assert "the policy default already exists" in done.err
    assert not list(commands.folder.iterdir())


@pytest.mark.parametrize("name", ["Our Policy", 'ours"', "../ours"])
def test_new_refuses_an_invalid_name(commands: PolicyCommands, name: str) -> None:
    done = commands.policy("new", name)

    assert done.code == os.EX_CONFIG
    assert "use at most 40 lower-case letters, digits and hyphens" in done.err
    assert not list(commands.folder.iterdir())


def test_new_without_a_folder_asks_for_one(tmp_path: Path) -> None:
    config = running.write_config(tmp_path, "sqlite:///nowhere.db")

    done = PolicyCommands(config, tmp_path).policy("new", "ours")

    assert done.code == os.EX_USAGE
    assert "--folder" in done.err


def test_validate_checks_each_file(commands: PolicyCommands) -> None:
    commands.policy("new", "ours")
    good, bad = commands.folder / "ours.toml", commands.folder / "broken.toml"
    text = good.read_text().replace("ceiling", "cieling")
    bad.write_text(text)
    line = text[: text.index("cieling")].count("\n") + 1

    done = run("policy", "validate", str(good), str(bad), str(commands.folder / "none.toml"))

    assert done.code == os.EX_CONFIG
    assert done.out == f"{good}: the policy ours is valid.\n"
    assert (
        f"{bad}: line {line}: unknown setting: severity.cieling (did you mean ceiling?)" in done.err
    )
    assert f"{commands.folder / 'none.toml'}: cannot be read" in done.err


def test_validate_names_the_placeholders(commands: PolicyCommands) -> None:
    file = commands.folder / "ours.toml"
    commands.policy("new", "ours")
    with file.open("a") as more:
        more.write("# the texts: change me\n")

    done = run("policy", "validate", str(file))

    assert done.code == 0
    assert "Replace the placeholders marked '# change me': line " in done.out


def test_the_real_command_explains() -> None:
    done = running.fresh("policy", "explain", "default")

    assert done.returncode == 0
    assert "No mail is ever critical." in done.stdout
