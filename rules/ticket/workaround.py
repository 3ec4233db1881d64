"""`#workaround`: one level down, once there is a way around the problem."""

from __future__ import annotations

from collections.abc import Sequence

from rules.ticket.severity import Level


def lowered(level_name: str, levels: Sequence[Level]) -> str | None:
    """The name of the level below one; None for the lowest, and for what names no level.

    Whether a workaround lowers at all is for `policy.severity.workaround_lowers` to say. Where a
    policy has several critical levels, the one below may be critical too: no mail sets that.
    """
    here = next((level for level in levels if level.is_called(level_name)), None)
    if here is None:
        return None
    below = [level for level in levels if level.rank < here.rank]
    return max(below, key=lambda level: level.rank).name if below else None
