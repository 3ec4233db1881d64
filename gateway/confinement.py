"""The limits of a process of ours that reads what others wrote, and what it knows of the server.

Loads no event loop: the process begins with this.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

# It needs none of our secrets: it gets only the variables that Python itself reads.
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


def environment() -> dict[str, str]:
    """The environment with which the server starts such a process."""
    given = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    return {**given, "PYTHONPATH": str(Path(__file__).parents[1])}


def confine(memory_bytes: int) -> None:
    """Limits this process; the server, which talks to all clients, takes precedence over it."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
