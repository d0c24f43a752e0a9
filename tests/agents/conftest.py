"""What tests of agents share."""

from collections.abc import Iterator

import pytest

from awe_app.tools import registry
from tests.agents.own_tools import MADE, OWN, Together


@pytest.fixture
def own_tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, str]]]:
    """Registers them; gives the list of calls."""
    monkeypatch.setattr(registry, "_third_party", lambda: iter(OWN))
    registry.discover_tools.cache_clear()
    MADE.clear()
    Together.most = 0
    yield MADE
    registry.discover_tools.cache_clear()
