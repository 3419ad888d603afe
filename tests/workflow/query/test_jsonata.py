"""JSONata in Step Functions: what it gives, how it fails, and that it ends."""

import copy
import random
import sys
import threading
from datetime import datetime

import pytest

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import jsonata, jsonata_engine
from faaslab.workflow.scope import Scope

INPUT = {
    "n": 5,
    "f": 1.0,
    "s": "abc",
    "nul": None,
    "empty": [],
    "obj": {"a": 1},
    "arr": [1, 2, 3],
    "mixed": [1, "a"],
    "objs": [{"o": {"z": 1}}, {"o": {"z": 2}}],
    "nulls": [None, 1, {"x": None}],
    "big": 12345678901234567890,
}


def scope(**changes):
    values = {
        "input": INPUT,
        "context": {"Execution": {"Id": "arn"}},
        "variables": {"v": 7, "w": None},
        "chance": random.Random(1),
        "now": datetime(2026, 1, 2, 3, 4, 5, 678000),
    }
    return Scope(**(values | changes))


def value(expression, **changes):
    return jsonata.evaluate("{% " + expression + " %}", scope(**changes), "Output")


def failure(expression, field="Output", **changes):
    with pytest.raises(StateFailure) as failed:
        jsonata.evaluate("{% " + expression + " %}", scope(**changes), field)
    assert failed.value.error == "States.QueryEvaluationError"
    assert failed.value.location == field
    assert failed.value.framed
    start = f"The JSONata expression '{expression}' specified for the field '{field}' "
    assert failed.value.cause.startswith(start)
    return failed.value.cause.removeprefix(start)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.n", 5),
        ("$states.input.f", 1),
        ("$states.input.big", 1.2345678901234567e19),
        ("$states.input.nul", None),
        ("$states.input.empty", []),
        ("$states.input.nulls", [None, 1, {"x": None}]),
        ("$states.input.nulls.x", None),
        ("$states.input.nulls[0]", None),
        ("$states.input.nulls[$ = null]", None),
        ("$count($states.input.nulls)", 3),
        ("$map($states.input.nulls, function($x) { $type($x) })", ["null", "number", "object"]),
        ("$states.input.objs.o.z", [1, 2]),
        ("$states.input.objs[0].o", {"z": 1}),
        ('$states.input.objs.{"q": o.z}', [{"q": 1}, {"q": 2}]),
        ("$states.input.arr[]", [1, 2, 3]),
        ("$states.input.obj.a[]", [1]),
        ("$states.input.empty[]", []),
        ("$exists($w)", True),
        ("$type($w)", "null"),
        ("$exists($missing)", False),
        ("$v + 1", 8),
        ("null", None),
        ("[1..3]", [1, 2, 3]),
        ("5.5 % 2", 1.5),
        ("-5 % 3", -2),
        ("9007199254740993 + 0", 9007199254740992),
        ("1/0", "Infinity"),
        ("[-1/0]", ["-Infinity"]),
        ("1 in [true]", False),
        ('{"a": function($x) { $x }, "b": 1}', {"b": 1}),
        ('$string({"é": [1, null, 0.1 + 0.2, 1e20, 1e21]})', '{"é":[1,null,0.3,100000000000000000000,1e+21]}'),
        ('$contains("hello$world", /^hello\\ /)', False),
        ('$replace("abcd", /(b)(c)/, "$2$1")', "acbd"),
        ('$split("a1b22c", /\\d+/)', ["a", "b", "c"]),
        ("$distinct([1, 1.0, true, 1])", [1, True]),
        ("$sort([3,1,2], function($l, $r) { $l < $r })", [3, 2, 1]),
        ("$sort([{'k':1,'i':1},{'k':1,'i':2}], function($l, $r) { $l.k > $r.k }).i", [1, 2]),
        ("$merge([$states.input.obj, {'b': null}])", {"a": 1, "b": None}),
        ("$now()", "2026-01-02T03:04:05.678Z"),
        ("$millis()", 1767323045678),
        ('$toMillis("2017-11-07T15:07:54.972Z")', 1510067274972),
        ("$fromMillis(1510067557121)", "2017-11-07T15:12:37.121Z"),
        ("$states.input ~> |obj|{'z': 1},['a']| ~> $lookup('obj')", {"z": 1}),
    ],
)  # fmt: skip
def test_values(expression, expected):
    found = value(expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$range(0, 9, 3)", [0, 3, 6, 9]),
        ("$range(0, 10, 3)", [0, 3, 6, 9]),
        ("$range(1, 9, 9)", 1),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$partition([1,2,3,4], 3)", [[1, 2, 3], [4]]),
        ('$hash("input", "SHA-1")', "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
        ('$hash("input", "MD5")', "a43c1b0aa53a0c908810c06ab1ff3967"),
        ('$parse("{\\"a\\": [1, null]}")', {"a": [1, None]}),
        ('$type($parse("null"))', "null"),
        ("$random(42)", 0.7275636800328681),
    ],
)
def test_what_step_functions_adds(expression, expected):
    assert value(expression) == expected


def test_the_clock_is_the_scope_s():
    """What a picture leaves out is of the instant of the step."""
    assert value('$toMillis("3:12 pm", "[h]:[m] [P]")') == 1767366720000
    assert value('$toMillis("13:45", "[H01]:[m01]")') == value('$toMillis("2026-01-02T13:45:00Z")')


def test_chance_comes_from_the_scope():
    assert value("$random()") == random.Random(1).random()
    assert value("$uuid()") == value("$uuid()")
    assert value("$uuid()", chance=random.Random(2)) != value("$uuid()")
    made = value("$uuid()")
    assert len(made) == 36
    assert made[14] == "4"
    assert made[19] in "89ab"
    assert sorted(value("$shuffle([1..9])")) == list(range(1, 10))


# The texts after "evaluation" are AWS's answers.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.missing", "returned nothing (undefined)."),
        ("$doesNotExist", "returned nothing (undefined)."),
        ("$", "returned nothing (undefined)."),
        ("function($x) { $x }", "returned nothing (undefined)."),
        ("/a/", "returned nothing (undefined)."),
        ('$eval("1+1")', "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
        ("(1)(2)", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
        (
            "$states.input.s + 1",
            'threw an error during evaluation. T2001: The left side of the "+" operator must evaluate to a number',
        ),
        (
            "$states.input.n < $states.input.s",
            ('threw an error during evaluation. T2009: The values 5 and "abc" either side of operator "<" must be'
            " of the same data type"),
        ),
        (
            '$sum("x")',
            'threw an error during evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"',
        ),
        (
            '$abs("x")',
            'threw an error during evaluation. T0410: Argument 1 of function "abs" does not match function signature',
        ),
        (
            "$length(null)",
            'threw an error during evaluation. T0410: Argument 1 of function "length" does not match function signature',
        ),
        ('$number("abc")', 'threw an error during evaluation. D3030: Unable to cast value to a number: "abc"'),
        ("$sqrt(-1)", "threw an error during evaluation. D3060: The sqrt function cannot be applied to a negative number: -1"),
        ('$error("boom")', "threw an error during evaluation. D3137: boom"),
        ('$assert(false, "no")', "threw an error during evaluation. D3141: no"),
        ('$parse("")', "threw an error during evaluation. D3137: Invalid JSON"),
        (
            '$hash("a", "SHA-9")',
            ("threw an error during evaluation. D3137: Hash algorithm 'SHA-9' must be one of SHA-1, SHA-384,"
            " SHA-256, SHA-512, MD5"),
        ),
        ("1 +", "threw an error during evaluation. S0207: Unexpected end of expression"),
        ('$base64decode("!!!")', "threw an internal error during evaluation."),
    ],
)  # fmt: skip
def test_failures(expression, expected):
    assert failure(expression, "Output/result") == expected


@pytest.mark.parametrize(
    ("expression", "kind", "shown"),
    [("1", "number", "1"), ("null", "null", "null"), ("'string'", "string", '"string"'), ("true", "boolean", "true"),
     ("{'foo': 'bar'}", "object", '{"foo":"bar"}')],
)  # fmt: skip
def test_a_result_of_another_type_is_refused(expression, kind, shown):
    with pytest.raises(StateFailure) as failed:
        jsonata.evaluate("{% " + expression + " %}", scope(), "Items", expected="array")
    assert failed.value.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Items' returned an unexpected result type."
        f" Expected 'array', but was '{kind}' for value: {shown}"
    )


TOO_DEEP = (
    "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function."
    " Consider rewriting as tail-recursive"
)
TOO_LONG = "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop"
TOO_MUCH = "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage"
RECURSIVE = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(%d))"
DOUBLED = "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', %d)))"


def test_the_bounds_are_where_aws_has_them():
    assert value(RECURSIVE % 31) == 31
    assert failure(RECURSIVE % 32) == TOO_DEEP
    assert value("[1..873782] ~> $count()") == 873782
    assert failure("[1..873783] ~> $count()") == TOO_MUCH
    assert value(DOUBLED % 22) == 2**22
    assert failure(DOUBLED % 23) == TOO_MUCH
    assert failure("1" + "+1" * 200) == TOO_DEEP


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($a) { $f([$a, $a]) }; $f([1]))",
        "($f := function($a) { $f([[$a], [$a]]) }; $f(1))",
        "($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, {'l': $a, 'r': $a}) }; $f(40, 1))",
        "($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, {'l': $a, 'r': $a}) }; $string($f(40, 1)))",
        "($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, {'l': $a, 'r': $a}) }; $f(40, 1) = $f(40, 1))",
        "($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, {'l': $a, 'r': $a}) }; $count($f(40, 1).**))",
        "$map([1..870000], function($i) { $map([1..870000], function($j) { $j }) })",
        '$pad("x", 1e12)',
        '$replace($pad("", 1000000, "a"), "a", $pad("", 10000, "b"))',
        '$join([1..20000] ~> $map($string), $pad("", 1000, "-"))',
        "$formatInteger(1e15, 'I')",
        "$fromMillis(0, '[Y,1000000000]')",
        "$toMillis($pad('', 100000, 'a') & '!', '" + "[MNn]" * 150 + "')",
        "$match($pad('', 1000000, 'a'), /(a+)+b/)",
        "$split($pad('', 4000000, ','), ',')",
        "(" * 3000 + "1" + ")" * 3000,
        "[" * 50000,
        "-" * 50000 + "1",
    ],
    ids=range(18),
)
def test_every_expression_ends(expression, monkeypatch):
    monkeypatch.setattr(jsonata_engine, "STEPS", 50_000)  # the real bound is below
    with pytest.raises(StateFailure) as failed:
        value(expression)
    assert failed.value.error == "States.QueryEvaluationError"


def test_a_million_steps_are_the_most():
    assert jsonata_engine.STEPS == 1_000_000
    assert failure("($f := function($x) { $f($x + 1) }; $f(1))") == TOO_LONG


def test_what_is_handed_in_is_never_changed():
    given = copy.deepcopy(INPUT)
    handed = scope(input=given)
    for expression in (
        "$states.input.empty{'a': $}", "$states.input ~> |obj|{'z': 1}|", "{'q': 1} ~> |$states.input.obj|{'z': 1}|",
        "$append($states.input.arr, 4)", "$states.input.arr ~> $reverse", "$sort($states.input.arr)",
        "$states.input.nulls", "($x := $states.input.obj; $merge([$x, {'b': 2}]))",
    ):  # fmt: skip
        jsonata.evaluate("{% " + expression + " %}", handed, "Output")
    assert given == INPUT


def test_what_needs_no_change_is_not_copied():
    large = {"rows": [{"id": index} for index in range(10)]}
    assert jsonata.evaluate("{% $states.input %}", scope(input=large), "Output") is large
    assert jsonata.evaluate("{% $states.input[0] %}", scope(input=large), "Output") is large


def test_rendering_names_the_place():
    template = {"a": "{% $v %}", "b": [0, " {% not this %} ", {"c": "{% $states.input.n + 1 %}"}], "d": None}
    assert jsonata.rendered(template, scope(), "Arguments") == {
        "a": 7, "b": [0, " {% not this %} ", {"c": 6}], "d": None,
    }  # fmt: skip
    with pytest.raises(StateFailure) as failed:
        jsonata.rendered({"a": [0, {"b": "{% $no %}"}]}, scope(), "Output")
    assert failed.value.location == "Output/a[1]/b"
    assert failed.value.cause == (
        "The JSONata expression '$no' specified for the field 'Output/a[1]/b' returned nothing (undefined)."
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{% $states.input.a %}", None),
        ("{%10%}", None),
        ("{% a[1,2) %}", 'Expected "]", got ","'),
        ('{% "open %}', "String literal must be terminated by a matching quote"),
        ("{% 1 + %}", "Unexpected end of expression"),
        ('{% {"a":} %}', 'The symbol "}" cannot be used as a unary operator'),
        ('{% $match("a", /abc %}', "No terminating / in regular expression"),
    ],
)
def test_checking(text, wrong):
    assert jsonata.check(text) == wrong


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{% $theAnswer %}", {"theAnswer"}),
        ("{% $a.b + $sum($c.d) %}", {"a", "c"}),
        ("{% $states.input.x %}", set()),
        ("{% ($x := $y; $map($z, function($i) { $i + $x + $$.q })) %}", {"y", "z"}),
        ("{% $states.input.rows[id = $wanted]{name: $price} %}", {"wanted", "price"}),
        ("{% $states.input.rows@$row.{'k': $row.id} %}", set()),
        ("{% rows^(>$order) %}", {"order"}),
    ],
)
def test_variables(text, names):
    assert jsonata.variables_of(text) == names


def test_threads_share_compiled_expressions():
    wrong = []

    def work(number):
        for _ in range(200):
            own = scope(variables={"v": number})
            text = "{% $reduce($map([1..5], function($i) { $i * $v }), function($a, $b) { $a + $b }) + $v %}"
            if jsonata.evaluate(text, own, "Output") != 16 * number:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_python_keeps_its_recursion_limit():
    """Read in a process of its own: others may have raised it here."""
    import subprocess

    program = (
        "import random, sys; from datetime import datetime\n"
        "from faaslab.workflow.query import jsonata; from faaslab.workflow.scope import Scope\n"
        "before = sys.getrecursionlimit()\n"
        "text = '{' + '% $states.input.a + 1 %' + '}'\n"
        "jsonata.evaluate(text, Scope({'a': 1}, {}, {}, random.Random(1), datetime(2026, 1, 1)), 'Output')\n"
        "sys.exit(sys.getrecursionlimit() != before)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
