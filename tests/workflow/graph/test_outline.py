"""A definition as nodes and edges."""

from faaslab.workflow.graph.outline import model, state_count, state_of

from . import samples


def told(graph):
    names = {node.key: node.name or node.kind for node in graph.nodes}
    return [(names[edge.source], names[edge.target], edge.kind, edge.labels) for edge in graph.edges]


def test_a_pipeline():
    assert told(model(samples.own("pipeline"))) == [
        ("Start", "Extract", "next", ()),
        ("Extract", "Score", "next", ()),
        ("Score", "Load", "next", ()),
        ("Load", "End", "next", ()),
    ]


def test_choices_catches_and_ends():
    assert told(model(samples.own("order"))) == [
        ("Start", "Validate order", "next", ()),
        ("Validate order", "In stock?", "next", ()),
        ("Validate order", "Reject order", "catch", ("InvalidOrder",)),
        ("In stock?", "Fulfil", "choice", ("$.stock > 0",)),
        ("In stock?", "Wait for stock", "choice", ('$.backorder = true and $.customer.tier = "gold"',)),
        ("In stock?", "Reject order", "default", ("otherwise",)),
        ("Fulfil", "Notify customer", "next", ()),
        ("Fulfil", "Reject order", "catch", ("PaymentDeclined",)),
        ("Fulfil", "Refund", "catch", ("any error",)),
        ("Wait for stock", "Validate order", "next", ()),
        ("Notify customer", "Done", "next", ()),
        ("Done", "End", "next", ()),
        ("Refund", "Reject order", "next", ()),
    ]


def test_rules_that_lead_to_one_state_are_one_edge():
    machine = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.a", "IsNull": True, "Next": "T"},
                    {"Variable": "$.b", "IsPresent": False, "Next": "T"},
                ],
                "Default": "T",
            },
            "T": {"Type": "Succeed"},
        },
    }
    assert told(model(machine))[1] == ("C", "T", "choice", ("$.a is null", "$.b is absent", "otherwise"))


def test_branches_and_processors_are_inside():
    graph = model(samples.own("nested"))
    keys = [node.key for node in graph.every() if node.kind not in ("Start", "End")]
    assert "Regions/0/Both/0/Shops/0/Enough?" in keys
    assert len(keys) == graph.states == state_count(samples.own("nested")) == 9


def test_details_say_what_a_state_is_about():
    found = {node.name: node.detail for node in model(samples.own("order")).every()}
    assert found["Validate order"] == "Lambda · validate-order"
    assert found["Charge card"] == "Lambda · charge-card"
    assert found["Record payment"] == "DynamoDB · putItem"
    assert found["Label item"] == "SQS · sendMessage, awaits token"
    assert found["Wait for stock"] == "Wait · 1 h"
    assert found["Pack items"] == "Map · 5 at a time"
    assert found["Reject order"] == "Fail · OrderRejected"
    claims = {node.name: node.detail for node in model(samples.own("claims")).every()}
    assert claims["Supervisor"] == "Activity · supervisor"
    assert claims["Archive"] == "S3 · putObject"


def test_retries_are_summed_and_told():
    score = next(node for node in model(samples.own("pipeline")).nodes if node.name == "Score")
    assert score.retries == 3
    assert score.retrying == "States.TaskFailed: 3 more times, first after 1 s, then × 2.0"


def test_what_no_state_leads_to_comes_last_and_is_marked():
    graph = model(samples.own("draft"))
    assert [node.name for node in graph.nodes if not node.reached] == [
        "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth",
    ]  # fmt: skip
    assert [node.name for node in graph.nodes if node.kind == "Missing"] == ["Nowhere"]
    assert [node.name for node in graph.every() if node.kind == "Missing"] == ["X", "Nowhere"]


def test_states_named_like_our_own_nodes_are_states():
    graph = model(samples.own("hostile"))
    assert sorted(node.kind for node in graph.nodes if node.name in ("Start", "End")) == [
        "End",
        "Pass",
        "Pass",
        "Start",
    ]
    assert len({node.key for node in graph.every()}) == len(list(graph.every()))


def test_a_type_that_there_is_not_is_unknown_whatever_its_name():
    names = ("Start", "End", "More", "Missing", "Sleep")
    states = {f"a {name}": {"Type": name, "End": True} for name in names}
    graph = model({"StartAt": "a Start", "States": states})
    assert [node.kind for node in graph.nodes if node.name.startswith("a ")] == ["Unknown"] * 5
    assert next(node.detail for node in graph.nodes if node.name == "a More") == "More"


def test_the_definition_of_a_state_is_found_wherever_it_is():
    inner = {"Type": "Pass", "End": True}
    branch = {"StartAt": "In", "States": {"In": inner}}
    both = {"Type": "Parallel", "Branches": [branch, 7], "End": True}
    each = {"Type": "Map", "ItemProcessor": {"States": {"Both": both}}}
    definition = {"States": {"All": each, "odd": 1}}
    assert state_of(definition, "All") is each
    assert state_of(definition, "In") is inner
    assert state_of(definition, "odd") == 1
    for wrong in (definition, None, [], {"States": 3}):
        assert state_of(wrong, "nowhere") is None
