"""Commands on the mailboxes: the support addresses that take mail."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway import clock, policies
from gateway.cli.common import ConfigOption, exit_on_error, load_config, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import say
from rules.mail.addresses import normalise
from rules.policy import Policy
from rules.policy.switching import Orphan
from storage.db.database import Connection
from storage.mail import quarantine
from storage.registry import mailboxes

app = typer.Typer(no_args_is_help=True)

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]


@app.command("add", help="Register an address that takes mail, under a policy.")
def add(
    address: AddressArgument,
    policy: Annotated[str, typer.Option(help="The policy's name.")] = "default",
    config: ConfigOption = None,
) -> None:
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
    write(config, partial(policies.add_mailbox, policies=known, address=address, policy=policy))
    say(f"Mail for {address} is taken under the policy {policy}.")


@app.command("policy", help="Apply another policy to a mailbox; tickets keep their due times.")
def set_policy(
    address: AddressArgument,
    policy: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would become of the open tickets."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    chosen = _known_policy(address, policy, config)
    job = partial(_check_switch if dry_run else _switch, address=address, policy=chosen)
    left = read(config, job) if dry_run else write(config, job)
    say(
        f"Mail for {address} would be taken under the policy {policy}; nothing was changed."
        if dry_run
        else f"Mail for {address} is taken under the policy {policy}."
    )
    for orphan in left:
        say(str(orphan))


def _check_switch(connection: Connection, address: str, policy: Policy) -> tuple[Orphan, ...]:
    mailbox = mailboxes.mailbox_named(connection, address)
    source = f"mailbox {mailbox.address}"
    policies.check_tickets(connection, mailbox, policy, source)
    policies.check_contracts(connection, mailbox, policy, source, clock.now())
    return policies.left_by(connection, mailbox, policy)


def _switch(connection: Connection, address: str, policy: Policy) -> tuple[Orphan, ...]:
    left = _check_switch(connection, address, policy)
    mailboxes.set_mailbox_policy(connection, address, policy.name)
    return left


def _known_policy(address: str, policy: str, config: Path | None) -> Policy:
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
        return policies.named(known, policy, f"mailbox {address}")


@app.command("list", help="List the mailboxes with their policies.")
def list_mailboxes(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    found = read(config, mailboxes.list_mailboxes)
    if as_json:
        print_json_lines({"address": each.address, "policy": each.policy} for each in found)
        return
    for mailbox in found:
        say(f"{mailbox.address}  {mailbox.policy}")


@app.command("deactivate", help="Take no more mail at an address; its tickets stay.")
def deactivate(address: AddressArgument, config: ConfigOption = None) -> None:
    held = write(config, partial(_deactivate, address=address))
    say(f"Mail for {address} is no longer taken.")
    if held:
        say(
            f"Mails that it holds: {held}. No digest names them any more, and they are kept: file "
            "or discard them with `postern held`."
        )


def _deactivate(connection: Connection, address: str) -> int:
    """Returns how many mails are held there, which nobody is notified of from now on."""
    mailboxes.set_mailbox_active(connection, address, False)
    every = mailboxes.list_mailboxes(connection, inactive_too=True)
    (mailbox,) = (each.id for each in every if each.address == normalise(address))
    return quarantine.waiting(connection, mailbox).number


@app.command("activate", help="Take mail at an address again.")
def activate(address: AddressArgument, config: ConfigOption = None) -> None:
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
    write(config, partial(_activate, address=address, known=known))
    say(f"Mail for {address} is taken.")


def _activate(connection: Connection, address: str, known: policies.Policies) -> None:
    """Not where its policy is gone: no server would start, or reload, with such a mailbox."""
    mailboxes.set_mailbox_active(connection, address, True)
    policies.of_mailbox(known, mailboxes.mailbox_named(connection, address))
