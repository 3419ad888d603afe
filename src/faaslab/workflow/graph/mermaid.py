"""A definition as the text of a Mermaid state diagram, for pages that draw those. Pure.

States have names of ours (`s1`), so that nothing in a definition is read as Mermaid; what people read is
written in Mermaid's character codes where it is more than letters, figures and spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph.drawing import counted
from faaslab.workflow.graph.outline import Edge, Graph, Node, model
from faaslab.workflow.graph.palette import HUES, STANDINGS
from faaslab.workflow.graph.placing import times
from faaslab.workflow.graph.progress import Status
from faaslab.workflow.graph.words import seen, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LABEL = 60


def mermaid(definition: Any, status: Mapping[str, Status] | None = None) -> str:
    """The diagram of a definition; with `status` (`status_of`) each state has the colour of how it stands."""
    graph = model(definition)
    names = {node.key: f"s{index}" for index, node in enumerate(graph.every(), 1)}
    lines = ["stateDiagram-v2", "    direction TB", *_told(graph, names, status, "    ")]
    if status is not None:
        states = [node for node in graph.every() if node.kind not in ("Start", "End", "Missing", "More")]
        for standing in STANDINGS:
            found = [
                names[node.key] for node in states if status.get(node.name, Status()).standing == standing
            ]
            if found:
                lines.append(f"    classDef {standing} stroke:{HUES[standing]},fill:{HUES[standing]}22")
                lines += [f"    class {name} {standing}" for name in found]
    return "\n".join(lines) + "\n"


def written(text: str, most: int = _LABEL) -> str:
    """The text so that Mermaid reads it as text."""
    return "".join(
        each if each.isalnum() or each in " _.,!?" else f"#{ord(each)};"
        for each in shortened(seen(text), most)
    )


def _told(
    graph: Graph, names: Mapping[str, str], status: Mapping[str, Status] | None, indent: str
) -> Iterator[str]:
    kinds = {node.key: node.kind for node in graph.nodes}
    for node in graph.nodes:
        if node.kind in ("Start", "End"):
            continue
        yield f'{indent}state "{written(_title(node, status), 120)}" as {names[node.key]}'
        if any(inner.nodes for inner in node.graphs):
            yield f"{indent}state {names[node.key]} {{"
            for index, inner in enumerate(each for each in node.graphs if each.nodes):
                if index:
                    yield f"{indent}    --"
                if inner.first is not None:
                    yield f"{indent}    [*] --> {names[inner.first]}"
                yield from _told(inner, names, status, indent + "    ")
            yield f"{indent}}}"
    for edge in graph.edges:
        source = "[*]" if kinds[edge.source] == "Start" else names[edge.source]
        target = "[*]" if kinds[edge.target] == "End" else names[edge.target]
        yield f"{indent}{source} --> {target}{_label(edge)}"
    for node in graph.nodes:
        if node.kind == "Choice":
            yield from _note(node, graph, names, indent)


def _title(node: Node, status: Mapping[str, Status] | None) -> str:
    if node.kind == "More":
        return f"{node.hidden} more states"
    said = node.name + (" (no such state)" if node.kind == "Missing" else "")
    said += f" ↻ {times(node.retries)}" if node.retries else ""
    items = status[node.name].items if status and node.name in status else None
    return f"{said} {counted(items)}" if items else said


def _label(edge: Edge) -> str:
    said = " or ".join(edge.labels)
    if edge.kind == "catch":
        said = f"catch {said}"
    return f" : {written(said)}" if said else ""


def _note(node: Node, graph: Graph, names: Mapping[str, str], indent: str) -> Iterator[str]:
    """The conditions of a Choice in full, where they are longer than a label."""
    targets = {each.key: each.name for each in graph.nodes}
    long = [
        f"{label} → {targets[edge.target]}"
        for edge in graph.edges
        if edge.source == node.key and edge.kind != "catch"
        for label in edge.labels
        if len(label) > _LABEL
    ]
    if long:
        yield f"{indent}note right of {names[node.key]}"
        yield from (f"{indent}    {written(each, 400)}" for each in long)
        yield f"{indent}end note"
