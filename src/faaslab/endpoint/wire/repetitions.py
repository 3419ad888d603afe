"""Whether a pattern can take a time that doubles with every character of a text that does not match.

That is so where a repetition stands in a repetition and a text can be cut into rounds in several ways. It is
not so where each round begins or ends with a character that nothing else in it can be, as in `(/[a-z]+)*`.
"""

from __future__ import annotations

import re

# A class, a category, an escape, a count, the beginning of a group, and all else one by one.
ATOM = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\[pP]\{\w+\}|\\.|\{\d*,?\d*\}|\(\?(?:[:=!>]|<[=!])|.", re.DOTALL)
FEW = 30
"""Up to so many times a repetition inside of another is a short one."""
SPECIAL = frozenset("[](){}.*+?^$|")


def ambiguous(pattern: str) -> bool:
    """Whether one of its groups may repeat in more ways than one."""
    atoms = ATOM.findall(pattern)
    begins = [0]
    grows = [False]
    for place, atom in enumerate(atoms):
        if atom.startswith("("):
            begins.append(place + 1)
            grows.append(False)
        elif atom == ")" and len(begins) > 1:
            begin, grew = begins.pop(), grows.pop()
            times = _times(atoms[place + 1]) if place + 1 < len(atoms) else 1
            if grew and times > 1 and not _delimited(atoms[begin:place]):
                return True
            grows[-1] = grows[-1] or grew
        elif _times(atom) > FEW:
            grows[-1] = True
    return False


def _times(atom: str) -> float:
    """How often what stands before a quantifier may come; 1 for what is no quantifier."""
    if atom in {"*", "+"}:
        return float("inf")
    if len(atom) < 3 or not (atom.startswith("{") and atom.endswith("}")):
        return 1
    least, comma, most = atom[1:-1].partition(",")
    return float(most or ("inf" if comma else least or 1))


def _delimited(body: list[str]) -> bool:
    """Whether a round begins or ends with a character that the rest of it cannot have."""
    if not body:
        return True
    depth = 0
    for atom in body:
        depth += atom.startswith("(") - (atom == ")")
        if atom == "|" and depth == 0:
            return False
    repeated = len(body) > 1 and (body[1] in {"*", "+", "?"} or body[1].startswith("{"))
    ends = [(body[-1], body[:-1])] if repeated else [(body[0], body[1:]), (body[-1], body[:-1])]
    return any(
        (one := _character(atom)) and not any(_can_be(other, one) for other in rest) for atom, rest in ends
    )


def _character(atom: str) -> str:
    """The one character that an atom is, or nothing."""
    if len(atom) == 2 and not atom[1].isalnum():
        return atom[1]
    return atom if len(atom) == 1 and atom not in SPECIAL else ""


def _can_be(atom: str, character: str) -> bool:
    if atom in SPECIAL - {"."} or atom.startswith(("(", "{")):
        return False
    if atom.startswith(("\\p", "\\P")):
        return True
    try:
        return re.fullmatch(atom, character, re.ASCII) is not None
    except re.error:
        return True
