"""Broken settings are refused whole; the message names the file, the key and what to do.

Each folder of tests/configs is one broken file with the exact message that it must get.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway import users_csv
from gateway.config import model
from rules import policy
from rules.validation.messages import InvalidFile
from tests.running import postern

CONFIGS = Path(__file__).parents[2] / "configs"
FOLDERS = sorted(folder for folder in CONFIGS.iterdir() if folder.is_dir())


def read(file: Path) -> object:
    """What the program does with a file of this name."""
    match file.name:
        case "postern.toml":
            return model.load(file)
        case "policy.toml":
            return policy.parse(file.read_text(encoding="utf-8"), str(file))
        case "users.csv":
            return users_csv.parse_users(file.read_bytes(), str(file))
        case _:
            raise AssertionError(f"no program reads {file}")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_broken_file_is_refused_with_its_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (broken,) = (path for path in Path().iterdir() if path.name != "expected.txt")

    with pytest.raises(InvalidFile) as refused:
        read(broken)

    assert f"{refused.value}\n" == Path("expected.txt").read_text(encoding="utf-8")


def test_the_folder_is_not_empty() -> None:
    assert len(FOLDERS) >= 16


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InvalidFile, match=r"^no-such\.toml: cannot be read: .*No such file"):
        model.load(Path("no-such.toml"))


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_STOR__URL", "sqlite:///elsewhere.db")

    with pytest.raises(InvalidFile, match=r"^the environment: unknown setting: POSTERN_STOR__URL "):
        model.load(None)


def test_a_bad_variable_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = tmp_path / "postern.toml"
    valid.write_text("[limits]\nrecipients = 10\n")
    monkeypatch.setenv("POSTERN_LIMITS__RECIPIENTS", "0")

    with pytest.raises(InvalidFile, match=r"^the environment: POSTERN_LIMITS__RECIPIENTS: '0': "):
        model.load(valid)


@pytest.mark.parametrize("name", ["POSTERN_SMTP", "POSTERN_TRUST__PEERS"])
def test_a_variable_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "10.0.0.0/8")

    with pytest.raises(InvalidFile, match=f"^the environment: {name}: '10.0.0.0/8': "):
        model.load(None)


def test_a_broken_configuration_ends_a_command_with_78() -> None:
    broken = CONFIGS / "setting-misspelt" / "postern.toml"

    done = postern("tickets", "--config", str(broken))

    message = f"postern: {broken}: unknown setting: smtp.hostnme (did you mean hostname?)\n"
    assert (done.returncode, done.stderr) == (os.EX_CONFIG, message)


def test_a_broken_policy_ends_the_server_with_78(tmp_path: Path) -> None:
    folder = CONFIGS / "policy-default-level-unknown"
    file = tmp_path / "postern.toml"
    file.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/store.db"\n[policies]\nfolder = "{folder}"\n'
    )

    done = postern("serve", "--config", str(file))

    assert done.returncode == os.EX_CONFIG
    assert done.stderr == (
        f"postern: {folder}/policy.toml: line 4: severity: default = 'Medium' is not the name of a "
        "level (expected one of: Critical, High, Normal)\n"
    )


def test_a_broken_file_of_users_ends_the_import_with_65(tmp_path: Path) -> None:
    broken = CONFIGS / "users-bad-address" / "users.csv"
    file = tmp_path / "postern.toml"
    file.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/store.db"\n')

    done = postern("users", "import", str(broken), "--config", str(file))

    message = (
        f"postern: {broken}: line 3: address: 'yan at acme.example' is not a valid email address\n"
    )
    assert (done.returncode, done.stderr) == (os.EX_DATAERR, message)
