"""What the models of a provider have refused to be told, remembered so that it is not sent to them again."""

import time
from collections import OrderedDict
from collections.abc import Callable

KEPT_S = 3600.0
"""Providers learn; what they refused is tried again after an hour."""
MOST = 1_000
"""Models that are remembered at once, the last used."""


class Dialects:
    """Names of parameters that are left out, by the address and name of a model."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: OrderedDict[tuple[str, str], tuple[float, tuple[str, ...]]] = OrderedDict()

    def left_out(self, base_url: str, model: str) -> tuple[str, ...]:
        """What this model refused, in the order in which it did."""
        until, names = self._known.get((base_url, model), (0.0, ()))
        return names if self._now() < until else ()

    def remember(self, base_url: str, model: str, names: tuple[str, ...]) -> None:
        """This model answered when these were left out."""
        self._known[base_url, model] = (self._now() + KEPT_S, names)
        self._known.move_to_end((base_url, model))
        if len(self._known) > MOST:
            self._known.popitem(last=False)
