"""Nobody is believed unless the configuration says so (docs/attacks.md)."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.model import Config, load
from gateway.config.sections import LOOPBACK
from tests.acceptance.internet import ANN, EVE, a_mail
from tests.acceptance.support_server import SUPPORT
from tests.running import Postern, initialised, serving, write_config
from tests.stores import SqliteStores


@pytest.fixture
def demo(sqlite_stores: SqliteStores, tmp_path: Path) -> Iterator[tuple[Postern, str]]:
    """A demo, which trusts mail from loopback, and its token for the API."""
    config = write_config(tmp_path, sqlite_stores.new())
    token = initialised(config, "--demo").split()[-1]
    with serving(config) as running:
        yield running, token


def post(running: Postern, token: str, **query: str) -> int:
    """The status of a mail in Ann's name that is posted over HTTP."""
    parameters = urllib.parse.urlencode({"mail_from": EVE, "rcpt": SUPPORT, **query})
    request = urllib.request.Request(
        f"{running.http}/api/v1/mails?{parameters}", data=a_mail(ANN), method="POST"
    )
    request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_a_mail_without_a_stated_peer_is_proven_by_nothing(demo: tuple[Postern, str]) -> None:
    running, token = demo
    assert post(running, token) == 422
    assert post(running, token, peer="127.0.0.1") == 200
    piped = ("pipe", "--mail-from", EVE, "--rcpt", SUPPORT)
    assert running.run(*piped, stdin=a_mail(ANN)).returncode == os.EX_NOPERM
    trusted = running.run(*piped, "--peer", "127.0.0.1", stdin=a_mail(ANN))
    assert trusted.returncode == os.EX_OK


def test_nobody_is_trusted_by_default() -> None:
    assert Config().trust.peers == ()


def test_a_demo_trusts_this_machine_unless_the_file_says_whom_to_trust(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    for name, trust in (("silent", ""), ("strict", "[trust]\npeers = []\n")):
        folder = tmp_path / name
        folder.mkdir()
        config = folder / "postern.toml"
        url = sqlite_stores.new()
        config.write_text(f'[store]\nurl = "{url}"\n[relay]\nmaildir = "{folder}/out"\n{trust}')
        expected = () if trust else LOOPBACK
        assert load(config).for_a_demo().trust.peers == expected
        for _ in range(2):
            initialised(config, "--demo")
            assert load(config).trust.peers == expected
