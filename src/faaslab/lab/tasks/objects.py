"""Items that a distributed Map reads from S3, and the results that it writes there.

Rule: what is read and written is decided in `workflow.items`; here is only the way to the embedded S3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, FaaslabError
from faaslab.store import parquet
from faaslab.workflow.effects import Failed, Succeeded
from faaslab.workflow.failure import StateFailure
from faaslab.workflow.items.item import told
from faaslab.workflow.items.reading import read_items
from faaslab.workflow.items.writing import WRITER_FAILED, write_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.lab import Lab
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import ReadItems, Signal, WriteResults

READER_FAILED = "States.ItemReaderFailed"


class ObjectTasks:
    """Reading and writing of objects."""

    def __init__(self, lab: Lab, workers: Workers) -> None:
        self._lab = lab
        self._workers = workers

    def read(self, wanted: ReadItems, execution: WorkflowExecution, answer: Callable[[Signal], None]) -> None:
        """Have the items read."""

        def read() -> Any:
            return told(read_items(wanted.reader, self._fetch, parquet.rows))

        whose = (execution.id, wanted.key)
        self._workers.submit("items", whose, self._carry, wanted.key, read, READER_FAILED, answer)

    def write(
        self, wanted: WriteResults, execution: WorkflowExecution, answer: Callable[[Signal], None]
    ) -> None:
        """Have the results written."""

        def write() -> Any:
            return write_results(wanted.writer, wanted.map_run_arn, wanted.results, self._put)

        whose = (execution.id, wanted.key)
        self._workers.submit("items", whose, self._carry, wanted.key, write, WRITER_FAILED, answer)

    def _carry(self, key: str, deed: Callable[[], Any], error: str, answer: Callable[[Signal], None]) -> None:
        try:
            output = deed()
        except Closed:
            return  # whoever takes the execution up does it again
        except StateFailure as failure:
            answer(Failed(key, failure.error, failure.cause))
        except FaaslabError as failure:
            answer(Failed(key, error, str(failure)))
        except Exception as failure:  # noqa: BLE001 -- an execution that is never answered would hang
            answer(Failed(key, error, f"{type(failure).__name__}: {failure}"))
        else:
            answer(Succeeded(key, output))

    def _fetch(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        known = _FETCHED[action]
        asked = {name: parameters[name] for name in known if parameters.get(name) is not None}
        told = dict(self._asked(action[0].upper() + action[1:], asked, READER_FAILED))
        if hasattr(told.get("Body"), "read"):
            told["Body"] = told["Body"].read()
        return told

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        self._asked("PutObject", {"Bucket": bucket, "Key": key, "Body": body}, WRITER_FAILED)

    def _asked(self, operation: str, parameters: Mapping[str, Any], error: str) -> Mapping[str, Any]:
        try:
            return self._lab.targets.ask("s3", operation, parameters, region=self._lab.region)
        except FaaslabError:
            raise
        except Exception as refused:
            code = getattr(refused, "code", None)
            if code is None:
                raise
            bucket, key = parameters.get("Bucket"), parameters.get("Key", parameters.get("Prefix", ""))
            message = f"{operation} of s3://{bucket}/{key}: {code}: {getattr(refused, 'message', refused)}"
            raise StateFailure(error, message) from None


_FETCHED = {
    "getObject": ("Bucket", "Key", "VersionId", "ExpectedBucketOwner"),
    "listObjectsV2": (
        "Bucket", "Prefix", "ContinuationToken", "StartAfter", "MaxKeys", "Delimiter", "EncodingType",
        "ExpectedBucketOwner",
    ),
}  # fmt: skip
"""What of the parameters S3 is asked with."""
