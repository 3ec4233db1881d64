"""`postern policy`, as a support lead types it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import policies
from gateway.cli.main import app
from rules.policy.explain import explained
from tests import running
from tests.stores import SqliteStores


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Office:
    """A configuration whose own policies stand in a folder beside it."""

    config: Path
    folder: Path

    def policy(self, *arguments: str) -> Said:
        return self.run("policy", *arguments, "--config", str(self.config))

    def run(self, *arguments: str) -> Said:
        result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """There is no store yet."""
    folder = tmp_path / "policies"
    folder.mkdir()
    extra = f'[policies]\nfolder = "{folder}"'
    config = running.write_config(tmp_path, f"sqlite:///{tmp_path}/store.db", extra)
    return Office(config, folder)


def test_list_names_the_shipped_policies_without_a_store(office: Office) -> None:
    said = office.policy("list")

    assert said.code == 0
    rows = {line.split()[0]: line for line in said.out.splitlines()}
    for name, policy in policies.load(None).items():
        assert policy.title in rows[name]
    assert "No store answers" in said.out
    assert not (office.config.parent / "store.db").exists()


def test_list_names_the_mailboxes_that_use_a_policy(
    tmp_path: Path, sqlite_stores: SqliteStores
) -> None:
    config = running.write_config(tmp_path, sqlite_stores.new())
    office = Office(config, tmp_path)
    added = office.run("mailbox", "add", "help@desk.example", "--config", str(config))
    assert added.code == 0

    said = office.policy("list")

    using = [line.split()[0] for line in said.out.splitlines() if "help@desk.example" in line]
    assert using == ["default"]


def test_list_says_which_file_an_own_policy_stands_in(office: Office) -> None:
    office.policy("new", "ours")

    assert str(office.folder / "ours.toml") in office.policy("list").out


def test_show_prints_the_file(office: Office) -> None:
    assert office.policy("show", "default").out == policies.find(None)["default"].text


def test_explain_says_every_chapter(office: Office) -> None:
    said = office.policy("explain", "default")

    for chapter in explained(policies.load(None)["default"]):
        assert f"{chapter.title}\n" in said.out


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_unknown_policy_is_answered_with_a_near_one(office: Office, command: str) -> None:
    said = office.policy(command, "defualt")

    assert said.code == os.EX_CONFIG
    assert said.err.endswith("no policy 'defualt' (did you mean default?)\n")


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_a_copy_of_any_shipped_policy_holds_under_its_new_name(office: Office, name: str) -> None:
    made = office.policy("new", "ours", "--from", name)

    assert made.code == 0
    own = policies.load(office.folder)["ours"]
    assert own.model_copy(update={"name": name}) == policies.load(None)[name]


def test_new_says_what_to_do_next(office: Office) -> None:
    office_without_folder = running.write_config(office.folder, "sqlite:///nowhere.db")
    into = office.config.parent / "elsewhere"

    said = office.run(
        "policy", "new", "ours", "--folder", str(into), "--config", str(office_without_folder)
    )

    assert said.code == 0
    steps = said.out
    assert f"postern policy validate {into}/ours.toml" in steps
    assert f'folder = "{into}"' in steps
    assert "mailbox add support@help.example --policy ours" in steps


def test_new_points_at_the_lines_to_change(office: Office) -> None:
    model = next(n for n, found in policies.find(None).items() if "# change me" in found.text)

    said = office.policy("new", "ours", "--from", model)

    lines = (office.folder / "ours.toml").read_text().splitlines()
    (step,) = (line for line in said.out.splitlines() if "# change me" in line)
    numbers = [int(word.strip(",.")) for word in step.rpartition("line")[2].split()[1:]]
    assert numbers
    assert all("# change me" in lines[number - 1] for number in numbers)


def test_new_never_overwrites(office: Office, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine = elsewhere / "ours.toml"
    mine.write_text("mine")

    said = office.policy("new", "ours", "--folder", str(elsewhere))

    assert said.code == os.EX_DATAERR
    assert "exists already; nothing was written" in said.err
    assert mine.read_text() == "mine"


def test_new_takes_no_name_that_is_taken(office: Office) -> None:
    said = office.policy("new", "default")

    assert said.code == os.EX_DATAERR
    assert "there is a policy default already" in said.err
    assert not list(office.folder.iterdir())


@pytest.mark.parametrize("name", ["Our Policy", 'ours"', "../ours"])
def test_new_takes_no_name_that_a_policy_cannot_have(office: Office, name: str) -> None:
    said = office.policy("new", name)

    assert said.code == os.EX_CONFIG
    assert "use small letters, digits and hyphens" in said.err
    assert not list(office.folder.iterdir())


def test_new_without_a_folder_asks_for_one(tmp_path: Path) -> None:
    config = running.write_config(tmp_path, "sqlite:///nowhere.db")

    said = Office(config, tmp_path).policy("new", "ours")

    assert said.code == os.EX_USAGE
    assert "--folder" in said.err


def test_validate_checks_each_file(office: Office) -> None:
    office.policy("new", "ours")
    good, bad = office.folder / "ours.toml", office.folder / "broken.toml"
    bad.write_text(good.read_text().replace("ceiling", "cieling"))

    said = office.run("policy", "validate", str(good), str(bad), str(office.folder / "none.toml"))

    assert said.code == os.EX_CONFIG
    assert said.out == f"{good}: the policy ours holds.\n"
    assert f"{bad}: line 50: unknown setting: severity.cieling (did you mean ceiling?)" in said.err
    assert f"{office.folder / 'none.toml'}: cannot be read" in said.err


def test_validate_reminds_of_what_is_still_invented(office: Office) -> None:
    file = office.folder / "ours.toml"
    office.policy("new", "ours")
    with file.open("a") as more:
        more.write("# the texts: change me\n")

    said = office.run("policy", "validate", str(file))

    assert said.code == 0
    assert "Put in your own where it says '# change me': line " in said.out


def test_the_real_command_explains() -> None:
    done = running.postern("policy", "explain", "default")

    assert done.returncode == 0
    assert "No mail is ever critical." in done.stdout
