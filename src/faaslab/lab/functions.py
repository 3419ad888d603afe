"""The functions of a lab: define them, look at them, run them.

A definition is declarative: the same again changes nothing, a changed one is the next and the older
ones' idle environments end.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, Unsupported
from faaslab.lab import asking, definitions, event_invoke, following, limits, maps
from faaslab.lab.mapping import run_map
from faaslab.lab.payloads import encode, items
from faaslab.lab.qualifiers import PLAIN, Qualifiers
from faaslab.lab.streams import stream
from faaslab.model.function import LATEST, Function, FunctionStatus, ImageCode, InlineCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    import pandas as pd

    from faaslab.backends.protocol import Debugger, Listening, ResponseStream
    from faaslab.lab import Lab
    from faaslab.lab.definitions import CodeGiven, Definition, Draft
    from faaslab.lab.maps import MapResult
    from faaslab.model.execution import Execution
    from faaslab.model.invocation import Invocation

_ACTIVE = FunctionStatus.ACTIVE


class Functions:
    """`lab.functions`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._store = lab.store
        self._qualifiers = Qualifiers(lab)
        self._resolve = self._qualifiers.function
        self._request = self._qualifiers.request

    # -- definitions --------------------------------------------------------------------------------

    def create(
        self, name: str, code: CodeGiven | None = None, *, exist_ok: bool = True, **options: Any
    ) -> Function:
        """Define a function and give it back. `options` are those of `define`.

        With `exist_ok` a name that is taken gets a next definition (or none, when nothing changed); without
        it that is `AlreadyExists`.
        """
        return self.define(name, code, exist_ok=exist_ok, **options).function

    def define(
        self,
        name: str,
        code: CodeGiven | None = None,
        *,
        source: str | Path | None = None,
        include: Sequence[str | Path] = (),
        capture: Mapping[str, Any] | None = None,
        revision_id: str | None = None,
        wait: bool = True,
        publish: bool = False,
        exist_ok: bool = True,
        **options: Any,
    ) -> Definition:
        """Define a function from source text, a zip's Path or bytes, a plain function, or an ImageCode.

        `options`: handler (`FILE.FUNCTION`), runtime, layers (`NAME`, `NAME:NUMBER`, an ARN, the path of a
        zip; lowest first), memory_mb (128 to 10240), timeout_s (1 to 900),
        ephemeral_storage_mb, reserved_concurrency, environment, secrets, requires, preload, log_format
        (Text, JSON), application_log_level and system_log_level (of JSON logs), tracing (`PassThrough`,
        `Active`), snap_start (`None`, `PublishedVersions`), tenancy (`PER_TENANT`, fixed at creation),
        architecture, description, tags, aws_only (what is kept for AWS's API and has no effect here),
        dead_letter_queue, recursive_loop, and those of `lab.asynchronous.configs.put`. `include` are files
        and folders that go along, `capture` JSON-able values that the code uses by name.
        With `revision_id` only the function of that revision is changed, else `Conflict`; without `exist_ok`
        a name that is taken is `AlreadyExists`. Tags that are not given stay as they are.

        In the place of `code`, `source` is a Python file, or a folder with the handler's file at its top:
        when anything there has changed since the last invocation, the next one makes it the next definition.

        Packages are installed first, and raise what is wrong with them (RequirementsFailed); without `wait`
        in the background, and the function is pending, or goes on with its old code, until they are. With
        `publish` it is published then, which is waited for.
        """
        configs = self._lab.asynchronous.configs
        wanted = configs.checked(name, event_invoke.taken(options))
        if "tags" not in options and (present := self._store.definitions.get(Function, name)) is not None:
            options["tags"] = present.tags
        written: Any = {"revision_id": revision_id, "wait": wait or publish, "exist_ok": exist_ok}
        if source is not None:
            following.nothing_else("source", code=code, include=include, capture=capture)
            draft = self._lab.following.draft(name, source, self._with_layers(options))
            self._lab.layers.check(draft)
            definition = self._lab.updates.write(draft, **written)
        elif code is None:
            raise InvalidValue("a function needs code", place="code", hint="or source=, a file or folder")
        else:
            draft = self._draft(name, code, options, include, capture)
            definition = self._lab.updates.write(draft, **written)
        definition = self._lab.foreseen(self._published(definition) if publish else definition)
        return event_invoke.told(definition, changed=configs.declare(wanted))

    def _published(self, definition: Definition) -> Definition:
        """With the version that it is, published first where it is none."""
        function = definition.function
        version = self._lab.versions.publish(function.name, definition=function.definition)
        present = self._store.definitions.get(Function, function.name, function.definition) or function
        return dataclasses.replace(definition, function=present, published=version)

    def _draft(
        self,
        name: str,
        code: CodeGiven,
        options: Mapping[str, Any],
        include: Sequence[str | Path],
        capture: Mapping[str, Any] | None,
    ) -> Draft:
        draft = definitions.draft(
            name,
            code,
            now=self._lab.clock.now(),
            include=include,
            capture=capture,
            region=self._lab.region,
            **self._with_layers(options),
        )
        self._lab.layers.check(draft)
        return draft

    def update(self, name: str, **options: Any) -> Function:
        """Change the configuration of a function; options that are not given stay as they are.

        With `revision_id` only the function of that revision is changed, else `Conflict`; `publish=True`
        publishes it as well, once it can run.
        """
        return self.redefine(name, **options).function

    def update_code(self, name: str, code: CodeGiven, **options: Any) -> Function:
        """Change the code of a function; its configuration stays. `revision_id`, `publish` as in `update`."""
        return self.redefine(name, code=code, **options).function

    def redefine(
        self,
        name: str,
        *,
        code: CodeGiven | None = None,
        revision_id: str | None = None,
        publish: bool = False,
        wait: bool = True,
        dry_run: bool = False,
        **options: Any,
    ) -> Definition:
        """A function with some of its options, or its code, changed; with `dry_run` as it would be then."""
        configs, settings = self._lab.asynchronous.configs, event_invoke.taken(options)
        wanted = configs.changed(name, settings) if settings else None
        draft = self._redrafted(name, code, options)
        if dry_run:
            return self._lab.updates.would_be(draft, revision_id=revision_id)
        definition = self._lab.updates.write(draft, revision_id=revision_id, wait=wait or publish)
        definition = self._lab.foreseen(self._published(definition) if publish else definition)
        return event_invoke.told(definition, changed=wanted is not None and configs.declare(wanted))

    def reserve(self, name: str, executions: int | None) -> Function:
        """Reserve concurrency for a function, 0 blocks it; None gives it back. It is no other definition.

        Raises `InvalidValue` for what Lambda would refuse (PutFunctionConcurrency).
        """
        limits.reserved(executions)
        return self._lab.updates.reserve(name, executions)

    def _redrafted(self, name: str, code: CodeGiven | None, options: Mapping[str, Any]) -> Draft:
        definitions.known_options({key: value for key, value in options.items() if key not in _WITH_CODE})
        present = self._resolve(name, None)
        kept = following.kept(present)
        if options.get("log_format") == "Text":
            # Levels are of JSON logs only: they go with the format.
            kept |= {"application_log_level": None, "system_log_level": None}
        if options.get("tenancy", kept["tenancy"]) != kept["tenancy"]:
            raise InvalidValue(
                "tenant isolation is fixed when a function is created",
                place="tenancy",
                hint="create another function",
            )
        if code is not None:
            if isinstance(code, (Path, bytes)):
                kept["handler"] = present.handler
            if "image" in (present.runtime, getattr(code, "kind", "")):
                del kept["runtime"]
            given = kept | dict(options)
            include, capture = given.pop("include", ()), given.pop("capture", None)
            return self._draft(name, code, given, include, capture)
        with_code = {key for key in options if key in {"include", "capture"}}
        if with_code:
            raise InvalidValue("comes with code", place=min(with_code), hint="give the code as well")
        draft = definitions.reconfigured(
            present, kept | dict(self._with_layers(options)), now=self._lab.clock.now()
        )
        if options.get("layers"):
            self._lab.layers.check(draft)
        return draft

    def _with_layers(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        if options.get("layers") is None:
            return options
        return {**options, "layers": self._lab.layers.references(options["layers"])}

    def get(self, name: str, version: str | None = None, *, definition: int | None = None) -> Function:
        """The function of that name as it is now; `NotFound` with the nearest.

        With `version` (its number, or an alias) as it was published, with `definition` as it was defined.
        """
        function = self._found(name, version, definition)
        if version is None and definition is None:
            return dataclasses.replace(
                self._lab.updates.seen(function),
                statistics=self._lab.monitoring.function_metrics(function.name),
            )
        return function

    def _found(self, name: str, version: str | None, definition: int | None) -> Function:
        if definition is None:
            return self._resolve(name, self._qualifiers.primary(name, version))
        return self._lab.versions.defined(name, definition)

    def find(self, name: str) -> Function | None:
        """The function of that name, or None."""
        try:
            return self.get(name)
        except NotFound:
            return None

    def list(self) -> tuple[Function, ...]:
        """All functions, by name."""
        found = map(self._lab.updates.seen, self._store.definitions.list(Function))
        return tuple(sorted(found, key=lambda function: function.name))

    def names(self) -> tuple[str, ...]:
        """The names of all functions."""
        return tuple(sorted(self._store.definitions.names(Function)))

    def definitions(self, name: str) -> tuple[Function, ...]:
        """All definitions of a function, oldest first; `lab.versions` has those that are published."""
        self._resolve(name, None)
        return self._store.definitions.every(Function, name)

    def delete(self, name: str) -> None:
        """Delete a function and end its environments; what it did stays in the history."""
        self._resolve(name, None)
        self._store.definitions.delete(Function, name)
        self._qualifiers.forget()
        self._lab.provisioned.forget(name)
        self._lab.retire(name)

    def code(self, name: str, version: str | None = None, *, definition: int | None = None) -> str | bytes:
        """The source text of a function, which one as in `get`; of one that came as a zip, its bytes."""
        function = self._found(name, version, definition)
        if isinstance(function.code, InlineCode):
            return function.code.source
        if isinstance(function.code, ImageCode):
            raise Unsupported(f"the code of {name!r} is an image", hint=f"it is {function.code.uri}")
        return self._store.blobs.get(function.code_digest)

    def source_of(self, execution: Execution) -> InlineCode | None:
        """The source as it was when `execution` ran; None where it is not known or was no text."""
        try:
            function = self._found(execution.function, execution.version, execution.definition)
        except NotFound:
            return None
        if not isinstance(function.code, InlineCode) or execution.code_sha256 not in (
            None,
            function.code_sha256,
        ):
            return None
        return function.code

    def table(self) -> pd.DataFrame:
        """A row a function: its configuration and what the store has seen of it."""
        return self._lab.monitoring.functions_table(self.list())

    def enforced(self, function: Function | None = None) -> Mapping[str, str]:
        """Limit -> how this machine enforces it; for that function, where one is given."""
        return self._lab.enforced(function)

    # -- running --------------------------------------------------------------------------------------

    def invoke(
        self, name: str | Function, payload: Any = None, *, qualifier: str | None = None, **fields: Any
    ) -> Execution:
        """Run a function once and wait. A failure of the function is the execution's status, no exception.

        `payload` is any JSON-able value or bytes of JSON; None is sent as `{}`, as an invocation without a
        payload is on Lambda. `fields` are those of `Invocation`; `client_context` may also be a dictionary.
        """
        function = self._now(name, qualifier)
        body = b"{}" if payload is None else encode(payload)
        if "trace_id" in fields:
            self._enter(function, fields)
        request = self._request(function.name, qualifier, fields) if fields or qualifier else PLAIN
        return self._lab.backend.invoke(function, body, request=request, complete=self._lab.complete)

    def stream(
        self, name: str | Function, payload: Any = None, *, qualifier: str | None = None, **fields: Any
    ) -> ResponseStream:
        """Run a function once and read its response while it comes: pieces of bytes, then `.execution`."""
        function = self._now(name, qualifier)
        if "trace_id" in fields:
            self._enter(function, fields)
        request = self._request(function.name, qualifier, fields)
        return stream(self._lab, function, payload, request)

    def debug(
        self,
        name: str | Function,
        payload: Any = None,
        *,
        qualifier: str | None = None,
        debugger: Debugger | None = None,
        breakpoints: bool = True,
        **fields: Any,
    ) -> Execution:
        """Run a function once in this process, where `breakpoint()` and debuggers reach it.

        No limit holds. With a `debugger` it stops at the handler's first line; without `breakpoints` it runs
        through. What it raised is left where `%debug` and `pdb.pm()` look. It is recorded without figures,
        and statistics leave it out. Raises Unsupported for what this process cannot run, Stopped when the
        user leaves.
        """
        function, body = self._now(name, qualifier), encode({} if payload is None else payload)
        request = self._request(function.name, qualifier, fields)
        more: Any = {"debugger": debugger, "breakpoints": breakpoints}
        return self._lab.backend.debug(function, body, request=request, complete=self._lab.complete, **more)

    def attach(
        self,
        name: str | Function,
        payload: Any = None,
        *,
        listening: Callable[[Listening], None],
        port: int = 0,
        qualifier: str | None = None,
        **fields: Any,
    ) -> Execution:
        """Run a function once in an environment that first waits for a debugger (VS Code, or any DAP client).

        `listening` is told the host, the port and a ready configuration; `port` 0 takes a free one. No limit
        holds, the environment ends with it, and statistics leave it out as they do for `debug`.
        """
        function, body = self._now(name, qualifier), encode({} if payload is None else payload)
        request = self._request(function.name, qualifier, fields)
        more: Any = {"listening": listening, "port": port}
        return self._lab.backend.attach(function, body, request=request, complete=self._lab.complete, **more)

    def submit(
        self, name: str | Function, payload: Any = None, *, qualifier: str | None = None, **fields: Any
    ) -> Future[Execution]:
        """Run a function once in the background of this process; the future gives its Execution.

        Its `cancel()` ends one that runs locally, with its environment: the Execution is then failed, with
        the error type `Invocation.Cancelled`, and billed for the time that it ran. One that had not begun is
        cancelled as any future is.

        With `invocation_type="Event"` it is an asynchronous invocation: when this returns the event is on
        the disk, from where it is run, and run again when the function fails, even if this process ends. The
        future is then a `Queued`, with the `request_id`, and gives the last of its executions.
        """
        function = self._now(name, qualifier)
        event = fields.get("invocation_type") == "Event"
        body = b"{}" if payload is None else encode(payload, asynchronous=event)
        request = self._request(function.name, qualifier, fields) if fields or qualifier else PLAIN
        if event:
            return self._lab.asynchronous.submit(function, body, request)
        return self._lab.backend.submit(function, body, request=request, complete=self._lab.complete)

    def map(
        self,
        name: str | Function,
        payloads: Any,
        n: int | None = None,
        *,
        progress: Callable[[int, str | None], None] | None = None,
        tell: Callable[[str], None] | None = None,
        qualifier: str | None = None,
    ) -> MapResult:
        """Run a function once for each payload, at most `n` at once; failures are rows, not exceptions.

        `payloads` is a DataFrame (its rows as dictionaries), or an iterable. Ctrl-C begins no more, says how
        many still run (by `tell`, or on standard error) and waits for them; a second one ends those, as
        cancelled rows. Either way what is done is given back.
        """
        function = self._now(name, qualifier)
        values = items(payloads)
        if n is not None and n not in range(1, 1001):
            raise InvalidValue(f"{n!r} is not a number from 1 to 1000", place="n")
        bodies = [encode(value, place=f"input {index}") for index, value in enumerate(values)]
        request = self._request(function.name, qualifier, {"batch_id": self._lab.new_id()})
        weighted = self._qualifiers.weighted(function.name, qualifier)
        result = run_map(
            self._lab.backend,
            function,
            values,
            bodies,
            each=[self._resolve(name, qualifier) for _ in bodies] if weighted else None,
            n=n,
            request=request,
            complete=self._lab.complete,
            progress=progress,
            tell=tell,
        )
        return dataclasses.replace(
            result, again=lambda mapped, failed: self.retry(mapped, failed=failed, n=n)
        )

    def retry(
        self,
        mapped: MapResult | pd.DataFrame | str,
        *,
        failed: bool = True,
        n: int | None = None,
        progress: Callable[[int, str | None], None] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> MapResult:
        """Run the failed rows of a map again (or all), with the function as it is now.

        `mapped` is a MapResult, its DataFrame or rows of it, or the batch that a map named.
        """
        if isinstance(mapped, str):
            name, values = self._lab.executions.batch(mapped, failed=failed)
        else:
            name, values = maps.to_run_again(mapped, failed=failed)
        return self.map(name, values, n, progress=progress, tell=tell)

    def prepared(self, name: str, qualifier: str | None = None, **fields: Any) -> tuple[Function, Invocation]:
        """What an invocation with that qualifier runs now, and the invocation; `NotFound` as `get`."""
        return self._resolve(name, qualifier), self._request(name, qualifier, fields)

    def _enter(self, function: Function, fields: dict[str, Any]) -> None:
        """Count the run in the chain of requests that its trace header belongs to."""
        header = asking.text("trace_id", fields["trace_id"])
        fields["trace_id"] = self._lab.asynchronous.entered(function, header)

    def _now(self, name: str | Function, qualifier: str | None) -> Function:
        """What an invocation runs. On the hot path: one comparison for what a function does not have."""
        function = self._resolve(name, qualifier)
        if function.source_path is not None and function.version == LATEST:
            function = self._lab.following.current(function)
        if function.status is not _ACTIVE:
            function = self._lab.updates.runnable(function)
        return function


_WITH_CODE = frozenset({"include", "capture"})
