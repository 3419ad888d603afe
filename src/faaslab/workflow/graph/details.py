"""What a state does, in a few words: the service a Task calls, how long a Wait waits. Pure, never raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faaslab.workflow.graph.conditions import expression
from faaslab.workflow.graph.spans import length
from faaslab.workflow.graph.words import seen, shortened

_SERVICES = {
    "apigateway": "API Gateway",
    "athena": "Athena",
    "batch": "Batch",
    "bedrock": "Bedrock",
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "eks": "EKS",
    "emr-serverless": "EMR Serverless",
    "elasticmapreduce": "EMR",
    "events": "EventBridge",
    "eventbridge": "EventBridge",
    "glue": "Glue",
    "http": "HTTP",
    "lambda": "Lambda",
    "mediaconvert": "MediaConvert",
    "rekognition": "Rekognition",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "secretsmanager": "Secrets Manager",
    "sfn": "Step Functions",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "Systems Manager",
    "states": "Step Functions",
}
_LONG = 44
ANY_ERROR = "any error"
"""What is said of States.ALL."""


def detail(state: Mapping[str, Any]) -> str:
    """The line above the name of a state: its type, and what it is about."""
    kind = state.get("Type")
    if kind == "Task":
        return _task(state)
    said = _MORE[kind](state) if isinstance(kind, str) and kind in _MORE else ""
    word = seen(kind) if isinstance(kind, str) and kind else "no Type"
    return shortened(f"{word} · {said}" if said else word, _LONG)


def _task(state: Mapping[str, Any]) -> str:
    resource = state.get("Resource")
    if not isinstance(resource, str) or not resource:
        return "Task without a Resource"
    parts = seen(resource).split(":")
    if parts[0] != "arn" or len(parts) < 6:
        return shortened(f"Task · {seen(resource)}", _LONG)
    service, rest = parts[2], parts[5:]
    if service == "lambda" and rest[0] == "function" and len(rest) > 1:
        return shortened(f"Lambda · {':'.join(rest[1:])}", _LONG)
    if service == "states" and rest[0] == "activity" and len(rest) > 1:
        return shortened(f"Activity · {':'.join(rest[1:])}", _LONG)
    if service != "states" or len(rest) < 2:
        return shortened(f"{_SERVICES.get(service, service)} · {':'.join(rest)}", _LONG)
    rest = rest[1:] if rest[0] == "aws-sdk" and len(rest) > 2 else rest
    name, action = _SERVICES.get(rest[0].lower(), rest[0]), ":".join(rest[1:])
    action, _, pattern = action.partition(".")
    waits = {"waitForTaskToken": ", awaits token"}.get(pattern, ", awaits end" if pattern else "")
    given = state.get("Parameters", state.get("Arguments"))
    function = given.get("FunctionName") if isinstance(given, Mapping) else None
    if rest[0] == "lambda" and action == "invoke" and isinstance(function, str):
        bare = seen(function)
        action = bare.split(":function:")[-1] if ":function:" in bare else expression(bare)
    return shortened(f"{name} · {action}{waits}", _LONG)


def _wait(state: Mapping[str, Any]) -> str:
    if "Seconds" in state:
        value = state["Seconds"]
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
        return length(float(value)) if whole else expression(value)
    if "Timestamp" in state:
        return f"until {expression(state['Timestamp'])}"
    path = state.get("SecondsPath", state.get("TimestampPath", ""))
    return seen(path) if isinstance(path, str) else ""


def _fail(state: Mapping[str, Any]) -> str:
    said = state.get("Error", state.get("ErrorPath", ""))
    return expression(said) if isinstance(said, str) else ""


def _map(state: Mapping[str, Any]) -> str:
    processor = state.get("ItemProcessor", state.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    distributed = isinstance(config, Mapping) and config.get("Mode") == "DISTRIBUTED"
    at_once = state.get("MaxConcurrency")
    limit = (
        f"{at_once} at a time"
        if isinstance(at_once, int) and not isinstance(at_once, bool) and 0 < at_once < 10**6
        else ""
    )
    return ", ".join(part for part in ("distributed" if distributed else "", limit) if part)


_MORE = {"Wait": _wait, "Fail": _fail, "Map": _map}


def retrying(state: Mapping[str, Any]) -> tuple[int, str]:
    """How often a state may be tried again in all, and each retrier in words; 0 where there is none."""
    count = 0
    said: list[str] = []
    retriers = state.get("Retry")
    for each in retriers if isinstance(retriers, (list, tuple)) else ():
        if not isinstance(each, Mapping):
            continue
        most = each.get("MaxAttempts", 3)
        most = most if isinstance(most, int) and not isinstance(most, bool) and 0 <= most < 10**9 else 3
        count += most
        after = expression(each.get("IntervalSeconds", 1))
        rate = expression(each.get("BackoffRate", 2.0))
        said.append(f"{errors(each)}: {most} more times, first after {after} s, then × {rate}")
    return count, "; ".join(said)


def errors(catcher: Mapping[str, Any]) -> str:
    """The error names that a retrier or a catcher is for."""
    names = catcher.get("ErrorEquals")
    listed = names if isinstance(names, (list, tuple)) else [names]
    return ", ".join(ANY_ERROR if name == "States.ALL" else seen(name) for name in listed[:20]) or "?"
