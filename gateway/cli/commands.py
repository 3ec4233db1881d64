"""The commands and their order in `postern --help`."""

from __future__ import annotations

import typer

from gateway.cli import (
    companies,
    doctor,
    journal,
    keys,
    macros,
    mailboxes,
    mails,
    outbox,
    policies,
    quarantine,
    refusals,
    reload,
    serve,
    server,
    staff,
    suppression,
    tickets,
    tokens,
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

app.command("serve", help=serve.HELP)(serve.serve)
app.command("reload", help=reload.HELP)(reload.reload)
app.command("init", help="Prepare the store; with --demo, register people to try it with.")(
    server.init
)
app.command("tail", help="Show the last mails with their verdicts.")(journal.tail)
app.command("explain", help="Show how one mail was decided, check by check.")(journal.explain)
app.command(
    "refusals", help="Show networks with more refused mail than the journal has lines for."
)(refusals.show)
app.command("check", help="Show how a mail would be decided; nothing is written.")(mails.check)
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("pipe", help="Take one mail from standard input, as an MTA's pipe delivers it.")(
    mails.pipe
)
app.add_typer(tickets.app, name="tickets", help="List tickets; show or change one.")
app.command("ticket", help="Show one ticket with its comments and history.")(tickets.show)
app.add_typer(quarantine.app, name="held", help="List, release or discard mails in quarantine.")
app.add_typer(outbox.app, name="outbox", help="List outgoing mails, or send them again.")
app.add_typer(suppression.app, name="suppression", help="List or clear addresses that bounce.")
app.add_typer(policies.app, name="policy", help="Show, check, create or back-test policies.")
app.add_typer(mailboxes.app, name="mailbox", help="Manage the addresses that take mail.")
app.add_typer(companies.app, name="company", help="Manage companies, their domains and contracts.")
app.add_typer(users.user_app, name="user", help="Manage the users of companies.")
app.add_typer(users.users_app, name="users", help="Register many users at once.")
app.add_typer(staff.app, name="staff", help="Manage the staff of the support organisation.")
app.add_typer(macros.app, name="macros", help="Manage the saved replies of a mailbox.")
app.add_typer(tokens.app, name="token", help="Manage the bearer tokens of the HTTP API.")
app.add_typer(keys.app, name="key", help="Manage the keys that sign reply addresses and links.")
app.add_typer(server.db_app, name="db", help="Maintain the store.")
