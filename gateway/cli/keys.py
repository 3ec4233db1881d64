"""Commands on the keys that sign reply addresses, links and Message-IDs."""

from __future__ import annotations

import secrets

import typer

from gateway import clock
from gateway.cli.common import ConfigOption, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import print_table, say
from storage.registry import signing_keys

app = typer.Typer(no_args_is_help=True)

KEY_BYTES = 32


@app.command("add", help="Create a signing key; what older keys have signed stays valid.")
def add(config: ConfigOption = None) -> None:
    secret = secrets.token_bytes(KEY_BYTES)
    number = write(config, lambda c: signing_keys.add_key(c, secret, clock.now()))
    say(f"Key {number} signs from now on. Older keys still verify.")


@app.command("list", help="List the signing keys, and which of them signs.")
def list_keys(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    dates = read(config, signing_keys.key_dates)
    if as_json:
        print_json_lines(
            {"key": number, "since": since, "signs": number == dates[-1][0]}
            for number, since in dates
        )
        return
    print_table(
        ("key", "since", "use"),
        (
            (
                str(number),
                f"{since:%Y-%m-%d %H:%M}",
                "signs" if number == dates[-1][0] else "verifies",
            )
            for number, since in dates
        ),
    )
