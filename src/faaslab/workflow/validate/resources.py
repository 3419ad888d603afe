"""What a Task may call, and in which way it may wait for the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from faaslab.workflow.validate import values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings

_LAMBDA = re.compile(
    r"arn:[a-z0-9-]+:lambda:[a-z0-9-]*:[A-Za-z0-9-]*:function:[A-Za-z0-9-_.]+(?::[A-Za-z0-9$_.-]+)?"
)
_ACTIVITY = re.compile(r"arn:[a-z0-9-]+:states:[a-z0-9-]+:\d+:activity:[^\s:<>{}\[\]?*\"#%\\^|~`$&,;/]{1,80}")
_SERVICE = re.compile(
    r"arn:[a-z0-9-]+:states:[a-z0-9-]*:\d*:(?P<service>aws-sdk:[a-z0-9-]+|[a-z0-9-]+):(?P<action>[A-Za-z0-9-]+)"
    r"(?P<pattern>\.sync(?::\d)?|\.waitForTaskToken)?"
)

# Each action with the patterns that it offers besides the plain call.
_OPTIMISED: Final = """
apigateway invoke+token
athena startQueryExecution+sync stopQueryExecution getQueryExecution getQueryResults
batch submitJob+sync
bedrock invokeModel+token createModelCustomizationJob+sync
codebuild startBuild+sync stopBuild batchDeleteBuilds batchGetReports startBuildBatch+sync stopBuildBatch
codebuild retryBuildBatch+sync deleteBuildBatch
databrew startJobRun+sync
dynamodb getItem putItem deleteItem updateItem
ecs runTask+sync+token
eks createCluster+sync deleteCluster+sync createNodegroup+sync deleteNodegroup+sync
eks createFargateProfile+sync deleteFargateProfile+sync call+token runJob+sync+token
elasticmapreduce createCluster+sync setClusterTerminationProtection terminateCluster+sync addStep+sync
elasticmapreduce cancelStep modifyInstanceFleetByName modifyInstanceGroupByName
emr-containers createVirtualCluster deleteVirtualCluster+sync startJobRun+sync
emr-serverless createApplication+sync startApplication+sync stopApplication+sync deleteApplication+sync
emr-serverless startJobRun+sync cancelJobRun+sync
events putEvents+token
glue startJobRun+sync
http invoke
lambda invoke+token
mediaconvert createJob+sync
sagemaker createEndpoint createEndpointConfig createHyperParameterTuningJob+sync createLabelingJob+sync
sagemaker createModel createProcessingJob+sync createTrainingJob+sync createTransformJob+sync updateEndpoint
sns publish+token
sqs sendMessage+token
states startExecution+sync+sync:2+token
"""
_SUFFIXES: Final = {"sync": ".sync", "sync:2": ".sync:2", "token": ".waitForTaskToken"}


def _table() -> frozenset[str]:
    offered: set[str] = set()
    for line in _OPTIMISED.split("\n"):
        service, *actions = line.split() or [""]
        for action in actions:
            name, *patterns = action.split("+")
            offered |= {
                f"{service}:{name}",
                *(f"{service}:{name}{_SUFFIXES[pattern]}" for pattern in patterns),
            }
    return frozenset(offered)


_OFFERED: Final = _table()


_REQUIRED: Final = {
    "apigateway:invoke": ("ApiEndpoint", "Method"),
    "athena:startQueryExecution": ("QueryString",),
    "batch:submitJob": ("JobName", "JobDefinition", "JobQueue"),
    "bedrock:invokeModel": ("ModelId",),
    "dynamodb:deleteItem": ("TableName", "Key"),
    "dynamodb:getItem": ("TableName", "Key"),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:updateItem": ("TableName", "Key"),
    "ecs:runTask": ("TaskDefinition",),
    "events:putEvents": ("Entries",),
    "glue:startJobRun": ("JobName",),
    "http:invoke": ("ApiEndpoint", "Method"),
    "lambda:invoke": ("FunctionName",),
    "sns:publish": ("Message",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "states:startExecution": ("StateMachineArn",),
}
"""What a call cannot be without; what else a service wants it says itself when it is called."""


def offered() -> frozenset[str]:
    """Every optimised integration there is, with each way to wait for it: `sqs:sendMessage`."""
    return _OFFERED


def check(resource: Any, machine_type: str, findings: Findings, at: str) -> None:
    """Check the Resource of a Task in a machine (or a Map's child) of that type."""
    if not values.text(resource, findings, at):
        return
    if values.has_placeholder(resource):
        findings.warn("UNFILLED_PLACEHOLDER", f"{resource} has a placeholder that nothing has filled in", at)
        return
    if _LAMBDA.fullmatch(resource):
        return
    if _ACTIVITY.fullmatch(resource):
        if machine_type == "EXPRESS":
            findings.schema("Express state machine does not support activities", at)
        return
    service = _SERVICE.fullmatch(resource)
    if service is None or not _is_offered(service["service"], service["action"], service["pattern"] or ""):
        findings.schema(
            f"The resource provided {resource} is not recognized. The value is not a valid resource ARN,"
            " or the resource is not available in this region.",
            at,
        )
    elif machine_type == "EXPRESS" and service["pattern"]:
        pattern = service["pattern"].partition(":")[0]
        # The blank at the end is Step Functions' own.
        findings.schema(f"Express state machine does not support '{pattern}' service integration ", at)


def _is_offered(service: str, action: str, pattern: str) -> bool:
    if service.startswith("aws-sdk:"):
        return not pattern.startswith(".sync") and action[0].islower()
    return f"{service}:{action}{pattern}" in _OFFERED


def parameters(state: dict[str, Any], language: str, findings: Findings, at: str) -> None:
    """Check that a Task hands over what its integration cannot be without, where that can be seen."""
    resource, field = state.get("Resource"), "Arguments" if language == "JSONata" else "Parameters"
    service = _SERVICE.fullmatch(resource) if isinstance(resource, str) else None
    given = state.get(field, {})
    if service is None or not isinstance(given, dict):
        return
    for name in _REQUIRED.get(f"{service['service']}:{service['action']}", ()):
        if name not in given and (language == "JSONata" or f"{name}.$" not in given):
            where = f"{at}/{field}" if field in state else at
            findings.schema(f"The field '{name}' is required but was missing", where)
