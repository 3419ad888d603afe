"""What stands still: a table of hostile and of honest HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.reports.still import still, with_contents

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("markup", "stands"),
    [
        ("<p>one &amp; <b>two</b></p>", "<p>one &amp; <b>two</b></p>"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ("<table><tr><td>a<tr><td>b</table>", "<table><tr><td>a<tr><td>b</td></tr></td></tr></table>"),
        ("<div>open", "<div>open</div>"),
        ("</div></main></body>text", "text"),
        ("<b>a</i></b>", "<b>a</b>"),
        ("<br/>a<hr>", "<br>a<hr>"),
        ("<div/>a", "<div>a</div>"),
        ('<svg viewBox="0 0 1 1"><path d="M0 0"/><g/></svg>', '<svg viewbox="0 0 1 1"><path d="M0 0"></path><g></g></svg>'),
        (f'<img src="{PIXEL}" alt="a">', f'<img src="{PIXEL}" alt="a">'),
        ('<img src="https://x.test/a.png" alt="cat">', '<span class="unloaded">[a picture that is not in the page: cat]</span>'),
        ("<img src=//x.test/a>", '<span class="unloaded">[a picture that is not in the page: //x.test/a]</span>'),
        ('<p onclick="x()" ONLOAD=y id=p>a</p>', '<p id="p">a</p>'),
        ("<script>alert('<b>')</script>a", "a"),
        ("<svg><script/>a</svg>", "<svg>a</svg>"),
        ("<script>never closed <p>a", ""),
        ('<meta http-equiv="refresh" content="0;url=https://x.test">a', "a"),
        ('<link rel="preconnect" href="https://x.test">a', "a"),
        ('<base href="https://x.test/">a', "a"),
        ("<iframe src=https://x.test>in</iframe>a", "a"),
        ("<object data=x><embed src=y>in</object>a", "a"),
        ("<noscript><meta></noscript><template><p></template>a", "a"),
        ("<form action=https://x.test><input name=a></form>", '<input name="a">'),
        ("<!-- c --><!DOCTYPE html><?php x?>a", "a"),
        ('<a href="https://x.test" target="_blank">a</a>', '<a href="https://x.test" target="_blank" rel="noopener noreferrer">a</a>'),
        ('<a href="#part">a</a><a href="mailto:a@b.c">b</a>', '<a href="#part">a</a><a href="mailto:a@b.c">b</a>'),
        ('<a href=" java\tscript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,x">a</a><a href="file:///etc/passwd">b</a>', "<a>a</a><a>b</a>"),
        ('<p style="background:url(https://x.test/a)">a</p>', '<p style="background:none">a</p>'),
        (f'<p style="background:url({PIXEL})">a</p>', f'<p style="background:url({PIXEL})">a</p>'),
        ("<style>@import 'https://x.test'; p{color:red}</style>", "<style>none p{color:red}</style>"),
        ("<svg><style><![CDATA[a>b{}]]></style></svg>", "<svg><style>a>b{}</style></svg>"),
        ("<svg><style></p><meta></style></svg>", "<svg><style>\\3c /p>\\3c meta></style></svg>"),
        ('<svg><image href="https://x.test/a"/><use href="#b"/></svg>', '<svg><image></image><use href="#b"></use></svg>'),
        ('<p title="</p><meta>">a</p>', '<p title="&lt;/p&gt;&lt;meta&gt;">a</p>'),
        ('<textarea><a title="</textarea><meta>">', '<textarea><a title="&lt;/textarea&gt;&lt;meta&gt;"></a></textarea>'),
        ('<video autoplay src="https://x.test/v"></video>', "<video></video>"),
        ("<svg><g><title>a & b</title></g></svg>", "<svg><g><title>a &amp; b</title></g></svg>"),
        ("<title>a</title>b", "b"),
        ("<details open><summary>a</summary>b</details>", "<details open><summary>a</summary>b</details>"),
    ],
)  # fmt: skip
def test_what_stands(markup, stands):
    assert still(markup) == stands


PIECES = (
    *"<>/='\" abp!-&;",
    *(
        "<p",
        "<meta",
        "<svg",
        "<script",
        "</",
        "style",
        "href=",
        "<style>",
        "</style>",
        "<!--",
        "url(",
        "<title>",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_it_stands_as_it_is_when_it_is_read_again_and_holds_nothing_that_moves(markup):
    once = still(markup)
    lowered = once.lower()
    for moving in ("meta", "script", "link", "iframe", "base"):
        # A tag that nobody knows may begin like one.
        assert not re.search(rf"<{moving}(?![-\w:.])", lowered)
    assert still(once) == once


def test_what_is_deep_or_never_ends_takes_no_longer():
    assert still("<b>" * 20_000 + "a" + "</i>" * 20_000) == "<b>" * 500 + "a" + "</b>" * 500
    assert "<" not in still("<!--" * 100_000 + "a")


def test_contents_are_the_headings_of_a_long_page():
    page = '<h2 id="a">One ¶</h2>' + "<h2>Two <b>&amp;</b></h2>" * 2 + '<h2 class="x"></h2><h2>Four</h2>'
    changed, contents = with_contents(page)
    assert contents == (("a", "One"), ("part-2", "Two &"), ("part-3", "Two &"), ("part-5", "Four"))
    for name, _ in contents:
        assert f'id="{name}"' in changed
    assert with_contents("<h2>One</h2>")[1] == ()
