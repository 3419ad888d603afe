"""A large store of made-up executions (source 'simulated'), for measuring: N rows in a few seconds, by SQL.

    python -m tests.bench.synthetic_store PATH [ROWS] [DAYS]

Eight functions over some days, busy by day and quiet by night: environments that expire when idle, versions,
two memory sizes of one function, errors, timeouts, slow tails that have causes. The same rows every time.
"""

import sys
from pathlib import Path

import duckdb

from faaslab.model.event import Event
from faaslab.store import Store
from faaslab.store.schema import TABLES

# name, share of the calls, runtime, architecture, memory, timeout, median ms, spread, init ms, used MB, lanes
FUNCTIONS = """(VALUES
    ('api-orders',    0.34, 'python3.13',  'x86_64', 1024,  10,   42.0, 0.55,  310.0,  142, 12),
    ('api-search',    0.22, 'python3.13',  'arm64',   512,  10,   88.0, 0.70,  420.0,  301,  9),
    ('thumbnails',    0.14, 'python3.12',  'x86_64', 2048,  60,  640.0, 0.60,  890.0, 1490,  9),
    ('score',         0.11, 'python3.13',  'x86_64', 3008,  30,  210.0, 0.45, 2350.0,  612,  6),
    ('webhooks',      0.09, 'nodejs22.x',  'arm64',   256,   5,   18.0, 0.90,  190.0,   88,  5),
    ('etl-load',      0.05, 'python3.13',  'x86_64', 1769, 300, 2900.0, 0.80,  640.0,  930,  4),
    ('invoice-pdf',   0.03, 'java21',      'x86_64', 2048,  30,  480.0, 0.50, 3100.0,  410,  3),
    ('nightly-audit', 0.02, 'python3.11',  'x86_64',  512, 120, 5200.0, 0.40,  360.0,  210,  1)
) f(function, share, runtime, architecture, memory_mb, timeout_s, median_ms, spread, init, used_mb, lanes)"""

_ROWS = f"""
WITH f AS (SELECT * FROM {FUNCTIONS}),
ranges AS (SELECT *, sum(share) OVER (ORDER BY share DESC, function) AS upper,
                  coalesce(sum(share) OVER (ORDER BY share DESC, function ROWS BETWEEN UNBOUNDED PRECEDING
                      AND 1 PRECEDING), 0) AS lower FROM f),
-- Five independent uniform numbers a row, from hashes, so that the rows are the same on every machine.
u AS (SELECT i, {", ".join(f"(hash(i * 7 + {k}) % 1000003 + 0.5) / 1000003 AS u{k}" for k in range(1, 9))}
      FROM range(CAST($rows AS BIGINT)) t(i)),
-- Half of the calls follow the day (most at 14:00 UTC), half come evenly; weekends have fewer.
a AS (SELECT *, CAST($days AS DOUBLE) * 86400 * ((i + 0.5) / $rows) AS even_s,
             floor(even_s / 86400) * 86400
                 + 86400 * least(greatest(0.58 + 0.16 * sqrt(-2 * ln(u1)) * cos(2 * pi() * u2), 0), 0.99999)
                 AS day_s FROM u),
t AS (SELECT *, TIMESTAMP '2026-11-02' + to_microseconds(CAST(1e6 *
          CASE WHEN u3 < 0.72 THEN day_s ELSE even_s END AS BIGINT)) AS started_at FROM a),
g AS (SELECT t.*, ranges.* EXCLUDE (lower, upper),
             median_ms * exp(spread * sqrt(-2 * ln(u5)) * cos(2 * pi() * u6)) AS drawn_ms,
             CAST(floor(u7 * u7 * lanes) AS INTEGER) AS lane,
             CASE WHEN started_at < TIMESTAMP '2026-11-02' + to_microseconds(CAST($days * 0.45 * 86400e6 AS BIGINT))
                  THEN '1' ELSE '2' END AS version
      FROM t JOIN ranges ON u4 >= lower AND u4 < upper),
l AS (SELECT *, epoch(started_at) - epoch(lag(started_at) OVER lane_order) AS gap_s,
             lag(u8) OVER lane_order < 0.0006 AS after_crash
      FROM g WINDOW lane_order AS (PARTITION BY function, version, lane ORDER BY started_at, i)),
c AS (SELECT *, gap_s IS NULL OR gap_s > 330 + 240 * u6 OR after_crash AS cold_start FROM l),
e AS (SELECT *, sum(cold_start::INT) OVER (PARTITION BY function, version, lane ORDER BY started_at, i) AS nth,
             CASE WHEN cold_start THEN init * (0.8 + 0.5 * u1) * CASE WHEN version = '2' AND function = 'score'
                  THEN 0.62 ELSE 1 END * CASE WHEN u2 > 0.98 THEN 2.2 ELSE 1 END END AS init_ms,
             CAST(800 * exp(1.6 * sqrt(-2 * ln(u2)) * cos(2 * pi() * u1)) AS BIGINT) AS payload_bytes,
             CASE WHEN function = 'api-orders' AND version = '2' THEN 512 ELSE memory_mb END AS memory FROM c),
d AS (SELECT *, drawn_ms * CASE WHEN cold_start THEN 1.8 ELSE 1 END * (1 + payload_bytes / 60000.0)
             * CASE WHEN memory = 512 AND function = 'api-orders' THEN 1.35 ELSE 1 END AS ran_ms,
             least(memory, CAST(used_mb * (0.9 + 0.16 * u1 + 0.2 * (u5 < 0.01)::INT) AS INTEGER)) AS max_used
      FROM e),
s AS (SELECT *, CASE WHEN ran_ms > timeout_s * 1000 THEN 'timeout' WHEN u8 < 0.0006 THEN 'crash'
             WHEN u8 < 0.011 THEN 'failed' ELSE 'completed' END AS how,
             round(least(ran_ms, timeout_s * 1000), 3) AS duration FROM d)
SELECT format('sim-{{:012d}}', i) AS id, format('req-{{:012d}}', i) AS request_id, function, version, 'simulated' AS source,
       'simulated' AS backend, 'us-east-1' AS region, runtime, architecture, memory AS memory_mb, timeout_s,
       'RequestResponse' AS invocation_type, CASE how WHEN 'crash' THEN 'failed' ELSE how END AS status, started_at,
       started_at + to_microseconds(CAST(1000 * (duration + coalesce(init_ms, 0)) AS BIGINT)) AS ended_at,
       duration AS duration_ms, CAST(ceil(duration + coalesce(init_ms, 0)) AS BIGINT) AS billed_ms,
       round(init_ms, 3) AS init_ms, cold_start, 'on-demand' AS init_type,
       format('{{}}-{{}}-{{}}-{{}}', function, version, lane, nth) AS environment_id,
       max_used AS max_memory_mb, CASE WHEN u7 < 0.004 THEN 2 ELSE 1 END AS attempt, payload_bytes,
       CAST(payload_bytes * (0.4 + u5) AS BIGINT) AS result_bytes,
       CASE how WHEN 'crash' THEN 'Runtime.ExitError' WHEN 'timeout' THEN 'Sandbox.Timedout'
            WHEN 'failed' THEN CASE WHEN u1 < 0.6 THEN 'KeyError' WHEN u1 < 0.85 THEN 'ConnectionError'
            ELSE 'ValueError' END END AS error_type,
       CASE how WHEN 'crash' THEN 'RequestId: … Error: Runtime exited with error: exit status 1'
            WHEN 'timeout' THEN 'RequestId: … Error: Task timed out after ' || timeout_s || '.00 seconds'
            WHEN 'failed' THEN CASE WHEN u1 < 0.6 THEN '''customer_id''' WHEN u1 < 0.85 THEN
            'connection reset by peer' ELSE 'could not convert string to float' END END AS error_message
FROM s ORDER BY started_at
"""


def fill(path: Path, rows: int = 1_000_000, days: float = 14) -> None:
    """Create the store at `path` and put `rows` executions into its history."""
    with Store(path) as store:
        store.record(Event(id="start", type="bench", source="bench", payload={}, timestamp=store.clock.now()))
        store.merge()
    with duckdb.connect(str(path)) as connection:
        names = connection.sql(f"SELECT * FROM ({_ROWS}) LIMIT 0", params={"rows": 1, "days": 1}).columns
        assert set(names) <= set(TABLES["executions"])
        connection.execute(
            f"INSERT INTO executions ({', '.join(names)}) {_ROWS}", {"rows": rows, "days": days}
        )


if __name__ == "__main__":
    fill(
        Path(sys.argv[1]),
        int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000,
        float(sys.argv[3]) if len(sys.argv) > 3 else 14,
    )
