"""What must hold of every picture, asked of its plan."""

from itertools import combinations

from faaslab.workflow.graph.outline import model
from faaslab.workflow.graph.placing import SMALL, placed
from faaslab.workflow.graph.words import width

NEAR = 0.6


def rectangle(box):
    return (box.x, box.y, box.x + box.width, box.y + box.height)


def apart(one, other, by=0.0):
    return (
        one[2] + by <= other[0] + NEAR
        or other[2] + by <= one[0] + NEAR
        or one[3] + by <= other[1] + NEAR
        or other[3] + by <= one[1] + NEAR
    )


def within(inner, outer):
    return (
        inner[0] >= outer[0] - NEAR
        and inner[1] >= outer[1] - NEAR
        and inner[2] <= outer[2] + NEAR
        and inner[3] <= outer[3] + NEAR
    )


def around(graph):
    """key -> keys of the containers it is in."""
    found = {}

    def walk(inner, outer):
        for node in inner.nodes:
            found[node.key] = outer
            for each in node.graphs:
                walk(each, (*outer, node.key))

    walk(graph, ())
    return found


def labels(plan):
    for line in plan.lines:
        if line.way.label is not None:
            x, y = line.way.label
            yield line, (x, y, x + max(width(text, SMALL) for text in line.label), y + 14 * len(line.label))


def spots(way, steps=8):
    """Points on an edge, its ends left out."""
    for (x, y), (to_x, to_y) in zip(way.points, way.points[1:]):
        for step in range(steps + 1):
            t = step / steps
            s = 1 - t
            # upright at both ends, as it is drawn
            yield (
                s**3 * x + 3 * s * s * t * x + 3 * s * t * t * to_x + t**3 * to_x,
                s**3 * y + 3 * (s * s * t + s * t * t) * (y + to_y) / 2 + t**3 * to_y,
            )


def on_border(point, box):
    left, top, right, bottom = rectangle(box)
    x, y = point
    inside = left - NEAR <= x <= right + NEAR and top - NEAR <= y <= bottom + NEAR
    return inside and min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)) <= NEAR


def check(definition, *, status_line=False, most=400):
    """Everything that must hold; the plan, for more questions."""
    graph = model(definition, most=most)
    plan = placed(graph, status_line=status_line)
    boxes = {box.node.key: box for box in plan.boxes}
    outer = around(graph)
    assert set(boxes) == set(outer)
    sheet = (0, 0, plan.width, plan.height)
    for box in plan.boxes:
        assert within(rectangle(box), sheet), box
        for key in outer[box.node.key][-1:]:
            assert within(rectangle(box), rectangle(boxes[key])), (box, boxes[key])
            assert box.y >= boxes[key].y + boxes[key].head - NEAR, "below the name of its container"
    for one, other in combinations(plan.boxes, 2):
        if one.node.key in outer[other.node.key] or other.node.key in outer[one.node.key]:
            continue
        assert apart(rectangle(one), rectangle(other), 8), (one, other)
    seen = {(line.edge.source, line.edge.target, line.edge.kind == "catch") for line in plan.lines}
    assert len(seen) == len(plan.lines)
    for line in plan.lines:
        way = line.way
        assert on_border(way.points[0], boxes[line.edge.source]), line
        assert on_border(way.points[-1], boxes[line.edge.target]), line
        free = [box for key, box in boxes.items() if key not in outer[line.edge.source]]
        if not way.loop:
            for x, y in spots(way):
                assert within((x, y, x, y), sheet), line
                for box in free:
                    left, top, right, bottom = rectangle(box)
                    assert not (left + NEAR < x < right - NEAR and top + NEAR < y < bottom - NEAR), (
                        line,
                        box,
                    )
    told = list(labels(plan))
    for line, spot in told:
        for key, box in boxes.items():
            if key not in outer[line.edge.source]:
                assert apart(spot, rectangle(box)), (line, box)
    for (_, one), (_, other) in combinations(told, 2):
        assert apart(one, other), (one, other)
    return plan
