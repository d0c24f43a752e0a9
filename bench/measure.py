"""Measuring: rounds in turn, medians, and what the machine was."""

import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

Work = Callable[[], Awaitable[Any]]


@dataclass
class Row:
    """One system in one workload."""

    workload: str
    system: str
    unit: str
    values: list[float] = field(default_factory=list)
    """One a round."""
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        """The row as ``bench/results.json`` holds it."""
        return {
            "workload": self.workload,
            "system": self.system,
            "unit": self.unit,
            "median": round(self.median, 4),
            "min": round(min(self.values), 4),
            "max": round(max(self.values), 4),
            "rounds": len(self.values),
            "note": self.note,
        }


async def in_turn(workload: str, systems: Mapping[str, Work], *, rounds: int, each: int) -> list[Row]:
    """Time the systems one after the other, round by round, so that a slow minute hits all alike.

    Every round gives the median of ``each`` calls, in milliseconds, after one call to warm up.
    """
    rows = {name: Row(workload, name, "ms") for name in systems}
    for _ in range(rounds):
        for name, work in systems.items():
            await work()
            times = []
            for _ in range(each):
                begin = time.perf_counter()
                await work()
                times.append((time.perf_counter() - begin) * 1000)
            rows[name].values.append(statistics.median(times))
    return list(rows.values())


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in ("reflex", "fastapi", "langgraph", "langgraph-checkpoint-sqlite")},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.machine()


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| workload | system | median | min–max | unit | note |", "|---|---|---:|---:|---|---|"]
    for row in rows:
        span = f"{min(row.values):,.2f}–{max(row.values):,.2f}"
        lines.append(f"| {row.workload} | {row.system} | {row.median:,.2f} | {span} | {row.unit} | {row.note} |")
    return "\n".join(lines)
