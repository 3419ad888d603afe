"""`logs NAME --follow` where nobody sits before it (papermill): it does not hang, and shows its end."""

from tests.notebook.hostile import read
from tests.notebook.kernel import run

CELLS = {
    "load": "%load_ext faaslab",
    "define": "%%faas talk\ndef handler(event, context):\n    print('hello', event['n'])\n",
    "first": "%faas invoke talk -p '{\"n\": 1}' -o first",
    "follow": "%faas logs talk --follow --grep hello",
    "bound": "%faas logs talk --follow -o lines",
    "there": "lines['message'].str.startswith('hello').sum()",
    "second": "%faas invoke talk -p '{\"n\": 2}' -o second",
    "wrong": "%faas logs talk --follow --limit 3",
}


def test_follow_ends_at_once_and_keeps_what_came_until_the_end(tmp_path):
    cells = run(CELLS, tmp_path)
    assert cells["follow"].error is None
    (shown,) = cells["follow"].html
    text = read(shown).text
    assert "hello 1" in text
    assert "hello 2" in text
    assert "logs of talk that match hello" in text
    assert "2 lines" in text
    assert "REPORT" not in text
    assert cells["follow"].text == "hello 1\nhello 2"
    assert (cells["bound"].html, cells["there"].text) == ([], "np.int64(1)")
    assert cells["wrong"].error == (
        "InvalidValue",
        "--limit: does not go with --follow (leave one of them out)",
    )
