"""What only a process that can be killed may read."""

from __future__ import annotations


class NotHereError(Exception):
    """Reading this may take longer than the event loop can wait: a worker process reads it."""
