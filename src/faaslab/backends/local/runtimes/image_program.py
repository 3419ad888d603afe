"""A container image: its own programs in its own root file system, started as its config says.

Rule: its command is found within the image, never on this machine; what is wrong with it is the user's, so it
is said in Lambda's words and not raised. Lambda runs an image as a user of its own, so USER has no effect.
Source: Developer Guide, images-create and images-parms (ImageConfig).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes import rootfs
from faaslab.backends.local.runtimes.custom_program import unstartable
from faaslab.backends.local.runtimes.images import absolute
from faaslab.backends.local.runtimes.programs import Places, Program, Start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faaslab.model.function import ImageCode

_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/bin"


def image_program(code: ImageCode, digest: str, cache: Path) -> Program:
    """What an image starts: the function's entry point and command before the image's own.

    Raises InvalidValue and Unsupported for images that cannot be unpacked.
    """
    image, root = rootfs.at(code.uri, digest, cache)
    words = (*(code.entry_point or image.entry_point), *(code.command or image.command))
    directory = absolute(code.working_directory) if code.working_directory else image.working_directory
    variables = {"PATH": _PATH, **dict(image.environment)}

    def at(path: str) -> Path:
        return rootfs.inside(root, posixpath.join(directory, path))

    fault = None
    command = words
    if not words:
        fault = "the image has neither an entry point nor a command"
    elif not at(".").is_dir():
        fault = f"chdir {directory}: no such file or directory"
    else:
        name = _found(words[0], variables["PATH"], directory, at)
        if name is None:
            fault = f'exec: "{words[0]}": executable file not found in $PATH'
        else:
            command = (name, *words[1:])
            fault = unstartable(at(name), name, at)

    def start(places: Places) -> Start:  # noqa: ARG001 - it has places of its own
        return Start(command=command, variables=variables)

    return Program(
        runtime="image",
        version=image.digest[:12],
        label=f"image:{image.digest[:12]}",
        start=start,
        needs=(),
        fault=fault,
        wraps=False,
        root=root,
        directory=directory,
    )


def _found(name: str, path: str, directory: str, at: Callable[[str], Path]) -> str | None:
    """The absolute path of a program within the image, as a shell would find it."""
    if "/" in name:
        return posixpath.join(directory, name)
    for folder in path.split(":"):
        if folder.startswith("/") and at(f"{folder}/{name}").is_file():
            return f"{folder}/{name}"
    return None
