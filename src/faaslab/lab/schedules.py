"""When rules with a schedule and schedules of EventBridge Scheduler fire.

What fires next is an entry of a queue in the store, due at its time; it is taken out in the transaction that
queues what it sends and the entry for the time after. So no instant fires twice, whoever dies when. A home
that comes late fires the one that is overdue, once, and goes on with those to come.
The definitions stand in the cloud: an entry whose rule or schedule is not there any more is dropped.
"""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from faaslab.errors import InvalidValue
from faaslab.events import envelope, schedule, target_input
from faaslab.events.schedule import At, Rate
from faaslab.model.json import from_json, to_json
from faaslab.model.order import AGE_S, RETRIES, SCHEDULES, Order
from faaslab.store import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.store import Claim

ACCOUNT = "000000000000"
Kind = Literal["rule", "schedule"]
_PRECISION = timedelta(minutes=1)
_MOST = 1_000_000
"""Schedules of one account and region, as AWS allows them."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """The next time of a rule or a schedule. `instant` is what it is told; it is done within the window.

    `ended`: nothing is left to fire, and the schedule is to be deleted.
    """

    kind: Kind
    name: str
    group: str = "default"
    region: str
    expression: str
    timezone: str = "UTC"
    instant: datetime
    start: datetime | None = None
    end: datetime | None = None
    window_min: int = 0
    delete: bool = False
    ended: bool = False

    @property
    def id(self) -> str:
        """What its entry is called."""
        return f"{self.kind}/{self.region}/{self.group}/{self.name}"


class Schedules:
    """What is due when. `lab.targets` carries it out."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._queue = lab.store.queue

    # -- from the handlers

    def set_rule(self, name: str, expression: str, region: str) -> None:
        """The rule fires from now on; one that fires by that expression already goes on with it."""
        due = Due(kind="rule", name=name, region=region, expression=expression, instant=self._lab.clock.now())
        known = self._known(due.id)
        if known is None or known.expression != expression:
            self._put(due, schedule.next_fire(expression, due.instant))

    def set_schedule(self, definition: Mapping[str, Any], region: str) -> None:
        """The schedule (as CreateSchedule takes it) fires from now on, as it says."""
        now = self._lab.clock.now()
        window = definition.get("FlexibleTimeWindow") or {}
        flexible = window.get("Mode") == "FLEXIBLE"
        due = Due(
            kind="schedule",
            name=definition["Name"],
            group=definition.get("GroupName") or "default",
            region=region,
            expression=definition["ScheduleExpression"],
            timezone=definition.get("ScheduleExpressionTimezone") or "UTC",
            instant=now,
            start=_naive(definition.get("StartDate")),
            end=_naive(definition.get("EndDate")),
            window_min=window.get("MaximumWindowInMinutes") or 0 if flexible else 0,
            delete=definition.get("ActionAfterCompletion") == "DELETE",
        )
        parsed = schedule.parsed(due.expression)
        if isinstance(parsed, Rate) and (due.start is None or due.start <= now):
            # Without a start, or with one that has passed, it fires at once.
            first: datetime | None = now
        else:
            # A time that has just passed is still its minute, in which AWS fires as well.
            since = now - _PRECISION if isinstance(parsed, At) else now
            first = schedule.next_fire(parsed, since, due.timezone, start=_start(due, parsed))
        self._put(due, first)

    def drop(self, kind: Kind, name: str, region: str, group: str = "default") -> None:
        """It fires no more."""
        self._queue.exchange([f"{kind}/{region}/{group}/{name}"])

    def drop_group(self, group: str, region: str) -> None:
        """None of the group fires any more."""
        self._queue.exchange(
            [
                each.id
                for each in self._queue.waiting(SCHEDULES, limit=_MOST)
                if each.id.startswith(f"schedule/{region}/{group}/")
            ]
        )

    def next(self, kind: Kind, name: str, region: str, group: str = "default") -> datetime | None:
        """When it fires next; None when it does not."""
        known = self._known(f"{kind}/{region}/{group}/{name}")
        return None if known is None else known.instant

    # -- at the home

    def fire(self, claim: Claim) -> bool:
        """Carry out one that is due. Whether functions are to run because of it."""
        try:
            due = from_json(Due, claim.body)
        except InvalidValue as error:
            self._lab.store.reject("schedule", str(error), repr(claim.body)[:10_000])
            self._lab.settle(claim)
            return False
        if due.ended:
            self._delete(due)
            self._lab.settle(claim)
            return False
        orders = self._of_rule(due) if due.kind == "rule" else self._of_schedule(due)
        if orders is None:
            self._lab.settle(claim)
            return False
        follows = self._lab.targets.follows(orders)
        following = self._following(due)
        fired = self._lab.settle(claim, put=[*follows.entries, *following])
        if fired and follows.records:  # else another did it, and recorded it
            self._lab.store.record(*follows.records)
        return fired

    def event(self, order: Order, parameters: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
        """The event of a schedule whose target is a bus: its input is the detail."""
        return envelope.event(
            identity=order.event_id,
            kind=parameters.get("DetailType", ""),
            source=parameters.get("Source", ""),
            at=order.queued_at,
            region=order.region,
            account=ACCOUNT,
            resources=(order.cause,),
            detail=dict(detail),
        )

    def _of_rule(self, due: Due) -> list[Order] | None:
        """What the rule sends now; None when it does not any more."""
        rule = self._asked("events", "DescribeRule", {"Name": due.name}, due)
        if not _fires(rule, due):
            return None
        assert rule is not None
        event = envelope.scheduled(
            identity=_identity(due),
            rule_arn=rule["Arn"],
            at=due.instant,
            region=due.region,
            account=ACCOUNT,
        )
        buses = self._lab.targets.buses
        return [
            buses.order(rule, target, event, region=due.region)
            for target in buses.targets(due.name, "default", due.region)
        ]

    def _of_schedule(self, due: Due) -> list[Order] | None:
        """What the schedule sends now; None when it does not any more."""
        params = {"Name": due.name, "GroupName": due.group}
        found = self._asked("scheduler", "GetSchedule", params, due)
        if not _fires(found, due):
            return None
        assert found is not None
        target, identity = found["Target"], _identity(due)
        written = target.get("Input")
        if written is None:
            written = envelope.text(
                envelope.event(
                    identity=identity,
                    kind="Scheduled Event",
                    source="aws.scheduler",
                    at=due.instant,
                    region=due.region,
                    account=ACCOUNT,
                    resources=(found["Arn"],),
                    detail="{}",
                )
            )
        retry = target.get("RetryPolicy") or {}
        apart = {"Arn", "RoleArn", "Input", "RetryPolicy", "DeadLetterConfig"}
        return [
            Order(
                target=target["Arn"],
                body=target_input.in_context(
                    written, schedule_arn=found["Arn"], at=due.instant, execution_id=identity
                ),
                cause=found["Arn"],
                trigger="scheduler",
                event_id=identity,
                region=due.region,
                parameters={name: value for name, value in target.items() if name not in apart},
                retries=retry.get("MaximumRetryAttempts", RETRIES),
                age_limit_s=retry.get("MaximumEventAgeInSeconds", AGE_S),
                dead_letters=(target.get("DeadLetterConfig") or {}).get("Arn"),
                queued_at=self._lab.clock.now(),
            )
        ]

    def _following(self, due: Due) -> list[Entry]:
        """The entry for the time after; or the one that deletes a schedule which has none."""
        parsed = schedule.parsed(due.expression)
        after = max(due.instant, self._lab.clock.now())
        start = due.instant if isinstance(parsed, Rate) else due.start
        entry = self._entry(due, schedule.next_fire(parsed, after, due.timezone, start=start))
        if entry is not None:
            return [entry]
        if not due.delete:
            return []
        return [Entry(queue=SCHEDULES, id=due.id, body=to_json(dataclasses.replace(due, ended=True)))]

    def _delete(self, due: Due) -> None:
        self._asked("scheduler", "DeleteSchedule", {"Name": due.name, "GroupName": due.group}, due)

    def _asked(
        self, service: str, operation: str, params: Mapping[str, Any], due: Due
    ) -> Mapping[str, Any] | None:
        """The cloud's answer; None when it says that there is nothing of that name."""
        try:
            return self._lab.targets.ask(service, operation, params, region=due.region)
        except Exception as error:
            if getattr(error, "code", "") == "ResourceNotFoundException":
                return None
            raise

    # -- the entries

    def _put(self, due: Due, instant: datetime | None) -> None:
        entry = self._entry(due, instant)
        self._queue.exchange([due.id], put=[] if entry is None else [entry])
        self._lab.asynchronous.note_place()
        self._lab.targets.noticed()

    def _entry(self, due: Due, instant: datetime | None) -> Entry | None:
        """The entry for that instant; None for none, or one after the end."""
        if instant is None or (due.end is not None and instant > due.end):
            return None
        late_by = timedelta(minutes=self._lab.chance() * due.window_min if due.window_min else 0)
        body = to_json(dataclasses.replace(due, instant=instant))
        return Entry(queue=SCHEDULES, id=due.id, body=body, due=instant + late_by)

    def _known(self, identity: str) -> Due | None:
        found = self._queue.find(identity) if self._queue.exists() else None
        try:
            return None if found is None else from_json(Due, found.body)
        except InvalidValue:
            return None


def _fires(found: Mapping[str, Any] | None, due: Due) -> bool:
    """Whether what the cloud has is what was meant, and enabled."""
    if found is None or found.get("State") == "DISABLED":
        return False
    return bool(found.get("ScheduleExpression") == due.expression)


def _identity(due: Due) -> str:
    """The same for the same instant of the same schedule."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{due.id} {due.instant.isoformat()} {due.expression}"))


def _start(due: Due, parsed: schedule.Schedule) -> datetime | None:
    return None if isinstance(parsed, At) else due.start


def _naive(at: datetime | None) -> datetime | None:
    if at is None or at.tzinfo is None:
        return at
    return at.astimezone(UTC).replace(tzinfo=None)
