"""The command `postern`."""

from gateway.cli.main import main

__all__ = ["main"]
