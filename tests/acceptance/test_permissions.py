"""Other users of the machine read nothing of what the program makes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.support_server import SUPPORT, eventually
from tests.acceptance.support_server import a_mail as mail_from
from tests.running import postern, serving, write_config

ANN = "ann@acme.example"


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_store_outbox_and_socket_are_private(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        f"sqlite:///{tmp_path}/var/postern.db",
        f'[lmtp]\nlisten = "unix:{tmp_path}/lmtp"\n',
    )
    assert postern("init", "--demo", "--config", str(config)).returncode == 0
    with serving(config) as running:
        assert running.send(mail_from(ANN), ANN, SUPPORT)[0] == 250
        outbox = tmp_path / "outbox"
        eventually(lambda: [*outbox.glob("new/*")] or None)
        made = [*(tmp_path / "var").iterdir(), *outbox.rglob("*"), outbox, tmp_path / "var"]
        assert len(made) > 5
        loose = {each for each in made if each.exists() and each.stat().st_mode & 0o077}
        assert loose == set()
        assert stat.S_IMODE((tmp_path / "lmtp").stat().st_mode) == 0o660


def test_a_loose_store_is_reported_at_start(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/postern.db")
    assert postern("init", "--config", str(config)).returncode == 0
    (tmp_path / "postern.db").chmod(0o644)
    relay = '[relay]\nurl = "smtp://postern:hunter2@127.0.0.1:9"'
    config.write_text(config.read_text().replace("[relay]", relay))
    config.chmod(0o644)
    with serving(config) as running:
        before = running.lines
    warnings = {each["path"]: each for each in before if each["event"] == "loose_permissions"}
    assert str(config) in warnings
    warning = warnings[f"{tmp_path}/postern.db"]
    assert warning["mode"] == "0644"
    assert warning["fix"] == f"chmod -R go-rwx {tmp_path}/postern.db"
