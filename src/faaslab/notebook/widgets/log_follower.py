"""`logs NAME --follow` in a notebook: lines as they come, a filter, a pause, and the execution behind a line.

Rule: what is shown, kept and dropped is `log_book`'s, how it looks `log_page`'s; here are the controls. Full
blocks of lines are widgets that never change, so that a new line costs a block and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from faaslab.lab.log_tail import LogTail
from faaslab.lab.waterfalls import waterfall
from faaslab.notebook import log_page, units
from faaslab.notebook.display import View
from faaslab.notebook.execution_view import execution_block
from faaslab.notebook.log_book import LEVELS, STREAMS, LogBook
from faaslab.notebook.markup import Html, page, tag
from faaslab.notebook.widgets.live import LiveWidget

if TYPE_CHECKING:
    from faaslab.errors import FaaslabError
    from faaslab.lab import Lab
    from faaslab.notebook.display import Surroundings
    from faaslab.verbs import FollowAnswer

_FIRST = 1_000
_EXECUTIONS = 50
_NONE = ""


class LogFollower(LiveWidget):
    """The log of a function, of an execution, or of all, as it grows."""

    def __init__(self, lab: Lab, around: Surroundings, answer: FollowAnswer) -> None:
        super().__init__(lab, around)
        self._tail = LogTail(lab, answer.what, grep=answer.grep, since=answer.since, first=_FIRST)
        self._title = (answer.title or "logs") + (f" that match {answer.grep}" if answer.grep else "")
        self._several = answer.what is None
        self._book = LogBook(self._tail.matching)
        self._root: Any = None
        self._blocks: dict[int, Any] = {}
        # What the controls ask for: the next look, in its thread, does it.
        self._asked = (_NONE, _NONE, _NONE)
        self._halted = False
        self._shown: tuple[int, ...] = ()

    def widget(self) -> Any:
        """Filter, level, stream, pause and newest in a row; the lines; the execution that was chosen."""
        self._filter = ipywidgets.Text(
            placeholder="filter: text or pattern",
            tooltip="only lines that this text or regular expression (as of logs --grep) is found in",
            layout={"width": "auto", "flex": "1 1 160px", "min_width": "140px"},
        )
        self._level = ipywidgets.Dropdown(
            options=[("any level", _NONE), *((f"{each} and above", each) for each in LEVELS)],
            tooltip="only lines of this level or above, where a level was recorded",
            layout={"min_width": "140px"},
        )
        self._stream = ipywidgets.Dropdown(
            options=[("all streams", _NONE), *((f"{each} only", each) for each in STREAMS)],
            tooltip="only lines that the function, the platform or an extension wrote",
            layout={"min_width": "125px"},
        )
        self._pause = ipywidgets.ToggleButton(
            description="Pause", icon="pause", tooltip="let the lines stand still", layout={"width": "86px"}
        )
        self._newest = ipywidgets.Button(
            description="Newest",
            icon="arrow-down",
            tooltip="go on, and to the newest line",
            layout={"width": "92px"},
        )
        self._execution = ipywidgets.Dropdown(
            options=[("execution …", _NONE)],
            tooltip="show one of the executions that wrote these lines",
            layout={"min_width": "196px"},
        )
        self._said = ipywidgets.HTML()
        self._fault = ipywidgets.HTML()
        self._inner = ipywidgets.VBox([], layout={"width": "100%", "overflow": "visible", "flex": "0 0 auto"})
        self._place = ipywidgets.VBox([self._scrolling()])
        self._detail = ipywidgets.HTML()
        for each in (self._filter, self._level, self._stream):
            each.observe(self._filters_changed, "value")
        self._pause.observe(self._pause_changed, "value")
        self._newest.on_click(self._to_newest)
        self._execution.observe(self._chosen, "value")
        controls = ipywidgets.HBox(
            [self._filter, self._level, self._stream, self._pause, self._newest, self._execution],
        )
        controls.add_class("faas-controls")
        sheet = ipywidgets.HTML(page(), layout={"display": "none"})
        self._root = ipywidgets.VBox([sheet, self._said, controls, self._fault, self._place, self._detail])
        self._root.add_class("faas-follow")
        return self._root

    def _scrolling(self) -> Any:
        """A box that stands at its last line; one that was scrolled up is replaced to get there again."""
        made = ipywidgets.VBox([self._inner], layout={"width": "100%"})
        made.add_class("faas-log")
        return made

    def look(self) -> None:
        """Lines that came, and what the controls ask for."""
        if self._halted:
            self._book.pause()
        else:
            self._book.go_on()
        news = self._tail.look()
        if news.lines or news.left_out:
            self._book.add(news.lines, news.left_out)
        text, level, stream = self._asked
        changed = self._book.choose(text=text, level=level, stream=stream)
        if self._root is not None:
            self._show(anew=changed)
        if news.lines or changed:
            self.keep()

    def _show(self, *, anew: bool) -> None:
        seen = self._book.page()
        if anew:
            self._blocks.clear()
        drawn = log_page.blocks(seen, several=self._several)
        kept: dict[int, Any] = {}
        for number, markup in drawn:
            html = tag("div", markup, class_="faas mathjax_ignore tex2jax_ignore")
            block = kept[number] = self._blocks.get(number) or ipywidgets.HTML(html)
            _put(block, html)
        gone = [block for number, block in self._blocks.items() if number not in kept]
        numbers = tuple(kept)
        if anew or numbers != self._shown:
            self._inner.children = tuple(kept.values())
        self._blocks, self._shown = kept, numbers
        for block in gone:
            block.close()
        filtered = any(self._asked)
        said = log_page.head(seen, self._title, paused=self._book.paused, filtered=filtered)
        _put(self._said, tag("div", said, class_="faas"))
        _put(self._fault, "")
        self._level.disabled = not self._book.has_levels and not self._level.value
        self._offer()

    def _offer(self) -> None:
        """The executions whose lines are seen, in the list to choose from."""
        if self._book.paused and len(self._execution.options) > 1:
            return
        options = [("execution …", _NONE)]
        for identity, request, at in self._book.executions(_EXECUTIONS):
            options.append((f"{units.time_of_day(at)}  {(request or identity)[:8]}", identity))
        chosen = self._execution.value
        if chosen and chosen not in {identity for _, identity in options}:
            options.append(next(each for each in self._execution.options if each[1] == chosen))
        if tuple(options) != tuple(self._execution.options):
            self._execution.unobserve(self._chosen, "value")
            self._execution.options = options
            self._execution.value = chosen
            self._execution.observe(self._chosen, "value")

    # -- what somebody does

    def _filters_changed(self, change: Any) -> None:  # noqa: ARG002
        self._asked = (self._filter.value, self._level.value, self._stream.value)
        self.look_now()

    def _pause_changed(self, change: Any) -> None:
        self._halted = bool(change["new"])
        self.look_now()

    def _to_newest(self, _: Any) -> None:
        self._pause.value = False
        self._place.children = (self._scrolling(),)
        self.look_now()

    def _chosen(self, change: Any) -> None:
        if change["new"]:
            self.apart(self._show_execution, change["new"])
        else:
            _put(self._detail, "")

    def _show_execution(self, identity: str) -> None:
        execution = self.lab.executions.find(identity)
        if execution is None:
            _put(self._detail, page(tag("div", self._still_runs(identity), class_="note")))
            return
        drawn = waterfall(self.lab, execution).picture.svg
        cost = self.around.cost(execution)
        block = execution_block(execution, cost=cost, unfold_logs=True, waterfall=drawn)
        _put(self._detail, page(block))

    def _still_runs(self, identity: str) -> str:
        """What is known of one that has not ended."""
        for each in self.lab.running.list():
            if each.id == identity:
                if each.state == "gone":
                    return f"{identity} ended without a record: process {each.process}, which ran it, died"
                where = "here" if each.here else f"in process {each.process}"
                return (
                    f"{identity} runs {where}, for {units.brief_ms(each.ms)} by now. "
                    f"To end it: %faas cancel {identity[:8]}"
                )
        return f"{identity} has just ended: choose it again"

    # -- what is kept of it

    def still(self) -> View:
        """The newest lines that the filters let through."""
        seen = self._book.newest()
        block: Html = log_page.still_box(seen, self._title, several=self._several, filtered=any(self._asked))
        text = "\n".join(entry.line.message for entry in seen.entries) or "no log lines yet"
        return View(page(block), text, None)

    def trouble(self, error: FaaslabError) -> None:
        """A line above the log."""
        if self._root is not None:
            _put(self._fault, page(tag("div", error.message, class_="note")))


def _put(widget: Any, html: str) -> None:
    if widget.value != html:
        widget.value = html
