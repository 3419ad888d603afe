"""The picture of a definition: where things are, what is in it, and that nothing breaks it."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.notebook import style
from faaslab.workflow.graph.drawing import Drawing, graph_svg
from faaslab.workflow.graph.outline import model
from faaslab.workflow.graph.palette import HUES
from faaslab.workflow.graph.progress import Items, Progress, Status, status_of
from faaslab.workflow.graph.sheet import number, on_paper
from faaslab.workflow.graph.words import width

from . import geometry, samples, story

NO_STATES = ("Start", "End", "Missing", "More")
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ET.fromstring(svg)


def texts(svg):
    return [each.text for each in parsed(svg).iter(SVG + "text")]


@pytest.mark.parametrize("name", samples.OWN_NAMES)
@pytest.mark.parametrize("status_line", [False, True])
def test_nothing_overlaps_and_edges_end_on_borders(name, status_line):
    geometry.check(samples.own(name), status_line=status_line)


def test_nothing_overlaps_in_any_published_definition():
    for _, definition in samples.published():
        geometry.check(definition)


@pytest.mark.parametrize("count", [2, 12, 40])
def test_nothing_overlaps_in_a_tangle(count):
    geometry.check(samples.tangle(count))


def test_every_published_definition_is_a_well_formed_picture_that_repeats():
    for name, definition in samples.published():
        svg = graph_svg(definition, {})
        assert svg == graph_svg(definition, {}), name
        assert parsed(svg).tag == SVG + "svg"


def test_a_picture_is_the_same_in_another_process():
    code = (
        "import json, sys; from faaslab.workflow.graph.drawing import graph_svg; "
        "print(graph_svg(json.load(sys.stdin)))"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(samples.own("claims")),
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "utf-8"},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert made[0] == made[1] == graph_svg(samples.own("claims"))


def test_names_are_text_and_nothing_else():
    svg = graph_svg(samples.own("hostile"), {})
    root = parsed(svg)
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "circle", "text"}
    assert not [
        name for each in root.iter() for name in each.attrib if name.startswith("on") or "href" in name
    ]
    assert "url(" not in svg
    assert svg.count("http") == 1  # the name of SVG itself
    assert '<b>bold & "quoted"</b>' in texts(svg)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x1f]", svg)


def test_a_long_name_is_cut_in_the_picture_and_whole_when_pointed_at():
    svg = graph_svg(samples.own("hostile"))
    assert any(text.startswith("WWW") and text.endswith("…") for text in texts(svg))
    titles = [each.text for each in parsed(svg).iter(SVG + "title")]
    assert any("W" * 80 in title for title in titles)


def test_the_picture_says_what_it_is_without_eyes():
    root = parsed(graph_svg(samples.own("pipeline"), {"Extract": Status("running")}, title="nightly"))
    assert root.get("role") == "img"
    named = root.get("aria-labelledby").split()
    found = {each.get("id"): each.text for each in root if each.get("id")}
    assert list(found) == named
    assert found[named[0]] == "nightly"
    assert found[named[1]] == (
        "3 states. Three functions, one after the other. Not started: Score, Load. In progress: Extract."
    )


def test_two_pictures_on_a_page_share_no_id():
    ids = [
        re.findall(r' id="([^"]+)"', graph_svg(samples.own("pipeline"), status))
        for status in (None, {}, {"Load": Status("failed")})
    ]
    assert len({each for one in ids for each in one}) == 6


def test_edges_say_what_they_are():
    shown = texts(graph_svg(samples.own("order")))
    assert {"$.stock > 0", "otherwise", "InvalidOrder", "any error", "PaymentDeclined"} <= set(shown)
    assert '$.customer.tier = "gold"' in shown
    assert "up to 4×" in shown
    dashed = [
        each
        for each in parsed(graph_svg(samples.own("order"))).iter(SVG + "g")
        if each.get("class") == "edge catch"
    ]
    assert len(dashed) == 3


def test_states_have_the_colour_of_how_they_stand():
    told = story.order()
    svg = graph_svg(samples.own("order"), status_of(told.events))
    nodes = {
        [text.text for text in group.iter(SVG + "text") if text.get("class") == "name"][0]: group.get("class")
        for group in parsed(svg).iter(SVG + "g")
        if "node" in group.get("class", "").split() and group.find(SVG + "rect[@class='chip']") is not None
    }
    assert nodes["Validate order"].split()[1:] == ["hued", "succeeded"]
    assert nodes["Fulfil"].split()[1:] == ["hued", "caught", "box"]
    assert nodes["Charge card"].split()[1:] == ["hued", "failed"]
    assert nodes["Pack items"].split()[1:] == ["hued", "aborted", "box"]
    assert nodes["Record payment"].split()[1:] == ["waiting"]
    shown = texts(svg)
    assert "7/10 ✓ 1 ✗ 1 ■" in shown
    assert "2.84 s · ↻ 1" in shown
    assert ["Not started", "Succeeded", "Failed", "Caught error", "Aborted"] == shown[-5:]


def test_ways_that_were_taken_are_stronger():
    progress = Progress()
    progress.feed(story.order().events)
    svg = graph_svg(samples.own("order"), progress.statuses(), transitions=progress.transitions)
    taken = [
        group.find(SVG + "title").text
        for group in parsed(svg).iter(SVG + "g")
        if "taken" in group.get("class", "").split()
    ]
    assert "Start → Validate order" in taken
    assert "Fulfil → Refund: any error" in taken
    assert not any("Notify customer" in each for each in taken)


def test_what_goes_on_shows_how_long():
    told = story.Story()
    told.enter("Task", "Extract")
    now = told.wait(75).at
    svg = graph_svg(samples.own("pipeline"), status_of(told.events), now=now)
    assert "1 min 15 s" in texts(svg)


def test_a_drawing_that_is_kept_draws_the_same():
    told = story.order()
    drawing = Drawing(samples.own("order"))
    for count in (0, 9, 40, len(told.events)):
        status = status_of(told.events[:count])
        assert drawing.svg(status) == graph_svg(samples.own("order"), status)
    assert drawing.svg() == graph_svg(samples.own("order"))


def test_a_live_picture_keeps_its_size():
    told = story.order()
    sizes = {
        re.search(r'viewBox="([^"]+)"', graph_svg(samples.own("order"), status_of(told.events[:count])))[1]
        for count in range(0, len(told.events), 7)
    }
    assert len(sizes) == 1


def test_counts_of_a_map_that_others_keep_are_shown():
    status = {"Regions": Status("running", items=Items(12_000, 7_000, 3, 20))}
    assert "7,000/12,000 ✓ 3 ✗" in texts(graph_svg(samples.own("nested"), status))


def test_a_state_may_lead_to_itself_in_two_ways():
    again = [{"Condition": "{% $states.input.n < 3 %}", "Next": "A"}]
    machine = {
        "StartAt": "A",
        "States": {"A": {"Type": "Choice", "Choices": again, "Catch": [{"ErrorEquals": ["E"], "Next": "A"}]}},
    }
    plan = geometry.check(machine)
    assert sorted(line.way.loop for line in plan.lines if line.edge.source == line.edge.target) == [-1, 1]


def test_a_draft_is_drawn_as_far_as_it_goes():
    shown = texts(graph_svg(samples.own("draft")))
    assert {"Nowhere", "no such state", "Task without a Resource", "no object", "empty"} <= set(shown)


@pytest.mark.parametrize(
    "definition", [None, 7, "x", [], {}, {"States": []}, {"StartAt": "A"}, {"States": {"A": None}}]
)
def test_what_is_no_definition_is_a_picture_too(definition):
    parsed(graph_svg(definition, {}))


@pytest.mark.parametrize("made", [samples.chain, samples.tangle])
def test_of_many_states_so_many_are_drawn_and_the_rest_is_counted(made):
    svg = graph_svg(made(4_000))
    shown = texts(svg)
    assert "3,600 more states" in shown
    assert "3,600 of 4,000 states are not drawn" in shown
    geometry.check(made(400), most=60)


def test_what_is_nested_too_deep_is_counted():
    svg = graph_svg(samples.deep(300))
    assert "293 states inside" in texts(svg)
    assert "293 of 301 states are not drawn" in texts(svg)


def test_a_map_with_more_states_than_are_drawn_is_cut_inside():
    machine = {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "Iterator": samples.chain(1_000), "End": True}},
    }
    graph = model(machine)
    assert graph.states == 1_001
    assert sum(node.hidden for node in graph.every()) == 601
    geometry.check(machine, most=20)


def test_on_paper_it_stands_alone():
    svg = on_paper(graph_svg(samples.own("pipeline")))
    assert parsed(svg).get("class") == "faas-flow own"
    assert "prefers-color-scheme:dark" in svg
    assert svg.count('class="paper"') == 1


def test_the_hues_are_the_notebooks():
    for standing, name in {
        "succeeded": "ok",
        "failed": "bad",
        "caught": "warn",
        "running": "info",
        "waiting": "mute",
    }.items():
        assert f"--{name}: {HUES[standing]}".replace(": ", ":") in style.STYLE.replace(": ", ":")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["A", "B", "C", "", "Start", "End", "<&>"])
states = st.fixed_dictionaries(
    {},
    optional={
        "Type": st.sampled_from(["Task", "Choice", "Map", "Parallel", "Wait", "Pass", "Fail", "Succeed"])
        | values,
        "Next": names | values,
        "End": values,
        "Default": names | values,
        "Choices": st.lists(
            st.fixed_dictionaries({"Next": names, "Variable": values, "StringEquals": values}) | values
        )
        | values,
        "Catch": st.lists(st.fixed_dictionaries({"Next": names, "ErrorEquals": values}) | values) | values,
        "Retry": st.lists(st.fixed_dictionaries({"MaxAttempts": values, "IntervalSeconds": values}) | values)
        | values,
        "Resource": values,
        "Seconds": values,
        "MaxConcurrency": values,
        "Comment": values,
    },
)
machines = st.deferred(
    lambda: st.fixed_dictionaries(
        {
            "StartAt": names | values,
            "States": st.dictionaries(
                names,
                st.builds(
                    lambda state, inner, field: {**state, field: [inner] if field == "Branches" else inner},
                    states,
                    machines | values,
                    st.sampled_from(["Branches", "ItemProcessor", "Iterator", "Comment"]),
                )
                | states
                | values,
                max_size=4,
            ),
        }
    )
)


@settings(max_examples=60, deadline=None)
@given(machines)
def test_no_draft_breaks_the_picture(definition):
    geometry.check(definition)
    parsed(graph_svg(definition, {}))


@pytest.mark.parametrize("name", ["A", "A name that asks for a wide box"])
@pytest.mark.parametrize("entered", [3, 25_000])
def test_figures_stay_in_their_box_in_full_where_it_is_wide_enough(name, entered):
    machine = {
        "StartAt": name,
        "States": {
            name: {"Type": "Task", "Resource": "r", "Retry": [{"ErrorEquals": ["States.ALL"]}], "End": True}
        },
    }
    known = Status("succeeded", entered=entered, ended=3, retries=1, duration=timedelta(seconds=2.949))
    picture = parsed(graph_svg(machine, {name: known}))
    card = next(each for each in picture.iter(SVG + "g") if each.get("class") == "node hued succeeded")
    box = next(each for each in card.iter(SVG + "rect") if each.get("class") == "card")
    said = next(each for each in card.iter(SVG + "text") if (each.text or "").startswith("983 ms"))
    edge = float(box.get("x")) + float(box.get("width"))
    assert float(said.get("x")) + width(said.text, 11) <= edge
    brief = "983 ms · 3× · ↻ 1" if entered == 3 else "983 ms · 25,000× ·…"
    whole = f"983 ms each · {entered:,} times · ↻ 1"
    assert said.text == (brief if name == "A" else whole)
    assert whole in card.find(SVG + "title").text


# -- where the states are, for who lays something over the picture


def shapes():
    yield from ((name, samples.own(name)) for name in samples.OWN_NAMES)
    yield from (("tangle", samples.tangle(20)), ("deep", samples.deep(6)), ("chain", samples.chain(60)))
    yield from ((f"draft {index}", draft) for index, draft in enumerate(({}, None, [], {"States": {"": 1}})))


@pytest.mark.parametrize(("name", "definition"), [*shapes()])
@pytest.mark.parametrize("status", [None, {}])
def test_every_state_has_a_spot_within_the_picture_and_its_containers(name, definition, status):
    drawing = Drawing(definition)
    found = drawing.geometry(status)
    root = parsed(drawing.svg(status))
    assert root.get("viewBox") == f"0 0 {number(found.width)} {number(found.height)}"
    assert f"min-width:{number(found.narrowest)}px" in root.get("style")
    outer = {}
    for spot in found.spots:
        assert 0 <= spot.x <= spot.x + spot.width <= found.width
        assert 0 <= spot.y <= spot.y + spot.height <= found.height
        outer[(*spot.path, spot.name)] = spot
        if spot.path:
            around = outer[spot.path]
            assert around.x < spot.x
            assert spot.x + spot.width < around.x + around.width
            assert around.y < spot.y
            assert spot.y + spot.height < around.y + around.height
    assert len({spot.key for spot in found.spots}) == len(found.spots)
    drawn = len([each for each in model(definition).every() if each.kind not in NO_STATES])
    assert len(found.spots) == drawn


def test_a_spot_is_where_its_card_is_drawn():
    drawing = Drawing(samples.own("order"))
    root = parsed(drawing.svg({}))
    (shift,) = (each.get("transform") for each in root.findall(SVG + "g") if each.get("transform"))
    left, top = map(float, re.findall(r"[-\d.]+", shift))
    cards = {
        (
            round(float(each.get("x")) + left, 1),
            round(float(each.get("y")) + top, 1),
            float(each.get("width")),
        )
        for each in root.iter(SVG + "rect")
        if each.get("class") == "card"
    }
    for spot in drawing.geometry({}).spots:
        assert (spot.x, spot.y, spot.width) in cards


def test_a_longer_legend_makes_the_picture_higher_and_moves_no_state():
    drawing = Drawing(samples.chain(3))
    every = {f"S{index}": Status(standing) for index, standing in enumerate(("running", "failed", "caught"))}
    few, many = drawing.geometry({}), drawing.geometry(every)
    assert many.height > few.height
    assert many.spots == few.spots
