"""Texts of JSONata read into trees, by the library's parser held to the level of Step Functions (2.0)."""

from __future__ import annotations

from typing import Any

from jsonata import jexception, jsonata

from faaslab.workflow.query import jsonata_functions
from faaslab.workflow.query.jsonata_bounds import make_room

JException = jexception.JException
Jsonata = jsonata.Jsonata


def compiled(text: str) -> Any:
    """The tree of an expression.

    Raises:
        JException: The text is no JSONata; its message says what is wrong.

    """
    if len(text) > 100:
        make_room()
    reader = Jsonata.get_parser()
    reader.errors = []
    for later in ("?:", "??"):  # of JSONata 2.1, and Step Functions has 2.0
        reader.symbol_table.pop(later, None)
    try:
        return reader.parse(text, jsonata_functions.regular_expression)
    except KeyError as unknown:
        operator = str(unknown.args[0])
        if operator in {"?:", "??"}:
            raise JException("S0211", -1, operator[1]) from unknown
        raise JException("S0204", -1, operator) from unknown
