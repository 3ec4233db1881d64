"""SIGTERM under load, and clients that hang up: each complete mail is answered, now or later."""

from __future__ import annotations

import smtplib
import socket
from contextlib import closing
from pathlib import Path

from tests.faults.launch import preloaded
from tests.faults.load_mails import MAILBOX, LoadMail, load_mail
from tests.faults.node import Node, running
from tests.faults.reconciliation import reconcile
from tests.faults.retrying_senders import RetryingSenders, Session, running_senders

GRACE_S = 10
GRACE = f"[limits]\ngrace_s = {GRACE_S}\n"


def test_a_stop_under_load_answers_every_received_mail(enrolled: str, tmp_path: Path) -> None:
    node = Node(tmp_path, enrolled, extra=GRACE)
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        senders.wait_for_more(50)
        code, seconds = node.terminate()
        senders.abandon()

    assert code == 0
    assert seconds < GRACE_S
    assert senders.cut_after_dot == 0
    assert [reply for reply in senders.refusals if reply[0] != 421] == []
    assert reconcile(enrolled, senders.acknowledged).faults() == {}


def test_a_mail_during_data_is_completed_before_the_stop(enrolled: str, tmp_path: Path) -> None:
    with running(Node(tmp_path, enrolled, extra=GRACE, launch=preloaded)) as node:
        with closing(Session(node.smtp)) as session:
            session.prepare(load_mail(1))
            node.ask_to_stop()
            node.wait_for_event("stopping")
            reply = session.finish(b"and this came after the signal.\r\n.\r\n")
            farewell = session.read()
        code = node.wait()

    assert reply[0] == 250
    assert farewell[0] == 421
    assert code == 0


def test_a_stopping_server_accepts_no_new_connection(enrolled: str, tmp_path: Path) -> None:
    node = Node(tmp_path, enrolled, extra=GRACE, launch=preloaded)
    with running(node), closing(Session(node.smtp)) as session:
        session.prepare(load_mail(1))
        node.ask_to_stop()
        node.wait_for_event("stopping")
        refused = _is_refused(node.smtp)
        session.finish(b".\r\n")

    assert refused


def test_a_mail_is_filed_though_its_client_hangs_up_after_the_dot(
    enrolled: str, tmp_path: Path
) -> None:
    mail = load_mail(1)

    with running(Node(tmp_path, enrolled, launch=preloaded)) as node:
        _send_and_hang_up(node.smtp, mail)
        filed = node.wait_for_event("opened")
        with closing(Session(node.smtp)) as session:
            code, text = session.deliver(mail)

    assert (code, text) == (250, f"2.0.0 {filed['journal']} filed as #{filed['ticket']}")
    assert reconcile(enrolled, {}).faults() == {}


def _is_refused(server: tuple[str, int]) -> bool:
    try:
        with closing(Session(server)):
            return False
    except (OSError, smtplib.SMTPException):
        return True


def _send_and_hang_up(server: tuple[str, int], mail: LoadMail) -> None:
    """Send a mail up to its final dot and close the connection without reading the reply."""
    commands = f"EHLO a\r\nMAIL FROM:<{mail.sender}>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n"
    with (
        socket.create_connection(server, timeout=20) as connection,
        connection.makefile("rb") as replies,
    ):
        replies.readline()
        connection.sendall(commands.encode())
        assert any(line.startswith(b"354") for line in replies)
        connection.sendall(mail.raw + b".\r\n")
