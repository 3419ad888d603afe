"""Brings the pages of a run to where its schedule, or somebody by hand, wants them.

Folders and buckets come first, so that letters and messages can say where the pages stand. Each target has
a bounded time, fails for itself, and its outcome is a line in the run's log. Rule: nothing here changes how
the run ended.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from faaslab.errors import FaaslabError, InvalidValue
from faaslab.lab import secrets
from faaslab.model.delivered import Delivered
from faaslab.model.report import ReportStatus
from faaslab.reports.delivery import bucket, folder, hook, letter, mail, mail_server, targets, webhook
from faaslab.reports.delivery.headline import Opening, opening
from faaslab.reports.delivery.story import Story, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.report import ReportRun, ReportSchedule

_ENDED = (ReportStatus.COMPLETED, ReportStatus.FAILED)
_PAGE_LIMIT = 64 * 1024 * 1024
_EPOCH = datetime(1970, 1, 1)


def deliver(
    lab: Lab, run: ReportRun, schedule: ReportSchedule, *, to_be_retried: bool = False
) -> tuple[Delivered, ...]:
    """Bring a run of a schedule to all targets of that, in their order; never raises for one of them.

    Folders and buckets get every run. Letters and messages are not for an attempt that is to be retried, and
    with `notify_on="failure"` for those alone that failed. The same run again changes nothing in folders and
    buckets, and whoever was told is not told again.
    """
    if run.status not in _ENDED:
        return ()
    failed = run.status is ReportStatus.FAILED
    tell = not to_be_retried and (failed or schedule.notify_on == "always")
    wanted = [text for text in schedule.notify if tell or not _tells(text)]
    return _deliver(lab, run, wanted, timezone=schedule.timezone, keep=schedule.keep, again=False)


def deliver_by_hand(lab: Lab, run: ReportRun, texts: Sequence[str]) -> tuple[Delivered, ...]:
    """Bring a run to targets that somebody names now, whether they had it before or not.

    Raises `InvalidValue` for one that cannot be read, and for a run whose pages are gone, before anything is
    delivered.
    """
    for text in texts:
        targets.parsed(text)
    if run.status not in _ENDED:
        raise InvalidValue(f"run {run.id} is {run.status.value}: there is nothing to deliver", place="run")
    if gone := _gone(run):
        raise InvalidValue(f"{gone} is not there any more", place="run", hint="run it again: report run")
    return _deliver(lab, run, texts, again=True)


def _deliver(
    lab: Lab,
    run: ReportRun,
    texts: Sequence[str],
    *,
    timezone: str = "UTC",
    keep: int | None = None,
    again: bool,
) -> tuple[Delivered, ...]:
    pages = _pages(run)
    gone = _gone(run)
    begins = _opening(pages)
    links: dict[str, str] = {}
    told: dict[str, Delivered] = {}
    for text in sorted(texts, key=_tells):
        mark = f"delivered:{run.id}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        shown = targets.masked(text)
        if _tells(text) and not again and _was_told(lab, mark):
            told[text] = Delivered(target=shown, ok=True, detail="was told before")
            continue
        story = Story(
            run=run,
            # The page's own: in it the times of a schedule's title are written out.
            title=begins.title or run.name.replace("_", " ").capitalize(),
            timezone=timezone,
            headline=begins.headline,
            links=dict(links),
        )
        try:
            detail, stand = _bring(lab, targets.parsed(text), story, pages, keep)
        except FaaslabError as error:
            told[text] = Delivered(target=shown, ok=False, detail=_sentence(error))
        except Exception as error:  # noqa: BLE001 -- a target that breaks in its own way harms no other
            told[text] = Delivered(target=shown, ok=False, detail=f"{type(error).__name__}")
        else:
            # What can be opened from anywhere is the better address.
            links |= {kind: link for kind, link in stand.items() if "://" in link or kind not in links}
            # What keeps pages has not got what there was to keep; whoever is told has been told.
            lacks = gone is not None and not _tells(text)
            told[text] = Delivered(
                target=shown,
                ok=not lacks,
                detail=f"{detail}; {gone} is not there any more" if lacks else detail,
            )
            if _tells(text):
                # Without its mark somebody may be told twice; that is no reason to fail.
                with suppress(FaaslabError, OSError):
                    lab.store.marks.set(mark)
    ended = tuple(told[text] for text in dict.fromkeys(texts))
    _note(lab, run, ended)
    return ended


def _bring(
    lab: Lab, target: targets.Target, story: Story, pages: Mapping[str, Path], keep: int | None
) -> tuple[str, dict[str, str]]:
    """Deliver to one target: how it went, and the addresses of what stands there now."""
    origin = hashlib.sha256(str(Path(lab.store.path).resolve()).encode()).hexdigest()[:12]
    match target:
        case targets.Folder():
            stand = folder.deliver(target, story, pages, origin=origin, keep=keep)
            return f"{_files(stand)} and the index", stand
        case targets.Bucket():
            stand = bucket.deliver(_objects(lab, target), target, story, pages, origin=origin, keep=keep)
            return f"{_files(stand)} and the index", stand
        case targets.Mail():
            return _mail(lab, target, story, pages), {}
        case targets.Webhook():
            return _post(lab, target, story), {}


def _objects(lab: Lab, target: targets.Bucket) -> bucket.Objects:
    from faaslab.backends.aws.objects import BucketObjects, own_client

    client = (
        lab.cloud.client("s3") if target.local else own_client(region=target.region, profile=target.profile)
    )
    return BucketObjects(client, target.bucket)


def _mail(lab: Lab, target: targets.Mail, story: Story, pages: Mapping[str, Path]) -> str:
    url = next((each.value for each in lab.settings if each.name == "smtp_url"), None)
    if not url:
        raise InvalidValue(
            "no mail server is set",
            hint="FAASLAB_SMTP_URL=smtp://user@mail.example.com?password=env:SMTP_PASSWORD",
        )
    server = mail_server.parsed(url)
    sizes = {kind: path.stat().st_size for kind, path in pages.items()}
    chosen = letter.fitting(sizes, failed=story.failed)
    message = letter.letter(
        story,
        target,
        sender=server.sender,
        sent_at=lab.clock.now(),
        attachments=[
            letter.attachment(kind, pages[kind].stem, story.run.id, pages[kind].read_bytes())
            for kind in chosen
        ],
        left_out={kind: sizes[kind] for kind in sizes if kind not in chosen and kind != "log"},
    )
    mail.send(server, message, secrets.resolve(server.password) if server.password else None)
    count = len(target.to)
    return f"sent to {count} {'address' if count == 1 else 'addresses'} by {server.host}"


def _post(lab: Lab, target: targets.Webhook, story: Story) -> str:
    url = target.url
    if target.secret:
        url = targets.address(secrets.resolve(target.secret).strip(), plain=target.plain)
    content = hook.encoded(hook.body(story, urlsplit(url).hostname or ""))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "faaslab",
        "X-Faaslab-Delivery": one_line(story.run.id),
    }
    if target.sign:
        seconds = int((lab.clock.now() - _EPOCH).total_seconds())
        headers["X-Faaslab-Signature"] = hook.signature(secrets.resolve(target.sign), content, seconds)
    done = webhook.post(
        url,
        content,
        headers,
        pause=lambda seconds: lab.clock.wait(threading.Event(), seconds),
        chance=lab.chance,
    )
    return f"taken ({done.status})" + (f" at the {done.tries}. try" if done.tries > 1 else "")


def _was_told(lab: Lab, mark: str) -> bool:
    with suppress(FaaslabError, OSError):
        return lab.store.marks.has(mark)
    return False


def _tells(text: str) -> bool:
    """Whether a target tells somebody (a letter, a message) rather than keeps pages."""
    return text.partition(":")[0].lower() in ("mailto", "https", "http", "secret")


def _pages(run: ReportRun) -> dict[str, Path]:
    """The files of a run that are there, by format: pages first, then the log."""
    found: dict[str, Path] = {}
    for path in map(Path, (*run.outputs, *([run.log] if run.log else []))):
        if os.path.isfile(path):  # noqa: PTH113 - a Path raises for a folder that may not be looked into
            found.setdefault(path.suffix.removeprefix(".").lower() or "file", path)
    return found


def _gone(run: ReportRun) -> str | None:
    """A page that the run left and that is there no more."""
    return next((path for path in run.outputs if not os.path.isfile(path)), None)  # noqa: PTH113 - as above


def _opening(pages: Mapping[str, Path]) -> Opening:
    page = pages.get("html")
    with suppress(OSError):
        if page is not None and page.stat().st_size <= _PAGE_LIMIT:
            return opening(page.read_text("utf-8", "replace"))
    return Opening()


def _files(stand: Mapping[str, Any]) -> str:
    return ", ".join(stand) or "no page"


def _sentence(error: FaaslabError) -> str:
    return one_line(error.message + (f" ({error.hint})" if error.hint else ""))[:500]


def _note(lab: Lab, run: ReportRun, ended: Sequence[Delivered]) -> None:
    """Into the run's log, one line each; a log that cannot be written is no reason to fail."""
    if run.log is None:
        return
    with suppress(OSError), Path(run.log).open("a", encoding="utf-8", errors="replace") as log:
        for each in ended:
            word = "delivered" if each.ok else "NOT delivered"
            log.write(
                f"{lab.clock.now():%Y-%m-%d %H:%M:%S} {word} to {one_line(each.target)}: {each.detail}\n"
            )
