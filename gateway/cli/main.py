"""The commands and their order in `postern --help`."""

from __future__ import annotations

import os

import typer

from gateway.cli import (
    keys,
    mails,
    outbox,
    policies,
    quarantine,
    server,
    suppression,
    tickets,
    users,
)

app = typer.Typer(
    name="postern",
    help="Takes mail at a support address and files it as tickets: only for registered users, "
    "onto the right ticket, never as critical.\n\n"
    "Start with `postern init --demo` and `postern serve`; watch with `postern tail -f`. "
    "Exit codes are those of sysexits.h: 64 usage, 65 bad data, 69 store down, 75 try again, "
    "77 refused, 78 configuration.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("serve", help="Serve SMTP, HTTP and, where configured, LMTP.")(server.serve)
app.command("init", help="Make the store ready; with --demo, enrol people to try it with.")(
    server.init
)
app.command("tail", help="Show what became of the last mails.")(mails.tail)
app.command("explain", help="Show how one mail was decided, check by check.")(mails.explain)
app.command("check", help="Say what would become of a mail; nothing is written.")(mails.check)
app.command("pipe", help="Take one mail from standard input, as an MTA's pipe delivers it.")(
    mails.pipe
)
app.add_typer(tickets.app, name="tickets", help="List tickets; show or change one.")
app.command("ticket", help="Show one ticket with all that is on it.")(tickets.one)
app.add_typer(quarantine.held, name="held", help="Mails in quarantine.")
app.add_typer(outbox.app, name="outbox", help="Outgoing mails.")
app.add_typer(suppression.app, name="bounced", help="Addresses that our mail comes back from.")
app.add_typer(policies.policy, name="policy", help="Policy files: what each mailbox works under.")
app.add_typer(users.mailbox, name="mailbox", help="The support addresses that take mail.")
app.add_typer(users.company, name="company", help="Customers and the mail domains they own.")
app.add_typer(users.user, name="user", help="People of a company who may write.")
app.add_typer(users.users, name="users", help="Many users at once.")
app.add_typer(users.staff, name="staff", help="People of the support organisation.")
app.add_typer(users.token, name="token", help="Bearer tokens of the HTTP API.")
app.add_typer(keys.key, name="key", help="What reply addresses and links are signed with.")
app.add_typer(server.db, name="db", help="The store itself.")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except SystemExit as stop:
        # Wrong usage has a number of its own in sysexits.h; no command of ours ends with 2.
        raise SystemExit(os.EX_USAGE if stop.code == 2 else stop.code) from None
