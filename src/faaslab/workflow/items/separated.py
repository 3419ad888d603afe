r"""Text with delimiters (CSV) as Step Functions reads it.

Its rules: a field in quotes may have delimiters and line breaks; two quotes stand for one, in any field; a
backslash keeps the next backslash, quote or delimiter as it is, and is dropped before anything else; a row
that is too short has empty strings, one that is too long loses its rest; empty lines are no rows; every value
is a string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.items.texts import LONGEST_LINE, reader_failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_LARGEST_HEADER = 10 * 1024


def rows(text: str, config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The rows as objects, named by the first row or by `CSVHeaders`, as the ReaderConfig says.

    Raises:
        StateFailure: The header names a column twice, is larger than 10 KiB or missing, or the delimiter is
            none that there is.

    """
    name = config.get("CSVDelimiter", "COMMA")
    delimiter = DELIMITERS.get(name) if isinstance(name, str) else None
    if delimiter is None:
        raise reader_failed(f"CSVDelimiter is {name!r}; it must be one of {', '.join(DELIMITERS)}.")
    found = records(text, delimiter)
    location = config.get("CSVHeaderLocation")
    if location == "FIRST_ROW":
        header = next(found, None)
        if header is None:
            raise reader_failed("The CSV file is empty: it has no row of headers.")
    elif location == "GIVEN":
        header = config.get("CSVHeaders")
        if not isinstance(header, list) or not header or not all(isinstance(name, str) for name in header):
            raise reader_failed("CSVHeaders must be a list of strings when CSVHeaderLocation is GIVEN.")
    else:
        raise reader_failed("CSVHeaderLocation must be FIRST_ROW or GIVEN.")
    if sum(len(name.encode("utf-8", "replace")) + 1 for name in header) > _LARGEST_HEADER:
        raise reader_failed("The CSV headers are larger than 10 KiB.")
    if len(set(header)) < len(header):
        raise reader_failed("CSV headers cannot contain duplicates.")
    for fields in found:
        yield dict(zip(header, fields + [""] * (len(header) - len(fields)), strict=False))


def records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows as lists of fields.

    Raises:
        StateFailure: A row is longer than `LONGEST_LINE` characters.

    """
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        line = text[begin : min(end, begin + LONGEST_LINE + 1)].removesuffix("\r")
        fields = None
        if '"' in line or "\\" in line:
            fields, end = _row(text, begin, delimiter)
        elif line:
            fields = line.split(delimiter)
        if end - begin > LONGEST_LINE:
            raise reader_failed(f"A row is longer than {LONGEST_LINE:,} characters.")
        if fields is not None:
            yield fields
        begin = end + 1


def _row(text: str, begin: int, delimiter: str) -> tuple[list[str], int]:
    """The fields of a row with quotes or backslashes, and where it ends."""
    fields: list[str] = []
    field: list[str] = []
    quoted = opened = False
    position = begin
    limit = min(len(text), begin + LONGEST_LINE + 1)
    while position < limit:
        mark = text[position]
        following = text[position + 1 : position + 2]
        if mark == "\\":
            if following and following in {"\\", '"', delimiter}:
                field.append(following)
                position += 1
        elif mark == '"' and not quoted and not field and not opened and _opens(text, position, delimiter):
            quoted = opened = True
        elif mark == '"' and following == '"':
            field.append('"')
            position += 1
        elif mark == '"' and quoted:
            quoted = False
        elif mark == delimiter and not quoted:
            fields.append("".join(field))
            field, opened = [], False
        elif mark == "\n" and not quoted:
            break
        elif mark != "\r" or quoted or following not in {"", "\n"}:
            field.append(mark)
        position += 1
    fields.append("".join(field))
    return fields, position


def _opens(text: str, position: int, delimiter: str) -> bool:
    """Whether the quotes a field begins with put it in quotes, and do not all stand for quotes."""
    end = position
    while text.startswith('"', end):
        end += 1
    return (end - position) % 2 == 1 or text[end : end + 1] in {"", delimiter, "\n", "\r"}
