"""Collections and documents in the database: how they were set up, and how far each document is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from awe_app.adapters.columns import search_text
from awe_app.adapters.db import Database
from awe_app.adapters.listing import matching, order, page_of_ids
from awe_app.adapters.tables import CollectionRow, ContentRow, DocumentRow
from awe_app.domain.errors import Conflict
from awe_app.domain.ids import UserId, new_id, utc_now
from awe_app.domain.knowledge import Collection, Document, DocumentStatus, SourceKind
from awe_app.domain.pages import Page, PageQuery

LEASE = timedelta(seconds=120)
"""How long a process that says nothing keeps a document."""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that is to be indexed."""

    name: str
    kind: SourceKind
    source: str
    media_type: str
    content: bytes | None
    """None for a page, which is fetched."""


@dataclass(frozen=True, slots=True)
class Work:
    """A document that the caller shall index now."""

    document: Document
    collection: Collection
    content: bytes | None


class KnowledgeStore:
    """Collections of everybody; whose they are is asked with each call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, collection: Collection) -> Collection:
        """Store a new collection. Raises Conflict ``COLLECTION_EXISTS``."""
        row = CollectionRow(
            id=collection.id,
            user_id=collection.user_id,
            name=collection.name,
            search_text=search_text(collection.name, collection.description),
            description=collection.description,
            embedder=collection.embedder,
            chunk_chars=collection.chunk_chars,
            overlap_chars=collection.overlap_chars,
            by_headings=collection.by_headings,
            created_at=collection.created_at,
            updated_at=collection.updated_at,
        )
        try:
            async with self._database.sessions.begin() as session:
                session.add(row)
        except IntegrityError:
            detail = f"you have a collection '{collection.name}' already"
            raise Conflict("COLLECTION_EXISTS", detail, "choose another name") from None
        return collection

    async def get(self, user_id: UserId, collection_id: str) -> Collection | None:
        """The user's collection with its figures, or None."""
        found = select(CollectionRow).where(
            col(CollectionRow.id) == collection_id, col(CollectionRow.user_id) == user_id
        )
        async with self._database.sessions() as session:
            row = await session.scalar(found)
            return _collection(row, (await _figures(session, [row.id])).get(row.id)) if row is not None else None

    async def list(self, user_id: UserId, query: PageQuery) -> Page[Collection]:
        """The user's collections, by name unless ``query.sort`` says otherwise. Raises Invalid ``BAD_SORT``."""
        sortable = {
            "name": func.lower(col(CollectionRow.name)),
            "created_at": col(CollectionRow.created_at),
            "updated_at": col(CollectionRow.updated_at),
        }
        ordering = order(query.sort, sortable, "name", col(CollectionRow.id))
        wanted = select(col(CollectionRow.id)).where(
            col(CollectionRow.user_id) == user_id, *matching(col(CollectionRow.search_text), query.q)
        )
        async with self._database.sessions() as session:
            ids, total = await page_of_ids(session, wanted, ordering, query)
            found = await session.scalars(select(CollectionRow).where(col(CollectionRow.id).in_(ids)))
            rows = {row.id: row for row in found}
            figures = await _figures(session, ids)
        return Page([_collection(rows[i], figures.get(i)) for i in ids if i in rows], total, query.limit, query.offset)

    async def delete(self, collection_id: str) -> None:
        """Delete a collection with its documents."""
        async with self._database.sessions.begin() as session:
            await session.execute(delete(CollectionRow).where(col(CollectionRow.id) == collection_id))

    async def add(self, collection_id: str, documents: Sequence[NewDocument]) -> "Sequence[Document]":
        """Queue documents."""
        now = utc_now()
        waiting = select(func.count()).where(
            col(DocumentRow.collection_id) == collection_id, col(DocumentRow.status).in_(("queued", "indexing"))
        )
        async with self._database.sessions.begin() as session:
            before = await session.scalar(waiting) or 0
            rows = [
                DocumentRow(
                    id=new_id(),
                    collection_id=collection_id,
                    name=new.name,
                    search_text=search_text(new.name, new.source),
                    kind=new.kind,
                    source=new.source,
                    media_type=new.media_type,
                    size_bytes=len(new.content or b""),
                    status="queued",
                    turn=before + n,
                    chunks=0,
                    chunks_done=0,
                    created_at=now,
                    updated_at=now,
                )
                for n, new in enumerate(documents)
            ]
            session.add_all(rows)
            await session.flush()
            session.add_all(
                ContentRow(document_id=row.id, data=new.content)
                for row, new in zip(rows, documents, strict=True)
                if new.content is not None
            )
            await session.execute(_touched(collection_id))
        return [_document(row) for row in rows]

    async def documents(self, collection_id: str, query: PageQuery, status: str | None) -> Page[Document]:
        """The documents of a collection, the newest first unless ``query.sort`` says otherwise."""
        sortable = {
            "name": func.lower(col(DocumentRow.name)),
            "created_at": col(DocumentRow.created_at),
            "updated_at": col(DocumentRow.updated_at),
        }
        ordering = order(query.sort, sortable, "-created_at", col(DocumentRow.id))
        wanted = select(col(DocumentRow.id)).where(
            col(DocumentRow.collection_id) == collection_id,
            *matching(col(DocumentRow.search_text), query.q),
            *([col(DocumentRow.status) == status] if status else []),
        )
        async with self._database.sessions() as session:
            ids, total = await page_of_ids(session, wanted, ordering, query)
            found = await session.scalars(select(DocumentRow).where(col(DocumentRow.id).in_(ids)))
            rows = {row.id: row for row in found}
        return Page([_document(rows[i]) for i in ids if i in rows], total, query.limit, query.offset)

    async def document(self, collection_id: str, document_id: str) -> Document | None:
        """One document of a collection, or None."""
        async with self._database.sessions() as session:
            row = await session.get(DocumentRow, document_id)
        return _document(row) if row is not None and row.collection_id == collection_id else None

    async def remove(self, collection_id: str, document_id: str) -> None:
        """Delete a document."""
        async with self._database.sessions.begin() as session:
            await session.execute(delete(DocumentRow).where(col(DocumentRow.id) == document_id))
            await session.execute(_touched(collection_id))

    async def queue(self, document_id: str) -> None:
        """Have a document indexed again."""
        fresh: dict[str, Any] = {"status": "queued", "turn": 0, "chunks": 0, "chunks_done": 0, "error": None}
        await self._change(document_id, **fresh, leased_until=None)

    async def take(self) -> Work | None:
        """The next document in turn, for the caller alone until ``LEASE`` has passed without a word from it."""
        now = utc_now()
        lapsed = or_(col(DocumentRow.leased_until).is_(None), col(DocumentRow.leased_until) < now)
        free = or_(
            col(DocumentRow.status) == "queued",
            (col(DocumentRow.status) == "indexing") & lapsed,
        )
        following = (
            select(col(DocumentRow.id))
            .where(col(DocumentRow.status).in_(("queued", "indexing")), free)
            .order_by(col(DocumentRow.turn), col(DocumentRow.created_at))
            .limit(1)
        )
        if not self._database.is_sqlite:
            following = following.with_for_update(skip_locked=True)
        change = (
            update(DocumentRow)
            .where(col(DocumentRow.id).in_(following.scalar_subquery()))
            .values(status="indexing", leased_until=now + LEASE, updated_at=now)
            .returning(DocumentRow)
        )
        async with self._database.sessions.begin() as session:
            row = await session.scalar(change)
            if row is None:
                return None
            collection = await session.get(CollectionRow, row.collection_id)
            content = await session.get(ContentRow, row.id)
        if collection is None:
            return None
        return Work(_document(row), _collection(collection, None), content.data if content is not None else None)

    async def report(self, document_id: str, done: int, total: int) -> bool:
        """Say how far it is, which also renews the lease; False when the document was deleted or queued again."""
        now = utc_now()
        return await self._indexing(document_id, chunks=total, chunks_done=done, leased_until=now + LEASE)

    async def finish(
        self, document_id: str, *, chunks: int, name: str, media_type: str, size_bytes: int, error: Any = None
    ) -> bool:
        """Say that it is ready, or that it failed; False when the document was deleted or queued again."""
        status: DocumentStatus = "failed" if error else "ready"
        return await self._indexing(
            document_id,
            status=status,
            error=error,
            chunks=chunks,
            chunks_done=chunks,
            leased_until=None,
            name=name,
            media_type=media_type,
            size_bytes=size_bytes,
        )

    async def release_all(self) -> None:
        """Queue what a process left behind. For where no other process can be at work."""
        change = update(DocumentRow).where(col(DocumentRow.status) == "indexing")
        async with self._database.sessions.begin() as session:
            await session.execute(change.values(status="queued", leased_until=None))

    async def _indexing(self, document_id: str, **values: Any) -> bool:
        change = update(DocumentRow).where(col(DocumentRow.id) == document_id, col(DocumentRow.status) == "indexing")
        async with self._database.sessions.begin() as session:
            done = await session.execute(change.values(updated_at=utc_now(), **values))
        return bool(cast(Any, done).rowcount)

    async def _change(self, document_id: str, **values: Any) -> None:
        change = update(DocumentRow).where(col(DocumentRow.id) == document_id)
        async with self._database.sessions.begin() as session:
            await session.execute(change.values(updated_at=utc_now(), **values))


def _touched(collection_id: str) -> Any:
    return update(CollectionRow).where(col(CollectionRow.id) == collection_id).values(updated_at=utc_now())


async def _figures(session: Any, ids: Sequence[str]) -> dict[str, tuple[int, int, int, int]]:
    """Documents, those that are ready, those that failed, and chunks, of each collection."""
    status = col(DocumentRow.status)
    counted = (
        select(
            col(DocumentRow.collection_id),
            func.count(),
            func.sum(case((status == "ready", 1), else_=0)),
            func.sum(case((status == "failed", 1), else_=0)),
            func.sum(case((status == "ready", col(DocumentRow.chunks)), else_=0)),
        )
        .where(col(DocumentRow.collection_id).in_(ids))
        .group_by(col(DocumentRow.collection_id))
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in await session.execute(counted)}


def _collection(row: CollectionRow, figures: tuple[int, int, int, int] | None) -> Collection:
    documents, ready, failed, chunks = figures or (0, 0, 0, 0)
    return Collection(
        id=row.id,
        user_id=UserId(row.user_id),
        name=row.name,
        description=row.description,
        embedder=row.embedder,
        chunk_chars=row.chunk_chars,
        overlap_chars=row.overlap_chars,
        by_headings=row.by_headings,
        created_at=row.created_at,
        updated_at=row.updated_at,
        documents=documents,
        ready=ready,
        failed=failed,
        chunks=chunks,
    )


def _document(row: DocumentRow) -> Document:
    return Document(
        id=row.id,
        collection_id=row.collection_id,
        name=row.name,
        kind=cast(SourceKind, row.kind),
        source=row.source,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        status=cast(DocumentStatus, row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        chunks=row.chunks,
        chunks_done=row.chunks_done,
        error=row.error,
    )
