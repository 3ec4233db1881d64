"""Commands on the users of the console."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway import clock
from gateway.cli.common import ConfigOption, exit_on_error, load_config, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.people import AddressArgument
from gateway.cli.terminal import print_for_scripts, print_table, say
from gateway.config.model import Config
from gateway.web.console.context import PREFIX
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.registry import console_users
from storage.registry.console_users import NewLink

app = typer.Typer(no_args_is_help=True)
SECRET_BYTES = 32


@app.command(
    "invite",
    help="Let a person use the console, or change their role; prints a link.",
)
def invite(
    address: AddressArgument,
    role: Annotated[
        ConsoleRole,
        typer.Option(
            help="viewer reads, agent also handles tickets and held mail, operator also registers "
            "people and sends mail again, admin also says who uses the console."
        ),
    ] = ConsoleRole.AGENT,
    config: ConfigOption = None,
) -> None:
    with exit_on_error():
        settings = load_config(config)
    print_for_scripts(link_for(config, settings, address, role, EntryUse.PASSWORD))


def link_for(
    path: Path | None, settings: Config, address: str, role: ConsoleRole, use: EntryUse
) -> str:
    """Give an address a role, and return a link for it that works once."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    now, link = clock.now(), NewLink(use, secret)
    write(path, lambda c: console_users.invite(c, address, role, now, link))
    return f"{settings.http.console_begins}{PREFIX}/enter/{secret}"


@app.command("list", help="List the users of the console.")
def list_users(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    users = read(config, console_users.list_users)
    if as_json:
        print_json_lines(
            {
                "address": each.user.address,
                "role": each.user.role,
                "language": each.user.language,
                "has_password": each.has_password,
                "has_account": each.has_account,
                "seen_at": each.seen_at,
            }
            for each in users
        )
        return
    print_table(
        ("address", "role", "password", "account", "last request"),
        (
            (
                each.user.address,
                each.user.role.value,
                "set" if each.has_password else "not yet",
                "linked" if each.has_account else "",
                f"{each.seen_at:%Y-%m-%d %H:%M}" if each.seen_at else "",
            )
            for each in users
        ),
    )


@app.command("remove", help="Remove a user; their sessions end.")
def remove(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: console_users.remove(c, address))
    say(f"{address} no longer uses the console.")
