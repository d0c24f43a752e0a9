"""``make bench``: every workload, a table, ``bench/results.json``, and the page and the picture in docs/.

``ARGS="w1 w3"`` runs some, without writing; with ``--update`` their rows take the place of the last ones.
"""

import argparse
import asyncio
import gc
import importlib
import json
from pathlib import Path

from awe_app.collecting import collect_seldom
from bench.measure import Row, machine, table
from bench.page import write_page

WORKLOADS = (
    "w1_chain",
    "w2_fan_out",
    "w3_waits",
    "w4_rest",
    "w5_start",
    "w6_loop",
    "w7_agents",
    "w8_memory",
    "w9_growth",
    "w10_retrieval",
    "w11_indexing",
    "w12_models",
)
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("workloads", nargs="*", help="such as w1; all when none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--update", action="store_true", help="write the rows of the named workloads")
    options = parser.parse_args()
    chosen = [w for w in WORKLOADS if not options.workloads or w.partition("_")[0] in options.workloads]
    if not chosen:
        parser.error(f"known are {', '.join(w.partition('_')[0] for w in WORKLOADS)}")
    before = machine()
    rows: list[Row] = []
    for workload in chosen:
        print(f"{workload} …", flush=True)
        work = importlib.import_module(f"bench.{workload}").main
        gc.collect()
        collect_seldom()  # as the server does
        rows += asyncio.run(work(options.rounds))
    print(f"\n{table(rows)}")
    if options.update or len(chosen) == len(WORKLOADS):
        new = [row.as_json() for row in rows]
        done = {row["workload"] for row in new}
        old = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if len(chosen) < len(WORKLOADS) else []
        found = {"machine": before, "rows": [row for row in old if row["workload"] not in done] + new}
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        write_page(found)


if __name__ == "__main__":
    main()
