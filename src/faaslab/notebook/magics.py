"""`%faas VERB …` and `%%faas …`: a line and a cell into a call, its answer into an output.

Rule: no words, options or meanings of verbs are known here; `faaslab.verbs` has them. What fails is raised,
so that a notebook that runs unattended stops there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import traitlets
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets.config import Configurable

from faaslab import app
from faaslab.errors import FaaslabError
from faaslab.notebook import formatters
from faaslab.notebook.labs import Labs
from faaslab.notebook.matcher import matcher

if TYPE_CHECKING:
    from faaslab.notebook.display import Surroundings, View

_ROWS = 20


def _with_a_body(lines: list[str]) -> list[str]:
    """IPython refuses a cell magic with nothing below it before we see it: ours gets an empty line.

    A function that follows a source has no cell of its own, and who forgot the code is told how to go on.
    """
    return [*lines, "\n"] if len(lines) == 1 and lines[0].split()[:1] == ["%%faas"] else lines


def _read(owner: Any, proposal: Any) -> Any:  # noqa: ARG001
    """A setting as `%config` gives it, checked at once; errors name it as it was typed."""
    name = proposal["trait"].name
    if proposal["value"] is None:
        return None
    try:
        app.SETTINGS[name].read(proposal["value"])
    except FaaslabError as error:
        # Any other error would leave the wrong value standing.
        raise traitlets.TraitError(f"FaasMagics.{name}: {error.message}") from None
    return proposal["value"]


_Settings: Any = type(
    "_Settings",
    (Configurable,),
    {
        "__module__": __name__,
        **{
            name: traitlets.Any(None, allow_none=True, help=known.help).tag(config=True)
            for name, known in app.SETTINGS.items()
        },
        "_validate_settings": traitlets.validate(*app.SETTINGS)(_read),
    },
)


@magics_class
class FaasMagics(Magics, _Settings):  # type: ignore[misc]
    """The magics of one shell. Its settings are those of `faaslab config`; None stands for their defaults."""

    rows = traitlets.Int(_ROWS, min=1, help="rows of a table that are shown").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.labs = Labs(shell)
        self.cells: dict[str, tuple[int, int]] = {}
        """Source of a function -> the number of the cell it was typed into, and the lines above it there."""
        self._matcher = matcher(shell, self.labs)
        self.observe(self._changed, names=list(app.SETTINGS))

    # -- coming and going -----------------------------------------------------------------------------

    def attach(self) -> None:
        """Register the completion and the formatters."""
        self.shell.Completer.custom_matchers.append(self._matcher)
        self.shell.input_transformers_cleanup.append(_with_a_body)
        formatters.register(self.shell, self._surroundings, self.labs)
        self.shell.events.register("post_run_cell", self.labs.settle)

    def detach(self) -> None:
        """Take them back and close what was opened."""
        if self._matcher in self.shell.Completer.custom_matchers:
            self.shell.Completer.custom_matchers.remove(self._matcher)
        if _with_a_body in self.shell.input_transformers_cleanup:
            self.shell.input_transformers_cleanup.remove(_with_a_body)
        with suppress(ValueError):
            self.shell.events.unregister("post_run_cell", self.labs.settle)
        formatters.unregister(self.shell)
        self.labs.close()

    def _changed(self, change: Any) -> None:
        """The next call opens a lab with the new settings; another store leaves this one's lab open."""
        if change["name"] != "store":
            self.labs.close()
        self.labs.flags = {
            name: getattr(self, name) for name in app.SETTINGS if getattr(self, name) is not None
        }

    def _surroundings(self) -> Surroundings:
        from faaslab.notebook import calls

        return calls.surroundings(self)

    # IPython's own @output_can_be_silenced reads the line as Python and fails over an odd quote or bracket,
    # which SQL and patterns may have; a semicolon at the end of the line silences here as well.
    @no_var_expand  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def faas(self, line: str, cell: str | None = None) -> View | None:
        """Serverless functions from a notebook.

            %%faas NAME options      define a function: the cell below is its code
            %faas invoke NAME        run it, for real; map runs it over many inputs
            %faas help               all the other verbs
            %faas help VERB          one of them with its options

        -o NAME binds an answer and shows nothing; a semicolon at the end shows nothing. -p {NAME} takes an
        object of the notebook. %config FaasMagics lists the settings.
        """
        from faaslab.notebook import calls

        return calls.carry_out(self, line, cell)
