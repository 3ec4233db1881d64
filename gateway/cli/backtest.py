"""`postern policy backtest`: how a policy would have decided the mails of the last weeks."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway import backtest, clock, policies
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Aspect, Difference, Outcome, Report, name_of, value_of
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config
from gateway.cli.terminal import VERDICT_STYLES, console, escape, print_for_scripts
from gateway.policies import Policies
from rules.decision.reasons import Verdict
from rules.policy import Policy
from storage.db.database import Database

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
WITHOUT_MAIL = (Verdict.REFUSED, Verdict.DEFERRED)
"""Mails that were not taken are not stored either."""


def run(
    file: Annotated[Path, typer.Argument(metavar="NEW.toml", help="The policy to try.")],
    since: Annotated[
        str, typer.Option(help="A span before now (30d, 12h, 2w) or a date (2026-11-01, UTC).")
    ] = "30d",
    until: Annotated[str | None, typer.Option(help="Likewise. Default: now.")] = None,
    mailbox: Annotated[
        str | None, typer.Option(help="Try only mails to this mailbox. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="The number of differing mails to show, the newest first.")
    ] = 50,
    config: ConfigOption = None,
) -> None:
    now = clock.now()
    begin = _time(since, now, "--since")
    end = _time(until, now, "--until") if until is not None else now
    if begin >= end:
        fail(os.EX_USAGE, f"--since {since} is not before {f'--until {until}' if until else 'now'}")
    query = BacktestQuery(begin, end, mailbox, limit)
    with exit_on_error():
        new = policies.read(file).policy
        settings = load_config(config)
        known = policies.load(settings.policies.folder)
        report = asyncio.run(_run(settings.store.url, known, new, query))
    if as_json:
        document = json.dumps(_as_json(report, new, query), ensure_ascii=False, indent=2)
        print_for_scripts(document)
        return
    for line in _summary(report, new, query):
        console.print(Text(line))
    if report.shown:
        console.print(_table(report))


async def _run(url: str, known: Policies, new: Policy, query: BacktestQuery) -> Report:
    database = Database(url, connections=1)
    try:
        await asyncio.to_thread(database.check_version)
        return await backtest.run_backtest(database, known, new, query)
    finally:
        database.close()


def _time(text: str, now: datetime, option: str) -> datetime:
    """A span before now, or a date with or without a time of day; in UTC unless it names a zone."""
    try:
        if span := _SPAN.fullmatch(text):
            return now - timedelta(**{UNITS[span[2]]: int(span[1])})
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(os.EX_USAGE, f"{option} {text}: must be 30d, 12h, 2w or a date such as 2026-11-01")


def _summary(report: Report, new: Policy, query: BacktestQuery) -> Iterator[str]:
    yield (
        f"{new.name}, tried on the mails to {', '.join(report.mailboxes) or 'no mailbox'} from "
        f"{query.since:%Y-%m-%d %H:%M} to {query.until:%Y-%m-%d %H:%M} UTC. Nothing was written."
    )
    same = report.mails - report.different
    yield f"  {report.mails} mails looked at: {same} the same, {report.different} different"
    for aspect, number in report.aspects.most_common():
        yield f"    {number:>6}  {name_of(aspect)}"
    for verdict in WITHOUT_MAIL:
        if number := report.lines.get(verdict, 0):
            yield f"  {number} {verdict}: left out, since refused or deferred mail is not stored"
    if number := report.lines.get(Verdict.DUPLICATE, 0):
        yield f"  {number} repeats: left out"
    if report.lost:
        yield f"  {report.lost} whose raw mail is not in the store: left out"
    if report.moved_on:
        yield (
            f"  {report.moved_on.total()} get another decision today from the policy in force too, "
            "since people, tickets or the policy changed after them:"
        )
        for (then, now), number in report.moved_on.most_common():
            yield f"    {number:>6}  {then} → {now}"
    if hidden := report.different - len(report.shown):
        yield f"  the newest {len(report.shown)} of the {report.different} follow; {hidden} do not"


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("mail", "from, subject", "was → would be"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "mail")
    for difference in report.shown:
        mail = difference.mail
        time = Text(f"{mail.decided_at:%Y-%m-%d %H:%M:%S}")
        time.append(f"\n{mail.journal_id}", style="dim")
        sender = Text(escape(mail.author or mail.envelope.mail_from or "<>"))
        sender.append(f"\n{escape(mail.subject)[:60]}", style="italic")
        table.add_row(time, sender, _changes(difference))
    return table


def _changes(difference: Difference) -> Text:
    was, would_be = difference.was, difference.would_be
    if Aspect.VERDICT in difference.aspects:
        return Text(" → ").join(
            Text(f"{outcome.verdict}, {outcome.reason}", style=VERDICT_STYLES[outcome.verdict])
            for outcome in (was, would_be)
        )
    lines = (
        f"{name_of(aspect)}: {escape(str(value_of(was, aspect)))} → "
        f"{escape(str(value_of(would_be, aspect)))}"
        for aspect in difference.aspects
    )
    return Text("\n".join(lines))


def _as_json(report: Report, new: Policy, query: BacktestQuery) -> dict[str, object]:
    """The JSON document; every key is always present."""
    return {
        "policy": new.name,
        "mailboxes": list(report.mailboxes),
        "since": query.since.isoformat(),
        "until": query.until.isoformat(),
        "mails": report.mails,
        "same": report.mails - report.different,
        "different": report.different,
        "differs_in": {aspect.value: report.aspects[aspect] for aspect in Aspect},
        "left_out": {
            "refused": report.lines.get(Verdict.REFUSED, 0),
            "deferred": report.lines.get(Verdict.DEFERRED, 0),
            "repeats": report.lines.get(Verdict.DUPLICATE, 0),
            "raw_mail_lost": report.lost,
        },
        "moved_on": {
            "mails": report.moved_on.total(),
            "how": [
                {"journal": then, "today": now, "mails": number}
                for (then, now), number in report.moved_on.most_common()
            ],
        },
        "not_shown": report.different - len(report.shown),
        "differences": [_difference(each) for each in report.shown],
    }


def _difference(difference: Difference) -> dict[str, object]:
    return {
        "journal_id": str(difference.mail.journal_id),
        "mailbox": difference.mail.mailbox.address,
        "received_at": difference.mail.decided_at.isoformat(),
        "author": difference.mail.author,
        "subject": difference.mail.subject,
        "differs_in": [aspect.value for aspect in difference.aspects],
        "was": _outcome(difference.was),
        "would_be": _outcome(difference.would_be),
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    due = outcome.first_due
    return asdict(outcome) | {"first_due": due.isoformat() if due is not None else None}
