"""``make bench``: every workload, a table, and ``bench/results.json``. ``ARGS="w1 w3"`` runs some, without writing."""

import argparse
import asyncio
import importlib
import json
from pathlib import Path

from bench.measure import Row, machine, table

WORKLOADS = ("w1_chain", "w2_fan_out", "w3_waits", "w4_rest", "w5_start", "w6_loop")
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("workloads", nargs="*", help="such as w1; all when none is named")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    chosen = [w for w in WORKLOADS if not options.workloads or w.partition("_")[0] in options.workloads]
    if not chosen:
        parser.error(f"known are {', '.join(w.partition('_')[0] for w in WORKLOADS)}")
    before = machine()
    rows: list[Row] = []
    for workload in chosen:
        print(f"{workload} …", flush=True)
        rows += asyncio.run(importlib.import_module(f"bench.{workload}").main(options.rounds))
    print(f"\n{table(rows)}")
    if len(chosen) == len(WORKLOADS):
        found = {"machine": before, "rows": [row.as_json() for row in rows]}
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
