"""Strings that want to be more than text, and a reader that tells whether they became it."""

from html.parser import HTMLParser

STRINGS = (
    "<script>alert(1)</script>",
    "</pre></div></details><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{7*7}} ${7*7} $\\frac{1}{2}$",
    "\x1b[31mred\x1b[0m\x1b]8;;http://example.com\x07link\x1b]8;;\x07",
    "\u202egnp.exe\u202c",
    "nul\x00bell\x07lone \ud800 surrogate",
    "</style><style>*{display:none}",
    "<!--",
    "&lt;b&gt; &amp;",
)
TAGS = {
    "style", "div", "span", "details", "summary", "pre", "i", "b", "code", "dl", "dt", "dd", "table",
    "thead", "tbody", "tr", "th", "td", "a", "p",
}  # fmt: skip
ATTRIBUTES = {
    "class", "title", "open", "style", "role", "scope", "tabindex", "href", "target", "rel", "aria-label",
    "aria-valuenow", "aria-valuemin", "aria-valuemax", "aria-sort",
}  # fmt: skip


class Reader(HTMLParser):
    """The tags, the text and the attributes of a page; complains about what does not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == [], self.stack

    def handle_starttag(self, tag, attrs):
        self.stack.append(tag)
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack[-1:] != ["style"]:
            self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return "".join(self.words)


def read(html: str) -> Reader:
    """The page, after a look that it is made of our own building blocks and loads nothing."""
    reader = Reader(html)
    assert reader.seen <= TAGS, reader.seen - TAGS
    names = {name for name, _ in reader.attributes}
    assert names <= ATTRIBUTES, names - ATTRIBUTES
    for name, value in reader.attributes:
        if name == "href":
            assert ":" not in (value or "")
        if name == "style":
            assert "url" not in (value or "")
    assert html.count("</style>") == html.count("<style>") <= 1
    for unseen in "\x00\x07\x1b\u202e":
        assert unseen not in html
    html.encode("utf-8")  # a lone surrogate could not be sent
    return reader
