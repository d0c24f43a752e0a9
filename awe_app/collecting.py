"""When Python looks for cyclic garbage."""

import gc

ALLOCATIONS = 20_000
"""Containers that come into being, and stay, before it looks for garbage among them; Python's own figure is 700.

Executions leave nothing to find (``Run.take_apart``), and while hundreds of them are under way, what they hold would be
walked through again and again. What others leave, such as tracebacks and pages' states, waits a little longer.
"""


def collect_seldom() -> None:
    """To be called once all is loaded: what is there now stays, so later collections need not walk through it."""
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
