"""YAML that means JSON, with the place of everything in it. Without recursion.

Values are what YAML 1.2 calls its JSON and core schemas, so `yes`, `on` and `2024-01-01` are texts, and what
has a leading zero (an account) as well. Names are texts as they are written. No tag makes an object.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from faaslab.workflow import json_source
from faaslab.workflow.places import Place, refused
from faaslab.workflow.validate.reading import DEEPEST

MOST_NODES = 500_000
"""What a text may have, each alias counted with all that it stands for: as many as fit into a megabyte."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*+)(?:\.[0-9]*+)?(?:[eE][-+]?[0-9]++)?|[-+]?\.[0-9]++(?:[eE][-+]?[0-9]++)?"
)
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_Node = tuple[Any, Place, int]


class _Open:
    """A mapping or sequence that is being read, and how many nodes it has so far."""

    def __init__(self, event: Any, *, table: bool) -> None:
        self.at = _at(event)
        self.anchor: str | None = event.anchor
        self.table = table
        self.fields: dict[str, Any] = {}
        self.items: list[Any] = []
        self.named: dict[str, Place] = {}
        self.numbered: list[Place] = []
        self.merged: list[_Node] = []
        self.name: str | None = None
        self.name_at = self.at
        self.merging = False
        self.size = 1

    def take(self, node: _Node) -> None:
        value, place, size = node
        self.size += size
        if not self.table:
            self.items.append(value)
            self.numbered.append(place)
        elif self.merging:
            self.merged.append(node)
        elif self.name is not None:
            self.fields[self.name] = value
            self.named[self.name] = Place(*self.name_at, place.inside)
        self.name, self.merging = None, False

    def closed(self) -> _Node:
        if not self.table:
            return self.items, Place(*self.at, self.numbered), self.size
        fields: dict[str, Any] = {}
        named: dict[str, Place] = {}
        for value, place, _ in reversed(self.merged):
            tables = (
                zip(value, place.inside or [], strict=True) if isinstance(value, list) else [(value, place)]
            )
            for table, where in reversed(list(tables)):
                if not isinstance(table, dict) or not isinstance(where.inside, dict):
                    raise refused("'<<' takes a mapping or a list of mappings", *self.at)
                fields |= table
                named |= where.inside
        return fields | self.fields, Place(*self.at, named | self.named), self.size


def read(text: str) -> tuple[Any, Place]:
    """The value that a text is, and where everything stands. Raises InvalidValue with line and column."""
    if "\x00" in text or not _is_text(text):
        raise refused("the text has a character that YAML cannot have", 1, 1)
    try:
        return _read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and error.context_mark and mark.line > text.rstrip().count("\n"):
            mark = error.context_mark  # what the end of the text left open
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise refused(said or "not YAML", line, column, _hint(text, line, column)) from None
    except yaml.YAMLError as error:
        raise refused(" ".join(str(error).split())[:200], 1, 1) from None


def _read(text: str) -> tuple[Any, Place]:
    opened: list[_Open] = []
    anchors: dict[str, _Node] = {}
    done: _Node | None = None
    total = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.DocumentStartEvent) and done is not None:
            raise refused("there is a second document behind the first", *_at(event))
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            table = isinstance(event, yaml.MappingStartEvent)
            if opened and opened[-1].table and opened[-1].name is None and not opened[-1].merging:
                raise refused("a name must be a text", *_at(event))
            if len(opened) >= DEEPEST:
                raise refused(f"nested deeper than {DEEPEST} levels", *_at(event))
            if event.tag not in (None, "!", f"{_CORE}map" if table else f"{_CORE}seq"):
                raise _foreign(event)
            opened.append(_Open(event, table=table))
            continue
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = opened.pop()
            node, anchor = frame.closed(), frame.anchor
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise refused(f"*{event.anchor} names nothing that stands before it", *_at(event))
            value, place, size = anchors[event.anchor]
            node, anchor = (value, Place(*_at(event), place.inside), size), None
        elif isinstance(event, yaml.ScalarEvent):
            if opened and opened[-1].table and opened[-1].name is None and not opened[-1].merging:
                _name(opened[-1], event)
                continue
            node, anchor = (_value(event), Place(*_at(event)), 1), event.anchor
        else:
            continue
        total += node[2] if isinstance(event, yaml.AliasEvent) else 1
        if total > MOST_NODES:
            raise refused(
                f"more than {MOST_NODES} values, each alias counted with what it stands for", *_at(event)
            )
        if anchor is not None:
            anchors[anchor] = node
        if opened:
            if isinstance(event, yaml.AliasEvent) and opened[-1].table and _is_name_wanted(opened[-1]):
                raise refused("a name must be a text", *_at(event))
            opened[-1].take(node)
        else:
            done = node
    if done is None:
        raise refused("the text is empty", 1, 1)
    return done[0], done[1]


def _is_name_wanted(table: _Open) -> bool:
    return table.name is None and not table.merging


def _name(table: _Open, event: yaml.ScalarEvent) -> None:
    if event.tag not in (None, "!", f"{_CORE}str"):
        raise _foreign(event)
    name = event.value
    if name == "<<" and not event.style:
        table.merging = True
        return
    if name in table.named:
        first = table.named[name].line
        raise refused(f"the name {name!r:.100} stands here a second time, first in line {first}", *_at(event))
    table.name, table.name_at = name, _at(event)


def _value(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    tag = (event.tag or "").removeprefix(_CORE) if event.tag != "!" else "str"
    if tag == "str" or (not tag and event.style):
        return text
    if tag not in ("", "int", "float", "bool", "null"):
        raise _foreign(event)
    value = _plain(text, _at(event))
    fits = {
        "": True,
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "null": value is None,
    }
    if not fits[tag]:
        raise refused(f"{text!r:.50} is no {tag}", *_at(event))
    return value


def _plain(text: str, at: tuple[int, int]) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _NO_NUMBER.fullmatch(text):
        raise refused(f"JSON has no number {text}", *at, hint="put it in quotes when a text is meant")
    if not _NUMBER.fullmatch(text):
        return text
    whole = _WHOLE.match(text)
    end = whole.end() if whole else 0
    return json_source.number(text[:end], text[end:], at)


def _foreign(event: Any) -> Exception:
    tag = event.tag.replace(_CORE, "!!")
    hint = "a definition is JSON: write the value itself"
    return refused(f"the tag {tag:.50} is not supported", *_at(event), hint=hint)


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hint(text: str, line: int, column: int) -> str | None:
    lines = text.split("\n")
    there = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
    return "YAML is indented with blanks, not with tabs" if there == "\t" else None
