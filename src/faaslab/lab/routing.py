"""What an alias may be, and which version an invocation through it runs. Pure: chance is handed in.

Source: Developer Guide, configuration-aliases; texts as Lambda's API gives them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.model.function import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.model.alias import Alias

_NAME = re.compile(r"(?!^\d+$)^[0-9a-zA-Z-_]+$")
_SHARE = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)


def name(text: Any) -> str:
    """An alias's name, as CreateAlias takes it."""
    if not isinstance(text, str) or not _NAME.fullmatch(text) or len(text) > 128:
        raise InvalidValue(
            f"{text!r} cannot be an alias's name",
            place="alias",
            hint="1 to 128 letters, digits, hyphens and underscores, not digits alone",
        )
    return text


def weights(version: str, given: Mapping[str, Any]) -> dict[str, float]:
    """The share of a second version beside `version`, when Lambda would take it."""
    if len(given) > 1:
        raise InvalidValue(
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
            place="weights",
            hint="an alias leads to two versions at most",
        )
    checked: dict[str, float] = {}
    for other, share in given.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise InvalidValue(
                f"Value '{{{other}={share}}}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
                f"constraint: {_SHARE}",
                place="weights",
                hint="a share from 0 to 1, in a face from 0 to 100 %",
            )
        if other == version:
            raise InvalidValue(
                f"Invalid function version {version}. Function version {version} is already included in "
                "routing configuration.",
                place="weights",
            )
        if LATEST in (version, other):
            raise InvalidValue(
                "$LATEST is not supported for an alias pointing to more than 1 version",
                place="weights",
                hint="publish it, and give its number",
            )
        checked[other] = float(share)
    return checked


def choose(alias: Alias, chance: float) -> str:
    """The version of one request; `chance` from 0 to below 1, drawn anew for every request."""
    for version, share in alias.weights.items():
        if chance < share:
            return version
    return alias.version
