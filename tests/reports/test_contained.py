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
        ('a{b:"\\\n}"}', True),
        ('a{b:"\f}} body{c:d !important} e{f:g"}', False),
        ("a{b:'\r}} body{c:d !important} e{f:g'}", False),
        ('a{b:xurl(a"){" ) }} body{c:d} e{f:"}}', False),
        ('a{b:#URL(a"){" ) }} body{c:d} e{f:"}}', False),
        ('a{b:\\3c url(a"){" ) }} body{c:d} e{f:"}}', False),
        ('a{b:url(\u00a0")}} body{c:d} e{f:")}', False),
        ("a{b:c URL( 'x}' ),url(}) url()}", True),
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
    table = '<table><td style="text-align:right">1</td></table>'
    assert contained(table, 1, cell=True) == table
    assert contained('<p style="position:fixed">a</p>', 1, cell=True).startswith(
        '<div class="output-1 contained">'
    )


@pytest.mark.parametrize(
    ("sheet", "left"),
    [
        ("@media print{a{b:c}}", "@media print{a{b:c}}"),
        ("@keyframes x{from{a:b}}@-webkit-keyframes x{}", "@keyframes x{from{a:b}}@-webkit-keyframes x{}"),
        ("@font-face{font-family:Menlo}", "@left-out-font-face{font-family:Menlo}"),
        ("@Property --ink{inherits:false}", "@left-out-Property --ink{inherits:false}"),
        ("@page{size:1mm}", "@left-out-page{size:1mm}"),
        ("@media-x{}", "@left-out-media-x{}"),
        ("@scope (html){a{b:c}}", "@left-out-scope (html){a{b:c}}"),
    ],
)
def test_rules_that_no_scope_holds_are_left_out(sheet, left):
    found = contained(f"<style>{sheet}</style>", 1)
    assert found == f'<div class="output-1"><style>@scope (.output-1) {{{left}\n}}</style></div>'


def test_in_markdown_neither_a_style_nor_a_tag_reaches_the_page(tmp_path):
    hostile = (
        "<style>body{display:none} nav{color:red}</style><link rel=stylesheet href=https://a.example/a.css>"
        "<base href=https://b.example/><meta http-equiv=refresh content='0;url=https://c.example/'>"
        "<form action=https://d.example/><input name=x></form><iframe src=https://e.example/></iframe>"
        "<p onclick='x()' style='position:fixed;inset:0' popover>here</p>"
        "<svg><a><animate attributeName=href to=javascript:x() /></a></svg>"
    )
    cells = [
        nbformat.v4.new_markdown_cell(hostile + "\n\n# Title"),
        nbformat.v4.new_code_cell(
            "1", outputs=[nbformat.v4.new_output("display_data", data={"text/markdown": hostile})]
        ),
        *(nbformat.v4.new_markdown_cell(f"## Part {number}") for number in range(5)),
        nbformat.v4.new_markdown_cell("plain"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    page = render(tmp_path / "n.ipynb", title="t", subtitle="s").partition("<main>")[2]
    # Our own list of contents stands outside of the cell that has a style.
    assert page.index("<nav") < page.index("<style>")
    sheets = page.split("<style>")[1:]
    assert len(sheets) == 2
    assert all(sheet.startswith("@scope (.output-") for sheet in sheets)
    assert page.count("here") == 2
    for gone in (
        "example",
        "onclick",
        "popover",
        "<form",
        "<iframe",
        "<base",
        "<link",
        "<meta",
        "animate",
        "javascript",
    ):
        assert gone not in page, gone
    assert page.count(' contained"') == 2


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
    assert ".output_html, .output_markdown, .output_svg, .contained { contain: layout paint; }" in page
    assert len(page) < 400_000
    assert page.count("characters are left out here") == 2
