"""Commands that show tickets."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, console, fail, read
from gateway.cli.mails import clean
from storage import tickets
from storage.tickets import Said, Summary


def listing(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many at most.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only tickets of this status.")] = None,
    config: ConfigOption = None,
) -> None:
    for summary in read(config, lambda connection: tickets.newest(connection, lines, status)):
        console.print(_line(summary))


def one(number: Annotated[int, typer.Argument()], config: ConfigOption = None) -> None:
    whole = read(config, lambda connection: tickets.whole(connection, number))
    if whole is None:
        fail(os.EX_DATAERR, f"no ticket #{number}; `postern tickets` lists the last ones")
    summary = whole.summary
    console.print(_line(summary))
    if summary.severity_claimed:
        console.print(Text(f"  claimed   {clean(summary.severity_claimed)}", style="dim"))
    if summary.mentions:
        console.print(Text(f"  mentions  #{summary.mentions}", style="dim"))
    for member in whole.members:
        shown = "" if member.presence == "active" else f", {member.presence}"
        console.print(Text(f"  {member.part:<10}{clean(member.address)}{shown}", style="dim"))
    for said in whole.comments:
        _comment(said)


def _line(summary: Summary) -> Text:
    line = Text(f"#{summary.number:<7}", style="bold")
    line.append(f"{summary.status:<9}", style="not bold")
    line.append(f"{clean(summary.severity):<10}", style="not bold yellow")
    line.append(f"{clean(summary.requester)}  ", style="not bold")
    return line.append(clean(summary.subject), style="not bold italic")


def _comment(said: Said) -> None:
    console.print()
    kind = "" if said.visibility == "public" else f"  [{said.visibility}]"
    head = f"{said.written_at:%Y-%m-%d %H:%M}  {clean(said.author or '(no author)')}{kind}"
    console.print(Text(head, style="bold"))
    if said.degraded:
        why = f"The body could not be read ({clean(said.degraded)}); the raw mail is kept."
        console.print(Text(why, style="yellow"))
    for line in said.text.splitlines():
        console.print(Text(f"  {clean(line.expandtabs())}"))
    for attached in said.attachments:
        size = f"{attached.content_type}, {attached.size_bytes} octets"
        console.print(Text(f"  + {clean(attached.name)}  {size}", style="cyan"))
