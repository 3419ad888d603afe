"""Objects of one S3 bucket, with the conditions under which they are put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import BackendError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterable

_GONE = {"NoSuchKey", "404"}
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_UNKNOWN = {"NotImplemented", "501"}
_HINTS = {
    "NoSuchBucket": "make the bucket first; nothing is made in an account without asking",
    "AccessDenied": "it takes s3:GetObject, s3:PutObject and s3:ListBucket, and s3:DeleteObject with --keep",
    "ExpiredToken": "log in again: aws sso login, or new credentials",
    "NoCredentialsError": "configure some (aws configure), name a profile with ?profile=, "
    "or write s3+local:// for the store's own cloud",
}


class BucketFailed(BackendError):
    """S3 refused, or could not be reached."""


def own_client(*, region: str | None, profile: str | None) -> Any:
    """An S3 client as boto3's own configuration makes it. Raises InvalidValue for a profile there is not."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.session.Session(profile_name=profile, region_name=region).client(
            "s3",
            config=Config(
                connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3}
            ),
        )
    except BotoCoreError as error:
        raise InvalidValue(str(error), place="--notify") from None


class BucketObjects:
    """The objects of `bucket`, through a client that somebody made."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object and its ETag; None where there is none."""
        try:
            content, tag = self._ask("get_object", Key=key)
            return content, tag
        except _Refused as refused:
            if refused.code in _GONE:
                return None
            raise refused.told(self._bucket) from None

    def put(self, key: str, content: bytes, *, content_type: str, cache: str = "") -> None:
        """Put it, whatever was there."""
        try:
            self._put(key, content, content_type, cache)
        except _Refused as refused:
            raise refused.told(self._bucket) from None

    def swap(self, key: str, content: bytes, *, content_type: str, cache: str, tag: str | None) -> bool:
        """Put it if what is there still has the tag (None: if nothing is there); whether it was put."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            self._put(key, content, content_type, cache, **condition)
        except _Refused as refused:
            if refused.code in _CHANGED or (tag is not None and refused.code in _GONE):
                return False
            if refused.code not in _UNKNOWN:
                raise refused.told(self._bucket) from None
            # A server that speaks S3 without conditions: who comes last stands in the index.
            self.put(key, content, content_type=content_type, cache=cache)
        return True

    def remove(self, keys: Iterable[str]) -> None:
        """Remove them; those that are gone already are no matter."""
        try:
            for key in keys:
                self._ask("delete_object", Key=key)
        except _Refused as refused:
            raise refused.told(self._bucket) from None

    def _put(self, key: str, content: bytes, content_type: str, cache: str, **condition: str) -> None:
        cached = {"CacheControl": cache} if cache else {}
        self._ask("put_object", Key=key, Body=content, ContentType=content_type, **cached, **condition)

    def _ask(self, operation: str, **request: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self._client, operation)(Bucket=self._bucket, **request)
            # Read here, where what breaks under way is still told as S3's.
            return (answer["Body"].read(), answer["ETag"]) if operation == "get_object" else answer
        except ClientError as error:
            told = error.response.get("Error", {})
            raise _Refused(str(told.get("Code", "")), str(told.get("Message") or error)) from None
        except BotoCoreError as error:
            raise _Refused(type(error).__name__, str(error)) from None


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def told(self, bucket: str) -> BucketFailed:
        return BucketFailed(f"bucket {bucket}: {self.code}: {self.message}", hint=_HINTS.get(self.code))
