"""The evaluator: the library's, bounded, safe between threads, and mended where it differs from JSONata 2.

Rule: one `Evaluation` an evaluation. The compiled tree is shared by all of them and never written to; what
the library keeps for a thread (`Jsonata.CURRENT`) is set anew each time, so nothing of one evaluation is seen
by another.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jsonata import functions, jexception, jsonata, utils

from faaslab.workflow.query import jsonata_functions
from faaslab.workflow.query.jsonata_bounds import (
    LEVELS,
    STEPS,
    TOO_DEEP,
    TOO_LONG,
    OutOfBounds,
    held,
    make_room,
)
from faaslab.workflow.query.jsonata_names import NOTHING, Names, is_plain_name, names_of
from faaslab.workflow.query.jsonata_operators import ARITHMETIC, COMPARISONS
from faaslab.workflow.query.jsonata_transform import Transformer
from faaslab.workflow.query.jsonata_values import NULL, UNDEFINED, inside, is_number, number, outside, same
from faaslab.workflow.scope import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.workflow.scope import Chance

JException = jexception.JException
Jsonata = jsonata.Jsonata
JList = utils.Utils.JList
sequence = utils.Utils.create_sequence
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Evaluation(jsonata.Jsonata):  # type: ignore[misc]
    """One evaluation of one expression."""

    def __init__(
        self, states: Mapping[str, Any], variables: Mapping[str, Any], chance: Chance, now: datetime
    ) -> None:
        self.environment = Names(states, variables)
        self.input = None
        self.chance = chance
        self.timestamp = (now.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
        self.steps = 0
        self.depth = 0
        self.comparisons = [STEPS]

    @property
    def parser(self) -> Any:
        """The library's parser of this thread: partial application parses."""
        return Jsonata.get_parser()

    def result(self, tree: Any) -> Any:
        """The JSON value that the tree evaluates to, `ABSENT` where that is undefined."""
        Jsonata.CURRENT.jsonata = self
        value = outside(self.eval(tree, None, self.environment))
        return ABSENT if value is UNDEFINED else None if value is NULL else value

    def charge(self, steps: int) -> None:
        """Count steps that the evaluator itself does not see."""
        self.steps += steps
        if self.steps > STEPS:
            raise OutOfBounds(TOO_LONG)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002 - the library's name
        """What a part of the tree evaluates to, counted against the bounds."""
        self.steps += 1
        if self.steps > STEPS:
            raise OutOfBounds(TOO_LONG)
        self.depth += 1
        if self.depth > LEVELS:
            raise OutOfBounds(TOO_DEEP)
        if self.depth == 20:
            make_room()
        method = _METHODS.get(expr.type)
        result: Any = None if method is None else method(self, expr, input, environment)
        if expr.predicate is not None:
            for item in expr.predicate:
                result = self.evaluate_filter(item.expr, result, environment)
        if expr.group is not None and expr.type != "path":
            result = self.evaluate_group_expression(expr.group, result, environment)
        self.depth -= 1
        if type(result) is JList:
            if len(result) > 1000:
                held(len(result), 8)
            if result.sequence and not result.tuple_stream:
                if expr.keep_array:
                    result.keep_singleton = True
                if not result:
                    return None
                if len(result) == 1 and not result.keep_singleton:
                    return result[0]
        return result

    def evaluate_path(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """The value of a path: names after a variable are gone through without a copy."""
        steps = expr.steps
        begin = 0
        result: Any = None
        tuple_bindings: Any = None
        is_tuple_stream = False
        names = names_of(expr)
        if names:
            if self.depth >= LEVELS:
                raise OutOfBounds(TOO_DEEP)
            following = steps[len(names)] if len(steps) > len(names) else None
            next_name = following.value if following is not None and following.type == "name" else None
            begin, value = self._walked(names, next_name, environment)
            if value is None or (begin < len(steps) and value == []):
                result = sequence()
            else:
                result = value if isinstance(value, list) else sequence(value)
            source = result
        elif isinstance(input, list) and steps[0].type != "variable":
            source = input
        else:
            source = sequence(input)
        if not names or result:
            for index in range(begin, len(steps)):
                step = steps[index]
                is_tuple_stream = is_tuple_stream or step.tuple is not None
                if index == 0 and step.consarray:
                    result = self.eval(step, source, environment)
                elif is_tuple_stream:
                    tuple_bindings = self.evaluate_tuple_step(step, source, tuple_bindings, environment)
                elif is_plain_name(step):
                    result = self._named(step, source, environment, is_last=index == len(steps) - 1)
                else:
                    result = self.evaluate_step(step, source, environment, index == len(steps) - 1)
                if not is_tuple_stream and not result:
                    break
                if step.focus is None:
                    source = result
        if is_tuple_stream:
            if expr.tuple is not None:
                result = tuple_bindings
            else:
                result = utils.Utils.create_sequence_from_iter(item["@"] for item in tuple_bindings)
        if expr.keep_singleton_array:
            if not isinstance(result, JList):
                result = sequence() if result is None else JList(result)
            if result.cons and not result.sequence:
                result = sequence(result)
            result.keep_singleton = True
        if expr.group is not None:
            grouped = tuple_bindings if is_tuple_stream else result
            result = self.evaluate_group_expression(expr.group, grouped, environment)
        return result

    def _walked(self, names: tuple[str, ...], next_name: str | None, environment: Any) -> tuple[int, Any]:
        """How many steps of a path were gone through in plain objects, and what they lead to.

        Of an object only the member that the next step asks for is looked at.
        """
        frame = environment
        while type(frame) is not Names and names[0] not in frame.bindings:
            frame = frame.parent
        is_raw = type(frame) is Names and names[0] not in frame.bindings and names[0] in frame.raw
        value = frame.raw[names[0]] if is_raw else frame.lookup(names[0])
        done = 1
        for name in names[1:]:
            if type(value) is not dict:
                break
            value = value.get(name, NOTHING)
            if value is NOTHING:
                return len(names), None
            done += 1
        if not is_raw:
            return done, value
        if next_name is not None and done == len(names) and type(value) is dict:
            value = {next_name: value[next_name]} if next_name in value else {}
        return done, inside(value)

    def _named(self, step: Any, source: Any, environment: Any, *, is_last: bool) -> Any:
        """What a step that is but a name finds in the items, lists in it opened."""
        self.charge(len(source))
        if self.depth >= LEVELS:
            raise OutOfBounds(TOO_DEEP)
        name = step.value
        found = []
        for item in source:
            value = item.get(name) if type(item) is dict else self.eval(step, item, environment)
            if value is not None:
                found.append(value)
        if (
            is_last
            and len(found) == 1
            and isinstance(found[0], list)
            and not utils.Utils.is_sequence(found[0])
        ):
            return found[0]
        result = sequence()
        for value in found:
            if isinstance(value, list) and not getattr(value, "cons", False):
                result.extend(value)
            else:
                result.append(value)
        return result

    def evaluate_variable(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """The value of a variable; `$` is the context."""
        if expr.value == "":
            return input[0] if isinstance(input, JList) and input.outer_wrapper else input
        return environment.lookup(expr.value)

    def evaluate_binary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """The value of an operator between two; `and` and `or` look at the right only when they have to."""
        left = self.eval(expr.lhs, input, environment)
        operator = expr.value
        if operator == "and":
            return jsonata_functions.truth(left) and jsonata_functions.truth(
                self.eval(expr.rhs, input, environment)
            )
        if operator == "or":
            return jsonata_functions.truth(left) or jsonata_functions.truth(
                self.eval(expr.rhs, input, environment)
            )
        right = self.eval(expr.rhs, input, environment)
        if operator in ARITHMETIC:
            return self.evaluate_numeric_expression(left, right, operator)
        if operator in COMPARISONS:
            return self.evaluate_comparison_expression(left, right, operator)
        if operator in {"=", "!="}:
            return self.evaluate_equality_expression(left, right, operator)
        if operator == "&":
            return self.evaluate_string_concat(left, right)
        return (self.evaluate_range_expression if operator == ".." else self.evaluate_includes_expression)(
            left, right
        )

    def evaluate_unary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """A negation, an array or an object."""
        if expr.value == "[":
            return self._array(expr, input, environment)
        if expr.value == "-":
            value = self.eval(expr.expression, input, environment)
            if value is None:
                return None
            if not utils.Utils.is_numeric(value):
                raise JException("D1002", expr.position, value)
            return number(-value)
        return self.evaluate_group_expression(expr, input, environment)

    def _array(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        result = JList()
        for item in expr.expressions:
            value = self.eval(item, input, environment)
            if value is None:
                continue
            if isinstance(value, list) and not (item.type == "unary" and item.value == "["):
                result.extend(value)
                self.charge(len(value) // 16)
            else:
                result.append(value)
        result.cons = bool(expr.consarray)
        return result

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str) -> Any:
        """Arithmetic on doubles; whole numbers stay whole, and 1/0 is infinite."""
        if lhs is not None and not utils.Utils.is_numeric(lhs):
            raise JException("T2001", -1, op, lhs)
        if rhs is not None and not utils.Utils.is_numeric(rhs):
            raise JException("T2002", -1, op, rhs)
        if lhs is None or rhs is None:
            return None
        left, right = (lhs, rhs) if type(lhs) is int and type(rhs) is int else (float(lhs), float(rhs))
        try:
            return number(ARITHMETIC[op](left, right))
        except ZeroDivisionError:
            return math.nan if op == "%" or left == 0 else math.copysign(math.inf, left)

    def evaluate_equality_expression(self, lhs: Any, rhs: Any, op: str) -> bool:
        """Whether both are equal, deeply; true is not 1."""
        if lhs is None or rhs is None:
            return False
        return same(lhs, rhs, self.comparisons) is (op == "=")

    def evaluate_comparison_expression(self, lhs: Any, rhs: Any, op: str) -> Any:
        """The order of two numbers or two strings."""
        for value in (lhs, rhs):
            if value is not None and not isinstance(value, str) and not is_number(value):
                raise JException("T2010", -1, op, value)
        if lhs is None or rhs is None:
            return None
        if isinstance(lhs, str) is not isinstance(rhs, str):
            raise JException("T2009", -1, lhs, rhs, op)
        return COMPARISONS[op](lhs, rhs)

    def evaluate_includes_expression(self, lhs: Any, rhs: Any) -> bool:
        """Whether the left is one of the right; true is not 1, and an object is only itself."""
        if lhs is None or rhs is None:
            return False
        items = rhs if isinstance(rhs, list) else [rhs]
        if isinstance(lhs, (list, dict)):
            return any(lhs is item for item in items)
        return any(same(lhs, item, self.comparisons) for item in items)

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        """Both as strings, one after the other."""
        left = "" if lhs is None else jsonata_functions.string(lhs)
        right = "" if rhs is None else jsonata_functions.string(rhs)
        held(len(left) + len(right))
        self.charge((len(left) + len(right)) // 64)
        return str(left + right)

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        """The whole numbers from left to right, as a list in memory, which is bounded."""
        lhs, rhs = number(lhs), number(rhs)
        for code, value in (("T2003", lhs), ("T2004", rhs)):
            if value is not None and type(value) is not int:
                raise JException(code, -1, value)
        if lhs is None or rhs is None or lhs > rhs:
            return None
        if rhs - lhs + 1 > 10_000_000:
            raise JException("D2014", -1, rhs - lhs + 1)
        held(rhs - lhs + 1, 8)
        self.charge((rhs - lhs) // 16)
        return utils.Utils.create_sequence_from_iter(range(lhs, rhs + 1))

    def evaluate_wildcard(self, expr: Any, input: Any) -> Any:  # noqa: A002, ARG002 - the library's signature
        """The values of an object, lists in it flattened."""
        if isinstance(input, JList) and input.outer_wrapper and input:
            input = input[0]  # noqa: A001
        values = input.values() if isinstance(input, dict) else input if isinstance(input, list) else ()
        found = sequence()
        for value in values:
            if isinstance(value, list):
                found.extend(self.flatten(value, None))
                found.sequence = False  # joined with a list it is one: a single item stays in it
            else:
                found.append(value)
        self.charge(len(found) // 16)
        return found

    def recurse_descendants(self, input: Any, results: list[Any]) -> None:  # noqa: A002
        """Gather a value and all that is in it."""
        self.charge(1)
        if not isinstance(input, list):
            results.append(input)
        for value in input if isinstance(input, list) else input.values() if isinstance(input, dict) else ():
            self.recurse_descendants(value, results)

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """An object of groups; an empty input stays as it is."""
        is_stream = isinstance(input, JList) and input.tuple_stream
        items = input if isinstance(input, list) else [input]
        groups: dict[str, tuple[int, list[Any]]] = {}
        for item in items or [None]:
            frame = self.create_frame_from_tuple(environment, item) if is_stream else environment
            for index, pair in enumerate(expr.lhs_object):
                key = self.eval(pair[0], item["@"] if is_stream else item, frame)
                if key is None:
                    continue
                if not isinstance(key, str):
                    raise JException("T1003", expr.position, key)
                found = groups.setdefault(key, (index, []))
                if found[0] != index:
                    raise JException("D1009", expr.position, key)
                found[1].append(item)
        result = {}
        for key, (index, members) in groups.items():
            context: Any = members[0] if len(members) == 1 else _appended(members)
            frame = environment
            if is_stream:
                merged = dict(self.reduce_tuple_stream(context))
                context = merged.pop("@")
                frame = self.create_frame_from_tuple(environment, merged)
            value = self.eval(expr.lhs_object[index][1], context, frame)
            if value is not None:
                result[key] = value
        return result

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """A function's result; what is none is refused without a word on the console."""
        if functions.Functions.is_lambda(proc):
            valid = args if proc.signature is None else proc.signature.validate(args, input)
            return self.apply_procedure(proc, valid)
        if utils.Utils.is_function(proc):
            return proc.call(input, proc.validate(args, input))
        if functions.Functions.is_regex(proc):
            return super().apply_inner(proc, args, input, environment)
        raise JException("T1006", 0)

    def evaluate_transform_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002, ARG002
        """The `| … |` operator as a function."""
        made = Jsonata.JFunction(Transformer(self, expr, environment), None)
        made.signature = jsonata_functions.OF_TRANSFORMS
        return made

    def evaluate_filter(self, predicate: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """What a predicate leaves: the item of a number (from the end below 0), those that are true."""
        results = sequence()
        if input is None:
            return results
        items = input if isinstance(input, list) else [input]
        is_stream = isinstance(input, JList) and input.tuple_stream
        results.tuple_stream = is_stream
        if predicate.type == "number":
            index = math.floor(predicate.value)
            index += len(items) if index < 0 else 0
            if not 0 <= index < len(items):
                return results
            if isinstance(items[index], list):
                return items[index]
            results.append(items[index])
            return results
        for index, item in enumerate(items):
            frame = self.create_frame_from_tuple(environment, item) if is_stream else environment
            found = self.eval(predicate, item["@"] if is_stream else item, frame)
            if is_number(found):
                found = [found]
            if isinstance(found, list) and all(is_number(one) for one in found):
                wanted = (math.floor(one) for one in found)
                results += [item for one in wanted if (one + len(items) if one < 0 else one) == index]
            elif jsonata_functions.truth(found):
                results.append(item)
        return results

    def evaluate_sort_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """The items in the order of the terms, sorted stably."""
        is_stream = isinstance(input, JList) and input.tuple_stream
        order = Jsonata.ComparatorWrapper(self, expr, environment, is_stream).compare
        items = list(input) if isinstance(input, list) else [input]
        result = utils.Utils.create_sequence_from_iter(
            jsonata_functions.merge_sorted(items, lambda one, other: order(one, other) > 0)
        )
        result.tuple_stream = is_stream
        return result

    def evaluate_apply_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """The function on the right applied to the left, or both functions in one."""
        if expr.rhs.type != "function":
            function = self.eval(expr.rhs, input, environment)
            if not self.is_function_like(function):
                raise JException("T2006", expr.position, function)
        return super().evaluate_apply_expression(expr, input, environment)


def _appended(members: list[Any]) -> Any:
    together = sequence()
    for member in members:
        if isinstance(member, list):
            together.extend(member)
        elif member is not None:
            together.append(member)
    return together


_METHODS: dict[str, Callable[[Evaluation, Any, Any, Any], Any]] = {
    "path": Evaluation.evaluate_path,
    "binary": Evaluation.evaluate_binary,
    "unary": Evaluation.evaluate_unary,
    "name": lambda _, expr, input, __: functions.Functions.lookup(input, expr.value),  # noqa: A006
    "string": lambda _, expr, __, ___: expr.value,
    "number": lambda _, expr, __, ___: number(expr.value),
    "value": lambda _, expr, __, ___: NULL if expr.value is None else expr.value,
    "wildcard": lambda self, expr, input, __: self.evaluate_wildcard(expr, input),  # noqa: A006
    "descendant": lambda self, expr, input, __: self.evaluate_descendants(expr, input),  # noqa: A006
    "parent": lambda _, expr, __, environment: environment.lookup(expr.slot.label),
    "condition": Evaluation.evaluate_condition,
    "block": Evaluation.evaluate_block,
    "bind": Evaluation.evaluate_bind_expression,
    "regex": lambda _, expr, __, ___: expr.value,
    "function": lambda self, expr, input, environment: self.evaluate_function(  # noqa: A006
        expr, input, environment, utils.Utils.NONE
    ),
    "variable": Evaluation.evaluate_variable,
    "lambda": Evaluation.evaluate_lambda,
    "partial": Evaluation.evaluate_partial_application,
    "apply": Evaluation.evaluate_apply_expression,
    "transform": Evaluation.evaluate_transform_expression,
}
