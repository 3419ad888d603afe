"""The small parts of panels: a list to choose from, a graph that can be clicked."""

import threading

from faaslab.notebook.widgets.choice import Choice
from faaslab.notebook.widgets.state_graph import MOST_BUTTONS, StateGraph, placed
from faaslab.workflow.graph.drawing import Drawing, Spot
from faaslab.workflow.graph.progress import Status
from tests.workflow.graph import samples


def test_who_is_told_of_a_choice_is_told_of_a_persons_only():
    told = []
    choice = Choice("state", told.append, tooltip="which")
    assert choice.widget.layout.display is None
    choice.show((), None)
    assert choice.widget.layout.display == "none"
    choice.show((("all", None), ("a", "x")), None)
    assert choice.widget.index == 0, "None is a value like others"
    choice.show((("all", None), ("a", "x"), ("b", "y")), "y")
    choice.show((("b", "y"), ("all", None)), "y")
    assert told == []
    choice.choose(None)
    thread = threading.Thread(target=choice.choose, args=("y",))
    thread.start()
    thread.join()
    assert told == [None, "y"]
    choice.show((("b", "y"), ("all", None)), "gone")
    assert choice.widget.index is None
    assert choice.value is None
    assert choice.options == [("b", "y"), ("all", None)]


class Made(list):
    def append(self, *widgets):
        self.extend(widgets)


def graph_of(definition, status=None):
    drawing = Drawing(definition)
    return drawing.svg(status), drawing.geometry(status)


def test_every_state_has_a_button_with_its_name_where_it_is_drawn():
    clicked, made = [], Made()
    graph = StateGraph(clicked.append, made.append)
    svg, geometry = graph_of(samples.own("order"), {})
    graph.show(svg, geometry)
    for spot in geometry.spots:
        button = graph.button(spot.name)
        assert button.tooltip == spot.name
        where = placed(spot, geometry)
        assert {side: getattr(button.layout, side) for side in where} == where
        button.click()
    assert clicked == [spot.name for spot in geometry.spots]
    assert len(made) == len(geometry.spots)


def test_buttons_stay_while_the_states_do():
    graph = StateGraph(print, lambda *_: None)
    definition = samples.chain(3)
    graph.show(*graph_of(definition, {}))
    before = graph.button("S1")
    picture = graph.widget.children[0].children[0]
    tops = before.layout.top
    seen = []
    picture.observe(seen.append, "value")
    graph.show(*graph_of(definition, {}))
    assert seen == []
    every = {f"S{index}": Status(how) for index, how in enumerate(("running", "failed", "caught"))}
    graph.show(*graph_of(definition, every))
    assert graph.button("S1") is before
    assert before.layout.top != tops, "the legend has become longer, and the picture higher"
    assert len(seen) == 1
    graph.show(*graph_of(samples.chain(4), {}))
    assert graph.button("S1") is not before


def test_the_chosen_state_is_marked_also_after_the_buttons_are_made_anew():
    graph = StateGraph(print, lambda *_: None)
    graph.show(*graph_of(samples.chain(3)))
    graph.mark("S1")
    graph.show(*graph_of(samples.chain(5)))
    assert "faas-chosen" in graph.button("S1")._dom_classes
    graph.mark("S2")
    assert "faas-chosen" not in graph.button("S1")._dom_classes
    graph.mark(None)
    assert "faas-chosen" not in graph.button("S2")._dom_classes


def test_a_very_large_graph_has_no_more_buttons_than_a_page_can_hold():
    graph = StateGraph(print, lambda *_: None)
    graph.show(*graph_of(samples.chain(MOST_BUTTONS + 50)))
    assert len(graph.widget.children[0].children) == 1 + MOST_BUTTONS


def test_a_place_is_in_per_cent_of_the_picture():
    _, geometry = graph_of(samples.chain(2))
    spot = Spot("k", "n", "Pass", (), geometry.width / 2, 0, geometry.width / 4, geometry.height)
    assert placed(spot, geometry) == {
        "left": "50.000%", "top": "0.000%", "width": "25.000%", "height": "100.000%",
    }  # fmt: skip
