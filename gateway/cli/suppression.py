"""Commands on addresses that mail of ours comes back from."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.common import ConfigOption, MailboxOption, console, fail, read, write
from gateway.cli.mails import clean
from rules.mail.addresses import normalise
from storage.notices import suppression
from storage.registry import mailboxes

app = typer.Typer(no_args_is_help=True)


@app.command("list", help="List the addresses that our mail comes back from, the last one first.")
def listing(mailbox: MailboxOption = None, config: ConfigOption = None) -> None:
    rows = read(config, lambda c: suppression.listing(c, mailboxes.mailbox_named(c, mailbox).id))
    for each in rows:
        line = Text(f"{each.last_at:%Y-%m-%d %H:%M}  ")
        suspended = each.suspended_at is not None
        line.append(f"{'suspended' if suspended else 'written to':<11}", "red" if suspended else "")
        line.append(f"{each.hard} failed  {clean(each.address)}  ")
        console.print(line.append(clean(each.why)[:100], style="italic"))


@app.command("forgive", help="Write to an address again.")
def forgive(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    normal = normalise(address) or address
    if not write(
        config, lambda c: suppression.remove(c, mailboxes.mailbox_named(c, mailbox).id, normal)
    ):
        fail(os.EX_DATAERR, f"no mail to {address} came back; see `postern bounced list`")
    console.print(f"{normal} is written to again.", markup=False)
