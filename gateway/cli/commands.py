"""The commands and their order in `postern --help`. The module of a command is imported when it is
run: the store and the servers take a second to load, and most commands need few of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gateway.cli.loading import without_collection


@dataclass(frozen=True, slots=True)
class ListedCommand:
    """A command, or a group of them, and where it is found."""

    name: str
    help: str
    module: str
    """In `gateway.cli`."""
    attribute: str = "app"
    """The function of a command, or the Typer of a group."""


ENTRIES = (
    ListedCommand("serve", "Serve SMTP, HTTP and, where configured, LMTP.", "serve", "serve"),
    ListedCommand(
        "reload",
        "Make the server of this machine read its policies again, if they are valid.",
        "reload",
        "reload",
    ),
    ListedCommand(
        "init",
        "Prepare the store; with --demo, register people to try it with.",
        "server",
        "init",
    ),
    ListedCommand("tail", "Show the last mails with their verdicts.", "journal", "tail"),
    ListedCommand(
        "explain", "Show how one mail was decided, check by check.", "journal", "explain"
    ),
    ListedCommand(
        "refusals",
        "Show networks with more refused mail than the journal has lines for.",
        "refusals",
        "show",
    ),
    ListedCommand(
        "check", "Show how a mail would be decided; nothing is written.", "mails", "check"
    ),
    ListedCommand(
        "doctor",
        "Show how a mail came here, what proves its author, and which setting is missing.",
        "doctor",
        "doctor",
    ),
    ListedCommand(
        "pipe", "Take one mail from standard input, as an MTA's pipe delivers it.", "mails", "pipe"
    ),
    ListedCommand("tickets", "List tickets; show or change one.", "tickets"),
    ListedCommand("ticket", "Show one ticket with its comments and history.", "tickets", "show"),
    ListedCommand("held", "List, release or discard mails in quarantine.", "quarantine"),
    ListedCommand("outbox", "List outgoing mails, or send them again.", "outbox"),
    ListedCommand("suppression", "List or clear addresses that bounce.", "suppression"),
    ListedCommand("policy", "Show, check, create or back-test policies.", "policies"),
    ListedCommand("mailbox", "Manage the addresses that take mail.", "mailboxes"),
    ListedCommand("company", "Manage companies, their domains and contracts.", "companies"),
    ListedCommand("user", "Manage the users of companies.", "users", "user_app"),
    ListedCommand("users", "Register many users at once.", "users", "users_app"),
    ListedCommand("staff", "Manage the staff of the support organisation.", "staff"),
    ListedCommand("macros", "Manage the saved replies of a mailbox.", "macros"),
    ListedCommand("console", "Manage who uses the console.", "console"),
    ListedCommand("token", "Manage the bearer tokens of the HTTP API.", "tokens"),
    ListedCommand("key", "Manage the keys that sign reply addresses and links.", "keys"),
    ListedCommand("db", "Maintain the store.", "server", "db_app"),
)


def loaded(entry: ListedCommand) -> Any:
    """The command of an entry, with the options of its module."""
    with without_collection():
        found = getattr(import_module(f"gateway.cli.{entry.module}"), entry.attribute)
    around = typer.Typer(rich_markup_mode=None)
    around.callback()(lambda: None)  # with one, it is a group of whatever is in it
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=entry.name, help=entry.help)
    else:
        around.command(entry.name, help=entry.help)(found)
    group = typer.main.get_command(around)
    assert isinstance(group, TyperGroup)
    return group.commands[entry.name]


class _Table(TyperGroup):
    """Knows of each command its name and its help, until it is run."""

    def __init__(self, **settings: Any) -> None:
        listed = {each.name: TyperCommand(each.name, help=each.help) for each in ENTRIES}
        super().__init__(**{**settings, "commands": listed})

    def resolve_command(self, *arguments: Any) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(*arguments)
        entry = next((each for each in ENTRIES if each.name == name), None)
        return name, command if entry is None else loaded(entry), rest


app = typer.Typer(
    name="postern",
    cls=_Table,
    help="Takes mail at a support address and files it as tickets: only for registered users, "
    "onto the right ticket, never as critical.\n\n"
    "Start with `postern init --demo` and `postern serve`; watch with `postern tail -f`. "
    "Exit codes are those of sysexits.h: 64 usage, 65 bad data, 69 store down, 75 try again, "
    "77 refused, 78 configuration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from gateway.cli.terminal import say  # noqa: PLC0415 - most commands print by themselves

        say(f"postern {metadata.version('postern-gateway')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of `postern` itself."""
