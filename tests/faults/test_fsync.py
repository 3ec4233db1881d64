"""The order of system calls: the end of a mail is read, the store is synced, 250 is written.

kill -9 does not lose the page cache, so only this test shows that a power cut loses nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import early_reply
from tests.faults.launch import by_command
from tests.faults.load_mails import load_mail
from tests.faults.node import Node, running
from tests.faults.reconciliation import enrol
from tests.faults.retrying_senders import Session
from tests.stores import SqliteStores

MAILS = 20
CALLS = "trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg"

_FINISHED = re.compile(r"\b(?:fsync|fdatasync)(?: resumed>|\(\d+<[^>]*>).*\) += 0$")
_BEGUN = re.compile(r"\b(?:fsync|fdatasync)\(\d+<([^>]*)>")
_DOT = re.compile(r'\b(?:read|readv|recvfrom|recvmsg)\b.*?"(?:.*\\r\\n)?\.\\r\\n"')
_ANSWER = re.compile(r'\b(?:write|writev|sendto|sendmsg)\b.*(?<!\\)"250 2\.0\.0 \S{36} filed as #')


def strace(trace: Path) -> list[str]:
    """The command that traces another one; skips the test if strace cannot run here."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: the order of fsync and reply is not checked")
    if subprocess.run([program, "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here: the order of fsync and reply is not checked")
    return [program, "-f", "-y", "-s", "4096", "-e", CALLS, "-o", str(trace)]


def synced_before_answered(trace: str, store: str) -> list[bool]:
    """For each mail in a trace, whether the store was synced between its dot and its 250."""
    verdicts: list[bool] = []
    begun = finished = False
    for line in trace.splitlines():
        if (sync := _BEGUN.search(line)) and sync[1].startswith(store):
            begun = True
        if begun and _FINISHED.search(line):
            finished = True
        if _DOT.search(line):
            begun = finished = False
        elif _ANSWER.search(line):
            verdicts.append(finished)
    return verdicts


def trace_mails(program: list[str], folder: Path, stores: SqliteStores) -> list[bool]:
    """Send mails one by one to a traced server; the result for each."""
    trace = folder / "trace"
    store_url = enrol(stores.new())
    with running(Node(folder, store_url, launch=by_command(*strace(trace), *program))) as node:
        with closing(Session(node.smtp)) as session:
            codes = [session.deliver(load_mail(number))[0] for number in range(MAILS)]
        server = node.process_tree()[1]  # the tracer itself ignores SIGTERM
        os.kill(server, signal.SIGTERM)
        node.wait()
    assert codes == [250] * MAILS
    return synced_before_answered(trace.read_text(), store_url.removeprefix("sqlite:///"))


def test_the_store_is_synced_before_each_250(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "gateway"]

    assert trace_mails(program, tmp_path, sqlite_stores) == [True] * MAILS


def test_a_reply_before_the_sync_is_detected(sqlite_stores: SqliteStores, tmp_path: Path) -> None:
    program = [sys.executable, str(early_reply.__file__)]

    assert trace_mails(program, tmp_path, sqlite_stores) == [False] * MAILS
