"""Runs a notebook's code cells in this process, with parameters as papermill injects them."""

import ast
import json
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def notebook(name):
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))


def run(name, **parameters):
    """What each code cell shows, as mime bundles (cells that show nothing are left out)."""
    space = {}
    shown = []
    for cell in notebook(name)["cells"]:
        if cell["cell_type"] != "code":
            continue
        value = _run("".join(cell["source"]), space)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert set(parameters) <= set(space), "parameters that the notebook does not declare"
            space.update(parameters)
        if value is not None:
            shown.append(value._repr_mimebundle_())
    return shown


def _run(source, space):
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), space)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None


def text(shown):
    return "\n".join(bundle["text/plain"] for bundle in shown)
