"""The long series of `make soak`: kills, stops, clocks that differ, stores that accept nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.changing import changing, late_comments
from tests.faults.kill_series import kill_under_load
from tests.faults.launch import fresh, preloaded, skewed
from tests.faults.node import Node, running
from tests.faults.receiving_relay import ReceivingRelay, notices, wait_until_sent
from tests.faults.reconciliation import enrol, reconcile
from tests.faults.retrying_senders import RetryingSenders, running_senders
from tests.faults.test_store_stuck import descriptors
from tests.stores import PostgresStores, SqliteStores

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
KILLS, STOPS = int(os.environ.get("KILLS", "100")), 12
"""A kill takes about as long as a start: two seconds on an idle machine."""
MOVED = ("on_another_ticket", "apart_from_parent")


@pytest.fixture
def relay() -> Iterator[ReceivingRelay]:
    with ReceivingRelay().running() as opened:
        yield opened


def url_of(relay: ReceivingRelay) -> str:
    return f"smtp://127.0.0.1:{relay.port}"


def test_kills(enrolled: str, tmp_path: Path, relay: ReceivingRelay) -> None:
    with running(Node(tmp_path, enrolled, launch=fresh, relay=url_of(relay))) as node:
        killed = kill_under_load(node, enrolled, KILLS, seed=KILLS)
        node.start()
        wait_until_sent(enrolled)

    again = f"{relay.repeated} notices in hand at a kill sent again"
    compare(
        f"{KILLS} times SIGKILL",
        enrolled,
        relay,
        killed.acknowledged,
        killed.findings.faults(),
        f"{killed.cut_after_dot} mails cut after the dot; {again}",
        kills_at=killed.kills_at,
        first_250_s=killed.first_250_s,
    )
    assert killed.final_refusals == []


def test_stops_with_a_slow_relay(enrolled: str, tmp_path: Path, relay: ReceivingRelay) -> None:
    relay.delay_s = 0.5
    first_250_s = []
    node = Node(tmp_path, enrolled, launch=fresh, relay=url_of(relay))
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        for _ in range(STOPS):
            senders.wait_for_more(10)
            assert node.terminate()[0] == 0
            began = time.monotonic()
            node.start()
            senders.wait_for_more(1)
            first_250_s.append(time.monotonic() - began)
        senders.finish()
        relay.delay_s = 0.0
        wait_until_sent(enrolled)

    finish(f"{STOPS} times SIGTERM, slow relay", enrolled, senders, relay, first_250_s)


def test_clocks_that_differ(enrolled: str, tmp_path: Path, relay: ReceivingRelay) -> None:
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(Node(tmp_path / name, enrolled, launch=how, relay=to)))
            for name, how in (("one", preloaded), ("ahead", skewed(timedelta(minutes=11))))
            for to in [url_of(relay)]
        ]
        with running_senders(RetryingSenders([node.smtp for node in nodes])) as senders:
            senders.wait_for_more(500)
            senders.finish()
        wait_until_sent(enrolled)

    finish("two nodes, 11 minutes apart", enrolled, senders, relay)


def test_no_descriptors(enrolled: str, tmp_path: Path, relay: ReceivingRelay) -> None:
    node = Node(tmp_path, enrolled, launch=preloaded, relay=url_of(relay))
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        for spare in range(5):
            senders.wait_for_more(20)
            open_now = len(os.listdir(f"/proc/{node.pid}/fd"))
            with descriptors(node, max(3, open_now - 2 + spare)):
                senders.wait_for_more(5)
        senders.finish()
        wait_until_sent(enrolled)

    finish("no descriptors x5", enrolled, senders, relay)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as folder:
        yield folder


def test_a_full_disk(small_disk: Path, tmp_path: Path, relay: ReceivingRelay) -> None:
    store_url = store_on(small_disk, tmp_path)
    node = without_floor(tmp_path, store_url, relay)
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        senders.wait_for_more(20)
        ballast = fill(small_disk)
        senders.wait_for_refusals(50)
        ballast.unlink()
        senders.wait_for_more(50)
        senders.finish()
        ready = node.readiness()
        wait_until_sent(store_url)

    assert ready == 200
    finish("disk full", store_url, senders, relay)


def test_a_file_system_that_becomes_read_only(tmp_path: Path, relay: ReceivingRelay) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"")
    os.truncate(image, 64 * 2**20)
    made = subprocess.run(["mkfs.ext4", "-qF", str(image)], capture_output=True)
    if made.returncode:
        pytest.skip("mkfs.ext4 is missing")
    folder = tmp_path / "disk"
    loop = ("-o", "loop,errors=remount-ro", str(image))
    with mounted(folder, *loop):
        store_url = store_on(folder, tmp_path)
        node = without_floor(tmp_path, store_url, relay)
        with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
            senders.wait_for_more(50)
            # What the relay accepts from here on cannot be recorded, as after a kill.
            read_only_at = time.monotonic()
            subprocess.run(["mount", "-o", "remount,abort", str(folder)], capture_output=True)
            senders.wait_for_refusals(20)
            ready = node.readiness()
            senders.abandon()
            node.terminate()
    subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True)
    with mounted(folder, *loop):
        with running(without_floor(tmp_path / "again", store_url, relay)):
            wait_until_sent(store_url)
        finish("read-only file system", store_url, senders, relay, kills_at=[read_only_at])
    assert ready == 503


def test_merges_and_closes_against_replies(
    postgres_stores: PostgresStores, tmp_path: Path, relay: ReceivingRelay
) -> None:
    """No later transaction writes a comment on a ticket that was merged or closed."""
    store_url = enrol(postgres_stores.new())
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                running(Node(tmp_path / name, store_url, launch=preloaded, relay=url_of(relay)))
            )
            for name in ("one", "other")
        ]
        senders = RetryingSenders([node.smtp for node in nodes], reply_share=0.8)
        with running_senders(senders), changing(store_url) as changed:
            for _ in range(15):
                senders.wait_for_more(60)
            senders.finish()
        wait_until_sent(store_url)

    late = late_comments(store_url)
    found = reconcile(store_url, senders.acknowledged).faults()
    # A merge moves comments, and a reply follows it.
    faults = {kind: mails for kind, mails in found.items() if kind not in MOVED}
    compare(
        "merges and closes",
        store_url,
        relay,
        senders.acknowledged,
        faults | ({"late": late} if late else {}),
        f"{changed.merges} merges, {changed.closes} closes",
    )
    assert changed.merges > 20
    assert changed.closes > 20


def finish(
    fault: str,
    store_url: str,
    senders: RetryingSenders,
    relay: ReceivingRelay,
    first_250_s: Sequence[float] = (),
    *,
    kills_at: Sequence[float] = (),
) -> None:
    refused = f"{len(senders.refusals)} refusals, {senders.cut_after_dot} cut after the dot"
    acknowledged = senders.acknowledged
    faults = reconcile(store_url, acknowledged).faults()
    compare(
        fault,
        store_url,
        relay,
        acknowledged,
        faults,
        refused,
        kills_at=kills_at,
        first_250_s=first_250_s,
    )
    assert {code for code, _ in senders.refusals} <= {421, 451, 452}


def compare(
    fault: str,
    store_url: str,
    relay: ReceivingRelay,
    acknowledged: Mapping[str, object],
    faults: Mapping[str, Sequence[str]],
    meanwhile: str,
    *,
    kills_at: Sequence[float] = (),
    first_250_s: Sequence[float] = (),
) -> None:
    """Report a row, and fail if it has a fault."""
    states = notices(store_url)
    row = report.Row(
        fault=fault,
        store_url=store_url,
        acknowledged=len(acknowledged),
        faults=faults,
        notices=len(relay.accepted),
        notices_lost=sum(states.values()) - len(relay.accepted),
        notices_twice=relay.sent_twice(kills_at),
        first_250_s=first_250_s,
        meanwhile=meanwhile,
    )
    report.ROWS.append(row)
    assert (row.faults, row.notices_twice) == ({}, [])
    assert states == {"sent": row.notices}
    assert row.notices > row.acknowledged // 4, "too few notices to mean anything"


def without_floor(folder: Path, store_url: str, relay: ReceivingRelay) -> Node:
    """A node on a disk that is smaller than `store.free_mib` asks for."""
    node = Node(folder, store_url, launch=preloaded, relay=url_of(relay))
    node.configure("[store]\nfree_mib = 0\n")
    return node


def store_on(folder: Path, tmp_path: Path) -> str:
    made = tmp_path / "templates"
    made.mkdir()
    template = SqliteStores(made).new().removeprefix("sqlite:///")
    (folder / "store.db").write_bytes(Path(template).read_bytes())
    return enrol(f"sqlite:///{folder}/store.db")


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            return ballast


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own; skips the test where we may not mount."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *options, str(folder)], capture_output=True).returncode:
        pytest.skip("this needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
