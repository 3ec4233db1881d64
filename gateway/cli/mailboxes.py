"""Commands on the mailboxes: the support addresses that take mail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gateway import policies
from gateway.cli.common import ConfigOption, exit_on_error, load_config, read, write
from gateway.cli.terminal import say
from rules.policy import Policy
from storage.db.database import Connection
from storage.registry import mailboxes

app = typer.Typer(no_args_is_help=True)

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]


@app.command("add", help="Register an address that takes mail, under a policy.")
def add(
    address: AddressArgument,
    policy: Annotated[str, typer.Option(help="The policy's name.")] = "default",
    config: ConfigOption = None,
) -> None:
    _apply_policy(_add, address, policy, config)


@app.command("policy", help="Apply another policy to a mailbox; tickets keep their due times.")
def set_policy(
    address: AddressArgument,
    policy: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")],
    config: ConfigOption = None,
) -> None:
    _apply_policy(_set_policy, address, policy, config)


def _add(connection: Connection, address: str, policy: Policy) -> None:
    mailboxes.add_mailbox(connection, address, policy.name)


def _set_policy(connection: Connection, address: str, policy: Policy) -> None:
    mailbox = mailboxes.mailbox_named(connection, address)
    policies.check_tickets(connection, mailbox, policy, f"mailbox {mailbox.address}")
    mailboxes.set_mailbox_policy(connection, address, policy.name)


def _apply_policy(
    job: Callable[[Connection, str, Policy], None], address: str, policy: str, config: Path | None
) -> None:
    """Run `job` with a mailbox and a policy, once the policy is known to exist."""
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
        chosen = policies.named(known, policy, f"mailbox {address}")
    write(config, lambda connection: job(connection, address, chosen))
    say(f"Mail for {address} is taken under the policy {policy}.")


@app.command("list", help="List the mailboxes with their policies.")
def list_mailboxes(config: ConfigOption = None) -> None:
    for mailbox in read(config, mailboxes.list_mailboxes):
        say(f"{mailbox.address}  {mailbox.policy}")


@app.command("deactivate", help="Take no more mail at an address; its tickets stay.")
def deactivate(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: mailboxes.set_mailbox_active(c, address, False))
    say(f"Mail for {address} is no longer taken.")


@app.command("activate", help="Take mail at an address again.")
def activate(address: AddressArgument, config: ConfigOption = None) -> None:
    write(config, lambda c: mailboxes.set_mailbox_active(c, address, True))
    say(f"Mail for {address} is taken.")
