"""The journal's laws: what was written is read, a torn end is cut off, any other damage is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.cloud.child.asked import Asked
from faaslab.cloud.child.bodies import LARGE, Bodies, BodyLost
from faaslab.cloud.child.journal import Change, Damaged, Journal

texts = st.text(st.characters(codec="utf-8"), max_size=30)
changes = st.builds(
    lambda now, seed, method, target, headers, body: Change(
        now=now, seed=seed, asked=Asked(method=method, target=target, headers=tuple(headers), body=body)
    ),
    st.floats(0, 4e9),
    st.integers(0, 2**64 - 1),
    st.sampled_from(("PUT", "POST", "DELETE")),
    texts,
    st.lists(st.tuples(texts.map(lambda text: f"x-{text}"), texts), max_size=3),
    st.binary(max_size=200),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def names():
    return iter(range(1_000_000))


def written(folder, names, told):
    path = folder / f"{next(names)}"
    journal = Journal(path, Bodies(folder / "bodies"), identity="i")
    places = [journal.append(change) for change in told]
    journal.close()
    return path, places


def read(path):
    journal = Journal(path, Bodies(path.parent / "bodies"), identity="other")
    try:
        return [change for _, change in journal.changes(0)]
    finally:
        journal.close()


@given(told=st.lists(changes, max_size=5))
def test_what_was_written_is_read(folder, names, told):
    path, _ = written(folder, names, told)
    assert read(path) == told


@given(told=st.lists(changes, min_size=1, max_size=4), data=st.data())
def test_of_a_torn_journal_all_whole_lines_are_read_and_more_can_follow(folder, names, told, data):
    path, _ = written(folder, names, told)
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    cut = data.draw(st.integers(head, len(whole)))
    path.write_bytes(whole[:cut])
    left = read(path)
    assert left == told[: whole[head:cut].count(b"\n")]
    journal = Journal(path, Bodies(folder / "bodies"), identity="i")
    list(journal.changes(0))
    journal.append(told[0])
    journal.close()
    assert read(path) == [*left, told[0]]


@given(told=st.lists(changes, min_size=2, max_size=4), data=st.data())
@settings(max_examples=200)
def test_a_byte_that_changed_is_told_and_where(folder, names, told, data):
    path, places = written(folder, names, told)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(places[0], places[-1] - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    with pytest.raises(Damaged) as raised:
        read(path)
    assert raised.value.offset == max(place for place in places if place <= at)


@given(noise=st.binary(max_size=300))
@settings(max_examples=200)
def test_noise_is_no_change(folder, names, noise):
    path, _ = written(folder, names, [])
    path.write_bytes(path.read_bytes() + noise)
    try:
        assert read(path) == []
    except Damaged:
        pass


def test_a_refused_change_is_gone_whether_or_not_others_came_after(folder, names):
    one, two, three = (
        Change(now=float(number), seed=number, asked=Asked(method="PUT", target="/", headers=()))
        for number in range(3)
    )
    path = folder / f"{next(names)}"
    journal = Journal(path, Bodies(folder / "bodies"), identity="i")
    journal.take_back(journal.append(one))
    assert journal.end == journal.begin
    place = journal.append(one)
    journal.append(two)
    journal.take_back(place)
    journal.append(three)
    journal.close()
    assert read(path) == [two, three]


def test_a_large_body_stands_in_a_file_of_its_own(folder, names):
    body = b"x" * (LARGE + 1)
    change = Change(now=1.0, seed=1, asked=Asked(method="PUT", target="/", headers=(), body=body))
    path, _ = written(folder, names, [change, change])
    assert len(path.read_bytes()) < LARGE
    assert read(path) == [change, change]
    [kept] = (folder / "bodies").glob("??/*")
    kept.write_bytes(body[:-1] + b"y")
    with pytest.raises(Damaged, match="body is lost"):
        read(path)
    kept.unlink()
    with pytest.raises(Damaged, match="body is lost"):
        read(path)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "/", "\0"])
def test_only_a_digest_names_a_body(tmp_path, digest):
    with pytest.raises(BodyLost):
        Bodies(tmp_path).read(digest)
