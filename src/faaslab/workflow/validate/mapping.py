"""What only a Map has: where its items come from, how they are put together, where the results go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.workflow.validate import expressions, values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings

_DISTRIBUTED = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")
_READERS = re.compile(r"arn:[a-z0-9-]+:states:::s3:(getObject|listObjectsV2)")
_WRITER = re.compile(r"arn:[a-z0-9-]+:states:::s3:putObject")
_LABEL_REFUSED = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_WORDS = {
    "InputType": ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"),
    "ManifestType": ("S3_INVENTORY", "ATHENA_DATA"),
    "CSVHeaderLocation": ("FIRST_ROW", "GIVEN"),
    "CSVDelimiter": ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
    "Transformation": ("NONE", "LOAD_AND_FLATTEN"),
}
_READER_CONFIG = {*_WORDS, "CSVHeaders", "MaxItems", "ItemsPointer"}
_WRITER_WORDS = {"OutputType": ("JSON", "JSONL"), "Transformation": ("NONE", "COMPACT", "FLATTEN")}
_BATCH_SIZES = {"MaxItemsPerBatch": (1, None), "MaxInputBytesPerBatch": (1, 262_144)}


def is_distributed(state: dict[str, Any]) -> bool:
    """Whether the iterations are executions of their own."""
    return processor_config(state).get("Mode") == "DISTRIBUTED"


def child_type(state: dict[str, Any], machine_type: str) -> str:
    """What kind of machine the iterations run in."""
    if not is_distributed(state):
        return machine_type
    return "EXPRESS" if processor_config(state).get("ExecutionType") == "EXPRESS" else "STANDARD"


def processor_config(state: dict[str, Any]) -> dict[str, Any]:
    """The ProcessorConfig, empty when there is none that can be read."""
    processor = state.get("ItemProcessor", state.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    return config if isinstance(config, dict) else {}


def check(state: dict[str, Any], language: str, machine_type: str, findings: Findings, at: str) -> None:
    """Check the fields that only a Map has, without what is in the processor's states."""
    values.at_least_one(state, ("ItemProcessor", "Iterator"), findings, at)
    if is_distributed(state):
        if machine_type == "EXPRESS":
            findings.schema("Express state machine does not support Map states in DISTRIBUTED mode", at)
    else:
        for name in _DISTRIBUTED:
            if name in state:
                findings.schema(f"Field '{name}' is only supported for a Map in DISTRIBUTED mode", at)
    if "ItemReader" in state and language == "JSONata" and "Items" in state:
        values.at_most_one(state, ("ItemReader", "Items"), findings, at)
    if "Label" in state:
        _label(state["Label"], findings, f"{at}/Label")
    if "ItemReader" in state and values.table(state["ItemReader"], findings, f"{at}/ItemReader"):
        _reader(state["ItemReader"], language, findings, f"{at}/ItemReader")
    if "ItemBatcher" in state and values.table(state["ItemBatcher"], findings, f"{at}/ItemBatcher"):
        _batcher(state["ItemBatcher"], language, findings, f"{at}/ItemBatcher")
    if "ResultWriter" in state and values.table(state["ResultWriter"], findings, f"{at}/ResultWriter"):
        _writer(state["ResultWriter"], language, findings, f"{at}/ResultWriter")
    items = state.get("Items")
    if (
        language == "JSONata"
        and "Items" in state
        and not isinstance(items, list | dict)
        and not values.is_expression(items)
    ):
        findings.schema("Value must be an array, an object or a JSONata expression", f"{at}/Items")


def config(value: Any, findings: Findings, at: str) -> None:
    """Check a ProcessorConfig."""
    if not values.table(value, findings, at):
        return
    values.known(value, ("Mode", "ExecutionType"), findings, at)
    if "Mode" in value:
        values.one_of(value["Mode"], "Mode", ("INLINE", "DISTRIBUTED"), findings, f"{at}/Mode")
    if "ExecutionType" in value:
        where = f"{at}/ExecutionType"
        values.one_of(value["ExecutionType"], "ExecutionType", ("STANDARD", "EXPRESS"), findings, where)
    if value.get("Mode") == "DISTRIBUTED":
        values.required(value, ("ExecutionType",), findings, at)


def _label(value: Any, findings: Findings, at: str) -> None:
    if not values.text(value, findings, at):
        return
    if not 1 <= len(value) <= 40:
        findings.error("INVALID_LABEL_NAME", "A label must have 1 to 40 characters", at)
    elif _LABEL_REFUSED.search(value):
        findings.error("INVALID_LABEL_NAME", f"Invalid Label name: {value}", at)


def _reader(reader: dict[str, Any], language: str, findings: Findings, at: str) -> None:
    given = "Arguments" if language == "JSONata" else "Parameters"
    values.known(reader, ("Resource", given, "ReaderConfig"), findings, at)
    if not values.required(reader, ("Resource", given), findings, at):
        return
    expressions.template(reader[given], language, findings, f"{at}/{given}")
    if not values.text(reader["Resource"], findings, f"{at}/Resource"):
        return
    resource = _READERS.fullmatch(reader["Resource"])
    if resource is None:
        _unknown(reader["Resource"], findings, f"{at}/Resource")
    elif resource.group(1) == "getObject":
        values.required(reader, ("ReaderConfig",), findings, at)
    if "ReaderConfig" in reader and values.table(reader["ReaderConfig"], findings, f"{at}/ReaderConfig"):
        listing = resource is not None and resource.group(1) == "listObjectsV2"
        _reader_config(reader["ReaderConfig"], language, findings, f"{at}/ReaderConfig", listing=listing)


def _reader_config(
    config: dict[str, Any], language: str, findings: Findings, at: str, *, listing: bool
) -> None:
    extra = () if language == "JSONata" else ("MaxItemsPath",)
    values.known(config, {*_READER_CONFIG, *extra}, findings, at)
    for name, words in _WORDS.items():
        if name in config:
            values.one_of(config[name], name, words, findings, f"{at}/{name}")
    if config.get("ManifestType") == "S3_INVENTORY" and not listing:
        if config.get("InputType", "MANIFEST") != "MANIFEST":
            said = "Field 'InputType' is not supported for an S3_INVENTORY: its own manifest names the format"
            findings.schema(said, f"{at}/InputType")
    elif not listing or config.get("Transformation") == "LOAD_AND_FLATTEN":
        values.required(config, ("InputType",), findings, at)
    if config.get("InputType") == "CSV":
        values.required(config, ("CSVHeaderLocation",), findings, at)
    if config.get("CSVHeaderLocation") == "GIVEN":
        values.required(config, ("CSVHeaders",), findings, at)
    if "CSVHeaders" in config and values.array(
        config["CSVHeaders"], findings, f"{at}/CSVHeaders", empty=False
    ):
        for index, header in enumerate(config["CSVHeaders"]):
            values.text(header, findings, f"{at}/CSVHeaders[{index}]")
    if "ItemsPointer" in config and values.text(config["ItemsPointer"], findings, f"{at}/ItemsPointer"):
        pointer = config["ItemsPointer"]
        if pointer and not pointer.startswith("/"):
            findings.schema("Value is not a JSON pointer: it must begin with '/'", f"{at}/ItemsPointer")
    values.at_most_one(config, ("MaxItems", "MaxItemsPath"), findings, at)
    size(config, "MaxItems", (0, 100_000_000), language, findings, at=at)


def size(
    table: dict[str, Any],
    name: str,
    span: tuple[int, int | None],
    language: str,
    findings: Findings,
    *,
    at: str,
) -> None:
    """Check a number that in JSONata may be an expression and in JSONPath has a twin that is a path."""
    if name in table:
        value = table[name]
        if language == "JSONata" and values.is_expression(value):
            expressions.jsonata_text(value, findings, f"{at}/{name}")
        else:
            values.number(value, findings, f"{at}/{name}", low=span[0], high=span[1])
    if f"{name}Path" in table and language != "JSONata":
        expressions.reference(table[f"{name}Path"], findings, f"{at}/{name}Path")


def _batcher(batcher: dict[str, Any], language: str, findings: Findings, at: str) -> None:
    paths = [] if language == "JSONata" else [f"{name}Path" for name in _BATCH_SIZES]
    values.known(batcher, (*_BATCH_SIZES, *paths, "BatchInput"), findings, at)
    values.at_least_one(batcher, (*_BATCH_SIZES, *paths), findings, at)
    for name, span in _BATCH_SIZES.items():
        values.at_most_one(batcher, (name, f"{name}Path"), findings, at)
        size(batcher, name, span, language, findings, at=at)
    if "BatchInput" in batcher:
        expressions.template(batcher["BatchInput"], language, findings, f"{at}/BatchInput")


def _writer(writer: dict[str, Any], language: str, findings: Findings, at: str) -> None:
    given = "Arguments" if language == "JSONata" else "Parameters"
    values.known(writer, ("Resource", given, "WriterConfig"), findings, at)
    if "Resource" in writer or given in writer:
        values.required(writer, ("Resource", given), findings, at)
    else:
        values.at_least_one(writer, ("Resource", "WriterConfig"), findings, at)
    if given in writer:
        expressions.template(writer[given], language, findings, f"{at}/{given}")
    resource, where = writer.get("Resource", ""), f"{at}/Resource"
    if "Resource" in writer and values.text(resource, findings, where) and not _WRITER.fullmatch(resource):
        _unknown(resource, findings, where)
    if "WriterConfig" in writer and values.table(writer["WriterConfig"], findings, f"{at}/WriterConfig"):
        chosen = writer["WriterConfig"]
        values.known(chosen, _WRITER_WORDS, findings, f"{at}/WriterConfig")
        for name, words in _WRITER_WORDS.items():
            if name in chosen:
                values.one_of(chosen[name], name, words, findings, f"{at}/WriterConfig/{name}")


def _unknown(resource: str, findings: Findings, at: str) -> None:
    if values.has_placeholder(resource):
        findings.warn("UNFILLED_PLACEHOLDER", f"{resource} has a placeholder that nothing has filled in", at)
        return
    findings.schema(
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN,"
        " or the resource is not available in this region.",
        at,
    )
