"""What all figures share: colours that hold and are told apart, writing in the reader's ink, round marks."""

import itertools
import math

import pytest

from faaslab.monitoring.pages import figures

LIGHT, DARK = "#fbfcfd", "#12161c"
# What those see who lack one kind of cones (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN = {
    "all": None,
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


def linear(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one, other):
    low, high = sorted(
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(each))) for each in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    red, green, blue = rgb
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour, matrix):
    rgb = linear(colour)
    if matrix is None:
        return lab(rgb)
    return lab([min(max(sum(a * b for a, b in zip(row, rgb)), 0), 1) for row in matrix])


@pytest.mark.parametrize("colour", [*figures.COLOURS, figures.RED])
def test_each_colour_stands_out_on_light_and_on_dark(colour):
    assert contrast(colour, LIGHT) >= 2.4
    assert contrast(colour, DARK) >= 3


@pytest.mark.parametrize("kind", SEEN)
def test_colours_are_told_apart_by_everyone(kind):
    for one, other in itertools.combinations(figures.COLOURS, 2):
        assert math.dist(seen(one, SEEN[kind]), seen(other, SEEN[kind])) >= 12, (one, other)


def test_the_look_of_a_function_stays_when_others_are_added():
    few, many = figures.looks(["a", "b"]), figures.looks(["a", "b", *map(str, range(40))])
    assert (many["a"], many["b"]) == (few["a"], few["b"])
    assert len(set(map(repr, list(many.values())[:24]))) == 24


def test_writing_takes_the_ink_of_the_page_and_nothing_is_loaded():
    figure, (axes,) = figures.canvas(height=2)
    axes.set_xlabel("hours")
    drawn = figures.svg(figure)
    assert drawn.startswith("<svg")
    assert "var(--ink)" in drawn
    assert figures.INK not in drawn
    assert "prefers-color-scheme:dark" in drawn
    assert 'href="http' not in drawn


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (5, 20_000, [10, 100, 1_000, 10_000]),
        (80, 4_000, [100, 300, 1_000, 3_000]),
        (80, 600, [100, 200, 500]),
        (1_500, 8_000, [2_000, 5_000]),
    ],
)  # fmt: skip
def test_logarithmic_axes_have_round_marks(low, high, marks):
    found = figures._log_marks(low, high)
    assert set(marks) <= {round(mark) for mark in found}
    assert 3 <= len(found) <= 8
