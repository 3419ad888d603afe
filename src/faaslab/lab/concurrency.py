"""How much of the account's concurrency a function may set aside. Pure; texts as Lambda's API gives them.

Rule (PutFunctionConcurrency, PutProvisionedConcurrencyConfig): what is reserved is taken from what all
functions share, and so is what is provisioned for a function that has nothing reserved. AWS keeps 100 of its
1,000 for those that have neither; here a tenth of the setting `concurrency`, so 10 of 100, and 100 at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.model.function import LATEST


@dataclass(frozen=True, kw_only=True)
class Account:
    """What is set aside: `reserved` by function, `provisioned` by function and qualifier."""

    limit: int
    reserved: Mapping[str, int]
    provisioned: Mapping[tuple[str, str], int]

    @property
    def minimum(self) -> int:
        """What stays for functions that set nothing aside."""
        return min(100, max(self.limit // 10, 1))

    def provisioned_for(self, function: str, *, without: str | None = None) -> int:
        """What is provisioned for a function, one qualifier left out."""
        return sum(
            count
            for (name, qualifier), count in self.provisioned.items()
            if name == function and qualifier != without
        )

    def unreserved(self, *, without: str) -> int:
        """What all functions share when `without` had set nothing aside."""
        reserved = sum(count for name, count in self.reserved.items() if name != without)
        provisioned = sum(
            count
            for (name, _), count in self.provisioned.items()
            if name != without and name not in self.reserved
        )
        return self.limit - reserved - provisioned


def check_reserved(function: str, executions: int, account: Account) -> None:
    """Raise InvalidValue where Lambda would not reserve so much for a function."""
    provisioned = account.provisioned_for(function)
    if executions < provisioned:
        raise InvalidValue(
            f"ReservedConcurrentExecutions {executions} should not be lower than function's total "
            f"provisioned concurrency [{provisioned}].",
            place="reserved_concurrency",
            hint="provision less first",
        )
    before = account.reserved.get(function, provisioned)
    if executions > before and account.unreserved(without=function) - executions < account.minimum:
        raise InvalidValue(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{account.minimum}].",
            place="reserved_concurrency",
            hint=f"the setting concurrency, {account.limit} here, is the account's",
        )


def check_provisioned(function: str, qualifier: str, executions: Any, account: Account) -> None:
    """Raise InvalidValue where Lambda would not provision so much for a version or an alias."""
    if isinstance(executions, bool) or not isinstance(executions, int) or executions < 1:
        raise InvalidValue(
            f"Value '{executions}' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member "
            "must have value greater than or equal to 1",
            place="executions",
        )
    if qualifier == LATEST:
        raise InvalidValue(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
            place="qualifier",
            hint=f"publish it, and give its number or an alias: publish {function}",
        )
    total = account.provisioned_for(function, without=qualifier) + executions
    reserved = account.reserved.get(function)
    if reserved is not None:
        if total > reserved:
            raise InvalidValue(
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function",
                place="executions",
                hint=f"{reserved} are reserved for {function}: reserve more, or provision less",
            )
        return
    room = account.unreserved(without=function)
    if total > room:
        raise InvalidValue(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{room}].",
            place="executions",
            hint=f"the setting concurrency, {account.limit} here, is the account's",
        )
    if room - total < account.minimum:
        raise InvalidValue(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{account.minimum}].",
            place="executions",
            hint=f"the setting concurrency, {account.limit} here, is the account's",
        )
