"""``docs/performance.md`` and its picture out of ``bench/results.json``; ``python -m bench.page`` writes them anew."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Goal:
    """What issue 3 asks of one figure, and what others reached when we measured them."""

    title: str
    workload: str
    system: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    over: str = ""
    """The system of the same run that it is divided by."""
    peers: str = ""

    def value(self, rows: Sequence[Mapping[str, Any]]) -> float:
        """The median, or the ratio of the medians of one run."""
        found = self._median(rows, self.system)
        return found / self._median(rows, self.over) if self.over else found

    def _median(self, rows: Sequence[Mapping[str, Any]], system: str) -> float:
        return next(
            row["median"]
            for row in rows
            if (row["workload"], row["system"], row["unit"]) == (self.workload, system, self.unit)
        )

    def met(self, value: float) -> bool:
        return value <= self.at_most if self.at_most is not None else value >= (self.at_least or 0)


STORED, ENGINE = "AWE, stored in SQLite", "AWE engine, not stored"
GOALS = (
    Goal(
        "W1: chain of 100, ms", "W1 chain of 100", ENGINE, "ms", 2, peers="Burr 3.3, pydantic-graph 6.1, LangGraph 19.5"
    ),
    Goal("W1 over plain asyncio tasks", "W1 chain of 100", ENGINE, "ms", 2.5, over="asyncio floor, a task a node"),
    Goal("W1 stored, ms", "W1 chain of 100", STORED, "ms", 10, peers="LangGraph + SQLite 163"),
    Goal(
        "W1 stored, every node effectful, over hand-written",
        "W1, every node effectful",
        STORED,
        "ms",
        1.5,
        over="hand-written floor, a synced commit a node",
        peers="DBOS steps 5–9, LangGraph 7",
    ),
    Goal(
        "200 executions × 10 effectful nodes, ms",
        "200 × 10 effectful nodes",
        STORED,
        "ms",
        250,
        peers="DBOS steps 4,100–8,300, LangGraph 4,400",
    ),
    Goal("W2: fan-out of 100, ms", "W2 1 → 100 → 1", ENGINE, "ms", 3, peers="Haystack 5.6, LangGraph 14"),
    Goal(
        "W3: 20 waits of 200 ms, over 200 ms",
        "W3 20 × 200 ms",
        "AWE engine",
        "× 200 ms",
        1.05,
        peers="LangGraph 1.03; n8n and Flowise 21, branches one after another",
    ),
    Goal(
        "W3: 20 agents over HTTP, over 200 ms",
        "W3 20 agents over HTTP",
        "AWE engine",
        "× 200 ms",
        1.10,
        peers="aiohttp alone: next line; LangGraph 1.21, Haystack 1.20 (plain httpx, no model client)",
    ),
    Goal(
        "W3: the same 20 requests over plain aiohttp tasks",
        "W3 20 agents over HTTP",
        "AWE engine",
        "× 200 ms",
        1.10,
        over="aiohttp alone",
    ),
    Goal("A model call, engine and all, ms of CPU", "Model call, CPU", "AWE engine", "ms CPU", 1, peers="litellm 5–12"),
    Goal(
        "W4: REST, 16 clients, stored, executions/s",
        "W4 five nodes, REST",
        STORED,
        "exec/s",
        at_least=400,
        peers="n8n 20 (legacy expressions 66), Flowise 46, Langflow 7, LangGraph + SQLite 83",
    ),
    Goal(
        "W4 over one transaction each",
        "W4 five nodes, REST",
        STORED,
        "exec/s",
        at_least=0.3,
        over="five functions + SQLite, a transaction each",
    ),
    Goal("W4: 95th percentile, ms", "W4 five nodes, REST", STORED, "ms p95", 80, peers="n8n 964 (349), Flowise 433"),
    Goal(
        "W5: cold start to the first execution, s",
        "W5 cold start",
        STORED,
        "s",
        3,
        peers="n8n 7.4, Flowise 9.5, Langflow 17.5",
    ),
    Goal("W5: of it CPU time of all processes, s", "W5 cold start", STORED, "s CPU", 3),
    Goal("W5: idle memory, MB", "W5 cold start", STORED, "MB idle", 250, peers="n8n 885, Flowise 737, Langflow 1,411"),
    Goal(
        "W6: loop of 1,000, ms",
        "W6 loop of 1,000",
        ENGINE,
        "ms",
        40,
        peers="Burr 65, pydantic-graph 113, LangGraph 430",
    ),
    Goal("W6 stored, ms", "W6 loop of 1,000", STORED, "ms", 120, peers="LangGraph + SQLite 1,600"),
    Goal("1,000 waiting executions, MB more", "Memory, 1,000 waiting executions", STORED, "MB more", 50),
)

PAGE = """# How fast it is

Written by `make bench` on {date} ({processor}, {cores} cores, Python {python}, load before {load}); every figure, with
its spread, is in [bench/results.json](../bench/results.json). Systems of one workload take turns in the same run, so
ratios hold where times depend on the machine. The last column is what we measured of others on such a machine
earlier, each in its usual setting: it says the order of magnitude, no more.

| | goal | now | | others |
|---|---:|---:|---|---|
{table}

## Growth

Twice as much may take at most twice as long; the grey lines do exactly that. CPU time of one process, the garbage
collector's included. The figure is the time that a doubling multiplies, as the straight line through the measured
points has it; a tenth above 2 is allowed for what the processor's caches no longer hold.

| | from | to | time per doubling | |
|---|---:|---:|---:|---|
{growth}

![CPU time over size, both axes logarithmic](performance.svg)

## Why it is so

- **Pure nodes run in line**, without a task and without a commit; the plan of a workflow is made once for each version.
- **The garbage collector has nothing to do.** Executions leave it no garbage, and it leaves alone what is loaded.
- **One thread writes.** What several executions, or the end of a node and the beginning of the next, have to store
  within 2 ms shares a commit. Only who must know that something is stored waits for it.
- **A request asks the database one small question**, together with all that ask at the same time: which version of the
  workflow there is, and whose. The file is read again only when that changed, so what another process saved, shared
  or deleted counts at once. A log-out in another process counts within two seconds.
- **Models that speak OpenAI's protocol are called directly** over connections that stay open. The others go through
  litellm, whose work for one answer took 5 to 12 ms of CPU on the loop when we measured it, and which then bounds how
  many can be asked at once.
"""


def write_page(found: Mapping[str, Any]) -> None:
    """Write the page and the picture."""
    rows, machine = found["rows"], found["machine"]
    table = "\n".join(_line(goal, rows) for goal in GOALS)
    growth = "\n".join(_growth_line(what, line) for what, line in _growth(rows).items())
    page = PAGE.format(load=machine["load_before"], table=table, growth=growth, **{k: machine[k] for k in _SHOWN})
    (DOCS / "performance.md").write_text(page, encoding="utf-8")
    (DOCS / "performance.svg").write_text(_picture(rows), encoding="utf-8")


_SHOWN = ("date", "processor", "cores", "python")


def _line(goal: Goal, rows: Sequence[Mapping[str, Any]]) -> str:
    value = goal.value(rows)
    wanted = f"≤ {goal.at_most:g}" if goal.at_most is not None else f"≥ {goal.at_least:g}"
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"| {goal.title} | {wanted} | {shown} | {'met' if goal.met(value) else '**missed**'} | {goal.peers} |"


MOST_PER_DOUBLING = 2.2
"""Two, and a tenth: small sizes stay in the processor's caches, large ones do not."""


def _growth(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """What is measured at several sizes: size and median."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["workload"].startswith("Growth: "):
            size = float(row["system"].replace(",", ""))
            lines.setdefault(row["workload"].removeprefix("Growth: "), []).append((size, row["median"]))
    return lines


def per_doubling(line: Sequence[tuple[float, float]]) -> float:
    """By how much the time is multiplied when the size is doubled: the straight line through the logarithms."""
    return 2 ** statistics.linear_regression([math.log2(x) for x, _ in line], [math.log2(y) for _, y in line]).slope


def _growth_line(what: str, line: Sequence[tuple[float, float]]) -> str:
    times = per_doubling(line)
    verdict = "met" if times <= MOST_PER_DOUBLING else "**missed**"
    (low, low_ms), (high, high_ms) = line[0], line[-1]
    return f"| {what} | {low:,.0f}: {low_ms:.1f} ms | {high:,.0f}: {high_ms:.0f} ms | {times:.2f} | {verdict} |"


WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 760, 420, 60, 20, 430, 350
COLOURS = ("#2563eb", "#d97706", "#059669", "#be185d")


def _picture(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = _growth(rows)
    points = [point for line in lines.values() for point in line]
    low_x, high_x = (f(math.log2(x) for x, _ in points) for f in (min, max))
    low_y, high_y = (f(math.log2(y) for _, y in points) for f in (min, max))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log2(x) - low_x) / (high_x - low_x)
        up = (math.log2(y) - low_y) / (high_y - low_y)
        return round(LEFT + across * PLOT_W, 1), round(TOP + (1 - up) * PLOT_H, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<path d="M{LEFT} {TOP}V{TOP + PLOT_H}H{LEFT + PLOT_W}" fill="none" stroke="#64748b"/>',
    ]
    for exponent in range(math.ceil(low_x), math.floor(high_x) + 1):
        x, _ = place(2.0**exponent, 2.0**low_y)
        parts.append(f'<text x="{x}" y="{TOP + PLOT_H + 18}" text-anchor="middle">{2**exponent:,}</text>')
    for exponent in range(math.ceil(low_y), math.floor(high_y) + 1):
        _, y = place(2.0**low_x, 2.0**exponent)
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{2**exponent:,} ms</text>')
    for number, (what, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        (x0, y0), (x1, _) = line[0], line[-1]
        for ends, stroke in ((((x0, y0), (x1, y0 * x1 / x0)), "#cbd5e1"), (line, colour)):
            corners = " ".join(f"{a},{b}" for a, b in (place(*end) for end in ends))
            parts.append(f'<polyline points="{corners}" fill="none" stroke="{stroke}" stroke-width="2"/>')
        for point in line:
            a, b = place(*point)
            parts.append(f'<circle cx="{a}" cy="{b}" r="3.5" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + PLOT_W + 16}" y="{TOP + 20 + number * 22}" fill="{colour}">{what}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    write_page(json.loads(RESULTS.read_text(encoding="utf-8")))
