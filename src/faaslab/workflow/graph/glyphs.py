"""Small marks of our own for the types of states and how they stand: paths in a square of 16. Data only."""

from __future__ import annotations

TYPES: dict[str, str] = {
    "Task": "M9.2 1.5 3.8 9h3.7l-.8 5.5L12.2 7H8.4z",
    "Choice": "M8 1.8 14.2 8 8 14.2 1.8 8zM6.3 6.3l3.4 3.4M9.7 6.3 6.3 9.7",
    "Wait": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8zM8 4.6V8l2.4 1.6",
    "Pass": "M2 8h11M9.2 4.2 13 8l-3.8 3.8",
    "Parallel": "M8 1.8v3M3.5 14.2V7.6a2.8 2.8 0 0 1 2.8-2.8h3.4a2.8 2.8 0 0 1 2.8 2.8v6.6M8 4.8v9.4",
    "Map": "M5.2 2.2h8.6v8.6M2.2 5.2h8.6v8.6H2.2z",
    "Succeed": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8zM5.2 8.2l2 2 3.6-4.2",
    "Fail": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
    "Missing": "M5.4 6a2.6 2.6 0 1 1 3.8 2.3C8.4 8.7 8 9.2 8 10.2M8 12.8v.4",
}
STANDINGS: dict[str, str] = {
    "running": "M13.2 8A5.2 5.2 0 1 1 8 2.8",
    "succeeded": "M3.2 8.4l3.2 3.2 6.4-7.2",
    "failed": "M4 4l8 8M12 4l-8 8",
    "caught": "M8 2.6v6.8M8 12.8v.4",
    "aborted": "M4.4 4.4h7.2v7.2H4.4z",
}
RETRY = "M13 8A5 5 0 1 1 11.3 4.3M11.6 1.5v3.1H8.5"
