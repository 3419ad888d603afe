"""`python -m tests.bench`: what an invocation and a store cost, in one run on this machine.

First the bare runtime client beside ours (warm, cold, a map of a thousand), then cold starts of all kinds and
what idle environments cost, then the store (writes, merge, reads while others write), then the notebooks over a
million executions, then looks at the dashboard, then boto3 through the port beside boto3 against a server that answers at once, then workflows beside moto. Each part can be run alone, with options: `python tests/bench/runtime_bench.py --help`. Only
alone runs `peers_bench.py`, which installs other tools into temporary folders and measures them beside ours.
"""

import subprocess
import sys
from pathlib import Path

PARTS = (
    "runtime_bench.py",
    "cold_bench.py",
    "store_bench.py",
    "notebook_bench.py",
    "dashboard_bench.py",
    "endpoint_bench.py",
    "workflow_bench.py",
)


def main() -> int:
    """Run the parts one after the other; the worst of their exit statuses."""
    here = Path(__file__).parent
    return max(subprocess.run([sys.executable, str(here / part)]).returncode for part in PARTS)


if __name__ == "__main__":
    sys.exit(main())
