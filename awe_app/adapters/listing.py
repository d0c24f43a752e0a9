"""What all lists share: search, order and pages."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from awe_app.adapters.storable import match_key
from awe_app.domain.errors import Invalid
from awe_app.domain.pages import PageQuery


def matching(column: Any, q: str) -> list[ColumnElement[bool]]:
    """Conditions that keep what holds ``q``; none for an empty ``q``. ``column`` holds ``columns.search_text``."""
    wanted = match_key(q.strip())
    return [column.contains(wanted, autoescape=True)] if wanted else []


def order(sort: str, columns: Mapping[str, Any], default: str, tie_breaker: Any) -> list[ColumnElement[Any]]:
    """The ``ORDER BY`` for ``sort``; equal ones are ordered by ``tie_breaker``, so that pages never overlap.

    Raises:
        Invalid: ``BAD_SORT`` for a name that is not in ``columns``.
    """
    wanted = sort or default
    column = columns.get(wanted.removeprefix("-"))
    if column is None:
        names = ", ".join(columns)
        raise Invalid(
            "BAD_SORT", f"cannot sort by {wanted[:50]!r}: use one of {names}, with '-' in front to turn it round"
        )
    if wanted.startswith("-"):
        return [column.desc(), tie_breaker.desc()]
    return [column.asc(), tie_breaker.asc()]


async def page_of_ids(
    session: AsyncSession, statement: Select[Any], ordering: list[ColumnElement[Any]], query: PageQuery
) -> tuple[list[str], int]:
    """The ids on the page that ``statement`` (which selects ids) finds, and how many there are in all.

    Ids first and rows afterwards: the database then sorts short index entries, not whole workflow files.
    """
    total = await session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ids = await session.scalars(statement.order_by(*ordering).limit(query.limit).offset(query.offset))
    return list(ids), total
