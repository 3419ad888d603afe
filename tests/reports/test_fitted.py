"""On paper each table is as large as it can be without losing a column."""

import nbformat
import pytest

from faaslab.reports.fitted import BROKEN, CROWDED, STEPS, classes_for, columns, fitted
from faaslab.reports.page import render


def table(*rows, attributes=""):
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table{attributes}><tbody>{lines}</tbody></table>"


def test_a_column_is_as_wide_as_its_longest_word():
    inner = (
        '<tr><th>column_number</th><th>a long heading</th><th colspan="2">everything</th></tr>'
        "<tr><td>1234567</td><td>a text of several words <b>unbreakable</b></td><td>a&amp;b</td><td></td></tr>"
        "<tr><td>12.5 ms</td><td>x</td><td>27 Nov 2026, 14:03</td></tr>"
    )
    assert columns(inner) == [7, 11, 18, 0]
    assert columns("") == []


@pytest.mark.parametrize(
    ("widths", "classes"),
    [
        ([], ""),
        ([5] * 8, ""),
        ([10] * 9, "fit-7"),
        ([10] * 10, "fit-6"),
        ([10] * 12, "landscape fit-8"),
        ([10] * 17, "landscape fit-6"),
        ([10] * 20, "landscape fit-5"),
        ([10] * 30, BROKEN),
        ([300], BROKEN),
        ([10] * 60, CROWDED),
    ],
)
def test_the_least_that_makes_it_fit_is_chosen(widths, classes):
    assert classes_for(widths) == classes


def test_a_wider_table_is_never_printed_larger():
    order = [classes for classes, _, _ in STEPS] + [BROKEN, CROWDED]
    chosen = [order.index(classes_for([8] * count)) for count in range(1, 80)]
    assert chosen == sorted(chosen)
    assert set(chosen) == set(range(len(order)))


def test_tables_are_marked_and_nothing_else_is_changed():
    assert fitted("<p>no table</p>") == "<p>no table</p>"
    small = table(["a", "b"])
    assert fitted(f"<p>x</p>{small}<table></table>") == f"<p>x</p>{small}<table></table>"
    wide = table(["x" * 10] * 12, attributes=' class="dataframe" border="1"')
    assert 'class="dataframe landscape fit-8" border="1"' in fitted(wide)
    assert '<table class="landscape fit-8">' in fitted(table(["x" * 10] * 12))
    nested = f"<table><tr><td>{wide}</td></tr></table>"
    assert fitted(nested).count("landscape") == 1


@pytest.mark.parametrize("name", ["C:\\q", "a\\1", "\\g1", "$1"])
def test_what_a_notebook_calls_its_table_is_text(name):
    cells = "".join(f"<th>{'w' * 30}{n}</th>" for n in range(30))
    made = fitted(f'<table border="1" class="{name}"><tr>{cells}</tr></table>')
    assert f'<table border="1" class="{name} landscape' in made


def test_headings_may_be_broken_at_their_seams_and_short_values_not_at_all():
    given = (
        '<table><tr><th title="a_b">cold_starts.rate&amp;x</th></tr><tr><td> 2.5 % </td></tr>'
        "<tr><td>words that go on and on</td></tr></table>"
    )
    assert fitted(given) == (
        '<table><tr><th title="a_b">cold_<wbr>starts.<wbr>rate&amp;x</th></tr><tr><td>2.5\xa0%</td></tr>'
        "<tr><td>words that go on and on</td></tr></table>"
    )


def test_a_page_says_how_its_tables_are_printed(tmp_path):
    output = nbformat.v4.new_output("display_data", data={"text/html": table(["x" * 10] * 12)})
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    nbformat.write(node, tmp_path / "n.ipynb")
    page = render(tmp_path / "n.ipynb", title="t", subtitle="s", paper="letter")
    assert "@page wide { size: letter landscape; }" in page
    assert '<table class="landscape fit-8">' in page
