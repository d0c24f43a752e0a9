"""Finding chunks by their words: BM25 by SQLite's FTS5, in memory, filled from Chroma when it is first asked.

The same whatever database AWE runs on. English words are found in all their forms (Porter's stems), others as they are
written, with or without accents; Chinese, Japanese and Korean by their characters.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence

from awe_app.adapters.storable import match_key

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_ALONE = re.compile(f"[{_CJK}]")
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 64
"""Of a question; more make it slower and hardly better."""
_SMALL_WORDS = (
    "a about an and are as at be been being but by can could did do does doing for from had has have having how i if in"
    " is it its me my no not of on or our she he should so that the their them then there these they this to was we"
    " were what when where which who whose why will with would you your"
)
STOP_WORDS = frozenset(_SMALL_WORDS.split())
"""English words that say nothing about what a question is about. They are left out of it where others remain."""


class KeywordIndex:
    """The words of one collection's chunks. Any thread may call."""

    def __init__(self, rows: Iterable[tuple[str, str]] = ()) -> None:
        """``rows`` are ids and texts."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("CREATE TABLE ids (n INTEGER PRIMARY KEY, id TEXT UNIQUE)")
        self._db.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61 remove_diacritics 2')")
        self.put(rows)

    def put(self, rows: Iterable[tuple[str, str]]) -> None:
        """Add texts, in place of those that have the same ids."""
        rows = list(rows)
        with self._lock:
            self._db.execute("BEGIN")
            self._remove([chunk_id for chunk_id, _text in rows])
            for chunk_id, text in rows:
                number = self._db.execute("INSERT INTO ids (id) VALUES (?)", (chunk_id,)).lastrowid
                self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, _spaced(text)))
            self._db.execute("COMMIT")

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these, where they are known."""
        with self._lock:
            self._db.execute("BEGIN")
            self._remove(ids)
            self._db.execute("COMMIT")

    def search(self, query: str, limit: int) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the chunks that hold any of the words, best first."""
        words = list(dict.fromkeys(_WORD.findall(_spaced(query))))
        wanted = [word for word in words if word not in STOP_WORDS] or words
        if not wanted:
            return []
        matching = " OR ".join(f'"{word}"' for word in wanted[:_MOST_WORDS])
        sql = (
            "SELECT id, -rank FROM (SELECT rowid AS n, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?)"
            " JOIN ids USING (n) ORDER BY rank, n"
        )
        with self._lock:
            rows = self._db.execute(sql, (matching, limit)).fetchall()
        return [(str(chunk_id), float(score)) for chunk_id, score in rows]

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._db.close()

    def _remove(self, ids: Sequence[str]) -> None:
        for chunk_id in ids:
            row = self._db.execute("DELETE FROM ids WHERE id = ? RETURNING n", (chunk_id,)).fetchone()
            if row is not None:
                self._db.execute("DELETE FROM words WHERE rowid = ?", row)


def _spaced(text: str) -> str:
    """The text as it is compared, every Chinese, Japanese or Korean character a word."""
    return _ALONE.sub(r" \g<0> ", match_key(text))
