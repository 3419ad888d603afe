"""What stands in the rows of a layered drawing: boxes, and the points that long edges pass through. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

BESIDE_LINE = 5.0
"""Room to each side of an edge."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Size:
    """What a box takes."""

    width: float
    height: float


@dataclass(slots=True)
class Cells:
    """Boxes, and the points of long edges, that stand in rows."""

    left: list[float]
    right: list[float]
    height: list[float]
    row: list[int]
    bend: list[bool]
    up: list[list[int]] = field(default_factory=list)
    down: list[list[int]] = field(default_factory=list)
    aside: set[tuple[int, int]] = field(default_factory=set)

    def add(self, row: int, label: Size | None = None) -> int:
        """A further point of a long edge, with its label at its right side."""
        self.left.append(BESIDE_LINE)
        self.right.append(BESIDE_LINE + (label.width + 4 if label else 0))
        self.height.append(label.height if label else 0.0)
        self.row.append(row)
        self.bend.append(True)
        self.up.append([])
        self.down.append([])
        return len(self.row) - 1

    def join(self, upper: int, lower: int, *, aside: bool) -> None:
        """An edge between neighbouring rows; a second one is the same. One `aside` bends for the others."""
        if lower not in self.down[upper]:
            self.down[upper].append(lower)
            self.up[lower].append(upper)
            if aside:
                self.aside |= {(upper, lower), (lower, upper)}
        elif not aside:
            self.aside -= {(upper, lower), (lower, upper)}
