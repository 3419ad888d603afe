"""`python -m faaslab`."""

from __future__ import annotations

import sys

from faaslab.cli import main

if __name__ == "__main__":
    sys.exit(main())
