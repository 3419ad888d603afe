"""Which requests change something, so that they have to be kept.

Rule: pure. What is not known to be a mere question counts as a change: a line too many in the journal costs a
little, one too few loses what was acknowledged. The names are those of botocore's service models.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.cloud.child.asked import Asked


class Kind(Enum):
    """What a request does."""

    QUESTION = "question"
    CHANGE = "change"
    RECEIPT = "receipt"
    """It changes something when it finds something, and may wait for that: ReceiveMessage."""


_QUESTIONS = re.compile("Get|List|Describe|BatchGet|Head|Search")
# A word like Verify or Test begins a question here and a change there, so these are whole names.
_NAMED_QUESTIONS = frozenset(
    (
        "CheckCapacity",
        "CheckDNSAvailability",
        "CheckDomainAvailability",
        "CheckDomainTransferability",
        "CheckIfPhoneNumberIsOptedOut",
        "CheckSchemaVersionValidity",
        "DecodeAuthorizationMessage",
        "Decrypt",
        "DeriveSharedSecret",
        "Encrypt",
        "EstimateTemplateCost",
        "FilterLogEvents",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GenerateRandom",
        "LookupDeveloperIdentity",
        "LookupEvents",
        "Query",
        "ReEncrypt",
        "Scan",
        "Select",
        "SelectAggregateResourceConfig",
        "SelectResourceConfig",
        "Sign",
        "SimulateCustomPolicy",
        "SimulatePrincipalPolicy",
        "TestEventPattern",
        "TestMetricFilter",
        "TestRenderTemplate",
        "TestState",
        "TestTransformer",
        "TransactGetItems",
        "ValidatePipelineDefinition",
        "ValidateResourcePolicy",
        "ValidateStateMachineDefinition",
        "ValidateTemplate",
        "Verify",
        "VerifyMac",
    )
)
_CHANGES = frozenset(
    # Cognito makes an identity when it is first asked for one.
    ("GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity")
)
_ACTION = re.compile(rb"(?:^|[&?])Action=([A-Za-z]+)")
_CBOR = re.compile(r"/service/[^/]+/operation/([A-Za-z]+)")


def kind(asked: Asked) -> Kind:
    """What this one does."""
    name = operation(asked)
    if name is None:
        return Kind.QUESTION if asked.method in ("GET", "HEAD", "OPTIONS") else Kind.CHANGE
    if name == "ReceiveMessage":
        return Kind.RECEIPT
    if name in _NAMED_QUESTIONS or (_QUESTIONS.match(name) and name not in _CHANGES):
        return Kind.QUESTION
    return Kind.CHANGE


def operation(asked: Asked) -> str | None:
    """Its name where the protocol says it: a header, the path or a field; None for REST."""
    target = asked.header("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    cbor = _CBOR.fullmatch(asked.target.partition("?")[0])
    if cbor:
        return cbor[1]
    found = None
    if asked.method not in ("GET", "POST"):
        # What an object of S3 holds, or its address, can read like one.
        return None
    if "x-www-form-urlencoded" in asked.header("content-type"):
        found = _ACTION.search(asked.body)
    found = found or _ACTION.search(asked.target.encode("latin-1", "replace"))
    return found[1].decode() if found else None
