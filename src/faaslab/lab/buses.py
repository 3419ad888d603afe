"""Event buses: which targets an event is for. The rules stand in the cloud, the matching is ours.

Rule: an event goes to every target of every enabled rule of its bus whose pattern asks for it. One that went
through buses to a bus is not sent on for ever.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.events import pattern, target_input
from faaslab.model.order import AGE_S, RETRIES, Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from faaslab.events.pattern import Pattern
    from faaslab.lab import Lab

_ARCHIVES = "Events-Archive-"
MOST_HOPS = 5
"""Through so many buses an event may come."""
_APART = frozenset(
    ("Id", "Arn", "RoleArn", "RetryPolicy", "DeadLetterConfig", "Input", "InputPath", "InputTransformer")
)
"""What a target has beside the parameters of its service."""


class Buses:
    """The buses of every region, asked for through `lab.targets`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def orders(
        self,
        bus: str,
        events: Sequence[Mapping[str, Any]],
        *,
        region: str,
        trace_id: str | None = None,
        hops: int = 0,
    ) -> list[Order]:
        """What is sent because of events on the bus (a name or an ARN); nothing for one that is not there."""
        orders: list[Order] = []
        for rule in self._rules(bus, region):
            wanted = _compiled(rule["EventPattern"])
            matched = [] if wanted is None else [event for event in events if wanted.matches(event)]
            if matched:
                targets = list(self.targets(rule["Name"], bus, region))
                orders += [
                    self.order(rule, target, event, region=region, trace_id=trace_id, hops=hops)
                    for event in matched
                    for target in targets
                ]
        return orders

    def forward(self, order: Order) -> None:
        """The event of an order goes to the bus that is its target."""
        if order.hops >= MOST_HOPS:
            raise InvalidValue(
                f"an event came through {MOST_HOPS} buses already", hint="end the circle of rules"
            )
        region = order.target.split(":")[3] or order.region
        event = json.loads(order.body)
        if not isinstance(event, dict):
            raise InvalidValue("what goes to a bus is an event, and not a part of one")
        known = order.parameters.get("EventBridgeParameters")
        if known:  # a schedule's: its input is the detail alone
            event = self._lab.targets.schedules.event(order, known, event)
        event = {**event, "region": region}
        self._lab.targets.put(
            self.orders(order.target, [event], region=region, trace_id=order.trace_id, hops=order.hops + 1)
        )

    def order(
        self,
        rule: Mapping[str, Any],
        target: Mapping[str, Any],
        event: Mapping[str, Any],
        *,
        region: str,
        trace_id: str | None = None,
        hops: int = 0,
    ) -> Order:
        """What is sent to one target of a rule for an event."""
        now = self._lab.clock.now()
        if _is_archive(target["Arn"]):
            # Its target is the service itself; what is kept is the event as it is.
            name = rule["Name"].removeprefix(_ARCHIVES)
            arn = f"arn:aws:events:{region}:{event['account']}:archive/{name}"
            target = {"Arn": arn}
        body = target_input.given(target, event, rule_arn=rule["Arn"], rule_name=rule["Name"], now=now)
        retry = target.get("RetryPolicy") or {}
        parameters = {name: value for name, value in target.items() if name not in _APART}
        key_path = (parameters.get("KinesisParameters") or {}).get("PartitionKeyPath")
        if key_path:
            found = target_input.at_path(event, key_path)
            parameters["partition_key"] = found if isinstance(found, str) else event["id"]
        return Order(
            target=target["Arn"],
            body=body,
            cause=rule["Arn"],
            trigger="eventbridge",
            event_id=event["id"],
            region=region,
            parameters=parameters,
            retries=retry.get("MaximumRetryAttempts", RETRIES),
            age_limit_s=retry.get("MaximumEventAgeInSeconds", AGE_S),
            dead_letters=(target.get("DeadLetterConfig") or {}).get("Arn"),
            queued_at=now,
            trace_id=trace_id,
            hops=hops,
        )

    def targets(self, rule: str, bus: str, region: str) -> Iterator[Mapping[str, Any]]:
        """The targets of a rule."""
        yield from self._pages("ListTargetsByRule", "Targets", {"Rule": rule, "EventBusName": bus}, region)

    def _rules(self, bus: str, region: str) -> Iterator[Mapping[str, Any]]:
        for rule in self._pages("ListRules", "Rules", {"EventBusName": bus}, region):
            if rule.get("EventPattern") and str(rule.get("State", "")).startswith("ENABLED"):
                yield rule

    def _pages(
        self, operation: str, member: str, params: Mapping[str, Any], region: str
    ) -> Iterator[Mapping[str, Any]]:
        token = None
        while True:
            asked = {**params, "NextToken": token} if token else params
            try:
                page = self._lab.targets.ask("events", operation, asked, region=region)
            except Exception as error:
                if getattr(error, "code", "") == "ResourceNotFoundException":
                    return
                raise
            yield from page.get(member, ())
            token = page.get("NextToken")
            if not token:
                return


def _is_archive(arn: str) -> bool:
    """Whether a target is that of an archive's own rule: EventBridge, and nothing of it."""
    parts = arn.split(":", 5)
    return parts[2:3] == ["events"] and "/" not in parts[-1]


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Pattern | None:
    """None for what was let in before it was checked."""
    try:
        return pattern.compiled(text)
    except InvalidValue:
        return None
