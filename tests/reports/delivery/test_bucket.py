"""Pages in a bucket: who is overtaken reads again, and nobody's entry is lost."""

import hashlib
import threading
from datetime import timedelta

import pytest

from faaslab.reports.delivery import bucket, index
from faaslab.reports.delivery.folder import NotDelivered
from faaslab.reports.delivery.targets import Bucket
from tests.reports.delivery.stories import MONDAY, pages, run, story

TARGET = Bucket(bucket="team", prefix="weekly")


class Kept:
    """A bucket in memory that holds S3's conditions."""

    def __init__(self, before_swap=lambda: None):
        self.objects = {}
        self.guard = threading.Lock()
        self.before_swap = before_swap

    def tag(self, key):
        content = self.objects.get(key)
        return None if content is None else hashlib.md5(content).hexdigest()

    def get(self, key):
        with self.guard:
            return (self.objects[key], self.tag(key)) if key in self.objects else None

    def put(self, key, content, *, content_type, cache=""):
        with self.guard:
            self.objects[key] = content

    def swap(self, key, content, *, content_type, cache, tag):
        self.before_swap()
        with self.guard:
            if self.tag(key) != tag:
                return False
            self.objects[key] = content
            return True

    def remove(self, keys):
        with self.guard:
            for key in keys:
                self.objects.pop(key, None)


def deliver(kept, folder, number, *, target=TARGET, keep=None):
    told = story(run(number, scheduled_for=MONDAY + timedelta(days=number)))
    return bucket.deliver(kept, target, told, pages(folder, number), origin="here", keep=keep)


def listed(kept):
    return [each.id[:8] for each in index.entries(kept.objects["weekly/index.html"].decode())]


def test_who_is_overtaken_reads_again(tmp_path):
    kept = Kept()
    overtaken = iter([lambda: deliver(kept, tmp_path, 2)])

    def before_swap():
        next(overtaken, lambda: None)()

    kept.before_swap = before_swap
    deliver(kept, tmp_path, 1)
    assert listed(kept) == ["00000002", "00000001"]


def test_many_at_once_all_stand_in_it(tmp_path):
    meeting = threading.Barrier(4, timeout=30)
    first = threading.local()

    def together():
        # All have read the same index when the first of them changes it.
        if not hasattr(first, "met"):
            first.met = True
            meeting.wait()

    kept = Kept(together)
    threads = [
        threading.Thread(target=deliver, args=(kept, tmp_path / str(number), number)) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listed(kept) == ["00000003", "00000002", "00000001", "00000000"]


def test_who_is_overtaken_for_ever_gives_up(tmp_path):
    kept = Kept()
    kept.swap = lambda *_, **__: False
    with pytest.raises(NotDelivered, match="kept changing"):
        deliver(kept, tmp_path, 1)


def test_the_newest_stay_and_nothing_else_goes(tmp_path):
    kept = Kept()
    kept.objects["weekly/cold_starts-1-mine.html"] = b"mine"
    for number in (1, 2, 3, 3):
        deliver(kept, tmp_path, number, keep=2)
    assert sorted(kept.objects) == [
        "weekly/cold_starts-1-mine.html",
        *(f"weekly/cold_starts-{n}-0000000{n}.{kind}" for n in (2, 3) for kind in ("html", "pdf")),
        "weekly/index.html",
    ]


@pytest.mark.parametrize(
    ("target", "address"),
    [
        (TARGET, "s3://team/weekly/cold_starts-1-00000001.html"),
        (Bucket(bucket="team"), "s3://team/cold_starts-1-00000001.html"),
        (Bucket(bucket="team", url="https://r.example"), "https://r.example/cold_starts-1-00000001.html"),
    ],
)
def test_where_it_stands(tmp_path, target, address):
    assert deliver(Kept(), tmp_path, 1, target=target)["html"] == address


def test_a_page_of_somebody_else_stays_and_nothing_is_put_beside_it(tmp_path):
    kept = Kept()
    kept.objects["weekly/index.html"] = b"<h1>mine</h1>"
    with pytest.raises(NotDelivered, match="stays as it is"):
        deliver(kept, tmp_path, 1)
    assert list(kept.objects) == ["weekly/index.html"]
