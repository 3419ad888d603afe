"""After the recorded executions were gone through: how many went as on AWS, as a table."""

from collections import defaultdict

from faaslab.workflow.query import jsonata

# JSONata's library raises Python's recursion limit for everybody as it is loaded. By this door that is undone,
# before a test loads a part of it by itself.
jsonata.check("{% 1 + 1 %}")


def pytest_terminal_summary(terminalreporter):
    rows = defaultdict(lambda: [0, 0, 0, 0])
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            told = dict(getattr(report, "user_properties", ())).get("conformance")
            if told is None or report.when != "call":
                continue
            for name in rows_of(told):
                row = rows[name]
                row[0] += 1
                row[1] += outcome == "passed"
                row[2] += told["events"] is not None
                row[3] += told["events"] == "same"
    if not rows:
        return
    terminalreporter.write_line("")
    terminalreporter.write_line(f"{'recorded executions':<44}{'as on AWS':>12}{'every event':>14}")
    for name, (count, passed, told, same) in sorted(rows.items(), key=order):
        events = f"{same}/{told}" if told else ""
        terminalreporter.write_line(f"{name:<44}{f'{passed}/{count}':>12}{events:>14}")


def rows_of(told):
    """The rows of the table that a case counts in."""
    yield "all"
    if not told["category"].startswith("choice_operators"):
        yield "all without choice_operators"
    yield f"in {told['language']}"
    yield f"  {told['category']}"


def order(item):
    heads = ["all", "all without choice_operators", "in JSONPath", "in JSONata", "in both"]
    name = item[0]
    return (heads.index(name), "") if name in heads else (len(heads), name)
