"""The dashboard, live: the figures of a time that moves on, for the functions that are picked.

Rule: while nothing was recorded it asks for nothing but the store's position. A question that takes long is
asked less often, as `Pulse` has it for all that is live.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from faaslab.errors import StoreError
from faaslab.lab.dashboard import ALL, edge
from faaslab.notebook import dashboard_view as draw
from faaslab.notebook.dashboard_tables import ORDERS, tables
from faaslab.notebook.display import Surroundings, View, view
from faaslab.notebook.markup import page, pill, seen, tag
from faaslab.notebook.widgets.bundle import close_whole
from faaslab.notebook.widgets.live import LiveWidget
from faaslab.store.questions.dashboard import names
from faaslab.verbs import DashboardAnswer

if TYPE_CHECKING:
    from faaslab.errors import FaaslabError
    from faaslab.lab import Lab

TIMES = {"5 min": "5m", "15 min": "15m", "1 h": "1h", "6 h": "6h", "24 h": "24h", "7 d": "7d", "all": ALL}
"""What can be picked, as it is called and as `since` has it."""

CHIPS = 40
"""At most so many functions can be picked by a click; all by their names."""

_KEPT_S = 5.0
"""What a saved file has is so much behind at most."""


class DashboardWidget(LiveWidget):
    """`answer` says how it begins."""

    period_s: ClassVar[float] = 1.0

    def __init__(self, answer: DashboardAnswer, lab: Lab, around: Surroundings) -> None:
        super().__init__(lab, around)
        self._since = answer.since
        self._chosen = answer.dashboard.functions
        self._order = next(iter(ORDERS))
        shown = self._dashboard = answer.dashboard
        self._seen: Any = (answer.since, shown.functions, shown.position, edge(answer.since, shown.until))
        """What stood when it last asked; it asks again once that differs."""
        self._kept: Any = None
        """The store's position when what a file keeps was brought up to date, and when that was."""
        self._shown: Any = None
        self._parts: dict[str, Any] = {}
        self._chips: dict[str, Any] = {}
        self._chips_box: Any = None
        self._order_box: Any = None

    # -- the page

    def widget(self) -> Any:
        """Controls above, figures, charts and tables below."""
        import ipywidgets

        times = dict(TIMES)
        if self._since not in times.values():
            times = {f"since {self._since}" if len(self._since) > 4 else self._since: self._since, **times}
        window = ipywidgets.ToggleButtons(
            options=list(times.items()), value=self._since, style={"button_width": "auto"}, tooltips=[]
        )
        window.add_class("faas-choice")
        window.observe(lambda change: self._pick(since=change["new"]), "value")
        order = ipywidgets.Dropdown(
            options=list(ORDERS), value=self._order, description="order by", layout={"width": "auto"}
        )
        order.observe(lambda change: self._pick(order=change["new"]), "value")
        self._chips_box = ipywidgets.Box()
        self._chips_box.add_class("faas-chips")
        self._offer([row[0] for row in names(self.lab.store.sql).itertuples(index=False)])
        self._parts = {name: ipywidgets.HTML() for name in ("head", "tiles", "charts", "trouble", "tables")}
        controls = ipywidgets.Box([window])
        controls.add_class("faas-controls")
        self._order_box = ipywidgets.Box([order], layout={"display": "none"})
        self._order_box.add_class("faas-controls")
        self._order_box.add_class("faas-order")
        whole = ipywidgets.VBox(
            [
                self._parts["head"],
                controls,
                self._chips_box,
                self._parts["trouble"],
                self._parts["tiles"],
                self._parts["charts"],
                self._order_box,
                self._parts["tables"],
            ]
        )
        whole.add_class("faas-dashboard")
        return whole

    def _offer(self, functions: list[str]) -> None:
        """Have a button for each function that can be picked; those that are there stay as they are."""
        import ipywidgets

        known = dict.fromkeys([*self._chips, *self._chosen, *functions, *self.lab.functions.names()])
        wanted = list(known)[: max(CHIPS, len(self._chosen))]
        new = [name for name in wanted if name not in self._chips]
        if not new:
            return
        for name in new:
            said = seen(name)  # a label is plain text, which may hold what turns or hides the rest of it
            chip = ipywidgets.ToggleButton(
                value=name in self._chosen, description=said, tooltip=f"show {said}", layout={"width": "auto"}
            )
            chip.observe(self._chips_changed, "value")
            self._chips[name] = chip
        self.answer(*(self._chips[name] for name in new))
        more = len(known) - len(self._chips)
        also = [ipywidgets.Label(f"and {more:,} more: %faas dashboard NAME …")] if more else []
        before = [each for each in self._chips_box.children if isinstance(each, ipywidgets.Label)]
        # One alone is hidden and not left out: only what is in the tree is closed with it.
        self._chips_box.layout.display = None if len(self._chips) > 1 else "none"
        self._chips_box.children = (*self._chips.values(), *also)
        for each in before:
            close_whole(each)

    def _chips_changed(self, _: Any) -> None:
        self._pick(chosen=tuple(name for name, chip in self._chips.items() if chip.value))

    def _pick(
        self, *, since: str | None = None, order: str | None = None, chosen: tuple[str, ...] | None = None
    ) -> None:
        """Somebody picked something: it is shown at once."""
        self._since = self._since if since is None else since
        self._order = self._order if order is None else order
        self._chosen = self._chosen if chosen is None else chosen
        self.look_now()

    # -- as LiveWidget has it

    def look(self) -> None:
        """Ask for what has changed, if anything has."""
        clock, since, chosen = self.lab.clock, self._since, self._chosen
        running = self.lab.monitoring.in_flight()
        position = self.lab.store.position()
        if self._seen is not None and self._seen[2] and self._seen[2][1] and not position[1]:
            path = self.lab.store.path
            raise StoreError(f"{path} is gone: these figures are as of before", hint="restart the kernel")
        stands = (since, chosen, position, edge(since, clock.now()))
        if stands != self._seen:
            self._dashboard = self.lab.monitoring.dashboard(chosen, since=since)
            self._seen = stands
        elif running != self._dashboard.running:
            self._dashboard = replace(self._dashboard, running=running)
        self._show()
        self._keep_now_and_then()

    def _keep_now_and_then(self) -> None:
        """That a window moved on is no reason: a notebook that is looked at would never be a saved one."""
        if not self._parts:
            return
        now_s, stands = self.lab.clock.monotonic(), self._seen and self._seen[:3]
        kept, kept_s = self._kept or (stands, now_s - _KEPT_S)
        if kept != stands and now_s - kept_s >= _KEPT_S:
            self.keep()
            kept, kept_s = stands, now_s
        self._kept = kept, kept_s

    def _show(self) -> None:
        if not self._parts:
            return
        self._put("trouble", "")
        dashboard = self._dashboard
        if self._shown == (id(dashboard), self._order):
            return
        self._offer([each.function for each in dashboard.by_function])
        self._put(
            "head", page(tag("div", draw.head(dashboard, pill("live", "ok")), draw.alarms(dashboard.alarms)))
        )
        self._put("tiles", tag("div", draw.tiles(dashboard), class_="faas"))
        self._put("charts", tag("div", draw.charts(dashboard), class_="faas"))
        self._put("tables", tag("div", tables(dashboard, order=self._order), class_="faas"))
        several = None if len(dashboard.by_function) > 1 else "none"
        if self._order_box.layout.display != several:
            self._order_box.layout.display = several
        # Last: what failed half way is drawn again at the next look.
        self._shown = (id(dashboard), self._order)

    def _put(self, name: str, html: str) -> None:
        if self._parts[name].value != html:
            self._parts[name].value = html

    def trouble(self, error: FaaslabError) -> None:
        """A line above the figures, which stand as they were."""
        if self._parts:
            self._put("trouble", tag("div", tag("div", str(error), class_="note"), class_="faas"))

    def still(self) -> View:
        """The figures as they stand."""
        answer = DashboardAnswer(dashboard=self._dashboard, since=self._since)
        return view(answer, self.around)
