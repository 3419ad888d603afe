"""Writers, readers and mergers at once, some of them killed: nothing lost, nothing twice, no reader fails."""

import os
import time
from pathlib import Path

from faaslab.store import Store
from tests.store.processes import acknowledged

SECONDS = float(os.environ.get("FAASLAB_STORE_STORM_S", "8"))
WRITERS = ["a", "b", "c", "d"]


def test_four_writers_two_readers_merges_and_two_kills(path, start):
    with Store(path) as store:
        store.merge()
    writers = {name: start("write", path, name, 400) for name in WRITERS}
    readers = [start("read", path, ",".join(WRITERS)) for _ in range(2)]
    merger = start("merge", path)
    for process in (*writers.values(), *readers, merger):
        process.hear()
    began = time.monotonic()
    time.sleep(SECONDS / 3)
    merger.kill()
    second = start("merge", path)
    time.sleep(SECONDS / 3)
    writers["b"].kill()
    time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    Path(f"{path}.stop").touch()
    answers = [reader.end() for reader in readers]
    moved = second.end()
    for name in "acd":
        writers[name].end()

    print(f"{SECONDS:.0f} s:", {n: acknowledged(path, n) for n in WRITERS}, moved, answers)
    for answer in answers:
        assert answer["faults"] == []
        assert answer["reads"] > 10
    assert moved["merges"] > 0
    with Store(path) as store:
        for _ in range(2):
            rows = store.connect().execute("SELECT id, count(*) FROM executions GROUP BY id").fetchall()
            found = dict(rows)
            assert set(found.values()) == {1}
            for name in WRITERS:
                wanted = {f"{name}-{number}" for number in range(acknowledged(path, name))}
                assert len(wanted) > 100
                extra = {identity for identity in found if identity[0] == name} - wanted
                assert wanted <= set(found)
                # What was written when the kill came before the acknowledgement may be there.
                assert len(extra) <= (name == "b")
            store.merge()
        assert store.sql("SELECT count(*) AS n FROM rejects").n[0] == 0
        assert store.sql("SELECT count(*) AS n FROM logs").n[0] == 3 * len(found)
