"""Two servers on one store: the same mail at the same time, and many replies to one ticket."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from storage.db.database import Database
from tests.faults.launch import preloaded
from tests.faults.load_mails import LoadMail, load_mail
from tests.faults.node import Node, running
from tests.faults.reconciliation import reconcile, tickets_by_mail
from tests.faults.retrying_senders import Session

MAILS = 25
REPLIES = 50

Reply = tuple[int, str]


@pytest.fixture
def two_nodes(enrolled: str, tmp_path: Path) -> Iterator[list[tuple[str, int]]]:
    """The SMTP addresses of two server processes on one store."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(Node(tmp_path / name, enrolled, launch=preloaded)))
            for name in ("one", "other")
        ]
        yield [node.smtp for node in nodes]


def deliver_at_once(servers: Sequence[tuple[str, int]], mails: Sequence[LoadMail]) -> list[Reply]:
    """Send the n-th mail to the n-th server, all final dots at once; the replies in order."""
    together = threading.Barrier(len(mails), timeout=30)

    def deliver(server: tuple[str, int], mail: LoadMail) -> Reply:
        with closing(Session(server)) as session:
            assert session.prepare(mail)[0] == 354
            together.wait()
            return session.finish(b".\r\n")

    with ThreadPoolExecutor(len(mails)) as pool:
        return list(pool.map(deliver, servers, mails))


def test_the_same_mail_to_both_at_once_is_one_ticket(
    enrolled: str, two_nodes: list[tuple[str, int]]
) -> None:
    mails = [load_mail(number) for number in range(MAILS)]

    answers = [deliver_at_once(two_nodes, [mail, mail]) for mail in mails]

    assert {code for pair in answers for code, _ in pair} == {250}
    assert [one for one, other in answers if one != other] == []
    assert reconcile(enrolled, {}).faults() == {}
    assert tickets_in(enrolled) == dict.fromkeys((mail.message_id for mail in mails), 1)


def test_many_replies_from_both_at_once_are_all_on_the_ticket(
    enrolled: str, two_nodes: list[tuple[str, int]]
) -> None:
    opening = load_mail(0)
    ((_, opened),) = deliver_at_once(two_nodes[:1], [opening])
    _, _, ticket = opened.partition(" filed as ")
    replies = [load_mail(number, parent=opening) for number in range(1, REPLIES + 1)]

    answers = deliver_at_once(two_nodes * (REPLIES // 2), replies)

    assert [reply for reply in answers if reply[0] != 250] == []
    assert {text.partition(" filed as ")[2] for _, text in answers} == {ticket}
    assert reconcile(enrolled, {}).faults() == {}
    assert len(tickets_in(enrolled)) == 1 + REPLIES


def tickets_in(store_url: str) -> dict[str, int]:
    """The number of tickets of each mail in the store, by Message-ID."""
    database = Database(store_url, connections=1)
    try:
        found = database.read(tickets_by_mail)
    finally:
        database.close()
    return {mail: len(tickets) for mail, tickets in found.items()}
