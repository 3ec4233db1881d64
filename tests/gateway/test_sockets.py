"""The path of a unix socket: who has it, and who removes it."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.accepting import bind_unix
from gateway.config.model import Config, ConfigRefused
from gateway.sockets import bound, bound_for_workers

NO_PORT = "127.0.0.1:0"
IN_USE = "lmtp.listen 'unix:.*lmtp': Address already in use"


@pytest.fixture
def configured() -> Callable[[str], Config]:
    """Makes configurations with LMTP at an address."""

    def made(listen: str) -> Config:
        return Config.model_validate(
            {
                "smtp": {"listen": NO_PORT},
                "http": {"listen": NO_PORT, "admin_listen": NO_PORT},
                "lmtp": {"listen": listen},
            }
        )

    return made


@pytest.fixture
def config(configured: Callable[[str], Config], path: Path) -> Config:
    return configured(f"unix:{path}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lmtp"


def connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        return client.connect_ex(str(path)) == 0


def test_the_server_that_has_bound_a_path_removes_it(config: Config, path: Path) -> None:
    with bound(config):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert connects(path)

    assert not path.exists()


def test_a_path_that_another_server_has_bound_since_is_left_to_it(
    config: Config, path: Path
) -> None:
    with bound(config):
        path.unlink()
        other = bind_unix(path, backlog=1)

    with other:
        assert connects(path)


def test_a_path_that_a_dead_server_left_is_replaced(config: Config, path: Path) -> None:
    bind_unix(path, backlog=1).close()

    with bound(config):
        assert connects(path)


def test_a_path_at_which_a_server_listens_is_left_to_it(config: Config, path: Path) -> None:
    with bound(config) as served:
        with pytest.raises(OSError, match=IN_USE), bound(config):
            pass
        assert connects(path)
        served["lmtp"][0].accept()[0].close()


def test_so_it_is_while_as_many_clients_wait_there_as_may(config: Config, path: Path) -> None:
    with bind_unix(path, backlog=0), socket.socket(socket.AF_UNIX) as waits:
        waits.connect(str(path))

        with pytest.raises(OSError, match=IN_USE), bound(config):
            pass

        assert path.exists()


def test_so_is_one_of_another_kind(config: Config, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))

        with pytest.raises(OSError, match=IN_USE), bound(config):
            pass

        assert path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to every socket")
def test_so_is_one_that_we_may_not_connect_to(config: Config, path: Path) -> None:
    with bind_unix(path, backlog=1):
        path.chmod(0)

        with pytest.raises(OSError, match=IN_USE), bound(config):
            pass

        assert path.exists()


def test_the_socket_of_all_workers_stays_when_one_of_them_ends(config: Config, path: Path) -> None:
    with bound_for_workers(config) as handed:
        with bound(config, {name: [each.dup() for each in handed[name]] for name in handed}):
            assert connects(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert connects(path)

    assert not path.exists()


@pytest.mark.parametrize("written", ["unix:{}//lmtp", "unix://{}/lmtp", "unix:{}/./lmtp"])
def test_a_worker_is_handed_a_path_however_it_is_written(
    configured: Callable[[str], Config], tmp_path: Path, path: Path, written: str
) -> None:
    config = configured(written.format(tmp_path))
    with bound_for_workers(config) as handed, bound(config, {"lmtp": [handed["lmtp"][0].dup()]}):
        assert connects(path)


def test_a_worker_binds_no_path_that_its_supervisor_has_not(
    config: Config, configured: Callable[[str], Config], tmp_path: Path
) -> None:
    other = configured(f"unix:{tmp_path}/other")
    with (
        bound_for_workers(config) as handed,
        pytest.raises(ConfigRefused, match="lmtp.listen: .*restart"),
        bound(other, handed),
    ):
        pass

    assert not (tmp_path / "other").exists()
