"""Machines made up: by structure, with hypothesis, and by mutation of those that were recorded."""

import copy

from hypothesis import strategies as st

from tests.recorded import cases, definition_of

RECORDED = [definition_of(case) for case in cases("execution")[::4]]
PLAIN = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "$.a", "2024-01-01T00:00:00Z"])
)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(
    ["$", "$.a", "$.b[0]", "$.a.b", "$$.Execution.Id", "$$.State.Name", "$v2", "$..a", "$.c[*]"]
)
REFERENCES = st.sampled_from(["$", "$.a", "$.a.b", "$.b[0]", None])
TEMPLATES = st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=2).flatmap(
    lambda plain: st.dictionaries(
        st.sampled_from(["x.$", "y.$"]),
        PATHS
        | st.sampled_from(
            ["States.Array(1, $.a)", "States.MathAdd(1, 2)", "States.Format('{}', $.a)", "$$.Map.Item.Value"]
        ),
        max_size=2,
    ).map(lambda moving: {**plain, **moving})
)
EXPRESSIONS = st.sampled_from(
    ["{% $states.input %}", "{% $states.input.a %}", "{% 1 + 1 %}", "{% $v2 %}", "{% $states.context.State.Name %}",
     "{% [1, 2, 3] %}", "{% $states.result %}", "{% $count($states.input) %}", "{% null %}", "{% 'x' %}"]
)  # fmt: skip
RENDERED = EXPRESSIONS | st.dictionaries(st.sampled_from("abc"), JSON | EXPRESSIONS, max_size=3)
ERRORS = st.sampled_from(
    [["States.ALL"], ["States.TaskFailed"], ["States.Timeout"], ["E"], ["States.HeartbeatTimeout", "E"]]
)
RETRY = st.lists(
    st.fixed_dictionaries(
        {"ErrorEquals": ERRORS},
        optional={"IntervalSeconds": st.integers(1, 5), "MaxAttempts": st.integers(0, 2),
                  "BackoffRate": st.sampled_from([1, 1.5, 2.0]), "MaxDelaySeconds": st.integers(6, 20),
                  "JitterStrategy": st.sampled_from(["FULL", "NONE"])},
    ),
    max_size=1,
)  # fmt: skip
RESOURCES = st.sampled_from(
    ["arn:aws:lambda:us-east-1:111111111111:function:f", "arn:aws:states:::sqs:sendMessage",
     "arn:aws:states:::states:startExecution.sync:2", "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
     "arn:aws:states:us-east-1:111111111111:activity:work"]
)  # fmt: skip

# What an API requires, the payload first: without it a definition is refused.
NEEDED = {
    ":::sqs:sendMessage": {"MessageBody": {}, "QueueUrl": "q"},
    ":::states:startExecution": {
        "Input": {},
        "StateMachineArn": "arn:aws:states:us-east-1:111111111111:stateMachine:m",
    },
}


@st.composite
def machines(draw, depth=2, jsonata=None, prefix="S"):
    """A machine, or what is inside a state: mostly one that validates."""
    language = draw(st.booleans()) if jsonata is None else jsonata
    names = [f"{prefix}{index}" for index in range(draw(st.integers(1, 4)))]
    states = {}
    for index, name in enumerate(names):
        states[name] = draw(_state(names, index, depth, language))
    made = {"StartAt": names[0], "States": states}
    if jsonata is None:
        if language:
            made["QueryLanguage"] = "JSONata"
        if draw(st.integers(0, 5)) == 0:
            made["TimeoutSeconds"] = draw(st.integers(1, 60))
    return made


@st.composite
def _state(draw, names, index, depth, jsonata):
    kinds = ["Pass", "Pass", "Task", "Task", "Wait"]
    if depth:
        kinds += ["Parallel", "Map", "Map"]
    kinds += ["Choice"] if index + 1 < len(names) else ["Succeed", "Fail"]
    kind = draw(st.sampled_from(kinds))
    state = {"Type": kind}

    def maybe(field, strategy):
        if draw(st.integers(0, 3)) == 0:
            state[field] = draw(strategy)

    if kind not in {"Choice", "Succeed", "Fail"}:
        # Mostly on, sometimes back: a loop has to end by a limit.
        if index + 1 < len(names):
            state["Next"] = names[index + 1]
        else:
            state["End"] = True
    if kind not in {"Fail", "Succeed"}:
        maybe("Assign", st.dictionaries(st.sampled_from([f"v{depth}", f"w{depth}"]), JSON, max_size=2))
    if kind != "Fail" and not jsonata:
        maybe("InputPath", PATHS | st.none())
        maybe("OutputPath", PATHS | st.none())
    if jsonata and kind != "Fail":
        maybe("Output", RENDERED)
    if kind in {"Pass", "Task", "Parallel"} and not jsonata:
        maybe("Parameters", TEMPLATES)
    if kind in {"Pass", "Task", "Parallel", "Map"} and not jsonata:
        maybe("ResultPath", REFERENCES)
    if kind in {"Task", "Parallel", "Map"}:
        maybe("Retry", RETRY)
        catch = {"ErrorEquals": draw(ERRORS), "Next": names[-1]}
        maybe("Catch", st.just([catch]))
        if not jsonata:
            maybe("ResultSelector", TEMPLATES)
    if kind in {"Task", "Parallel"} and jsonata:
        maybe("Arguments", RENDERED)
    if kind == "Pass" and not jsonata:
        maybe("Result", JSON)
    elif kind == "Task":
        state["Resource"] = draw(RESOURCES)
        for service, needed in NEEDED.items():
            if service in state["Resource"]:
                field = "Arguments" if jsonata else "Parameters"
                payload = next(iter(needed))
                state[field] = {**needed, payload: draw(RENDERED if jsonata else TEMPLATES)}
        maybe("TimeoutSeconds", st.integers(3, 20))
        if "TimeoutSeconds" in state:
            maybe("HeartbeatSeconds", st.just(2))
    elif kind == "Wait":
        field = draw(st.sampled_from(["Seconds", "Timestamp"]))
        state[field] = draw(st.integers(0, 9)) if field == "Seconds" else "2026-01-01T00:00:09Z"
    elif kind == "Choice":
        # On, and sometimes back: a loop has to end by a limit.
        ways = [names[index + 1], *draw(st.lists(st.sampled_from(names), max_size=1))]
        if jsonata:
            state["Choices"] = [
                {
                    "Condition": draw(
                        st.sampled_from(["{% true %}", "{% $states.input.a = 1 %}", "{% false %}"])
                    ),
                    "Next": way,
                }
                for way in ways
            ]
        else:
            state["Choices"] = [
                {
                    "Variable": draw(PATHS.filter(lambda path: "*" not in path and ".." not in path)),
                    draw(st.sampled_from(["IsPresent", "IsNull", "IsNumeric"])): True,
                    "Next": way,
                }
                for way in ways
            ]
        maybe("Default", st.sampled_from(names))
    elif kind == "Fail":
        maybe("Error", st.just("E"))
        maybe("Cause", st.just("why"))
    elif kind == "Parallel":
        count = draw(st.integers(1, 3))
        state["Branches"] = [
            draw(machines(depth - 1, jsonata, f"{names[index]}b{at}")) for at in range(count)
        ]
    elif kind == "Map":
        state["ItemProcessor"] = draw(machines(depth - 1, jsonata, f"{names[index]}m"))
        if draw(st.integers(0, 3)) == 0:
            state["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
            maybe("ToleratedFailureCount", st.integers(0, 2))
            maybe("ToleratedFailurePercentage", st.integers(0, 100))
        maybe("MaxConcurrency", st.integers(0, 2))
        if jsonata:
            state["Items"] = draw(st.sampled_from([[1, 2], "{% [1, 2, 3] %}", "{% $states.input %}", []]))
            maybe("ItemSelector", RENDERED)
        else:
            maybe("ItemsPath", st.sampled_from(["$.b", "$.c", "$$.Execution.Input.b"]))
            maybe("ItemSelector", TEMPLATES)
    return state


@st.composite
def mutated(draw, sources=None):
    """A recorded machine with some of its values changed for others of its own or odd ones."""
    machine = copy.deepcopy(draw(st.sampled_from(sources or RECORDED)))
    places = []
    todo = [machine]
    while todo:
        place = todo.pop()
        for key, value in place.items() if isinstance(place, dict) else enumerate(place):
            places.append((place, key))
            if isinstance(value, dict | list):
                todo.append(value)
    values = [place[key] for place, key in places]
    for _ in range(draw(st.integers(1, 3))):
        place, key = draw(st.sampled_from(places))
        alike = [
            value
            for value in values
            if type(value) is type(place.get(key) if isinstance(place, dict) else None)
        ]
        try:
            if alike and draw(st.integers(0, 3)):
                place[key] = copy.deepcopy(draw(st.sampled_from(alike)))
            else:
                place[key] = draw(
                    PLAIN | st.sampled_from([{}, [], "{% $x %}", "States.UUID()", 1e300, -1, 10**30])
                )
        except (KeyError, IndexError):
            continue
    return machine


__all__ = ["JSON", "RECORDED", "machines", "mutated"]
