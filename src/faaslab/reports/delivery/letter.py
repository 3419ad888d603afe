"""A run as an e-mail: its headline as HTML and as plain text, its pages attached if they are small. Pure."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from faaslab.reports.delivery.naming import CONTENT_TYPES, file_name, label
from faaslab.reports.delivery.story import Story, one_line, seen, took, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.reports.delivery.targets import Mail

LIMIT = 7 * 1024 * 1024
"""Bytes of all attachments: encoded they stay below the ten megabytes that most servers take."""
_ORDER = ("pdf", "html", "ipynb", "log")
_TOKEN = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file of a run: its format, the name it gets, its bytes."""

    kind: str
    name: str
    content: bytes


def fitting(sizes: Mapping[str, int], *, failed: bool, limit: int = LIMIT) -> tuple[str, ...]:
    """The formats that are attached, of those with their sizes: PDF first; the log with a failure only."""
    chosen, left = [], limit
    for kind in _ORDER:
        size = sizes.get(kind)
        if size is not None and size <= left and (kind != "log" or failed):
            chosen.append(kind)
            left -= size
    return tuple(chosen)


def attachment(kind: str, stem: str, run_id: str, content: bytes) -> Attachment:
    """A file with the name that it is delivered under everywhere."""
    return Attachment(kind=kind, name=file_name(stem, kind, run_id), content=content)


def letter(
    story: Story,
    target: Mail,
    *,
    sender: Address,
    sent_at: datetime,
    attachments: Sequence[Attachment] = (),
    left_out: Mapping[str, int] | None = None,
) -> EmailMessage:
    """The message to all of `target`. `left_out` are formats that were too large, with their bytes.

    The same run to the same people has the same Message-ID, so that one who got it twice is shown it once.
    """
    message = EmailMessage(policy=SMTP)
    # Each of these is one line whatever it was made of: nothing in a run can add a header.
    message["Subject"] = one_line(target.subject or story.subject)[:200]
    message["From"] = sender
    message["To"] = [Address(addr_spec=each) for each in target.to]
    message["Date"] = format_datetime(sent_at.replace(tzinfo=UTC))
    whom = hashlib.sha256(",".join(target.to).encode()).hexdigest()[:12]
    message["Message-ID"] = f"<{_TOKEN.sub('', story.run.id)}.{whom}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    notes = _notes(attachments, left_out or {})
    message.set_content(_plain(story, notes))
    message.add_alternative(_html(story, notes), subtype="html")
    for each in attachments:
        kind, _, sub = CONTENT_TYPES[each.kind].partition(";")[0].partition("/")
        charset = {"charset": "utf-8"} if kind == "text" else None
        message.add_attachment(each.content, maintype=kind, subtype=sub, filename=each.name, params=charset)
    return message


def _notes(attachments: Sequence[Attachment], left_out: Mapping[str, int]) -> tuple[str, ...]:
    notes = []
    if attachments:
        notes.append("Attached: " + ", ".join(label(each.kind) for each in attachments) + ".")
    notes += [
        f"{label(kind)} is too large to attach ({size / 1e6:.1f} MB)." for kind, size in left_out.items()
    ]
    return tuple(notes)


def _facts(story: Story) -> list[tuple[str, str]]:
    run = story.run
    facts = [("For", when(story.due, story.timezone)), ("Status", run.status.value)]
    if took(run):
        facts.append(("Took", took(run)))
    if run.schedule:
        facts.append(("Schedule", one_line(run.schedule)))
    if run.attempt > 1:
        facts.append(("Attempt", str(run.attempt)))
    return facts


def _plain(story: Story, notes: Sequence[str]) -> str:
    lines = [one_line(story.title), ""]
    if story.failed:
        lines += [story.failure, ""]
    lines += [seen(each) for each in story.headline]
    lines += ["", *(f"{name}: {value}" for name, value in _facts(story))]
    lines += [f"{label(kind)}: {link}" for kind, link in story.worth_opening.items()]
    return "\n".join([*lines, "", *notes, "-- ", "faaslab", ""])


# Mail readers keep styles that stand at the element and little else; colours are those that read on white
# and on black, for many a reader turns a letter dark by itself.
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"
_SOFT = "color:#6b7788"
_LINE = "border-bottom:1px solid #8a96a666"


def _html(story: Story, notes: Sequence[str]) -> str:
    first, *more = story.headline or ("",)
    body = [
        f'<h1 style="font-size:22px;line-height:1.25;margin:0 0 12px">{_text(one_line(story.title))}</h1>'
    ]
    if story.failed:
        body.append(
            '<p style="border-left:4px solid #d0453c;padding:6px 12px;margin:0 0 16px">'
            f"<strong>This run failed.</strong><br>"
            f'<code style="font-size:13px">{_text(story.failure)}</code></p>'
        )
    if first:
        body.append(f'<p style="font-size:18px;line-height:1.45;margin:0 0 12px">{_text(first)}</p>')
    body += [f'<p style="margin:0 0 12px">{_text(line)}</p>' for line in more]
    rows = [(name, _text(value)) for name, value in _facts(story)]
    rows += [(label(kind), _link(link)) for kind, link in story.worth_opening.items()]
    cells = "".join(
        f'<tr><td style="{_SOFT};{_LINE};padding:6px 18px 6px 0;vertical-align:top">{_text(name)}</td>'
        f'<td style="{_LINE};padding:6px 0;word-break:break-word">{value}</td></tr>'
        for name, value in rows
    )
    body.append(
        '<table role="presentation" cellspacing="0" cellpadding="0" style="font-size:14px;margin:18px 0">'
        f"{cells}</table>"
    )
    foot = "<br>".join(_text(note) for note in (*notes, "Sent by faaslab."))
    body.append(f'<p style="{_SOFT};font-size:13px;margin:0">{foot}</p>')
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{_text(story.subject)}</title></head>\n"
        f'<body style="{_FONT};font-size:15px;line-height:1.5;margin:0;padding:20px">'
        f'<div style="max-width:620px;margin:0 auto">\n' + "\n".join(body) + "\n</div></body></html>\n"
    )


def _link(address: str) -> str:
    if address.startswith(("https://", "http://")):
        return f'<a href="{_text(address)}" style="color:#2f74e0">{_text(address)}</a>'
    return _text(address)


def _text(value: str) -> str:
    return html.escape(seen(value), quote=True)
