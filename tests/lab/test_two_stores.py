"""Two stores in one process do not disturb each other; two labs over one store share it."""

import threading
from datetime import datetime

from faaslab import app
from faaslab.model.execution import Execution, ExecutionStatus
from faaslab.store import Store


def test_two_stores_of_one_process_write_and_ask_at_once(tmp_path):
    errors = []
    begin = threading.Barrier(2)

    def work(number, path):
        try:
            with Store(path) as store:
                begin.wait()
                for index in range(15):
                    store.record(
                        Execution(
                            id=f"{number}-{index}",
                            function="f",
                            request_id="r",
                            status=ExecutionStatus.COMPLETED,
                            started_at=datetime(2026, 1, 1),
                        )
                    )
                    store.sql("SELECT count(*) FROM executions")
        except BaseException as error:
            errors.append(error)

    names = ("a.duckdb", "b.duckdb")
    threads = [
        threading.Thread(target=work, args=(number, tmp_path / name)) for number, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for name in names:
        with Store(tmp_path / name) as store:
            counted = store.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM executions")
            assert counted.to_numpy().tolist() == [[15, 15]]


def test_two_labs_over_one_store_share_it_until_both_are_closed(tmp_path, cache):
    one = app.open(store=tmp_path / "s.duckdb", cache=cache)
    two = app.open(store=tmp_path / "s.duckdb", cache=cache)
    other = app.open(store=tmp_path / "s.duckdb", cache=cache, payloads="none")
    assert two.store is one.store is not other.store
    one.close()
    one.close()
    assert two.sql("SELECT 1 AS x")["x"].tolist() == [1]
    two.close()
    other.close()


def test_a_worker_of_one_lab_does_the_task_of_an_execution_of_another_over_the_same_store(tmp_path):
    hold = {"StartAt": "Hold", "States": {"Hold": {"Type": "Task", "Resource": "activity:hold", "End": True}}}
    with app.open(store=tmp_path / "s.duckdb") as one, app.open(store=tmp_path / "s.duckdb") as other:
        one.workflows.create("hold", hold)
        other.workflows.activity("hold", lambda task: {"held": task["n"]})
        assert one.workflows.start("hold", {"n": 3}).result(30) == {"held": 3}
        # The engine of the first has had nothing to do since, and must hear of the next one all the same.
        one.workflows.start("hold", {"n": 4}).result(30)
        assert one.workflows.start("hold", {"n": 5}).result(30) == {"held": 5}
        assert other.workflows.start("hold", {"n": 6}).result(30) == {"held": 6}
