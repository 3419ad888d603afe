"""Node.js: the node of this machine whose major version the runtime names, with AWS's runtime client in it.

Rule: never silently another version. AWS's client comes from npm and is not changed; its one native part, an
HTTP client in C++ that takes a compiler and CMake to install and does not build on macOS, is replaced by
`node_client/index.cjs`, so nothing of the package is run or compiled at install.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes.folders import made
from faaslab.backends.local.runtimes.programs import Places, Program, Start
from faaslab.errors import RequirementsFailed, RuntimeNotFound, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faaslab.backends.local.runtimes.packages import Packages
    from faaslab.model.function import Function

OWN_FILES = Path(__file__).parent / "node_client"
# The generation that each runtime has on Lambda: from 24 on handlers with a callback are refused.
_OLD, _NEW = "3.3.0", "4.0.2"
_ENTRY = {_OLD: "dist/index.mjs", _NEW: "index.mjs"}
_KEPT = re.compile(r"package/((dist/)?index\.mjs|package\.json|LICENSE|NOTICE)")
_CLIENT_LIMIT = 16 * 1024 * 1024
_PLACES = (
    "~/.nvm/versions/node/v{v}.*/bin/node",
    "~/.local/share/fnm/node-versions/v{v}.*/installation/bin/node",
    "~/.local/share/mise/installs/node/{v}.*/bin/node",
    "~/.asdf/installs/nodejs/{v}.*/bin/node",
    "/opt/homebrew/opt/node@{v}/bin/node",
    "/usr/local/opt/node@{v}/bin/node",
    "/usr/lib/nodejs/v{v}.*/bin/node",
    "~/miniconda3/envs/*/bin/node",
    "~/miniforge3/envs/*/bin/node",
)


def node_program(function: Function, *, packages: Packages, root: Path) -> Program:
    """Raises RuntimeNotFound where this machine has no such node, RequirementsFailed where npm fails."""
    if function.configuration.requires:
        raise Unsupported(
            "packages of pip are for Python functions",
            place="requires",
            hint="put node_modules into a zip, or into a layer below nodejs/",
        )
    node, version = find(function.runtime)
    release = _OLD if int(version.partition(".")[0]) < 24 else _NEW
    client = _client(release, packages=packages, root=root)
    memory_mb = function.configuration.memory_mb
    # As Lambda's runtimes do it: a tenth for what is young, the rest for what stays.
    young = memory_mb // 10
    command = (
        str(node),
        "--expose-gc",
        "--max-http-header-size=81920",
        f"--max-semi-space-size={young // 2}",
        f"--max-old-space-size={memory_mb - young}",
    )
    major = version.partition(".")[0]

    def start(places: Places) -> Start:
        modules = places.opt / "nodejs"
        return Start(
            command=(
                *command,
                str(places.runtime_root / "start.mjs"),
                str(places.runtime_root / "client" / _ENTRY[release]),
            ),
            variables={
                "PATH": os.pathsep.join(
                    (str(node.parent), "/usr/local/bin", "/usr/bin", "/bin", f"{places.opt}/bin")
                ),
                "LD_LIBRARY_PATH": os.pathsep.join(
                    (str(places.task_root), str(places.task_root / "lib"), str(places.opt / "lib"))
                ),
                # Source: Developer Guide, nodejs-layers.
                "NODE_PATH": os.pathsep.join(
                    map(
                        str,
                        (
                            modules / f"node{major}" / "node_modules",
                            modules / "node_modules",
                            places.runtime_root,
                            places.task_root,
                        ),
                    )
                ),
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            },
        )

    return Program(
        runtime=function.runtime,
        version=version,
        label=f"nodejs:{major}.v{version.partition('.')[2]}",
        start=start,
        runtime_folder=client,
        needs=(node.resolve().parent.parent,),
    )


def find(runtime: str) -> tuple[Path, str]:
    """The node of a runtime such as `nodejs20.x`, and its version such as `20.19.1`."""
    match = re.fullmatch(r"nodejs(\d+)\.x", runtime)
    if match is None:
        raise Unsupported(f"{runtime!r} is no runtime of Node.js", place="runtime", hint="such as nodejs22.x")
    seen: list[str] = []
    for path in _candidates(match[1]):
        found = _asked(path)
        if found is None:
            continue
        if found[1].partition(".")[0] == match[1]:
            return found
        seen.append(found[1])
    others = f"; here is {', '.join(sorted(set(seen)))}" if seen else ""
    raise RuntimeNotFound(
        f"no node of version {match[1]} was found on this machine{others}",
        place="runtime",
        hint=f"install it (`nvm install {match[1]}`, or from nodejs.org)"
        + (f", or use nodejs{seen[0].partition('.')[0]}.x" if seen else ""),
    )


def _candidates(major: str) -> Iterator[Path]:
    for name in (f"node{major}", f"node-{major}", "node", "nodejs"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)
    prefix = os.environ.get("CONDA_PREFIX")
    for pattern in (*_PLACES, *((f"{prefix}/bin/node",) if prefix else ())):
        wanted = os.path.expanduser(pattern.format(v=major))  # noqa: PTH111
        for found in sorted(glob.glob(wanted), reverse=True):  # noqa: PTH207
            yield Path(found)


def _asked(path: Path) -> tuple[Path, str] | None:
    """Where a candidate really is, and its version; a shim on the PATH may lead elsewhere, or nowhere."""
    try:
        done = subprocess.run(
            [str(path), "-p", "process.execPath + '\\n' + process.versions.node"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.fullmatch(r"(/[^\n]+)\n(\d+\.\d+\.\d+)\S*\n", done.stdout)
    return (Path(match[1]), match[2]) if match and done.returncode == 0 else None


def _client(release: str, *, packages: Packages, root: Path) -> Path:
    """A folder with AWS's client of that release in `client` and `start.mjs` beside it, fetched once."""
    ours = hashlib.sha256()
    for name in ("index.cjs", "start.mjs"):
        ours.update((OWN_FILES / name).read_bytes())
    return made(
        root / "runtime" / f"node-client-{release}-{ours.hexdigest()[:12]}",
        lambda folder: _fetch(release, folder, packages),
    )


def _fetch(release: str, folder: Path, packages: Packages) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeNotFound(
            "npm was not found, and it brings AWS's runtime client for Node.js",
            place="runtime",
            hint="install npm; Node.js usually comes with it",
        )
    wanted = f"aws-lambda-ric@{release}"
    command = [npm, "pack", wanted, "--pack-destination", str(folder), "--silent", "--ignore-scripts"]
    code, output = packages.run(command, cwd=folder)
    archives = list(folder.glob("*.tgz"))
    if code != 0 or len(archives) != 1:
        raise RequirementsFailed(
            "\n".join(output.splitlines()[-3:]) or f"npm ended with {code}",
            place=wanted,
            hint="npm's own settings (registry, proxy) apply",
        )
    entry = Path("client") / _ENTRY[release]
    with tarfile.open(archives[0], "r:gz") as archive:
        for member in archive:
            match = _KEPT.fullmatch(member.name)
            if match is None or not member.isfile() or member.size > _CLIENT_LIMIT:
                continue
            source, target = archive.extractfile(member), folder / "client" / match[1]
            assert source is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
    archives[0].unlink()
    if not (folder / entry).is_file():
        raise RequirementsFailed(f"{wanted} has no {entry.name}", hint="report this")
    # Node takes a folder of that name for the addon: `require` finds a package in it.
    addon = (folder / entry).parent / "rapid-client.node"
    addon.mkdir()
    (addon / "package.json").write_text('{"main": "index.cjs"}\n')
    shutil.copyfile(OWN_FILES / "index.cjs", addon / "index.cjs")
    shutil.copyfile(OWN_FILES / "start.mjs", folder / "start.mjs")
