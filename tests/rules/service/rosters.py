"""Builders of rosters, and strategies for them; who is on duty by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rules.policy import EscalationLevel, RosterWindow
from rules.policy.base import DAYS
from rules.service.escalation import Contact, reach
from tests.rules.building import NOON


def window(
    opens: str, closes: str, zone: str = "UTC", name: str = "Wren", **more: object
) -> RosterWindow:
    values = {"opens": opens, "closes": closes, "zone": zone, "name": name}
    contact = f"{name.lower()}@help.example"
    return RosterWindow.model_validate({"contact": contact, "days": DAYS, **values, **more})


def a_level(*roster: RosterWindow, contact: str | None = "desk@help.example") -> EscalationLevel:
    return EscalationLevel(title="Desk", contact=contact, phone="+1 555 0100", roster=roster)


def uncovered(*roster: RosterWindow) -> EscalationLevel:
    """A level without a contact; the policy's own check for gaps is skipped."""
    return a_level(*roster).model_copy(update={"contact": None})


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return local.astimezone(UTC)


def on_duty(level: EscalationLevel, instant: datetime) -> Contact:
    """Who is notified while mail reaches everybody."""
    reached = reach(level, instant, ())
    assert reached.contact is not None
    assert reached.passed == ()
    return reached.contact


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]
)
TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
WINDOWS = st.builds(
    lambda opens, closes, zone, days: window(opens, closes, zone, days=tuple(sorted(days))),
    TIMES,
    TIMES,
    ZONES,
    st.sets(st.sampled_from(DAYS), min_size=1),
)
INSTANTS = st.integers(0, 365 * 1440).map(lambda minutes: NOON + timedelta(minutes=minutes))
