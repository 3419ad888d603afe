"""Which image a file holds: its digest, its layers and how its program is started.

Rule: an image is what its digest says. Every text and layer that a digest names is checked against it.
Sources: the OCI image specification (image-layout, index, manifest, config); Docker's `save` format.
"""

from __future__ import annotations

import hashlib
import json
import platform
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from faaslab.backends.local.runtimes.image_files import ImageFiles, opened, text
from faaslab.errors import InvalidValue, Unsupported

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE = "org.opencontainers.image.ref.name"
_NESTING = 4
_LAYERS = 500


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of an image: where its archive stands, and its digests (`sha256:…`) as far as known."""

    name: str
    digest: str | None
    """Of the bytes as they stand there."""
    unpacked_digest: str | None
    """Of the tar within (the config's `diff_ids`)."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image. `digest` is the hex SHA-256 of its manifest (of its config, for a docker archive)."""

    path: str
    digest: str
    layers: tuple[Layer, ...]
    entry_point: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    working_directory: str
    tag: str | None = None
    """What it was asked for by, behind its path."""


def machine() -> str:
    """This machine's architecture, in the words of images."""
    name = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)


def described(uri: str) -> Image:
    """The image in the file or folder `uri`, which may end in `:TAG`; the one for this machine.

    Raises InvalidValue for what is no image or does not agree with its digests, Unsupported for an image
    that lies in a registry or was built for another kind of machine.
    """
    path, tag = _place(uri)
    with opened(path) as files:
        if (index := text(files, "index.json")) is not None:
            return replace(_oci(path, files, _json(index, "index.json"), tag), tag=tag)
        if (listing := text(files, "manifest.json")) is not None:
            return replace(_docker(path, files, _json(listing, "manifest.json"), tag), tag=tag)
    raise InvalidValue(
        f"{str(path)!r} holds no image: neither index.json nor manifest.json stands in it",
        place="image",
        hint="make one with `docker save`, `podman save --format oci-archive` or `skopeo copy`",
    )


def _place(uri: str) -> tuple[Path, str | None]:
    if "\0" in uri or not uri:
        raise InvalidValue("an image is the path of a file or folder", place="image")
    path = Path(uri).expanduser()
    if path.exists():
        return path, None
    before, colon, tag = uri.rpartition(":")
    if colon and before and Path(before).expanduser().exists():
        return Path(before).expanduser(), tag
    if re.match(r"[\w.-]+\.[a-z]{2,}(:\d+)?/", uri) and not uri.startswith("."):
        raise Unsupported(
            f"{uri!r} lies in a registry, and images are run from files here",
            place="image",
            hint=f"`skopeo copy docker://{uri} oci-archive:image.tar`, or `docker save -o image.tar {uri}`",
        )
    return path, None


# --- OCI ----------------------------------------------------------------------------------------------


def _oci(path: Path, files: ImageFiles, index: Any, tag: str | None) -> Image:
    for _ in range(_NESTING):
        described = _chosen(index, tag)
        index, tag = _json(_blob(files, described), "a manifest"), None
        if "manifests" not in index:
            break
    else:
        raise InvalidValue(f"its indexes are nested more than {_NESTING} deep", place="image")
    config = _json(_blob(files, _member(index, "config", dict)), "the config")
    digests = [_named_digest(layer) for layer in _objects(index, "layers")]
    unpacked = _diff_ids(config, len(digests))
    layers = tuple(
        Layer(name=_blob_name(digest), digest=digest, unpacked_digest=inner)
        for digest, inner in zip(digests, unpacked, strict=True)
    )
    return _image(path, _named_digest(described).removeprefix("sha256:"), layers, config)


def _chosen(index: Any, tag: str | None) -> Any:
    """The one manifest of an index that is meant: by its tag, and for this machine."""
    every = [item for item in _objects(index, "manifests") if not _is_attestation(item)]
    names = [_object(item.get("annotations")).get(_REFERENCE) for item in every]
    if tag is not None:
        every = [item for item, name in zip(every, names, strict=True) if name == tag]
        if not every:
            known = ", ".join(sorted({str(name) for name in names if name})) or "none"
            raise InvalidValue(
                f"no image in it has the tag {tag!r}", place="image", hint=f"its tags: {known}"
            )
    fitting = [item for item in every if _fits(_object(item.get("platform")))]
    if not fitting:
        kinds = sorted({_platform(_object(item.get("platform"))) for item in every})
        raise Unsupported(
            f"it holds no image for linux/{machine()}, only {', '.join(kinds) or 'nothing'}",
            place="image",
            hint=f"build it with --platform linux/{machine()}",
        )
    if len({_named_digest(item) for item in fitting}) > 1:
        known = ", ".join(sorted({str(name) for name in names if name})) or "without tags"
        raise InvalidValue(
            "it holds several images for this machine", place="image", hint=f"add :TAG to the path ({known})"
        )
    return fitting[0]


def _is_attestation(item: dict[str, Any]) -> bool:
    kind = _object(item.get("annotations")).get("vnd.docker.reference.type")
    return kind is not None or _object(item.get("platform")).get("os") == "unknown"


def _fits(kind: dict[str, Any]) -> bool:
    return (kind.get("os", "linux"), kind.get("architecture", machine())) == ("linux", machine())


def _platform(kind: dict[str, Any]) -> str:
    return f"{kind.get('os', 'linux')}/{kind.get('architecture', machine())}"


def _named_digest(item: dict[str, Any]) -> str:
    digest = item.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InvalidValue(f"{digest!r} is no sha256 digest", place="image")
    return digest


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _blob(files: ImageFiles, item: dict[str, Any]) -> bytes:
    digest = _named_digest(item)
    data = text(files, _blob_name(digest))
    if data is None:
        raise InvalidValue(f"the blob {digest} is not in it", place="image", hint="copy the whole image")
    found = hashlib.sha256(data).hexdigest()
    if digest != f"sha256:{found}":
        raise wrong_digest(digest, found)
    return data


def wrong_digest(wanted: str, found: str) -> InvalidValue:
    """The complaint about bytes that are not what the image says they are."""
    return InvalidValue(
        f"what stands there as {wanted} has the digest sha256:{found}", place="image", hint="copy it again"
    )


# --- docker save --------------------------------------------------------------------------------------


def _docker(path: Path, files: ImageFiles, listing: Any, tag: str | None) -> Image:
    every = [item for item in listing if isinstance(item, dict)] if isinstance(listing, list) else []
    if tag is not None:
        every = [
            item
            for item in every
            if any(name == tag or name.endswith(f":{tag}") for name in _words(item.get("RepoTags")))
        ]
    if len(every) != 1:
        raise InvalidValue(
            f"it holds {len(every)} images{f' with the tag {tag!r}' if tag else ''}",
            place="image",
            hint="save one image, or add :TAG to the path",
        )
    (item,) = every
    name = _member(item, "Config", str)
    data = text(files, _inside(name))
    if data is None:
        raise InvalidValue(f"its config {name!r} is not in it", place="image")
    found = hashlib.sha256(data).hexdigest()
    named = PurePosixPath(name).stem
    if re.fullmatch(r"[0-9a-f]{64}", named) and named != found:
        raise wrong_digest(f"sha256:{named}", found)
    config = _json(data, "the config")
    names = [_inside(str(layer)) for layer in _member(item, "Layers", list)]
    layers = tuple(
        Layer(name=layer, digest=None, unpacked_digest=inner)
        for layer, inner in zip(names, _diff_ids(config, len(names)), strict=True)
    )
    return _image(path, found, layers, config)


def _inside(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        raise InvalidValue(f"{name!r} leads out of the image", place="image")
    return name


# --- both ---------------------------------------------------------------------------------------------


def _image(path: Path, digest: str, layers: tuple[Layer, ...], config: Any) -> Image:
    built_for = {key: config[key] for key in ("os", "architecture") if config.get(key)}
    if not _fits(built_for):
        raise Unsupported(
            f"it was built for {_platform(built_for)}; this machine is linux/{machine()}",
            place="image",
            hint=f"build it with --platform linux/{machine()}",
        )
    if len(layers) > _LAYERS:
        raise InvalidValue(f"it has more than {_LAYERS} layers", place="image")
    started = _object(config.get("config"))
    variables = [entry.partition("=") for entry in _words(started.get("Env"))]
    return Image(
        path=str(path),
        digest=digest,
        layers=layers,
        entry_point=_words(started.get("Entrypoint")),
        command=_words(started.get("Cmd")),
        environment=tuple((name, value) for name, _, value in variables if name),
        working_directory=absolute(str(started.get("WorkingDir") or "/")),
    )


def absolute(path: str) -> str:
    """A folder of an image, from its root, without dots."""
    if "\0" in path:
        raise InvalidValue("a folder in its config has a NUL character", place="image")
    return "/" + posixpath.normpath(f"/{path}").lstrip("/")


def _words(value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(word, str) and "\0" not in word for word in words):
        raise InvalidValue("a command or variable in its config is no text", place="image")
    return tuple(words)


def _diff_ids(config: dict[str, Any], layers: int) -> list[str]:
    digests = _object(config.get("rootfs")).get("diff_ids")
    if not isinstance(digests, list) or len(digests) != layers:
        raise InvalidValue("its config and its manifest do not name the same layers", place="image")
    return [_named_digest({"digest": digest}) for digest in digests]


def _json(data: bytes, what: str) -> Any:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidValue(f"{what} is not JSON", place="image") from None
    if not isinstance(value, (dict, list)):
        raise InvalidValue(f"{what} is no JSON object", place="image")
    return value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _member(value, name, list)
    if not all(isinstance(item, dict) for item in found):
        raise InvalidValue(f"its {name} are no JSON objects", place="image")
    return found


def _member(value: Any, name: str, kind: type) -> Any:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind):
        raise InvalidValue(f"it names no {name}", place="image")
    return found
