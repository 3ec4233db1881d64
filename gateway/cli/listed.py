"""Commands of which a group knows the name and the help. The module of one is imported when it is
run: the store and the servers take a second to load, and most commands need few of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from gateway.loading import without_collection


@dataclass(frozen=True, slots=True)
class ListedCommand:
    """A command, or a group of them, and where it is found."""

    name: str
    help: str
    module: str
    """In `gateway.cli`."""
    attribute: str = "app"
    """The function of a command, or the Typer of a group."""


def group_with(*entries: ListedCommand) -> type[TyperGroup]:
    """The class of a group that has these commands after its own."""
    listed = {entry.name: entry for entry in entries}

    class Listing(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            shown = {each.name: TyperCommand(each.name, help=each.help) for each in entries}
            super().__init__(**{**settings, "commands": {**settings["commands"], **shown}})

        def resolve_command(self, *arguments: Any) -> tuple[str | None, Any, list[str]]:
            name, command, rest = super().resolve_command(*arguments)
            entry = listed.get(name or "")
            return name, command if entry is None else loaded(entry), rest

    return Listing


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
