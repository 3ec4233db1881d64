"""The command `postern`."""

from gateway.loading import without_collection

with without_collection():
    from gateway.cli.main import main

__all__ = ["main"]
