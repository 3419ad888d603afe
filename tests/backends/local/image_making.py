"""Container images to test with, written as a build tool would: layers, config, manifest, index."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from faaslab.backends.local.runtimes.images import machine


def file(name, data=b"", mode=0o644, **more):
    return _entry(name, tarfile.REGTYPE, mode, **more), data if isinstance(data, bytes) else data.encode()


def folder(name, mode=0o755, **more):
    return _entry(name, tarfile.DIRTYPE, mode, **more), b""


def link(name, to):
    return _entry(name, tarfile.SYMTYPE, linkname=to), b""


def hard_link(name, to):
    return _entry(name, tarfile.LNKTYPE, linkname=to), b""


def device(name, kind=tarfile.CHRTYPE):
    return _entry(name, kind, devmajor=1, devminor=3), b""


def _entry(name, kind, mode=0o777, **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    for key, value in more.items():
        setattr(info, key, value)
    return info


def layer(*entries):
    """The tar of a layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class OciImage:
    """An OCI layout in memory: file name -> bytes, to be spoiled by a test before it is written."""

    def __init__(self, *layers, compress=gzip.compress, architecture=None, tag=None, **config):
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        packed = [compress(each) if compress else each for each in layers]
        self.config = {
            "architecture": architecture or machine(),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]},
        }
        self.manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(json.dumps(self.config).encode()),
            "layers": [self.blob(each) for each in packed],
        }
        self.descriptor = self.blob(json.dumps(self.manifest).encode())
        if tag:
            self.descriptor["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self.index([self.descriptor])

    def blob(self, data):
        self.files[f"blobs/{digest(data).replace(':', '/')}"] = data
        return {"mediaType": "application/octet-stream", "digest": digest(data), "size": len(data)}

    def index(self, manifests):
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()

    def name(self, number):
        """The file of the layer of that number."""
        return f"blobs/{self.manifest['layers'][number]['digest'].replace(':', '/')}"

    @property
    def digest(self):
        return self.descriptor["digest"].removeprefix("sha256:")

    def folder(self, path):
        for name, data in self.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path

    def archive(self, path, mode="w"):
        with tarfile.open(path, mode) as archive:
            for name, data in self.files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path


def docker_archive(path, *layers, tag="probe:latest", mode="w", **config):
    """What `docker save` wrote before it wrote OCI layouts; a layer that comes twice stands there as a link."""
    body = json.dumps(
        {
            "architecture": machine(),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]},
        }
    ).encode()
    name = f"{hashlib.sha256(body).hexdigest()}.json"
    names = [f"{number:064x}/layer.tar" for number in range(len(layers))]
    listing = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": names}]).encode()
    written = {}
    entries = [file(name, body)]
    for at, data in zip(names, layers, strict=True):
        entries.append(link(at, f"../{written[data]}") if data in written else file(at, data))
        written.setdefault(data, at)
    with tarfile.open(path, mode) as archive:
        for info, data in [*entries, file("manifest.json", listing)]:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return Path(path)


MOUNT_POINTS = {"dev": None, "proc": None, "tmp": None, "etc": None, "etc/hosts": "", "etc/resolv.conf": ""}
"""What every root file system has, for a sandbox to lay something over."""


def tree(root):
    """What stands below a folder: path -> text of a file, `-> target` of a link, None for a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = None if path.is_dir() else path.read_text()
    return found
