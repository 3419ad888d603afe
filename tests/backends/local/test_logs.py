import os

from hypothesis import given
from hypothesis import strategies as st

from faaslab.backends.local.api.logs import Entry, LogPipe


def frame(text, micros=1_700_000_000_000_000, kind=0x0F):
    body = text.encode()
    return b"\xa5\x5a\x00" + bytes([kind]) + len(body).to_bytes(4, "big") + micros.to_bytes(8, "big") + body


def heard(data, sizes=(), limit=10_000):
    pipe = LogPipe(-1, limit_bytes=limit)
    for size in sizes:
        pipe.feed(data[:size])
        data = data[size:]
    pipe.feed(data)
    return pipe.take(last=True)


def test_text_and_frames_keep_their_order_levels_and_instants():
    data = b"one\n" + frame("two\nlines\n", 5, 0x17) + b"three" + frame("four", 6, 0x03) + b"[INFO]\tx\n\nend"
    assert heard(data) == (
        [
            Entry(None, None, "one"),
            Entry(5, "ERROR", "two\nlines"),
            Entry(None, None, "three"),
            Entry(6, None, "four"),
            Entry(None, "INFO", "[INFO]\tx"),
            Entry(None, None, ""),
            Entry(None, None, "end"),
        ],
        0,
    )


def test_levels_of_text_and_json_frames():
    kinds = {
        0x0B: "DEBUG",
        0x0F: "INFO",
        0x13: "WARN",
        0x17: "ERROR",
        0x1B: "FATAL",
        0x0A: "DEBUG",
        0x1A: "FATAL",
    }
    for kind, level in kinds.items():
        assert heard(frame("x", kind=kind))[0][0].level == level


@given(st.lists(st.integers(1, 40), max_size=20))
def test_it_does_not_matter_how_the_bytes_are_cut(sizes):
    data = b"a line\n" + frame("framed\nmessage") + "ünï\n".encode() + frame("") + b"rest"
    assert heard(data, sizes) == heard(data)


def test_bytes_that_are_no_text_are_shown_as_far_as_possible():
    assert heard(b"\xff\xfe ok\n")[0][0].text.endswith(" ok")


def test_a_flood_is_counted_and_dropped():
    entries, dropped = heard(b"x" * 99 + b"\n" + b"y" * 5000 + b"\n" + b"z\n", limit=1000)
    assert [entry.text[0] for entry in entries] == ["x", "z"]
    assert dropped == 5000


def test_a_flood_of_empty_lines_is_bounded():
    entries, _ = heard(b"\n" * 1_000_000, limit=64_000)
    assert len(entries) <= 1001


def test_a_frame_above_the_limit_is_never_held():
    pipe = LogPipe(-1, limit_bytes=1000)
    data = frame("x" * 500_000) + b"after\n"
    for at in range(0, len(data), 1000):
        pipe.feed(data[at : at + 1000])
        assert len(pipe._pending) <= 1016
    assert pipe.take() == ([Entry(None, None, "after")], 500_000)


def test_an_endless_line_is_cut():
    entries, dropped = heard(b"x" * 600_000, limit=10_000_000)
    assert [len(entry.text) for entry in entries] == [262_144, 262_144, 75_712]
    assert dropped == 0


def test_draining_a_pipe_never_waits():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pipe = LogPipe(reading, limit_bytes=1000)
    pipe.drain()
    os.write(writing, b"now\n")
    pipe.drain()
    assert pipe.take() == ([Entry(None, None, "now")], 0)
    pipe.close()
    pipe.close()
    os.close(writing)
