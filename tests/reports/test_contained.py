"""What an output says about style governs that output alone."""

import nbformat
import pytest

from faaslab.reports.contained import contained, is_paired
from faaslab.reports.page import render
from faaslab.reports.still import still


@pytest.mark.parametrize(
    ("sheet", "paired"),
    [
        ("", True),
        ("a{b:c}@media print{a{b:c}}", True),
        ('a{content:"}"} /* } */ b{c:d}', True),
        ("a{b:url(data:image/png;base64,{)}", True),
        ("} body{display:none} a{", False),
        ("a{b:url({)}} body{c:d}", False),
        ("a{b:\\75 rl({)}} body{c:d}", False),
        ('a{b:"\n} body{c:d}', False),
        ("a{b:'\\'}'}", True),
        ("a{b:c", False),
        ("/* a{}", False),
    ],
)
def test_braces_are_paired_as_a_browser_reads_them(sheet, paired):
    assert is_paired(sheet) is paired


def test_each_sheet_has_its_output_for_a_scope():
    markup = "<style>p{color:red}</style><svg><style>}body{a:b}{</style></svg><p>a</p>"
    once = contained(still(markup), 7)
    assert once == (
        '<div class="output-7"><style>@scope (.output-7) {p{color:red}\n}</style><svg></svg><p>a</p></div>'
    )
    assert still(once) == once
    assert contained("<p>a</p>", 1) == "<p>a</p>"


def test_on_a_page_nothing_of_an_output_covers_or_hides_the_rest(tmp_path):
    data = {"text/html": "<style>body{display:none}</style><div style='position:fixed;inset:0'>x</div>"}
    long = {"text/plain": "y" * 1_000_000}
    outputs = [nbformat.v4.new_output("display_data", data=each) for each in (data, long)]
    outputs.append(nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["z" * 1_000_000]))
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)]),
        tmp_path / "n.ipynb",
    )
    page = render(tmp_path / "n.ipynb", title="t", subtitle="s")
    assert "<style>@scope (.output-1) {body{display:none}\n}</style>" in page
    # What is fixed is so within an output that is contained.
    assert ".output_html, .output_markdown, .output_svg { contain: layout paint; }" in page
    assert len(page) < 400_000
    assert page.count("characters are left out here") == 2
