"""What of the program is loaded when, and how its many modules are loaded in little time.

Importing a module takes about 2 ms and a server has 1,500 of them, so `postern serve` loads them in
two parts. `gateway.app` imports what a mail needs from the socket to the reply. All else, which is
outgoing mail, timed work, the API, the console and the pages, is imported by `gateway.after_mail`
while mail is taken already. `tests/gateway/cli/test_start.py` names modules of both.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect no garbage among imported objects.

    They live as long as the process, and collecting among them while they grow would take a fifth
    of the start-up time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def all_is_loaded() -> bool:
    """Whether the second part is loaded too, as in the processes that a supervisor starts later."""
    return "gateway.after_mail" in sys.modules


def load_all_else() -> None:
    """The second part of the program; before it the list of public suffixes, since the author of a
    mail is compared with it. To be called where no mail waits for it to return."""
    from gateway.authentication.suffixes import public_suffixes  # noqa: PLC0415 - see above

    public_suffixes()
    with without_collection():
        import gateway.after_mail  # noqa: F401, PLC0415 - see above
