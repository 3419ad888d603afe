"""Figures of the dashboard over a store of a million executions: what a look costs, and what none does.

Run as `python -m tests.bench.dashboard_bench` (or as a file) from the root of the project; --json for one
document. A look is timed on the wall and by the processor (all threads of the process together; that one says
the same on a busy machine). Idle is the share of one core over 20 seconds in which nothing is recorded. The
promises: under 150 ms for a look at 24 hours, under 5 % of a core when idle.
"""

import argparse
import contextlib
import io
import json
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from faaslab import app  # noqa: E402
from faaslab.clock import SystemClock  # noqa: E402
from faaslab.notebook.display import Surroundings  # noqa: E402
from faaslab.notebook.widgets.dashboard import TIMES, DashboardWidget  # noqa: E402
from faaslab.notebook.widgets.pulse import Pulse  # noqa: E402
from faaslab.verbs import DashboardAnswer  # noqa: E402
from tests.bench import synthetic_store  # noqa: E402

IDLE_S = 20


class Then(SystemClock):
    """The machine's clock, put back to when the last execution of the store had begun."""

    def __init__(self, now: datetime) -> None:
        self._back = super().now() - now

    def now(self) -> datetime:
        return super().now() - self._back


class Watched(DashboardWidget):
    """One that somebody is looking at."""

    @property
    def beats(self) -> bool:
        return self.going


def measure(rows: int, days: float) -> dict:
    """Milliseconds a look by window, and the share of a core that an idle one takes."""
    found = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.duckdb"
        synthetic_store.fill(path, rows, days)
        clock = Then(datetime(2026, 11, 2) + timedelta(days=days))
        with app.open(store=path, cache=Path(folder) / "cache", clock=clock) as lab:
            for name, since in TIMES.items():
                found[name] = _looks(lab, since)
            found["idle_share_of_a_core"] = {since: _idle(lab, since) for since in ("5m", "1h", "24h")}
    return found


def _looks(lab, since: str) -> dict:
    wall, processor = [], []
    for _ in range(7):
        begun, used = time.perf_counter(), time.process_time()
        found = lab.monitoring.dashboard(since=since)
        wall.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - used))
    return {
        "invocations": found.total.invocations,
        "wall_ms": round(statistics.median(wall), 1),
        "processor_ms": round(statistics.median(processor), 1),
    }


def _idle(lab, since: str) -> float:
    answer = DashboardAnswer(dashboard=lab.monitoring.dashboard(since=since), since=since)
    board, pulse = Watched(answer, lab, Surroundings()), Pulse()
    with contextlib.redirect_stdout(io.StringIO()):
        board.begin(pulse)
    board.widget()
    board.beat()
    pulse.wake(board)
    time.sleep(1)
    begun, used = time.perf_counter(), time.process_time()
    time.sleep(IDLE_S)
    share = (time.process_time() - used) / (time.perf_counter() - begun)
    pulse.close()
    board.close()
    return round(share, 4)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = measure(words.rows, words.days)
    if words.json:
        print(json.dumps(found))
    else:
        for name, figures in found.items():
            print(f"{name:>22}  {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
