"""Metrics for Prometheus: mails by verdict and reason, the time that filing takes, notices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.shares import Shares
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.service.digests import QueueState
from rules.ticket.desk import Queue

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_between_processes(folder: str) -> None:
    """Metrics that are made from here on, in this process or its forks, are counted in files of the
    folder, which all of them read."""
    os.environ[MULTIPROCESS_VARIABLE] = folder
    # The library has chosen when it was imported, which may have been before.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # partly typed


"""The variable with the folder in which worker processes combine their counts."""

_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class _MailMetrics:
    """Of incoming mail."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.by_reason = Counter(
            "postern_mails",
            "Mails by verdict and reason",
            ("verdict", "reason"),
            registry=registry,
        )
        self.counted = Counter(
            "postern_mails_counted",
            "Refused mails without a row in the journal: their network had too many",
            registry=registry,
        )
        self.filing = Histogram(
            "postern_filing_seconds",
            "Time from the end of DATA to the reply",
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.read_in_part = Counter(
            "postern_texts_read_in_part",
            "Mails with more text than the rules read",
            registry=registry,
        )
        self.html_moved = Counter(
            "postern_html_moved",
            "Small mails that a parsing process reads, for their tags of HTML or packed content",
            registry=registry,
        )
        self.html_shown = Counter(
            "postern_html_views",
            "Mails whose HTML was asked for: shown, or why the text is shown instead",
            ("result",),
            registry=registry,
        )
        self.files_taken = Counter(
            "postern_files_taken",
            "Times that files were taken out of a mail, or why they were not",
            ("result",),
            registry=registry,
        )


class _NoticeMetrics:
    """Of outgoing mail."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.by_outcome = Counter(
            "postern_notices", "Outgoing mails by outcome", ("outcome",), registry=registry
        )
        self.files = Counter(
            "postern_files",
            "Files of comments by how they went with the mails about them",
            ("way",),
            registry=registry,
        )
        self.withheld = Counter(
            "postern_notices_withheld",
            "Outgoing mails left out because their readers were sent enough within the hour",
            registry=registry,
        )
        self.not_accepted = Gauge(
            "postern_relay_accepts_nothing_seconds",
            "For how long the relay is known to accept no mail; 0 while it does",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.refused = Gauge(
            "postern_relay_refused_recipients",
            "Recipients that the relay has refused one after the other; 0 below two of them",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.sign_ups = Counter(
            "postern_sign_ups",
            "Requests for a sign-up link by outcome",
            ("outcome",),
            registry=registry,
        )


class _DeskMetrics:
    """Of what waits for staff."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.held = Gauge(
            "postern_held",
            "Mails in quarantine",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.held_oldest = Gauge(
            "postern_held_oldest_seconds",
            "Age of the oldest mail in quarantine",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.waiting = Gauge(
            "postern_waiting",
            "What waits for staff, by queue",
            ("queue",),
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.waiting_oldest = Gauge(
            "postern_waiting_oldest_seconds",
            "Age of the oldest entry of a queue",
            ("queue",),
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self.empty = Counter(
            "postern_digests_without_reader",
            "Digests that were due and had no staff person to receive them",
            registry=registry,
        )


class _ClientMetrics:
    """Of clients, and of what they use."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge(
            "postern_connections",
            "Open SMTP and LMTP connections",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.in_use = Gauge(
            "postern_in_use",
            "What clients hold of each scarce thing",
            ("what",),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.exhausted = Counter(
            "postern_exhausted",
            "Clients refused because their share or all of it was in use",
            ("what",),
            registry=registry,
        )
        self.too_fast = Counter(
            "postern_too_fast",
            "Clients refused because of what they did in a minute",
            ("what",),
            registry=registry,
        )
        self.evicted = Counter(
            "postern_evicted",
            "Idle clients that gave way to one that held less",
            ("what",),
            registry=registry,
        )
        self.api_busy = Counter(
            "postern_api_busy",
            "Requests to the API that were refused since no turn to show a ticket came in time",
            registry=registry,
        )
        self.not_balancers = Counter(
            "postern_not_a_balancer",
            "Connections refused because their client is not in smtp.balancers",
            registry=registry,
        )
        self.free_bytes = Gauge(
            "postern_free_bytes",
            "Free disk space where mail is written",
            multiprocess_mode="mostrecent",
            registry=registry,
        )


class _PolicyMetrics:
    """Of the policies in force."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reloads = Counter(
            "postern_policy_reloads",
            "Requests to read the policies again, by result",
            ("result",),
            registry=registry,
        )
        self.loaded_at = Gauge(
            "postern_policies_loaded_timestamp_seconds",
            "When the policies in force were read; of several workers the latest",
            multiprocess_mode="mostrecent",
            registry=registry,
        )


class Metrics:
    """The metrics of one process; `render` gives those of all workers."""

    def __init__(self, connections: Callable[[], int] = lambda: 0) -> None:
        self._registry = CollectorRegistry()
        self._mails = _MailMetrics(self._registry)
        self._notices = _NoticeMetrics(self._registry)
        self._desk = _DeskMetrics(self._registry)
        self._clients = _ClientMetrics(self._registry)
        self._policies = _PolicyMetrics(self._registry)
        self._count_connections = connections
        self._refused_rates: list[Mapping[str, int]] = []
        self._reported_rates: dict[str, int] = {}
        self._measure_disk: Callable[[], int | None] = lambda: None
        self._watched: list[tuple[str, Shares, int, int]] = []
        self._count_not_balancers: Callable[[], int] = lambda: 0
        self._reported_not_balancers = 0

    def watch(self, what: str, shares: Shares) -> None:
        """Report what clients hold of something scarce, and how often one was refused it."""
        self._watched.append((what, shares, 0, 0))

    def watch_rates(self, refused: Mapping[str, int]) -> None:
        """Report how often clients were refused something because they did too much of it."""
        self._refused_rates.append(refused)

    def watch_balancers(self, refused: Callable[[], int]) -> None:
        """Report how often a client was refused that is no listed balancer."""
        self._count_not_balancers = refused

    def watch_disk(self, free_bytes: Callable[[], int | None]) -> None:
        """Report the free disk space, where there is a disk to watch."""
        self._measure_disk = free_bytes

    def api_busy(self) -> None:
        self._clients.api_busy.inc()

    def sign_up(self, outcome: str) -> None:
        self._notices.sign_ups.labels(outcome).inc()

    def filing(self) -> AbstractContextManager[object]:
        """A context that measures the time of filing one mail."""
        return self._mails.filing.time()

    def filed(self, receipt: Receipt) -> None:
        self._mails.by_reason.labels(receipt.verdict.value, receipt.reason.value).inc()
        if receipt.counted:
            self._mails.counted.inc()

    def read_in_part(self) -> None:
        self._mails.read_in_part.inc()

    def html_moved(self) -> None:
        self._mails.html_moved.inc()

    def files_sent(self, way: str, count: int) -> None:
        """`way` is a value of `FileWay`; counted once for mails that go out together."""
        self._notices.files.labels(way).inc(count)

    def html_shown(self, result: str) -> None:
        """`html`, or a value of `PlainOnly`."""
        self._mails.html_shown.labels(result).inc()

    def files_taken(self, result: str) -> None:
        """`taken`, or a value of `NotTaken`."""
        self._mails.files_taken.labels(result).inc()

    def failed(self, reason: Reason = Reason.INTERNAL_ERROR) -> None:
        """A mail was deferred without a row in the journal."""
        self._mails.by_reason.labels(Verdict.DEFERRED.value, reason.value).inc()

    def held(self, count: int, oldest_s: float) -> None:
        self._desk.held.set(count)
        self._desk.held_oldest.set(oldest_s)

    def withheld(self, notices: int) -> None:
        self._notices.withheld.inc(notices)

    def queues(self, states: Iterable[QueueState], now: datetime) -> None:
        """Report what waits for the staff of all mailboxes."""
        numbers, oldest = dict.fromkeys(Queue, 0), dict.fromkeys(Queue, 0.0)
        for state in states:
            numbers[state.queue] += state.number
            if state.since is not None:
                age_s = (now - state.since).total_seconds()
                oldest[state.queue] = max(oldest[state.queue], age_s)
        for queue in Queue:
            self._desk.waiting.labels(queue.value).set(numbers[queue])
            self._desk.waiting_oldest.labels(queue.value).set(oldest[queue])

    def relay_accepts_nothing(self, for_s: float, refused: int) -> None:
        """For how long, 0 while it accepts mail as far as is known; and how many recipients it has
        refused since it did."""
        self._notices.not_accepted.set(for_s)
        self._notices.refused.set(refused)

    def desk_is_empty(self) -> None:
        self._desk.empty.inc()

    def policies_reloaded(self, result: str) -> None:
        self._policies.reloads.labels(result).inc()

    def policies_loaded(self, at: datetime) -> None:
        self._policies.loaded_at.set(at.timestamp())

    def notice(self, outcome: str) -> None:
        self._notices.by_outcome.labels(outcome).inc()

    def render(self) -> bytes:
        """The metrics in the Prometheus text format, UTF-8."""
        self._clients.connections.set(self._count_connections())
        for index, (what, shares, refused, evicted) in enumerate(self._watched):
            self._clients.in_use.labels(what).set(shares.used)
            self._clients.exhausted.labels(what).inc(shares.refused - refused)
            self._clients.evicted.labels(what).inc(shares.evicted - evicted)
            self._watched[index] = (what, shares, shares.refused, shares.evicted)
        not_balancers = self._count_not_balancers()
        self._clients.not_balancers.inc(not_balancers - self._reported_not_balancers)
        self._reported_not_balancers = not_balancers
        for what, count in (item for each in self._refused_rates for item in each.items()):
            self._clients.too_fast.labels(str(what)).inc(count - self._reported_rates.get(what, 0))
            self._reported_rates[what] = count
        if (free_bytes := self._measure_disk()) is not None:
            self._clients.free_bytes.set(free_bytes)
        if MULTIPROCESS_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        combined = CollectorRegistry()
        MultiProcessCollector(combined)  # type: ignore[no-untyped-call]  # partly typed library
        return generate_latest(combined)
