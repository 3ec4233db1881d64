"""Commands on the signing keys: what reply addresses, links and Message-IDs are made with."""

from __future__ import annotations

import secrets

import typer

from gateway import clock
from gateway.cli.common import ConfigOption, columns, console, read, write
from storage.registry import signing_keys

key = typer.Typer(no_args_is_help=True)

KEY_BYTES = 32


@key.command("add", help="Make a new signing key; what older ones have signed stays good.")
def add(config: ConfigOption = None) -> None:
    secret = secrets.token_bytes(KEY_BYTES)
    number = write(config, lambda c: signing_keys.add_key(c, secret, clock.now()))
    console.print(f"Key {number} signs from now on. The keys before it are still read.")


@key.command("list", help="List the signing keys: since when, and which one signs.")
def listing(config: ConfigOption = None) -> None:
    table = columns("key", "since", "use")
    dates = read(config, signing_keys.key_dates)
    for number, since in dates:
        use = "signs" if number == dates[-1][0] else "is read"
        table.add_row(str(number), f"{since:%Y-%m-%d %H:%M}", use)
    console.print(table)
