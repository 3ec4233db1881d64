"""Commands on the addresses whose mail bounces."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, MailboxOption, fail, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import console, escape, say
from rules.mail.addresses import normalise
from storage.notices import suppression
from storage.registry.mailboxes import mailbox_named

app = typer.Typer(no_args_is_help=True)


@app.command("list", help="List the addresses whose mail bounced, the latest first.")
def list_addresses(
    mailbox: MailboxOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    rows = read(config, lambda c: suppression.listing(c, mailbox_named(c, mailbox).id))
    if as_json:
        print_json_lines(rows)
        return
    for row in rows:
        suppressed = row.suspended_at is not None
        line = Text(f"{row.last_at:%Y-%m-%d %H:%M}  ")
        line.append(f"{'suppressed' if suppressed else 'active':<11}", "red" if suppressed else "")
        line.append(f"{row.hard} failed  {escape(row.address)}  ")
        console.print(line.append(escape(row.why)[:100], style="italic"))


@app.command("remove", help="Send mail to an address again.")
def remove(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    normal = normalise(address) or address
    removed = write(config, lambda c: suppression.remove(c, mailbox_named(c, mailbox).id, normal))
    if not removed:
        fail(
            os.EX_DATAERR,
            f"no mail to {address} has bounced; `postern suppression list` shows the addresses",
        )
    say(f"Mail to {normal} is sent again.")
