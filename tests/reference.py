"""The README's reference, written from the table of verbs: `python -m tests.reference` writes it anew.

`test_reference.py` fails when the two differ, so a verb, an option or a setting cannot be left out.
"""

from pathlib import Path

from faaslab.app import SETTINGS
from faaslab.verbs import NOTEBOOK_OPTIONS, SHELL_OPTIONS, VERBS, help_text

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->\n"


def render() -> str:
    """The section between the two marks."""
    lines = ["", "| verb | what it does |", "|---|---|"]
    lines += [f"| `{verb.name}` | {_cell(verb.summary)} |" for verb in VERBS.values()]
    lines += ["", "<details><summary>Every verb with its options</summary>", ""]
    for name in VERBS:
        lines += ["```text", help_text(name), "```"]
    lines += ["", "</details>", "", "| with every verb | in | |", "|---|---|---|"]
    for where, options in (("a notebook", NOTEBOOK_OPTIONS), ("a shell", SHELL_OPTIONS)):
        lines += [f"| `{' '.join(option.flags)}` | {where} | {_cell(option.help)} |" for option in options]
    lines += ["", "| setting | environment | default | |", "|---|---|---|---|"]
    for name, setting in SETTINGS.items():
        default = "" if setting.default in (None, ()) else f"`{setting.default}`"
        lines.append(f"| `{name}` | `FAASLAB_{name.upper()}` | {default} | {_cell(setting.help)} |")
    return "\n".join([*lines, "", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def section(text: str) -> str:
    """What stands between the marks in a README."""
    return text.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    README.write_text(before + BEGIN + render() + END + rest.partition(END)[2], "utf-8")
