"""The entry point of `postern`."""

from __future__ import annotations

import os
import sys

import typer

from gateway import permissions
from gateway.cli import serve
from gateway.cli.loading import without_collection
from gateway.cli.terminal import repair_streams


def main() -> None:
    """Run the command line."""
    repair_streams()
    permissions.restrict()
    try:
        _app_for(sys.argv[1:])()
    except SystemExit as stop:
        # click ends wrong usage with 2; sysexits.h has 64 for it. No command of ours ends with 2.
        raise SystemExit(os.EX_USAGE if stop.code == 2 else stop.code) from None


def _app_for(arguments: list[str]) -> typer.Typer:
    """All commands, or `serve` alone, which must start soon and needs none of the others."""
    if arguments[:1] == ["serve"]:
        return serve.app
    with without_collection():
        from gateway.cli import commands  # noqa: PLC0415 - see above
    return commands.app
