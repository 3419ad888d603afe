"""The law of the model's JSON: from_json(to_json(x)) == x, and bad input names its place."""

import dataclasses
import enum
import importlib
import json
import pkgutil
import types
import typing
from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import faaslab.model
from faaslab.errors import InvalidValue
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, LogLine
from faaslab.model.function import Function, FunctionConfiguration, ImageCode, InlineCode, S3Code, ZipCode
from faaslab.model.json import from_json, to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def entities() -> list[type]:
    found = []
    for module in pkgutil.iter_modules(faaslab.model.__path__, "faaslab.model."):
        for item in vars(importlib.import_module(module.name)).values():
            if isinstance(item, type) and dataclasses.is_dataclass(item) and item.__module__ == module.name:
                found.append(item)
    return found


def values(kind) -> st.SearchStrategy:
    """Any value that a field of this type may hold."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    simple = {
        str: TEXT,
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        bytes: st.binary(max_size=20),
        datetime: st.datetimes(),
        type(None): st.none(),
        typing.Any: JSON,
    }
    if kind in simple:
        return simple[kind]
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=2)
    if issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    return instances(kind)


def instances(cls) -> st.SearchStrategy:
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{field.name: values(hints[field.name]) for field in dataclasses.fields(cls)})


@pytest.mark.parametrize("entity", entities(), ids=lambda cls: cls.__name__)
def test_every_entity_survives_json(entity):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances(entity))
    def law(value):
        assert from_json(entity, json.loads(json.dumps(to_json(value)))) == value

    law()


@pytest.mark.parametrize("entity", entities(), ids=lambda cls: cls.__name__)
def test_every_entity_is_frozen_and_takes_keywords_only(entity):
    assert entity.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(entity))


NOW = datetime(2026, 11, 23, 12)
MISSION = {
    "Function": "id name runtime handler code configuration triggers status statistics created_at updated_at "
    "last_deployed_at",
    "FunctionConfiguration": "timeout_s memory_mb ephemeral_storage_mb reserved_concurrency "
    "provisioned_concurrency dead_letter_queue vpc environment tracing layers",
    "Execution": "id function request_id status started_at ended_at duration_ms max_memory_mb billed_ms error logs "
    "metrics",
    "ExecutionError": "type message stack_trace request_id",
    "ExecutionMetrics": "cold_start init_ms memory_mb max_memory_mb",
    "Event": "type source payload metadata timestamp processed_at",
    "EventMetadata": "request_id source_ip user_agent headers query_parameters path_parameters",
    "Workflow": "definition status configuration statistics",
    "WorkflowConfiguration": "role logging tracing tags",
    "WorkflowExecution": "status input output started_at ended_at current_state history error statistics",
    "WorkflowExecutionStatistics": "total_states completed_states failed_states retried_states "
    "mean_state_duration_ms",
    "Trigger": "type status configuration target",
    "Alarm": "metric condition actions state",
    "AlarmCondition": "operator threshold evaluation_periods datapoints_to_alarm",
    "Deployment": "target target_kind version status",
}


@pytest.mark.parametrize("name", MISSION)
def test_the_mission_names_every_field(name):
    cls = {entity.__name__: entity for entity in entities()}[name]
    fields = {field.name for field in dataclasses.fields(cls)} | set(dir(cls))
    assert set(MISSION[name].split()) <= fields


def test_the_mission_names_every_value():
    from faaslab.model.alarm import AlarmState
    from faaslab.model.deployment import DeploymentStatus
    from faaslab.model.trigger import TriggerStatus, TriggerType
    from faaslab.model.workflow import WorkflowStatus

    def of(enumeration):
        return {member.value for member in enumeration}

    assert of(ExecutionStatus) == {"running", "completed", "failed", "timeout", "throttled"}
    assert of(WorkflowStatus) == {"active", "inactive", "error", "draft"}
    assert of(TriggerType) == set(
        "api s3 dynamodb sqs sns eventbridge cloudwatch cognito kinesis scheduled".split()
    )
    assert of(TriggerStatus) == {"active", "inactive", "error"}
    assert of(AlarmState) == {"OK", "ALARM", "INSUFFICIENT_DATA"}
    assert of(DeploymentStatus) == {"pending", "running", "completed", "failed", "rolled_back"}


@pytest.mark.parametrize(
    "code",
    [
        InlineCode(source="def handler(e, c): ...", files=("a.py",)),
        ZipCode(filename="a.zip"),
        S3Code(bucket="b", key="k"),
        ImageCode(uri="app.oci.tar", command=("main.handler",)),
    ],
    ids=lambda code: code.kind,
)
def test_code_is_told_apart_by_its_kind(code):
    function = Function(
        id="f", name="f", runtime="python3.11", handler="a.b", code=code, created_at=NOW, updated_at=NOW
    )
    assert from_json(Function, to_json(function)) == function


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ({"configuration": {"timeout_s": "3"}}, "/configuration/timeout_s", "expected int, found '3'"),
        ({"configuration": {"layers": [1]}}, "/configuration/layers/0", "expected str, found 1"),
        ({"configuration": {"environment": {"a/b": 1}}}, "/configuration/environment/a~1b", "expected str"),
        ({"status": "asleep"}, "/status", "one of pending, active, inactive, failed"),
        ({"created_at": "yesterday"}, "/created_at", "ISO 8601"),
        ({"name": None}, "/name", "expected str, found None"),
        ({"tags": []}, "/tags", "an object"),
        ({"triggers": "x"}, "/triggers", "a list"),
        ({"code": {"kind": "zip", "filename": 3}}, "/code/filename", "expected str"),
    ],
)
def test_what_does_not_fit_is_named_by_its_json_pointer(change, place, says):
    good = to_json(
        Function(
            id="f",
            name="f",
            runtime="python3.11",
            handler="a.b",
            code=InlineCode(source=""),
            created_at=NOW,
            updated_at=NOW,
        )
    )
    with pytest.raises(InvalidValue, match=says) as caught:
        from_json(Function, {**good, **change})
    assert caught.value.place == place


def test_a_missing_member_takes_its_default_or_is_named():
    with pytest.raises(InvalidValue, match="Execution needs the member 'id'"):
        from_json(Execution, {})
    assert from_json(FunctionConfiguration, {}) == FunctionConfiguration()


def test_members_of_a_newer_faaslab_are_ignored():
    assert from_json(FunctionConfiguration, {"memory_mb": 256, "gpu": True}).memory_mb == 256


def test_an_instant_with_an_offset_becomes_utc():
    line = from_json(LogLine, {"at": "2026-01-01T02:00:00+02:00", "message": ""})
    assert line.at == datetime(2026, 1, 1)


def test_what_has_no_json_form_is_refused():
    with pytest.raises(InvalidValue, match="type set_iterator has no JSON form"):
        to_json(iter({1}))


def test_an_execution_knows_whether_it_is_ok():
    done = Execution(
        id="1",
        function="f",
        request_id="r",
        status=ExecutionStatus.COMPLETED,
        started_at=NOW,
        cold_start=True,
    )
    failed = dataclasses.replace(
        done, status=ExecutionStatus.FAILED, error=ExecutionError(type="ValueError", message="no")
    )
    assert done.ok
    assert not failed.ok
    assert done.metrics.cold_start


@pytest.mark.parametrize(
    ("body", "value"), [(b'{"x": 4}', {"x": 4}), (b"null", None), (None, None), (b"\xff\x00", b"\xff\x00")]
)
def test_the_result_is_the_value_that_its_bytes_stand_for(body, value):
    done = Execution(
        id="1",
        function="f",
        request_id="r",
        status=ExecutionStatus.COMPLETED,
        started_at=NOW,
        result_body=body,
    )
    assert done.result == value
    assert done.payload is None
