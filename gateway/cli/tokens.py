"""Commands on the bearer tokens of the HTTP API."""

from __future__ import annotations

import os
import secrets
from typing import Annotated

import typer

from gateway import clock
from gateway.cli.common import ConfigOption, fail, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import (
    discard_output,
    is_output_closed,
    print_for_scripts,
    print_table,
    say,
)
from gateway.web.api.scopes import Scope
from storage.registry import api_tokens

app = typer.Typer(no_args_is_help=True)


@app.command("add", help="Create a token and print it; it cannot be shown again.")
def add(
    name: Annotated[str, typer.Argument(help="A name for its user, such as monitoring.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="What the token permits, mails by default; repeat the option for more. "
            "docs/api.md describes each scope."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    scopes = dict.fromkeys(scope or [Scope.MAILS])
    if Scope.PORTAL in scopes and len(scopes) > 1:
        fail(os.EX_USAGE, "a token for a portal acts for customers: it can have no other scope")
    permitted = " ".join(scopes)
    if is_output_closed():
        fail(os.EX_IOERR, "standard output is closed, so nobody would see the token; none was made")
    token = secrets.token_urlsafe(32)
    write(config, lambda c: api_tokens.add_api_token(c, token, name, permitted, clock.now()))
    try:
        print_for_scripts(token)
    except OSError as error:
        write(config, lambda c: api_tokens.forget_api_token(c, token))
        discard_output()
        fail(os.EX_IOERR, f"the token was not printed ({error.strerror}), so it was removed again")


@app.command("list", help="List the tokens with their scopes.")
def list_tokens(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    tokens = read(config, api_tokens.list_api_tokens)
    if as_json:
        print_json_lines(
            {"name": name, "scope": scope, "since": since} for name, scope, since in tokens
        )
        return
    print_table(
        ("name", "scope", "since"),
        ((name, scope, f"{since:%Y-%m-%d %H:%M}") for name, scope, since in tokens),
    )


@app.command("remove", help="Revoke every token of a name.")
def remove(
    name: Annotated[str, typer.Argument(help="As `postern token list` shows it.")],
    config: ConfigOption = None,
) -> None:
    count = write(config, lambda c: api_tokens.remove_api_tokens(c, name))
    say(f"{count} removed.")
