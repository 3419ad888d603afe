"""Figures of the analysis notebooks over a store of a million executions: seconds and memory of a report each.

Run as `python -m tests.bench.notebook_bench` (or as a file) from the root of the project; --json for one
document. Time is from the call to the finished HTML (kernel start included); memory is the most that the
process tree of the report held at once. The promise: under 15 s and 1 GB each.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))

from faaslab.reports.run import run  # noqa: E402
from tests.bench import synthetic_store  # noqa: E402

NOTEBOOKS = ("cold_starts", "durations", "costs")
SECONDS, MEGABYTES = 15, 1024


class Memory:
    """The most that the children of this process held together while it was watched."""

    def __init__(self) -> None:
        self.most_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.05):
            held = 0
            for child in me.children(recursive=True):
                try:
                    held += child.memory_info().rss
                except psutil.Error:
                    continue
            self.most_mb = max(self.most_mb, held / 2**20)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def measure(rows: int, days: float) -> dict:
    """Seconds and megabytes per notebook, and what making the store took."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "faaslab.duckdb"
        began = time.perf_counter()
        synthetic_store.fill(store, rows, days)
        figures = {"rows": rows, "fill_s": round(time.perf_counter() - began, 1), "notebooks": {}}
        for name in NOTEBOOKS:
            began = time.perf_counter()
            with Memory() as memory:
                done = run(
                    ROOT / "notebooks" / f"{name}.ipynb",
                    parameters={"store": str(store)},
                    out_dir=Path(folder) / "pages",
                )
            figures["notebooks"][name] = {
                "seconds": round(time.perf_counter() - began, 1),
                "peak_mb": round(memory.most_mb),
                "status": str(done.status),
            }
    return figures


def main() -> int:
    """Print the figures; exit status 1 when a notebook failed or broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.rows, options.days)
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"{figures['rows']:,} executions, made in {figures['fill_s']} s")
        for name, of in figures["notebooks"].items():
            print(f"  {name:12} {of['seconds']:5.1f} s  {of['peak_mb']:5,} MB  {of['status']}")
    kept = all(
        of["status"] == "completed" and of["seconds"] < SECONDS and of["peak_mb"] < MEGABYTES
        for of in figures["notebooks"].values()
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
