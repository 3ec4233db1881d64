"""Files are taken out of a mail by a process that can be killed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from ipaddress import ip_address

import pytest

from gateway.parsing.apart import NotHereError
from gateway.parsing.mail_files import MailFiles, NotTaken
from gateway.parsing.parser import Parser
from gateway.parsing.taken import TakenFile, Wanted, list_of_files, listed_files
from gateway.parsing.taking import files_of
from rules.mail import Envelope
from tests.gateway.building import a_mail, a_part, multipart, text
from tests.gateway.parsing.test_tnef import WINMAIL

NOTICE = b"X-Postern-Loop: 1\r\n\r\nSecret"
LARGE = bytes(range(256)) * 8_000
MAIL = a_mail(
    multipart("mixed", text("See."), a_part(LARGE.hex().encode()), a_part(NOTICE), a_part(b"c"))
)
COSTLY = a_mail(text('<img src="data:image/png;base64,' * 500_000, "html"))
"""Half a million images that are written into it, as far as their beginnings show."""


async def test_the_files_of_a_mail_come_as_they_were_sent() -> None:
    counted: list[str] = []
    files = MailFiles(counted=counted.append)
    try:
        several = await files.taken(MAIL, ["4", "2"], examined=False)
        for_customer = await files.taken(MAIL, ["3", "2"], examined=True)
        for_staff = await files.taken(MAIL, ["3"], examined=False)
        missing = await files.taken(MAIL, ["2", "9"], examined=False)
    finally:
        await files.close()

    large = TakenFile(LARGE.hex().encode())
    assert several == {"4": TakenFile(b"c"), "2": large}
    assert for_customer == {"3": TakenFile(b"", is_ours=True), "2": large}
    assert for_staff == {"3": TakenFile(NOTICE)}
    assert missing is NotTaken.MISSING
    assert counted == ["taken", "taken", "taken", "missing"]


async def test_a_mail_whose_files_take_too_long_ends_with_its_process() -> None:
    counted: list[str] = []
    files = MailFiles(wall_s=0.5, counted=counted.append)
    try:
        began = time.process_time()
        slow = await files.taken(COSTLY, ["1.data.1"], examined=True)
        files.worker.wall_s = 60.0
        after = await files.taken(MAIL, ["4"], examined=True)
    finally:
        await files.close()

    assert (slow, after) == (NotTaken.TIMEOUT, {"4": TakenFile(b"c")})
    assert counted == ["timeout", "taken"]
    assert time.process_time() - began < 0.5, "the work is not done here"


def test_only_an_ordinary_mail_is_read_in_a_thread() -> None:
    inner = a_mail(a_part(WINMAIL, "Content-Type: application/ms-tnef"))
    small = a_mail(multipart("mixed", text("See."), a_part(b"c"), a_part(inner)))
    wanted = Wanted(("2",), examined=True)

    assert files_of(small, wanted, here=True) == {"2": TakenFile(b"c")}
    assert files_of(small, Wanted(("3",), examined=False), here=True) == {"3": TakenFile(inner)}
    for mail, part in ((MAIL, "4"), (small, "2.uu.1"), (small, "3")):
        with pytest.raises(NotHereError):
            files_of(mail, replace(wanted, parts=(part,)), here=True)


async def test_a_client_with_too_many_requests_is_answered_at_once() -> None:
    files, client = MailFiles(), ip_address("192.0.2.1")
    async with files.turns.turn(None, "sam@help.example"):
        for _ in range(files.turns.queue.caps.per_peer):
            files.turns.queue.add(client, 1)
        busy = await files.taken(MAIL, ["4"], examined=True, client=client)

    assert busy is NotTaken.BUSY


async def test_a_worker_of_the_parser_takes_an_attached_mail_out_of_a_large_one() -> None:
    envelope = Envelope("192.0.2.1", "mx.help.example", False, "sam@help.example", ())
    parser = Parser(timeout_s=60)
    try:
        found, missing = [
            await parser.files(MAIL, Wanted((part,), examined=False), envelope)
            for part in ("3", "9")
        ]
    finally:
        await parser.close()

    assert (found, missing) == ({"3": TakenFile(NOTICE)}, None)


@pytest.mark.parametrize(
    "answer",
    [
        *([["2", 5, False]], [["2", 5, False], ["3", 5, False], ["4", 0, False]]),
        *([["2", -1, False], ["3", 5, False]], [["2", 2**32, False], ["3", 5, False]]),
        *([["2", 5, 1], ["3", 5, False]], [["2", 5], ["3", 5]], {"2": 5}, 7, "x"),
    ],
)
def test_what_a_worker_answers_is_a_list_of_what_was_asked(answer: object) -> None:
    wanted = Wanted(("2", "3"), examined=True)

    with pytest.raises(EOFError):
        listed_files(json.dumps(answer).encode(), wanted, 1_000)
    assert listed_files(list_of_files(files_of(MAIL, wanted)), wanted, len(MAIL)) is not None
