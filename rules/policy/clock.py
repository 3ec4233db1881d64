"""When the clocks run: the hours of the support team, and what starts and pauses a clock."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rules.policy.base import DAYS, WORKING_DAYS, Day, HourText, Name, Section, SpanText, Zone
from rules.ticket.business_time import ALWAYS, Calendar, parse_hours, parse_time_of_day
from rules.ticket.sla import WARN_FRACTION
from rules.validation.messages import suggestion

HOLIDAY_YEARS = range(2020, 2051)
"""The years for which public and yearly holidays are computed."""


def _country(value: str) -> str:
    """`DE`, or `DE-BY` for a subdivision of a country."""
    import holidays as public_holidays  # noqa: PLC0415 - 50 ms that few policies need

    code, _, part = value.partition("-")
    known = public_holidays.list_supported_countries(include_aliases=False)
    if code not in known:
        hint = suggestion(code, known) or "write its two-letter code, such as DE"
        raise ValueError(f"no public holidays are known for this country ({hint})")
    if part and part not in known[code]:
        parts = ", ".join(f"{code}-{each}" for each in known[code])
        expected = f"expected one of: {parts}" if parts else "it has none"
        raise ValueError(f"{code} has no such subdivision ({expected})")
    return value


def _hours(value: str) -> str:
    parse_hours(value)
    return value


def _by_day(value: dict[str, str]) -> dict[str, str]:
    for day in value:
        if day not in DAYS:
            hint = suggestion(day, DAYS)
            known = f"expected one of: {', '.join(DAYS)}"
            raise ValueError(f"{day!r} is not a day ({hint or known})")
    return value


def _with_a_year(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,2}[-./][0-9]{1,2}\.?", value.strip()):
        raise ValueError(
            "needs a year, such as 2026-12-24; for a day of every year, write "
            'yearly_holidays = ["12-25"], month first'
        )
    return value


def _day_of_a_year(value: str) -> str:
    try:
        if re.fullmatch(r"[0-9]{2}-[0-9]{2}", value) is None:
            raise ValueError
        date.fromisoformat(f"{_LEAP_YEAR}-{value}")
    except ValueError:
        raise ValueError("must be a month and a day, such as 12-25") from None
    return value


_LEAP_YEAR = 2024
YearlyDay = Annotated[str, AfterValidator(_day_of_a_year)]
"""`12-25`, in every year that has this day."""
OtherHours = Annotated[
    dict[str, Annotated[str, AfterValidator(_hours)]],
    AfterValidator(_by_day),
    Field(description='must be a table such as { sat = "08:00-12:00" }'),
]
"""Opening hours by day of the week."""


class CalendarSection(Section):
    """When the support team works. Spans in business hours and days count only that time."""

    always: bool = True
    zone: Zone = "UTC"
    days: Annotated[
        tuple[Day, ...], Field(min_length=1, description="name at least one day, such as mon")
    ] = WORKING_DAYS
    opens: HourText = "09:00"
    closes: HourText = "17:00"
    other_hours: OtherHours = Field(default_factory=dict)
    """Days with hours of their own, whether or not they are among `days`."""
    holidays: tuple[Annotated[date, BeforeValidator(_with_a_year)], ...] = ()
    """Days on which the support team is off, besides those of `country`."""
    yearly_holidays: tuple[YearlyDay, ...] = ()
    """The same of each year."""
    country: Annotated[str, AfterValidator(_country)] | None = None
    """The country whose public holidays are observed."""

    @model_validator(mode="after")
    def _hours_count(self) -> Self:
        if self.always:
            without_effect = sorted(self.model_fields_set - {"always", "zone", "name"})
            if without_effect:
                raise ValueError(
                    f"{without_effect[0]} has no effect while always = true; write always = false"
                )
        elif parse_time_of_day(self.opens) >= parse_time_of_day(self.closes):
            raise ValueError(f"closes = {self.closes!r} must be after opens = {self.opens!r}")
        return self

    def calendar(self) -> Calendar:
        if self.always:
            return ALWAYS
        return Calendar(
            zone=ZoneInfo(self.zone),
            days=frozenset(DAYS.index(day) for day in self.days),
            opens=parse_time_of_day(self.opens),
            closes=parse_time_of_day(self.closes),
            holidays=frozenset(self.holidays) | self._yearly_holidays() | self._public_holidays(),
            other_hours={
                DAYS.index(day): parse_hours(hours) for day, hours in self.other_hours.items()
            },
        )

    def _yearly_holidays(self) -> frozenset[date]:
        split = [tuple(map(int, each.split("-"))) for each in self.yearly_holidays]
        return frozenset(
            date(year, month, day)
            for year in HOLIDAY_YEARS
            for month, day in split
            if day <= monthrange(year, month)[1]
        )

    def _public_holidays(self) -> frozenset[date]:
        if self.country is None:
            return frozenset()
        import holidays as public_holidays  # noqa: PLC0415 - see above

        code, _, part = self.country.partition("-")
        return frozenset(
            public_holidays.country_holidays(code, subdiv=part or None, years=HOLIDAY_YEARS)
        )


class NamedCalendarSection(CalendarSection):
    """Hours of the support team for the tiers and contracts that name them."""

    name: Name


class ClockSection(Section):
    starts: Literal["arrival", "complete"] = "arrival"
    """When the mail arrives, or when the request states every required fact."""
    pauses_while_pending: bool = True
    """Whether the clock is paused while the ticket waits for the customer."""
    warn_at: Annotated[float, Field(gt=0, lt=1)] = WARN_FRACTION
    """The fraction of the promised time after which staff are warned."""
    remind_customer: bool = False
    """Whether the customer is informed when to expect the next answer."""
    waits_at_most: SpanText | None = None
    """How long an incomplete request waits until its clock starts all the same; by default
    `1 business day`, or `1 day` where support is available 24/7."""
    calendar: CalendarSection = CalendarSection()

    @property
    def longest_wait(self) -> str:
        """How long an incomplete request waits for its clock, as a span."""
        if self.waits_at_most is not None:
            return self.waits_at_most
        return "1 day" if self.calendar.always else "1 business day"
