"""Pictures that are as wide as their page: which marks find room, and what a file of one is."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.graph import fluid
from faaslab.workflow.graph.sheet import on_paper
from faaslab.workflow.graph.words import width

ROOMS = (150.0, 400.0, 700.0)


@given(st.integers(1, 60), st.sampled_from(["{} ms", "{} min 30 s", "{} h"]), st.floats(0, 1))
def test_no_mark_is_labelled_where_its_neighbour_leaves_no_room(count, words, begin):
    texts = [words.format(index * 5) for index in range(count + 1)]
    step = (1 - begin) / count
    found = list(fluid.marks(texts, step, ROOMS, (begin, 1.0)))
    assert [each.said for each in found] == texts
    for rank, room in enumerate(ROOMS):
        shown = [each for each in found if each.label is not None and each.label <= rank]
        for one, other in zip(shown, shown[1:], strict=False):
            apart = (other.share - one.share) * room
            assert apart >= (width(one.said, 11) + width(other.said, 11)) / 2
        # What is labelled has its line.
        assert all(each.rank <= rank for each in shown)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_texts_beside_each_other_do_not_touch(shares):
    texts = [(share, "12:30:00.123") for share in sorted(shares)]
    found = fluid.placed(texts, 12, ROOMS, 30)
    for rank, room in enumerate(ROOMS):
        lefts = [
            share * room
            for (share, _), seen in zip(texts, found, strict=True)
            if seen is not None and seen <= rank
        ]
        assert all(b - a >= width("12:30:00.123", 12) for a, b in zip(lefts, lefts[1:], strict=False))


def page():
    made = fluid.Page(fluid.Sides(left=80, right=100, slim_left=10, slim_right=20))
    made.add(fluid.tick(0.5, 4) + fluid.text(0.5, 10, "half", "small mid"), 20)
    made.add(fluid.rect("bar", 0.25, 0.2501, 0, 10), 22, 36)
    made.lines(0)
    made.note("said")
    return made


def test_what_is_short_is_seen_on_any_page_and_lines_go_down_over_all_rows():
    root = ET.fromstring(page().svg("title", "about"))
    bar, line = (
        next(each for each in root.iter() if each.get("class") == kind) for kind in ("bar", "tick tall")
    )
    assert (bar.get("x"), bar.get("width")) == ("25%", "2")
    assert (line.get("x"), line.get("height")) == ("50%", "42")
    assert "--lines:56px" in root.get("style")
    assert root.get("viewBox") is None


def test_a_file_of_it_has_a_width_and_what_stood_at_its_sides():
    root = ET.fromstring(on_paper(page().svg("title", "about")))
    assert root.get("width") == "950"
    assert root.get("viewBox") == "0 -12 950 83"
    inner = next(each for each in root if each.tag.endswith("svg"))
    assert (inner.get("x"), inner.get("width")) == ("80", "770")
    assert "padding" not in (root.get("style") or "")
