"""The kinds of columns that the tables consist of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    String,
    Text,
    TypeDecorator,
    false,
)
from sqlmodel import Field

Number = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite assigns row numbers only in INTEGER columns, which hold 64 bits anyway."""


FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""A time that somebody sends lies between them: near the ends of the calendar no store can compute
with one."""


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware UTC datetime; microseconds since 1970 on SQLite, which has no type for it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return _microseconds(value)
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a datetime without a time zone: {value!r}")
        return value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Any:
        """One call for each value on SQLite, of which each mail writes more than a dozen."""
        return _microseconds if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromtimestamp(value / 1_000_000, UTC)
        aware: datetime = value
        return aware.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _microseconds(value: datetime | None) -> int | None:
    """As SQLite has a time. Raises ValueError for one without a time zone."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a datetime without a time zone: {value!r}")
    return (value - _EPOCH) // _MICROSECOND


def foreign_key(table: str | None = None, **options: Any) -> Any:
    arguments = [ForeignKey(table)] if table else []
    nullable = options.pop("nullable", False)
    return Field(sa_column=Column(Number, *arguments, nullable=nullable, **options))


def id_() -> Any:
    return Field(default=None, sa_column=Column(Number, primary_key=True, autoincrement=True))


def text(length: int | None = None, default: str = "") -> Any:
    """Text with a default that also applies to rows from before the column existed."""
    kind = Text() if length is None else String(length)
    return Field(default=default, sa_column=Column(kind, nullable=False, server_default=default))


def counter() -> Column[int]:
    return Column(Integer, nullable=False, server_default="0")


def flag() -> Any:
    """A boolean that is false in rows from before the column existed."""
    return Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


def timestamp(nullable: bool = False, index: bool = False) -> Any:
    return Field(sa_column=Column(UtcTimestamp(), nullable=nullable, index=index))


def one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")
