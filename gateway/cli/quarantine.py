"""Commands on the quarantine: its list; `held_mails` has what is done with one mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, read
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.listed import ListedCommand, group_with
from gateway.cli.terminal import console, escape
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail

app = typer.Typer(
    no_args_is_help=True,
    cls=group_with(
        ListedCommand(
            "show",
            "Show the text of a held mail; `postern explain` shows why it is held.",
            "held_mails",
            "show",
        ),
        ListedCommand(
            "release",
            "File a held mail: you vouch for its author.",
            "held_mails",
            "release",
        ),
        ListedCommand(
            "discard",
            "Delete a held mail without filing it; its journal row stays.",
            "held_mails",
            "discard",
        ),
    ),
)

SHOWN_OF_GROUP = 3
"""So many mails of each group are listed, the oldest first; then how many more there are."""


@app.command("list", help="List the mails in quarantine: those of proven senders first, in groups.")
def list_mails(
    every: Annotated[
        bool, typer.Option("--all", help="Show every mail, not only the oldest of each group.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Show only mails held for this reason.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option(help="Show only mails of this address, domain or client network.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    mails = [
        mail
        for mail in read(config, quarantine.held_mails)
        if reason in (None, mail.reason) and (sender is None or _is_of(mail, sender.lower()))
    ]
    if as_json:
        print_json_lines(map(_fields, mails))
        return
    for group in quarantine.grouped(mails):
        shown = group.mails if every or sender else group.mails[:SHOWN_OF_GROUP]
        for mail in shown:
            _print_line(mail)
        if more := len(group.mails) - len(shown):
            of = escape(group.of or "unknown")
            newest = f"the newest of {group.mails[-1].came_at:%Y-%m-%d %H:%M}"
            hint = f"  and {more} more {group.reason} of {of}, {newest}: held list --sender {of}"
            console.print(Text(hint, style="dim"))


def _fields(mail: HeldMail) -> Mapping[str, object]:
    """As the API names them."""
    return {
        "id": mail.journal_id,
        "mailbox": mail.mailbox.address,
        "came_at": mail.came_at,
        "reason": mail.reason,
        "author": mail.author,
        "subject": mail.subject,
        "mail_from": mail.envelope.mail_from,
        "size_bytes": mail.size_bytes,
        "proven": not mail.network,
        "network": mail.network,
    }


def _is_of(mail: HeldMail, sender: str) -> bool:
    domain = mail.author.rpartition("@")[2]
    return sender in (mail.author, domain, mail.network, mail.envelope.mail_from.lower())


def _print_line(mail: HeldMail) -> None:
    line = Text(f"{mail.came_at:%Y-%m-%d %H:%M}  ")
    line.append(f"{mail.reason:<17} ", style="yellow")
    line.append(f"{escape(mail.author or mail.envelope.mail_from or '<>')}  ")
    line.append(escape(mail.subject)[:60], style="italic")
    console.print(line.append(f"  {mail.journal_id}", style="dim"))
