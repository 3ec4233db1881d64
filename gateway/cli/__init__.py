"""The command `postern`."""

import gc

# Imported objects live as long as the process. Collecting garbage among them while they grow would
# take a fifth of the start-up time.
gc.disable()

from gateway.cli.main import main  # noqa: E402 - see above

gc.freeze()
gc.enable()

__all__ = ["main"]
