"""The entry point of `postern`."""

from __future__ import annotations

import os

from gateway.cli.commands import app
from gateway.cli.terminal import repair_streams

PRIVATE = 0o077
"""The umask: only the program's own user may read the files that it makes."""


def main() -> None:
    """Run the command line."""
    repair_streams()
    os.umask(PRIVATE)
    try:
        app(prog_name="postern")
    except SystemExit as stop:
        # Wrong usage ends with 2 in the library; sysexits.h has 64 for it. No command of ours ends
        # with 2.
        raise SystemExit(os.EX_USAGE if stop.code == 2 else stop.code) from None
