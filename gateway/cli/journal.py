"""Commands on the journal: the last mails with their verdicts, and how one was decided."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.text import Text

from gateway import clock
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config, opened, read
from gateway.cli.refusals import line_of
from gateway.cli.terminal import VERDICT_STYLES, console, escape, print_for_scripts, say
from gateway.mail_words import became, evidence, not_to, proof
from rules.decision.reasons import Reason, Verdict
from rules.decision.trace import Step
from rules.sender.authentication import from_dict
from storage.db.database import Database
from storage.db.watching import watched
from storage.mail import journal, refusals
from storage.mail.journal import JournalEntry, JournalFilter
from storage.notices import overview
from storage.notices.overview import NoticeSummary

FOLLOW_S = 0.25
"""So often a follower asks whether anything was committed, which costs it microseconds."""
COUNTED_SHOWN = 5
"""Lines at most; `postern refusals` shows all."""
OVERLAP = timedelta(seconds=30)
"""A row can become visible after a younger one, so this much of the past is read again."""
LINES = 20
_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def tail(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep running and show mails as they come.")
    ] = False,
    verdict: Annotated[
        Verdict | None, typer.Option(help="Show only mails of this verdict.")
    ] = None,
    reason: Annotated[Reason | None, typer.Option(help="Show only mails of this reason.")] = None,
    sender: Annotated[str | None, typer.Option(help="Show only mails from this address.")] = None,
    ticket: Annotated[int | None, typer.Option(help="Show only mails on this ticket.")] = None,
    mailbox: Annotated[str | None, typer.Option(help="Show only mails to this mailbox.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Show all mails since then: 90s, 30m, 2h, 3d, 1w, or 2026-11-28T10:00 (UTC).",
        ),
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            min=1,
            help=f"The number of past mails to show. Default: {LINES}; with --since all.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    config: ConfigOption = None,
) -> None:
    wanted = JournalFilter(
        verdict,
        sender.lower() if sender else None,
        ticket,
        reason,
        mailbox.lower() if mailbox else None,
    )
    now = clock.now()
    start = _time_of(since, now) if since is not None else None
    with contextlib.suppress(KeyboardInterrupt), exit_on_error(), opened(config) as database:
        if start is None:
            query = partial(journal.newest, wanted=wanted, limit=lines or LINES)
        else:
            query = partial(journal.since, wanted=wanted, start=start)
        with watched(database) as has_changed:
            shown: dict[UUID, datetime] = {}
            entries = database.read(query)
            _print_new(entries[-lines:] if lines else entries, shown, as_json=as_json)
            if not as_json and wanted == JournalFilter(verdict):
                _print_counted(database, shown)
            shown.update((entry.id, entry.received_at) for entry in entries)
            with _interrupted() as interrupted:
                while follow and not interrupted.wait(FOLLOW_S):
                    if not has_changed():
                        continue
                    latest = max(shown.values(), default=now) - OVERLAP
                    shown = {each: at for each, at in shown.items() if at >= latest}
                    entries = database.read(partial(journal.since, wanted=wanted, start=latest))
                    _print_new(entries, shown, as_json=as_json)


@contextlib.contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Set at the first SIGINT, which as an exception could come where it is ignored, such as in a
    finaliser. A second one interrupts at once."""
    event = threading.Event()

    def note(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        event.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def _time_of(written: str, now: datetime) -> datetime:
    """The time of `--since`. Ends the command if it is none."""
    try:
        if span := _SPAN.fullmatch(written):
            return now - timedelta(seconds=int(span[1]) * _SECONDS[span[2]])
        time = datetime.fromisoformat(written)
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(os.EX_USAGE, f"--since {written}: write 30m, 2h, 3d, or a time as 2026-11-28T10:00")


def _print_new(
    entries: Sequence[JournalEntry], shown: dict[UUID, datetime], *, as_json: bool
) -> None:
    """Print the entries that `shown` does not hold yet, and add them to it."""
    for entry in entries:
        if entry.id in shown:
            continue
        shown[entry.id] = entry.received_at
        if as_json:
            print_for_scripts(json.dumps(_as_json(entry)))
        else:
            console.print(_line(entry))


def _print_counted(database: Database, shown: Mapping[UUID, datetime]) -> None:
    """Print how many mails of these hours have no line, since their networks had too many."""
    start = min(shown.values(), default=None)
    if start is not None:
        for each in database.read(lambda c: refusals.counted_since(c, start))[-COUNTED_SHOWN:]:
            say(line_of(each))


def _line(entry: JournalEntry) -> Text:
    line = Text(f"{entry.received_at:%Y-%m-%d %H:%M:%S}  ")
    line.append(f"{entry.verdict:<9}", style=VERDICT_STYLES.get(entry.verdict, ""))
    line.append(f" {entry.reason:<20} ")
    line.append(f"{'#' + str(entry.ticket) if entry.ticket else '-':<8}")
    line.append(f"{escape(entry.author or entry.mail_from or '<>')}  ")
    line.append(escape(entry.subject)[:60], style="italic")
    line.append(f"  {entry.id}", style="dim")
    return line


def explain(
    name: Annotated[
        str, typer.Argument(metavar="JOURNAL_ID|MESSAGE_ID", help="As `postern tail` shows it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a mail.")] = False,
    config: ConfigOption = None,
) -> None:
    entries = read(config, lambda connection: journal.find(connection, name))
    if not entries:
        fail(
            os.EX_DATAERR,
            f"no mail {name} in the journal; `postern tail` shows the last ids, and "
            "`postern refusals` the networks whose refused mails are only counted",
        )
    beginning = name.replace("-", "").lower()
    if len(entries) > 1 and all(entry.id.hex.startswith(beginning) for entry in entries):
        fail(os.EX_USAGE, f"several ids begin with {name}; write more of it")
    authserv_id = load_config(config).smtp.hostname
    ids = [entry.id for entry in entries]
    caused = read(config, lambda connection: overview.caused_by(connection, ids))
    for entry in entries:
        results = _results_lines(entry, authserv_id)
        mails = [mail for mail in caused if mail.cause == entry.id]
        if as_json:
            fields = {"authentication_results": "".join(results), "mails": [*map(_mail, mails)]}
            print_for_scripts(json.dumps(_as_json(entry) | fields))
        else:
            _print_explanation(entry, results)
            print_facts(*(("mail", _mail_line(mail)) for mail in mails), *_not_to(entry))


def _print_explanation(entry: JournalEntry, results: Sequence[str]) -> None:
    console.print(_line(entry))
    print_facts(
        ("from", entry.author or "(no single mailbox)"),
        ("envelope", f"<{entry.mail_from}> to {', '.join(entry.rcpt_tos)}"),
        ("peer", f"{entry.peer or 'local'}, HELO {entry.helo or '-'}"),
        ("proof", str(proof(entry.authentication))),
        ("message", f"{entry.message_id or '(no id)'}, {entry.size_bytes} octets"),
        ("answered", entry.reply),
    )
    print_evidence(entry.authentication)
    print_facts(*(("header", line) for line in results))
    print_trace(entry.trace)


def _mail(mail: NoticeSummary) -> dict[str, Any]:
    return {
        "id": str(mail.id),
        "kind": mail.kind,
        "to": mail.address,
        "state": mail.state.value,
        "due_at": mail.due_at.isoformat(),
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "error": mail.last_error,
    }


def _mail_line(mail: NoticeSummary) -> str:
    return f"{mail.kind.replace('_', ' ')} to {mail.address}, {became(mail)}  {mail.id}"


def _not_to(entry: JournalEntry) -> Iterator[tuple[str, str]]:
    if (left_out := not_to(entry)) is not None:
        yield "no mail", str(left_out)


def _results_lines(entry: JournalEntry, authserv_id: str) -> list[str]:
    """The lines of an Authentication-Results field (RFC 8601); none without a check."""
    if not entry.authentication:
        return []
    return from_dict(entry.authentication).to_results_header(authserv_id).split("\r\n")


def print_evidence(authentication: Mapping[str, Any]) -> None:
    """Print what each mechanism found, and the warnings."""
    for check in authentication.get("evidence", ()):
        print_facts((check["method"], str(evidence(check))))
    for warning in authentication.get("warnings", ()):
        print_facts(("warning", warning))


def _as_json(entry: JournalEntry) -> dict[str, Any]:
    fields = {f.name: getattr(entry, f.name) for f in dataclasses.fields(entry)}
    fields["id"] = str(entry.id)
    fields["received_at"] = entry.received_at.isoformat()
    fields["trace"] = [dataclasses.asdict(step) for step in entry.trace]
    return fields


def print_facts(*facts: tuple[str, str]) -> None:
    """Print labels with escaped values, indented."""
    for label, value in facts:
        console.print(Text(f"  {label:<10}", style="dim").append(escape(value), style="not dim"))


def print_trace(steps: Sequence[Step]) -> None:
    """Print what each check saw and decided."""
    for number, step in enumerate(steps, 1):
        line = Text(f"  {number}. {escape(step.check).replace('_', ' '):<14}", style="bold")
        line.append(f"{escape(step.saw)}: ", style="not bold")
        console.print(line.append(escape(step.outcome), style="not bold cyan"))
