"""What a server that is refused leaves to its clients, and to the servers beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gateway import app
from gateway.config.model import Config
from gateway.loading import load_all_else
from gateway.sockets import Bound, bound_for_workers
from rules.policy import PolicyRefused
from rules.validation.messages import InvalidFile
from tests.in_process import a_mail, enrolled_store
from tests.stores import SqliteStores

NO_PORT = "127.0.0.1:0"
WITHIN_S = 60
Asked = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def config(sqlite_stores: SqliteStores, tmp_path: Path) -> Callable[..., Config]:
    """Makes configurations with LMTP on a unix socket in `tmp_path`; keywords are of `policies`."""
    store = enrolled_store(sqlite_stores.new())

    def made(**policies: str) -> Config:
        return Config.model_validate(
            {
                "smtp": {"listen": NO_PORT},
                "http": {"listen": NO_PORT, "admin_listen": NO_PORT},
                "lmtp": {"listen": f"unix:{tmp_path}/lmtp", "strangers": "hold"},
                "store": {"url": store},
                "relay": {"maildir": str(tmp_path / "outbox")},
                "policies": policies,
            }
        )

    return made


@pytest.fixture
def broken_policies(tmp_path: Path) -> str:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "default.toml").write_text("nonsense = 1\n")
    return str(folder)


@pytest.fixture
def broken_templates(tmp_path: Path) -> str:
    folder = tmp_path / "templates" / "default" / "en"
    folder.mkdir(parents=True)
    (folder / "subject.txt.j2").write_text("{{ ticket_numbr }}")
    return str(tmp_path / "templates")


async def greeted(tmp_path: Path) -> Asked:
    """A client of LMTP that has read the greeting."""
    reader, writer = await asyncio.open_unix_connection(tmp_path / "lmtp")
    assert (await reader.readline()).startswith(b"220 ")
    return reader, writer


async def replies(client: Asked, *lines: bytes) -> list[bytes]:
    """The code of the last reply to each of these."""
    reader, writer = client
    codes = []
    for each in lines:
        writer.write(each + b"\r\n")
        while (line := await reader.readline())[3:4] == b"-":
            pass
        codes.append(line[:3])
    return codes


async def test_a_refused_replacement_leaves_lmtp_to_the_workers_that_serve(
    config: Callable[..., Config], tmp_path: Path, broken_policies: str, broken_templates: str
) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    load_all_else()  # as in the process that a replacement is a fork of
    with bound_for_workers(config()) as handed, copied(handed) as one, copied(handed) as other:
        serving = asyncio.create_task(app.serve(config(), stop, ready.set, one))
        await asyncio.wait_for(ready.wait(), WITHIN_S)

        for refusal, policies in (
            (PolicyRefused, {"folder": broken_policies}),
            (InvalidFile, {"templates": broken_templates}),
        ):
            with pytest.raises(refusal):
                await app.serve(config(**policies), stop, ready.set, other)
            _, writer = await greeted(tmp_path)
            writer.close()

        stop.set()
        await serving


@contextmanager
def copied(handed: Bound) -> Iterator[Bound]:
    """As a fork has them."""
    with ExitStack() as stack:
        yield {
            name: [stack.enter_context(each.dup()) for each in sockets]
            for name, sockets in handed.items()
        }


async def test_a_server_that_is_refused_after_its_first_mails_finishes_them(
    config: Callable[..., Config],
    tmp_path: Path,
    broken_templates: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    loading, clients_are_there = asyncio.Event(), threading.Event()

    def load() -> None:
        """In a new process this takes long enough for clients to come."""
        loop.call_soon_threadsafe(loading.set)
        clients_are_there.wait(WITHIN_S)
        load_all_else()

    monkeypatch.setattr(app, "load_all_else", load)
    refused = config(templates=broken_templates)
    serving = asyncio.create_task(app.serve(refused, asyncio.Event(), lambda: None))
    await asyncio.wait_for(loading.wait(), WITHIN_S)

    idle, sending = await greeted(tmp_path), await greeted(tmp_path)
    envelope = (b"LHLO mta", b"MAIL FROM:<ann@acme.example>", b"RCPT TO:<support@help.example>")
    assert await replies(sending, *envelope, b"DATA") == [b"250", b"250", b"250", b"354"]
    clients_are_there.set()

    farewell = await asyncio.wait_for(idle[0].readline(), WITHIN_S)
    assert farewell.startswith(b"421 ")
    assert await replies(sending, a_mail() + b".") == [b"250"]
    assert await sending[0].readline() == farewell
    for _, writer in (idle, sending):
        writer.close()
    with pytest.raises(InvalidFile):
        await serving
