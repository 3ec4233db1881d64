"""The command `postern`."""

import gc

# What is imported lives as long as the process. To look for garbage among it, again and again while
# it grows, would take a fifth of the start.
gc.disable()

from gateway.cli.main import main  # noqa: E402 - see above

gc.freeze()
gc.enable()

__all__ = ["main"]
