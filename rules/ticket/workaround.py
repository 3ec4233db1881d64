"""`#workaround`: the severity goes down one level once the problem has a workaround."""

from __future__ import annotations

from collections.abc import Sequence

from rules.ticket.severity import Level


def lowered(level_name: str, levels: Sequence[Level]) -> str | None:
    """The name of the level below; None for the lowest level, and for an unknown name.

    `policy.severity.workaround_lowers` decides whether a workaround lowers the severity at all.
    Where a policy has several critical levels, the level below may be critical: no mail sets it.
    """
    here = next((level for level in levels if level.has_name(level_name)), None)
    if here is None:
        return None
    below = [level for level in levels if level.rank < here.rank]
    return max(below, key=lambda level: level.rank).name if below else None
