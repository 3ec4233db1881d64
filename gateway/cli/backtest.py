"""`postern policy simulate`: a policy tried on the mails of the last weeks."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway import backtest, clock, policies
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Aspect, Difference, Outcome, Report
from gateway.cli.common import ConfigOption, console, fail, failing_well, load_config
from gateway.cli.mails import STYLES, clean
from gateway.policies import Policies
from rules.decision.model import Verdict
from rules.policy import Policy
from storage.db.database import Database

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
WITHOUT_MAIL = (Verdict.REFUSED, Verdict.DEFERRED)
"""What was not taken is not kept either."""
NAMES = {
    Aspect.CRITICAL_CLAIMED: "critical claimed",
    Aspect.FOLLOWS: "follow-up of",
    Aspect.ORDERS: "mails sent",
    Aspect.FIRST_DUE: "first answer due",
}


def simulate(
    file: Annotated[Path, typer.Argument(metavar="NEW.toml", help="The policy to try.")],
    since: Annotated[
        str, typer.Option(help="Such as 30d, 12h, 2w ago, or a date (UTC): 2026-11-01.")
    ] = "30d",
    until: Annotated[str | None, typer.Option(help="Likewise; now where none is named.")] = None,
    mailbox: Annotated[
        str | None, typer.Option(help="Only mails to this mailbox; all where none is named.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many differing mails to show.")] = 50,
    config: ConfigOption = None,
) -> None:
    now = clock.now()
    begin = _moment(since, now, "--since")
    end = _moment(until, now, "--until") if until is not None else now
    if begin >= end:
        fail(os.EX_USAGE, f"--since {since} is not before {f'--until {until}' if until else 'now'}")
    wanted = BacktestQuery(begin, end, mailbox, limit)
    with failing_well():
        new = policies.read(file).policy
        settings = load_config(config)
        known = policies.load(settings.policies.folder)
        report = asyncio.run(_run(settings.store.url, known, new, wanted))
    if as_json:
        document = json.dumps(_as_json(report, new, wanted), ensure_ascii=False, indent=2)
        print(document)  # noqa: T201 - the output asked for
        return
    for line in _summary(report, new, wanted):
        console.print(Text(line))
    if report.shown:
        console.print(_table(report))


async def _run(url: str, known: Policies, new: Policy, wanted: BacktestQuery) -> Report:
    database = Database(url, connections=1)
    try:
        await asyncio.to_thread(database.check_version)
        return await backtest.run_backtest(database, known, new, wanted)
    finally:
        database.close()


def _moment(text: str, now: datetime, option: str) -> datetime:
    """A span before now, or a date with or without a time of day; in UTC where no zone is said."""
    try:
        if span := _SPAN.fullmatch(text):
            return now - timedelta(**{UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        said = f"{option} {text} is no time"
        fail(os.EX_USAGE, f"{said}; write 30d, 12h, 2w or a date such as 2026-11-01")


def _summary(report: Report, new: Policy, wanted: BacktestQuery) -> Iterator[str]:
    yield (
        f"{new.name}, tried on the mails to {', '.join(report.mailboxes) or 'no mailbox'} from "
        f"{wanted.since:%Y-%m-%d %H:%M} to {wanted.until:%Y-%m-%d %H:%M} UTC. Nothing was written."
    )
    same = report.mails - report.different
    yield f"  {report.mails} mails looked at: {same} the same, {report.different} different"
    for aspect, number in report.aspects.most_common():
        yield f"    {number:>6}  {_name(aspect)}"
    for verdict in WITHOUT_MAIL:
        if number := report.lines.get(verdict, 0):
            yield f"  {number} {verdict}: not kept, so what would become of them is not known"
    if number := report.lines.get(Verdict.DUPLICATE, 0):
        yield f"  {number} repeats: left out"
    if report.lost:
        yield f"  {report.lost} whose raw mail is not in the store: left out"
    if report.moved_on:
        yield (
            f"  {report.moved_on.total()} are decided otherwise today by the policy in force too, "
            "since people, tickets or the policy changed after them:"
        )
        for (then, now), number in report.moved_on.most_common():
            yield f"    {number:>6}  {then} → {now}"
    if hidden := report.different - len(report.shown):
        yield f"  {len(report.shown)} of the {report.different} follow, the newest; {hidden} do not"


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("mail", "from, subject", "was → would be"):
        table.add_column(head, overflow="fold", no_wrap=head == "mail")
    for one in report.shown:
        mail = one.mail
        said = Text(clean(mail.author or mail.envelope.mail_from or "<>"))
        said.append(f"\n{clean(mail.subject)[:60]}", style="italic")
        when = Text(f"{mail.decided_at:%Y-%m-%d %H:%M:%S}").append(
            f"\n{mail.journal_id}", style="dim"
        )
        table.add_row(when, said, _changes(one))
    return table


def _changes(one: Difference) -> Text:
    if Aspect.VERDICT in one.aspects:
        arrow = Text(" → ")
        return arrow.join(
            Text(f"{o.verdict}, {o.reason}", style=STYLES[o.verdict])
            for o in (one.was, one.would_be)
        )
    lines = (
        f"{_name(aspect)}: {_value(one.was, aspect)} → {_value(one.would_be, aspect)}"
        for aspect in one.aspects
    )
    return Text("\n".join(lines))


def _name(aspect: Aspect) -> str:
    return NAMES.get(aspect, aspect.value)


def _value(outcome: Outcome, aspect: Aspect) -> str:
    value = getattr(outcome, aspect.value)
    match value:
        case None | () | {} if not value:
            return "none"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case tuple():
            return clean(", ".join(value))
        case Mapping():
            return clean(", ".join(f"{name} {each}" for name, each in value.items()))
        case int():
            return f"#{value}"
        case _:
            return clean(str(value))


def _as_json(report: Report, new: Policy, wanted: BacktestQuery) -> dict[str, object]:
    """The document; every key is always there."""
    return {
        "policy": new.name,
        "mailboxes": list(report.mailboxes),
        "since": wanted.since.isoformat(),
        "until": wanted.until.isoformat(),
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
        "differences": [_difference(one) for one in report.shown],
    }


def _difference(one: Difference) -> dict[str, object]:
    return {
        "journal_id": str(one.mail.journal_id),
        "mailbox": one.mail.mailbox.address,
        "received_at": one.mail.decided_at.isoformat(),
        "author": one.mail.author,
        "subject": one.mail.subject,
        "differs_in": [aspect.value for aspect in one.aspects],
        "was": _outcome(one.was),
        "would_be": _outcome(one.would_be),
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    due = outcome.first_due
    return asdict(outcome) | {"first_due": due.isoformat() if due is not None else None}
