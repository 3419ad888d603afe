"""Layers: zips that are published once, as versions 1, 2, …, and lie over each other at a function's /opt.

Rule: a version never changes. The same zip again is the version that is there, so that a cell which names a
zip changes nothing when it is run again.
"""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.deploy import package
from faaslab.errors import AlreadyExists, InvalidValue, NotFound
from faaslab.lab.limits import layers as within_limits
from faaslab.model.layer import LayerVersion
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.definitions import Draft

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,140}")
_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:([a-zA-Z0-9_-]{1,140}):(\d{1,9})")
_REFERENCE = re.compile(r"([a-zA-Z0-9_-]{1,140})(?::(\d{1,9}))?")
_ATTEMPTS = 5


class Layers:
    """`lab.layers`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self._blobs = lab.store.blobs

    def publish(
        self,
        name: str,
        zip: str | Path | bytes,  # noqa: A002 - what it is
        *,
        description: str = "",
        compatible_runtimes: Sequence[str] = (),
        compatible_architectures: Sequence[str] = (),
        license_info: str = "",
        anew: bool = False,
    ) -> LayerVersion:
        """The zip at that path as the next version of a layer, or the newest one where it is the same.

        With `anew` always the next one, as PublishLayerVersion does. Raises `InvalidValue` for a name or zip
        that Lambda would not take.
        """
        if not _NAME.fullmatch(name):
            raise InvalidValue(
                f"{name!r} cannot be a layer's name",
                place="layer",
                hint="1 to 140 letters, digits, hyphens and underscores",
            )
        if isinstance(zip, bytes):
            data = zip
            package.check(data, limit=UNZIPPED_BYTES)
        else:
            data = package.from_zip(Path(zip).expanduser())
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
        digest = package.code_sha256(data)
        for attempt in range(_ATTEMPTS):
            versions = self._versions(name)
            newest = next((each for each in reversed(versions) if not each.deleted), None)
            if newest is not None and newest.code_sha256 == digest and not anew:
                return newest
            version = LayerVersion(
                layer=name,
                number=max((each.number for each in versions), default=0) + 1,
                code_digest=self._blobs.put(data),
                code_sha256=digest,
                code_bytes=len(data),
                unzipped_bytes=unzipped,
                description=description,
                compatible_runtimes=tuple(compatible_runtimes),
                compatible_architectures=tuple(compatible_architectures),
                license_info=license_info,
                region=self._lab.region,
                created_at=self._lab.clock.now(),
            )
            try:
                return self._kept.put(version)
            except AlreadyExists:
                # Another process published at the same moment.
                if attempt + 1 == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def list(self, name: str | None = None) -> tuple[LayerVersion, ...]:
        """All versions, of one layer or of all, by name and number; without the deleted ones."""
        return tuple(each for each in self._versions(name) if not each.deleted)

    def get(self, reference: str) -> LayerVersion:
        """A version by `NAME` (the newest), `NAME:NUMBER` or its ARN; `NotFound` with the nearest."""
        found = _REFERENCE.fullmatch(reference)
        living = self.list(found[1]) if found else ()
        if found and found[2] is not None:
            living = tuple(each for each in living if each.number == int(found[2]))
        if (version := self._by_arn(reference)) is not None and not version.deleted:
            living = (version,)
        if not living:
            known = {word for each in self.list() for word in (each.layer, each.name)}
            raise NotFound("layer", reference, known, hint="publish it: layer publish NAME ZIP")
        return living[-1]

    def delete(self, reference: str) -> tuple[LayerVersion, ...]:
        """Delete `NAME:NUMBER`, or all versions of `NAME`; functions that have it keep it."""
        version = self.get(reference)
        gone = (version,) if ":" in reference else self.list(version.layer)
        for each in gone:
            self._kept.put(
                dataclasses.replace(each, deleted=True),
                expected_revision=each.revision_id,
                action="updated",
            )
        return gone

    def table(self) -> pd.DataFrame:
        """A row a version."""
        import pandas as pd

        rows = [
            (each.layer, each.number, each.code_bytes, each.unzipped_bytes, each.created_at, each.description)
            for each in self.list()
        ]
        columns = ["layer", "version", "zip_bytes", "unzipped_bytes", "created_at", "description"]
        return pd.DataFrame(rows, columns=columns)

    # -- for functions ------------------------------------------------------------------------------

    def references(self, given: Any) -> tuple[str, ...]:
        """ARNs of what stands after `--layer`: a layer, a version of it, an ARN, or the path of a zip.

        A zip is published under its own name. `none` alone stands for no layer.
        """
        given = [given] if isinstance(given, (str, Path)) else list(given)
        if given == ["none"]:
            return ()
        arns = within_limits([self._reference(each) for each in given])
        return tuple(arns)

    def _reference(self, given: Any) -> str:
        if isinstance(given, LayerVersion):
            return given.arn
        text = str(given)
        if isinstance(given, Path) or text.endswith(".zip") or ("/" in text and not text.startswith("arn:")):
            stem = re.sub(r"[^a-zA-Z0-9_-]+", "-", Path(text).stem).strip("-")[:140]
            return self.publish(stem or "layer", text).arn
        if not text.startswith("arn:") and not _REFERENCE.fullmatch(text):
            raise InvalidValue(
                f"{text!r} is neither the name of a layer nor a zip",
                place="layers",
                hint="a layer comes as a zip; --include takes a file or folder along",
            )
        if _ARN.fullmatch(text) and self._by_arn(text) is not None:
            return text
        return self.get(text).arn

    def check(self, draft: Draft) -> None:
        """Raise `InvalidValue` where code and layers together are larger than Lambda takes."""
        arns = draft.function.configuration.layers
        if not arns or draft.function.code.kind == "image":
            return
        total = sum(version.unzipped_bytes for arn in arns if (version := self._by_arn(arn)) is not None)
        data = draft.data or self._blobs.get(draft.function.code_digest)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            total += sum(entry.file_size for entry in archive.infolist())
        if total > UNZIPPED_BYTES:
            raise InvalidValue(
                f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES} "
                f"bytes. The actual size is {total} bytes.",
                place="layers",
                hint="pack less, or use a container image",
            )

    def archive(self, arn: str) -> tuple[Path, str]:
        """The zip of a layer that a function has, deleted or not, and its digest."""
        version = self._by_arn(arn)
        if version is None:
            raise NotFound("layer", arn, hint="it was published in another store: publish its zip here")
        return self._blobs.path(version.code_digest), version.code_digest

    def size(self, arn: str) -> int:
        """Bytes of the zip of a layer that a function has, deleted or not; 0 where it is not known here."""
        version = self._by_arn(arn)
        return 0 if version is None else version.code_bytes

    def _by_arn(self, arn: str) -> LayerVersion | None:
        found = _ARN.fullmatch(arn)
        version = self._kept.get(LayerVersion, f"{found[1]}:{int(found[2])}") if found else None
        return version if version is not None and version.arn == arn else None

    def _versions(self, name: str | None = None) -> tuple[LayerVersion, ...]:
        found = self._kept.list(LayerVersion, function=name)
        return tuple(sorted(found, key=lambda each: (each.layer, each.number)))
