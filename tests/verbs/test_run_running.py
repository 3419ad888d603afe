"""The verbs that list what runs, and end it."""

import re

import pytest

from faaslab import app
from faaslab.errors import Conflict, InvalidValue, NotFound
from faaslab.verbs import parse, run
from faaslab.verbs.text import plain_text
from tests.backends.local.defining import eventually
from tests.verbs.conftest import COVERED
from tests.verbs.faces import KeptFace

WAITS = """
import os, time
def handler(event, context):
    print("begun", flush=True)
    while not os.path.exists(event["gate"]):
        time.sleep(0.02)
"""


def test_what_runs_is_listed_and_cancelled(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        face = KeptFace()

        def do(line):
            call = parse(line)
            COVERED.add(call.verb.name)
            return run(lab, call, face)

        lab.functions.create("waits", WAITS, timeout_s=300)
        assert "nothing has run for a second" in plain_text(do("history --status running"))
        ids = []
        for _ in range(2):
            future = lab.functions.submit("waits", {"gate": str(tmp_path / "gate")})
            eventually(lambda: not do("history waits --status running").df.empty)
            listed = do("history --status running -l 1")
            (identity,) = listed.df["id"]
            assert listed.df["state"].tolist() == ["running"]
            assert identity[:8] in plain_text(listed)
            assert "begun" in plain_text(do(f"logs {identity}"))
            ids.append(identity)
            told = do(f"cancel {identity[:10] if len(ids) == 1 else identity}")
            assert re.fullmatch(rf"cancelled {identity[:8]} of waits after \d+\.\d s", plain_text(told))
            assert (told.value, told.exit_status) == ({"cancelled": [identity]}, 0)
            assert future.result().error.type == "Invocation.Cancelled"
        with pytest.raises(Conflict, match="of waits has ended at .* UTC: failed"):
            do(f"cancel {ids[0]}")
        with pytest.raises(NotFound, match=r"no execution is named 'nobody'.*history --status running"):
            do("cancel nobody")
        with pytest.raises(InvalidValue, match="since: does not go with --status running"):
            do("history --status running --since 1h")
        lab.workflows.create(
            "pauses", {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 300, "End": True}}}
        )
        lab.workflows.start("pauses", name="one")
        assert plain_text(do("cancel one")) == "stopped one of pauses"
        with pytest.raises(Conflict, match="one has ended at .* UTC: ABORTED"):
            do("cancel one")
