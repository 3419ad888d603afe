"""The executions that were recorded from AWS, run again by boto3 on a real port, many at a time."""

import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endpoint.states.conftest import ROLE
from tests.recorded import cases, definition_text, differences, needed, parameters

pytestmark = [needed, pytest.mark.timeout(600)]
AT_ONCE = 12
READERS = 4  # so many sessions a store keeps; each further one reads all that is not in the file yet
LIMIT_S = 120


@pytest.fixture(scope="module")
def ran(lab, states, functions):
    """Where each execution, by the id of its case, was not as recorded."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # All are begun before any is looked at: what has ended by then is read from the history at once.
        begun = [
            (case, pool.submit(begin, lab, states, functions, case, f"{kind}-{at}".replace("_", "-")))
            for kind, begin in {"execution": _begun, "sync_execution": _ran_at_once}.items()
            for at, case in enumerate(cases(kind))
        ]
    with ThreadPoolExecutor(READERS) as pool:
        found = {
            case["id"]: future
            if future.exception() or case["kind"] == "sync_execution"
            else pool.submit(_seen, states, case, future.result())
            for case, future in begun
        }
    return {identity: each.exception() or each.result() for identity, each in found.items()}


def _defined(states, functions, case, name, kind):
    text = functions(case, definition_text(case))
    made = states.create_state_machine(name=name, definition=text, roleArn=ROLE, type=kind)
    return made["stateMachineArn"]


def _input(lab, functions, case, name):
    text = functions(case, case.get("input_text") or "{}")
    for each in case.get("s3_objects", ()):
        bucket = f"{name}-{each['bucket']}"
        client = lab.cloud.client("s3")
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=each["key"], Body=each["body"].encode())
        text = text.replace(each["bucket"], bucket)
    return text


def _begun(lab, states, functions, case, name):
    arn = _defined(states, functions, case, name, "STANDARD")
    given = _input(lab, functions, case, name)
    return states.start_execution(stateMachineArn=arn, input=given)["executionArn"]


def _seen(states, case, execution):
    until = time.monotonic() + LIMIT_S
    while (answer := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > until:
            return [f"it still runs after {LIMIT_S} s"]
        time.sleep(0.05)
    found = _compared(case, answer)
    expected = case["expected"]
    if "event_types" in expected:
        pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
        types = [event["type"] for page in pages for event in page["events"]]
        found += _types(expected, types, ordered=not case.get("events_order_normalised"))
    return found


def _types(expected, types, *, ordered):
    wanted = expected["event_types"]
    if not ordered:
        return [f"lacks {missing}"] if (missing := Counter(wanted) - Counter(types)) else []
    if expected["events"][0]["id"] != 1:  # it was asked for backwards
        types = types[::-1]
    return [] if types == wanted else [f"events: {types} are not {wanted}"]


def _ran_at_once(lab, states, functions, case, name):
    arn = _defined(states, functions, case, name, "EXPRESS")
    answer = states.start_sync_execution(
        stateMachineArn=arn, name=f"run-{name}", input=_input(lab, functions, case, name)
    )
    billing = answer["billingDetails"]
    assert billing["billedMemoryUsedInMB"] == 64
    assert billing["billedDurationInMilliseconds"] % 100 == 0
    return _compared(case, answer)


def _compared(case, answer):
    expected = case["expected"]
    wanted = {field: expected[field] for field in ("status", "error", "cause", "output") if field in expected}
    given = {field: _plain(answer[field]) for field in wanted if field in answer}
    if "output" in given:
        given["output"] = json.loads(given["output"])
    found = differences(wanted, given, case["replacements"])
    more = {"error", "cause", "output"} & answer.keys() - expected.keys()
    return found + [f"has {field}: {answer[field]}" for field in sorted(more)]


def _plain(text):
    """Where a function's code lies here is not where it lay on AWS, and the lines of a traceback tell it."""
    return re.sub(r'File (\\*")[^"]*/(\w+\.py)', r"File \1/var/task/\2", text)


@pytest.mark.parametrize("case", parameters("execution") + parameters("sync_execution"))
def test_an_execution_goes_as_it_went_on_aws(ran, case):
    assert ran[case["id"]] == []


def test_the_recorded_executions_are_all_there(ran, capsys):
    assert (len(cases("execution")), len(cases("sync_execution"))) == (505, 5)
    rows = Counter()
    passed = Counter()
    for case in cases("execution"):
        language = "JSONata" if "JSONata" in case["features"] else "JSONPath"
        groups = ["all", language]
        if not case["category"].startswith("choice_operators"):
            groups += ["without choice_operators", f"{language} without choice_operators"]
        rows.update(groups)
        passed.update(groups if ran[case["id"]] == [] else [])
    with capsys.disabled():
        print("\nexecutions as recorded, through boto3:")
        for name, count in rows.items():
            print(f"  {name:36} {passed[name]:4} of {count:4}")
    assert passed == rows
