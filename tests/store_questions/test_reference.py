"""The questions against the same figures counted row by row in plain Python, over histories drawn at random.

The rows know as little as real ones do: any figure may be missing, ends may be missing, functions may be
called once. What is compared is what an answer's docstring promises.
"""

import functools
import random
from collections import defaultdict
from datetime import timedelta
from statistics import median

import pytest

from faaslab.store.questions import cold_starts, costs, durations, overview
from faaslab.store.questions.window import Window
from faaslab.store.views import GB_SECOND_X86, VIEWS
from tests.store_questions.history import START, History

HOURS = 30
ENDS = {"completed": 80, "failed": 9, "timeout": 5, "throttled": 3, "running": 3}


@functools.cache
def drawn(seed):
    """A history of 600 rows, and the rows as dicts."""
    draw, history, rows = random.Random(seed), History(), []

    def perhaps(value, unknown=0.15):
        return None if draw.random() < unknown else value

    for number in range(600):
        ms = perhaps(round(draw.lognormvariate(4, 1), 3), 0.05)
        cold = perhaps(draw.random() < 0.2, 0.05)
        init = perhaps(round(draw.uniform(80, 900), 2)) if cold else None
        init_is_billed = draw.random() < 0.7
        started = START + timedelta(milliseconds=draw.randrange(HOURS * 3_600_000))
        status = draw.choices(list(ENDS), list(ENDS.values()))[0]
        row = {
            "id": f"r{number}",
            "function": draw.choice("aabbbc"),
            "version": draw.choice(["1", "$LATEST", None]),
            "definition": draw.choice([1, 2, None]),
            "source": draw.choice(["local", "aws", "imported"]),
            "region": perhaps(draw.choice(["us-east-1", "eu-west-1"])),
            "architecture": perhaps(draw.choice(["x86_64", "arm64"])),
            "memory_mb": perhaps(draw.choice([128, 512, 1769])),
            "status": status,
            "started_at": started,
            "ended_at": None if ms is None else started + timedelta(milliseconds=ms + (init or 0)),
            "duration_ms": ms,
            "billed_ms": None if ms is None else perhaps(int(ms + (init or 0 if init_is_billed else 0)) + 1),
            "init_ms": init,
            "cold_start": cold,
            "environment_id": perhaps(f"e{draw.randrange(40)}", 0.3),
            "max_memory_mb": perhaps(draw.choice([90, 120, 128, 300])),
            "payload_bytes": perhaps(draw.randrange(10_000)),
            "attempt": perhaps(draw.choice([1, 1, 1, 2])),
            "error_type": perhaps(draw.choice(["KeyError", "Runtime.OutOfMemory", "Runtime.ExitError"]))
            if status == "failed"
            else None,
        }
        rows.append(row)
    names = list(rows[0])
    history.connection.execute("BEGIN")
    history.connection.executemany(
        f"INSERT INTO executions ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        [list(row.values()) for row in rows],
    )
    history.connection.execute("COMMIT")
    return history, rows


@pytest.fixture(params=range(3))
def both(request):
    return drawn(request.param)


@pytest.fixture(params=["all", "some"])
def window(request):
    if request.param == "all":
        return Window()
    return Window(
        since=START + timedelta(hours=5),
        until=START + timedelta(hours=22),
        functions=("a", "b"),
        regions=("us-east-1",),
        sources=("aws", "imported"),
    )


def inside(rows, window, *, throttled=False):
    return [
        row
        for row in rows
        if row["status"] != "running"
        and (throttled or row["status"] != "throttled")
        and (window.since is None or window.since <= row["started_at"])
        and (window.until is None or row["started_at"] < window.until)
        and (not window.functions or row["function"] in window.functions)
        and (not window.regions or row["region"] in window.regions)
        and (not window.sources or row["source"] in window.sources)
    ]


def groups(rows, *names):
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return found


def told(value):
    """pandas' several words for nothing, as one."""
    return None if value is None or value != value else value


def table(df, *names):
    return {tuple(told(row[name]) for name in names): row for row in df.to_dict("records")}


def quantile(values, point):
    ordered = sorted(values)
    place = (len(ordered) - 1) * point
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def gb_seconds(row, ms=None):
    taken = row["billed_ms"] if ms is None else ms
    return 0 if row["memory_mb"] is None or taken is None else row["memory_mb"] / 1024 * taken / 1000


def billed_init(row):
    if not row["cold_start"] or None in (row["init_ms"], row["billed_ms"], row["duration_ms"]):
        return 0
    left_out = row["billed_ms"] < int(row["duration_ms"] + row["init_ms"])
    return 0 if left_out else row["init_ms"]


def with_duration(rows, window):
    return groups([row for row in inside(rows, window) if row["duration_ms"] is not None], "function")


def test_overview(both, window):
    history, rows = both
    (row,) = overview.overview(history.run, window).to_dict("records")
    every, ran = inside(rows, window, throttled=True), inside(rows, window)
    assert row["invocations"] == len(ran)
    assert row["throttled"] == len(every) - len(ran)
    assert row["functions"] == len({each["function"] for each in every})
    assert row["cold_starts"] == sum(each["cold_start"] is True for each in ran)
    assert row["cold_known"] == sum(each["cold_start"] is not None for each in ran)
    assert row["failed"] == sum(each["status"] == "failed" for each in ran)
    assert row["first"] == min(each["started_at"] for each in every)
    counts = {name: str(len(of)) for (name,), of in groups(every, "source").items()}
    assert dict(part.split(" ") for part in row["sources"].split("; ")) == counts


@pytest.mark.parametrize(
    "by", [("function",), ("function", "version", "definition"), ("memory_mb",), ("source", "function")]
)
def test_cold_start_rates(both, window, by):
    history, rows = both
    answer = table(cold_starts.rates(history.run, window, by), *by)
    expected = groups([row for row in inside(rows, window) if row["cold_start"] is not None], *by)
    assert answer.keys() == expected.keys()
    for key, of in expected.items():
        cold = [row for row in of if row["cold_start"]]
        assert answer[key]["invocations"] == len(of)
        assert answer[key]["cold_starts"] == len(cold)
        assert answer[key]["rate"] == pytest.approx(len(cold) / len(of))
        inits = [row["init_ms"] for row in cold if row["init_ms"] is not None]
        if inits:
            assert answer[key]["init_p95_ms"] == pytest.approx(quantile(inits, 0.95))


def test_buckets_of_time_hold_every_execution_once(both, window):
    history, rows = both
    known = [row for row in inside(rows, window) if row["cold_start"] is not None]
    df = cold_starts.rate_over_time(history.run, window, "6 hours")
    assert df.invocations.sum() == len(known)
    for row in df.to_dict("records"):
        end = row["bucket"] + timedelta(hours=6)
        assert row["invocations"] == sum(row["bucket"] <= each["started_at"] < end for each in known)
    timed = sum(map(len, with_duration(rows, window).values()))
    assert durations.over_time(history.run, window, "6 hours").invocations.sum() == timed


def test_percentiles(both, window):
    history, rows = both
    answer = table(durations.percentiles(history.run, window), "function")
    for key, of in with_duration(rows, window).items():
        taken = [row["duration_ms"] for row in of]
        for name, point in (("p50_ms", 0.5), ("p90_ms", 0.9), ("p99_ms", 0.99), ("max_ms", 1.0)):
            assert answer[key][name] == pytest.approx(quantile(taken, point))
        assert answer[key]["hours"] == pytest.approx(sum(taken) / 3.6e6)


def test_usage(both, window):
    history, rows = both
    keys = ("function", "region", "architecture")
    answer = table(costs.usage(history.run, window), *keys)
    expected = groups(inside(rows, window), *keys)
    assert answer.keys() == expected.keys()
    for key, of in expected.items():
        inits = sum(gb_seconds(row, billed_init(row)) for row in of)
        assert answer[key]["requests"] == len(of)
        assert answer[key]["billed"] == sum(None not in (row["billed_ms"], row["memory_mb"]) for row in of)
        assert answer[key]["gb_seconds"] == pytest.approx(sum(map(gb_seconds, of)))
        assert answer[key]["init_gb_seconds"] == pytest.approx(inits)
    df = costs.usage_over_time(history.run, window, "1 day")
    assert df.gb_seconds.sum() == pytest.approx(sum(map(gb_seconds, inside(rows, window))))


def test_the_bill_does_not_change_with_what_it_is_grouped_by(both, window):
    history, _ = both
    figures = ["requests", "gb_seconds", "init_gb_seconds"]
    totals = [
        costs.usage(history.run, window, by)[figures].sum().tolist()
        for by in ((), ("function",), ("function", "version"), ("day",), ("source",), ("memory_mb",))
    ]
    for total in totals:
        assert total == pytest.approx(totals[0])


def test_the_view_of_costs_agrees(both):
    history, rows = both
    x86 = [row for row in rows if row["architecture"] != "arm64"]
    view = history.run(
        f"SELECT sum(init_usd) AS init, sum(duration_usd) AS duration FROM ({VIEWS['costs']}) "
        "WHERE architecture IS DISTINCT FROM 'arm64'"
    ).iloc[0]
    price = float(GB_SECOND_X86)
    inits = sum(gb_seconds(row, billed_init(row)) for row in x86)
    assert float(view["init"]) == pytest.approx(inits * price)
    assert float(view["duration"]) == pytest.approx((sum(map(gb_seconds, x86)) - inits) * price)


def test_errors_are_all_there(both, window):
    history, rows = both
    df = overview.errors(history.run, window, limit=1000)
    every = inside(rows, window, throttled=True)
    assert df["count"].sum() == sum(row["status"] in {"failed", "timeout", "throttled"} for row in every)
    calls = groups(every, "function")
    for row in df.to_dict("records"):
        assert row["share"] == pytest.approx(row["count"] / len(calls[row["function"],]))


def test_every_slow_execution_has_a_cause_or_none(both, window):
    history, rows = both
    answer = table(durations.tail_causes(history.run, window, beyond=0.9), "cause")
    slow, slow_all = defaultdict(list), 0
    for of in with_duration(rows, window).values():
        waits = [row["duration_ms"] + (row["init_ms"] or 0) for row in of]
        payloads = [row["payload_bytes"] for row in of if row["payload_bytes"] is not None]
        for row, wait in zip(of, waits, strict=True):
            if wait <= quantile(waits, 0.9):
                continue
            slow_all += 1
            used, size, payload = row["max_memory_mb"], row["memory_mb"], row["payload_bytes"]
            shown = {
                "cold": row["cold_start"] is True,
                "timeout": row["status"] == "timeout",
                "error": row["status"] == "failed",
                "memory": None not in (used, size) and used >= 0.9 * size,
                "payload": payload is not None and payload > quantile(payloads, 0.9),
                "retry": (row["attempt"] or 1) > 1,
            }
            for cause in [name for name, holds in shown.items() if holds] or ["none"]:
                slow[cause,].append(wait)
    assert answer.keys() == slow.keys()
    for cause, waits in slow.items():
        assert answer[cause]["slow"] == len(waits)
        assert answer[cause]["slow_all"] == slow_all
        assert answer[cause]["slow_share"] == pytest.approx(len(waits) / slow_all)
        assert answer[cause]["median_wait_ms"] == pytest.approx(median(waits))


def test_memory_head_room(both, window):
    history, rows = both
    keys = ("function", "memory_mb", "architecture", "region")
    answer = table(durations.memory(history.run, window), *keys)
    known = [row for row in inside(rows, window) if None not in (row["max_memory_mb"], row["memory_mb"])]
    expected = groups(known, *keys)
    assert answer.keys() == expected.keys()
    for key, of in expected.items():
        used = [row["max_memory_mb"] for row in of]
        assert answer[key]["used_max_mb"] == max(used)
        assert answer[key]["used_p50_mb"] == pytest.approx(median(used))
        assert answer[key]["head_room"] == pytest.approx(1 - max(used) / key[1])


def test_gaps_and_environments(both, window):
    history, rows = both
    of_window = inside(rows, window)
    named = [row for row in of_window if row["environment_id"] is not None]
    answer = cold_starts.environments(history.run, window)
    assert answer.executions.sum() == len(named)
    assert len(answer) == len(groups(named, "function", "version", "definition", "environment_id"))
    expected = []
    for (function, version, definition), of in groups(of_window, "function", "version", "definition").items():
        busy_until = None
        for row in sorted(of, key=lambda each: each["started_at"]):
            if row["cold_start"] and row["environment_id"] is None:
                gap = None if busy_until is None else (row["started_at"] - busy_until).total_seconds()
                expected.append((function, version or "", definition or 0, -1e9 if gap is None else gap))
            end = row["ended_at"] or row["started_at"]
            busy_until = end if busy_until is None else max(busy_until, end)
    found = [
        (
            row["function"],
            told(row["version"]) or "",
            told(row["definition"]) or 0,
            -1e9 if told(row["gap_s"]) is None else row["gap_s"],
        )
        for row in cold_starts.gaps_without_environments(history.run, window).to_dict("records")
    ]
    assert [row[:3] for row in sorted(found)] == [row[:3] for row in sorted(expected)]
    assert [row[3] for row in sorted(found)] == pytest.approx([row[3] for row in sorted(expected)], abs=1e-4)
