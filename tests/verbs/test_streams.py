"""`invoke --stream`."""

from pathlib import Path

import pytest

from faaslab import verbs
from faaslab.verbs import text
from tests.verbs.faces import KeptFace


@pytest.fixture
def streaming(lab):
    raw = (Path(__file__).parents[1] / "backends/local/raw_client.py").read_text()
    source = raw + (
        "\nc = Client()\n"
        "while True:\n"
        "    c.next()\n"
        "    c.chunks(b'caf\\xc3', b'\\xa9 ', b'noir')\n"
        "def handler(event, context): pass\n"
    )
    lab.functions.create("talker", source)


def test_the_pieces_are_printed_as_they_come_whatever_they_are_cut_at(lab, streaming):
    face = KeptFace()
    answer = verbs.run(lab, verbs.parse(["invoke", "talker", "--stream"]), face)
    assert "".join(face.lines) == "café noir"
    assert answer.execution.result_bytes == 10
    assert "noir" not in text.plain_text(answer)
    assert lab.executions.get(answer.execution.id).ok


def test_a_document_is_printed_once(lab, streaming):
    face = KeptFace()
    answer = verbs.run(lab, verbs.parse(["invoke", "talker", "--stream", "--json"]), face)
    assert face.lines == []
    assert answer.execution.ok
