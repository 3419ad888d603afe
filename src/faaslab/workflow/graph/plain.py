"""A definition as an indented list of states with arrows, for terminals and plain text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph.drawing import counted, figures
from faaslab.workflow.graph.outline import Edge, Graph, Node, model
from faaslab.workflow.graph.palette import SAID, SIGNS
from faaslab.workflow.graph.placing import times
from faaslab.workflow.graph.progress import Status
from faaslab.workflow.graph.words import seen, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME, _SAID = 80, 100


def text(definition: Any, status: Mapping[str, Status] | None = None) -> str:
    """The states in the order in which they are reached, each with where it leads.

    With `status` (`status_of`) each has a sign for how it stands, and its figures.
    """
    graph = model(definition)
    lines = [shortened(graph.comment, _SAID)] if graph.comment else []
    lines += _told(graph, status, "")
    return "\n".join(lines or ["(no states)"]) + "\n"


def _told(graph: Graph, status: Mapping[str, Status] | None, indent: str) -> Iterator[str]:
    nodes = {node.key: node for node in graph.nodes}
    ways: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge)
    for node in graph.nodes:
        if node.kind == "Start":
            yield from (f"{indent}start → {_name(nodes[edge.target])}" for edge in ways.get(node.key, []))
        elif node.kind == "More":
            yield f"{indent}… {node.hidden:,} more states"
        elif node.kind not in ("End", "Missing"):
            yield from _state(node, ways.get(node.key, []), nodes, status, indent)


def _state(
    node: Node, ways: list[Edge], nodes: Mapping[str, Node], status: Mapping[str, Status] | None, indent: str
) -> Iterator[str]:
    retries = f" ↻ {times(node.retries)}" if node.retries else ""
    lost = "" if node.reached else " — no state leads here"
    sign, said = "●", ""
    if status is not None:
        known = status.get(node.name, Status())
        sign = SIGNS[known.standing]
        parts = [SAID[known.standing].lower(), figures(known), counted(known.items) if known.items else ""]
        parts += [known.error or ""] if known.standing in ("failed", "caught") else []
        said = " — " + " · ".join(seen(part) for part in parts if part)
    yield f"{indent}{sign} {_name(node)}  [{node.detail}]{retries}{said}{lost}"
    for index, inner in enumerate(node.graphs):
        several = len(node.graphs) > 1
        if several:
            yield f"{indent}  ┌ branch {index + 1}"
        yield from _told(inner, status, indent + ("  │ " if several or node.kind == "Map" else "    "))
    if node.hidden:
        yield f"{indent}    … {node.hidden:,} states inside"
    for edge in ways:
        target = nodes[edge.target]
        where = "end" if target.kind == "End" else _name(target)
        where += " (no such state)" if target.kind == "Missing" else ""
        labels = shortened(" or ".join(edge.labels), _SAID)
        if edge.kind == "catch":
            yield f"{indent}    ⇢ {where}  if {labels}"
        else:
            yield f"{indent}    → {where}" + (
                f"  if {labels}" if edge.kind == "choice" else f"  {labels}" * bool(labels)
            )


def _name(node: Node) -> str:
    return shortened(seen(node.name), _NAME) if node.kind != "More" else "…"
