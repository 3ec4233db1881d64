"""What `postern tail` cannot show: mail of networks that had too much of it refused."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.cli.common import ConfigOption, read
from gateway.cli.terminal import print_for_scripts, say
from storage.mail import refusals
from storage.mail.refusals import HOUR, Refusals


def show(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far to look back.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    config: ConfigOption = None,
) -> None:
    since = datetime.now(UTC) - timedelta(days=days)
    for each in read(config, lambda c: refusals.counted_since(c, since)):
        if as_json:
            fields = dataclasses.asdict(each) | {"hour": each.hour.isoformat()}
            print_for_scripts(json.dumps(fields))
        else:
            say(line_of(each))


def line_of(each: Refusals) -> str:
    """One hour of one network, for a person."""
    mails = "1 more mail" if each.counted == 1 else f"{each.counted:,} more mails"
    until = each.hour + HOUR
    return (
        f"{each.hour:%Y-%m-%d %H:%M}-{until:%H:%M}  {mails} from {each.network} "
        "refused or deferred without a line of their own"
    )
