"""Pages in a bucket with an index beside them.

The pages are put first, under keys that no other run has; then the index is read, changed and put on the
condition that nobody changed it meanwhile (If-Match, If-None-Match), and again from the start if somebody
did. So two who deliver at once both stand in it, without a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from faaslab.reports.delivery import index
from faaslab.reports.delivery.folder import NotDelivered
from faaslab.reports.delivery.naming import CONTENT_TYPES, file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from faaslab.reports.delivery.story import Story
    from faaslab.reports.delivery.targets import Bucket

_TRIES = 25


class Objects(Protocol):
    """What is asked of a bucket."""

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object and its tag; None where there is none."""

    def put(self, key: str, content: bytes, *, content_type: str, cache: str = "") -> None:
        """Put it, whatever was there."""

    def swap(self, key: str, content: bytes, *, content_type: str, cache: str, tag: str | None) -> bool:
        """Put it if what is there still has the tag (None: if nothing is there); whether it was put."""

    def remove(self, keys: Iterable[str]) -> None:
        """Remove them; those that are gone already are no matter."""


def deliver(
    objects: Objects,
    target: Bucket,
    story: Story,
    pages: Mapping[str, Path],
    *,
    origin: str,
    keep: int | None,
) -> dict[str, str]:
    """Put the files of a run into the bucket; format -> address of each there.

    Of the run's schedule the newest `keep` stay. The same run again changes nothing. Raises `NotDelivered`,
    and what `objects` raises.
    """
    below = f"{target.prefix}/" if target.prefix else ""
    names = {kind: file_name(made.stem, kind, story.run.id) for kind, made in pages.items()}
    key = below + index.NAME
    _read(objects, key, target)  # before anything is put beside an index that is not ours
    for kind, made in pages.items():
        objects.put(
            below + names[kind],
            made.read_bytes(),
            content_type=CONTENT_TYPES.get(kind, "application/octet-stream"),
        )
    entry = index.entry_of(story, origin=origin, files=names)
    for _ in range(_TRIES):
        present, tag = _read(objects, key, target)
        listed, dropped = index.joined(present, entry, keep=keep)
        if objects.swap(
            key,
            index.page(listed).encode(),
            content_type=CONTENT_TYPES["html"],
            # A reader who comes back on Monday must not be shown last week's list.
            cache="no-cache",
            tag=tag,
        ):
            break
    else:
        raise NotDelivered(f"others kept changing the index of {target.bucket}")
    objects.remove(below + name for name in index.removable(dropped, listed))
    base = target.url or f"s3://{target.bucket}" + (f"/{target.prefix}" if target.prefix else "")
    return {kind: f"{base}/{name}" for kind, name in names.items()}


def _read(objects: Objects, key: str, target: Bucket) -> tuple[tuple[index.Entry, ...], str | None]:
    got = objects.get(key)
    if got is None:
        return (), None
    found = index.entries(got[0].decode("utf-8", "replace"))
    if found is None:
        raise NotDelivered(
            f"{key} in {target.bucket} is not an index of faaslab's and stays as it is",
            hint="deliver under another prefix",
        )
    return found, got[1]
