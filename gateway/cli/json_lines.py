"""Lists for other programs: one JSON object a line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from gateway.cli.terminal import print_for_scripts

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def print_json_lines(rows: Iterable[Mapping[str, object] | DataclassInstance]) -> None:
    """Print each row, times with their zone; nothing else is printed where there are none."""
    for row in rows:
        fields = row if isinstance(row, Mapping) else dataclasses.asdict(row)
        print_for_scripts(json.dumps(fields, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
