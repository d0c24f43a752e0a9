"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from awe_app.adapters.storable import match_key, storable


class PlainText(TypeDecorator[str]):
    """Text that any database takes: what none can hold (NUL, lone surrogates) becomes U+FFFD.

    Applies to compared values as well, so that a hostile id or search text finds nothing instead of failing.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what a database refuses."""
        return None if value is None else storable(value)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, timezone-aware and in UTC on the way in and out; SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware moment into UTC. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: use awe_app.domain.ids.utc_now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say again that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def search_text(name: str, description: str | None) -> str:
    """What a list's search looks through: name and description as ``match_key``."""
    return match_key(f"{name}\n{description or ''}")


def sqlite_moment(moment: datetime) -> str:
    """The moment as ``UtcDateTime`` keeps it on SQLite, for statements that bypass SQLAlchemy's types."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
