"""Patterns that need the services run on SQLite and PostgreSQL, as everything else does."""

from tests.services.conftest import house

__all__ = ["house"]
