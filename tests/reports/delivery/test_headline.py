"""What a page says first."""

import pytest

from faaslab.reports.delivery.headline import opening

BIG, SOFT = '<p style="font-size:1.25em">', '<p style="opacity:.75">'


def output(inside):
    return f'<div class="output_html rendered_html">{inside}</div>'


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<main><h1>Cold</h1><p>An author's <em>prose</em>.</p></main>", ("An author's prose.",)),
        (
            "<main><p>Prose.</p>"
            + output(f"{BIG}12 % cold &amp; slow.</p><p>More.</p>")
            + "<h2>Later</h2><p>Not this.</p></main>",
            ("12 % cold & slow.", "More."),
        ),
        (f"<main>{output(f'<p>Told.</p>{SOFT}Store: x</p>')}</main>", ("Told.",)),
        ("<main><details><p>hidden</p></details><p>Seen<br>here.</p></main>", ("Seen here.",)),
        ('<main><p class="failed">half done</p><p>Prose.</p></main>', ("Prose.",)),
        ("<main><pre><p>log</p></pre></main>", ()),
        ("</div></p><p>unclosed", ()),
        ("", ()),
        ("<p>" + "x" * 999 + "</p>", ("x" * 399 + "…",)),
        ("".join(f"<p>{number}</p>" for number in range(9)), tuple("012345")),
    ],
)  # fmt: skip
def test_headline(page, told):
    assert opening(page).headline == told


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (
            "<!DOCTYPE html><html><head><meta charset=utf-8><title>Costs &amp;\n more</title></head>",
            "Costs & more",
        ),
        ("<html><head></head><body><main><svg><title>A picture</title></svg></main></body></html>", ""),
        ("", ""),
    ],
)
def test_title(page, title):
    assert opening(page).title == title
