r"""The dialogues of tests/dialogues, run against a real server on a loopback socket.

    # why this dialogue exists
    ! lmtp                        the listener speaks LMTP
    ! limit recipients=2          one of `gateway.smtp.limits.Limits`
    > EHLO client.example         the client sends this line and CRLF
    >raw "a\r\n" * 3              the client sends these bytes, as Python writes them
    < 250 2.0.0 *                 the next line of the server (fnmatch)
    < (closed)                    the server closes the connection
    = "Hello\r\n"                 the next of the mails received so far, as bytes
    = (nothing more)              no other mail was received

Mailboxes: all of help.example.com; mail to `refused@`, `deferred@` and `broken@` is refused,
deferred, or makes the server fail.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from gateway.smtp.limits import Limits
from gateway.smtp.listener import Listener
from rules.mail import Delivery
from tests.gateway.smtp_client import Client, a_server

ON_BOTH_LOOPS = True
DIALOGUES = sorted((Path(__file__).parents[2] / "dialogues").glob("*.smtp"))


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
async def test_dialogue(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()  # noqa: ASYNC240 - nothing else runs
    assert lines[0].startswith("# "), "a dialogue must begin with its reason"
    settings = [line[2:] for line in lines if line.startswith("! ")]
    overrides = dict(
        setting.partition(" ")[2].split("=") for setting in settings if setting != "lmtp"
    )
    limits = Limits(**{name: int(value) for name, value in overrides.items()})
    listener = Listener("mx.example.com", lmtp="lmtp" in settings)
    async with (
        a_server(limits=limits, listener=listener) as served,
        served.connect(greeted=False) as client,
    ):
        checked = 0
        for number, line in enumerate(lines, start=1):
            where = f"{path.name}:{number}"
            if line.startswith("= "):
                check_mail(line[2:], served.recorder.mails[checked:], where)
                checked += 1
            else:
                await run_line(line, client, where)


def check_mail(expected: str, mails: list[Delivery], where: str) -> None:
    if expected == "(nothing more)":
        assert mails == [], where
    else:
        assert mails[0].raw == literal(expected), where


async def run_line(line: str, client: Client, where: str) -> None:
    """Executes or checks one line of a dialogue."""
    if line.startswith("> "):
        await client.send(line[2:].encode() + b"\r\n")
    elif line.startswith(">raw "):
        await client.send(literal(line[5:]))
    elif line == "< (closed)":
        assert await client.line() == "", where
    elif line.startswith("< "):
        reply = await client.line()
        assert fnmatchcase(reply, line[2:]), f"{where}: expected {line[2:]}, got {reply!r}"
    else:
        assert not line or line[0] in "#!", f"{where}: unknown line {line!r}"


def literal(text: str) -> bytes:
    """Bytes from `"…"`, or `"…" * 3`, with Python's escapes."""
    quoted, _, times = text.partition('" * ')
    value = ast.literal_eval("b" + (quoted + '"' if times else quoted))
    assert isinstance(value, bytes)
    return value * int(times or 1)


def test_there_are_dialogues() -> None:
    assert len(DIALOGUES) > 10
