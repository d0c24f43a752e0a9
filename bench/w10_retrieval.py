"""Retrieval on the labelled set: the share of right passages among the first five, and how high the first one is."""

from bench.measure import Row
from bench.recall import MODES, measure_local

EMBEDDER = "all-MiniLM-L6-v2"


async def main(_rounds: int) -> list[Row]:
    """The local embedder's; there is no chance in it, so one round says all."""
    found = await measure_local()
    kinds = [kind for kind in dict.fromkeys(kind for _mode, kind in found) if kind != "all"]
    rows: list[Row] = []
    for mode in MODES:
        note = ", ".join(f"{kind} {found[mode, kind].recall:.3f}" for kind in kinds)
        rows.append(Row("Retrieval", f"{EMBEDDER}, {mode}", "recall@5", [found[mode, "all"].recall], note))
        note = ", ".join(f"{kind} {found[mode, kind].mrr:.3f}" for kind in kinds)
        rows.append(Row("Retrieval", f"{EMBEDDER}, {mode}", "MRR", [found[mode, "all"].mrr], note))
    return rows
