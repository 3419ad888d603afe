"""What a function has beside Lambda's defaults, and how two definitions of it differ, in words. Pure.

Values that may be secret are not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.function import LATEST, FunctionConfiguration
from faaslab.model.layer import layer_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from faaslab.model.function import Function

_CONFIGURED = (
    ("memory_mb", "memory", " MB"),
    ("timeout_s", "timeout", " s"),
    ("ephemeral_storage_mb", "ephemeral storage", " MB"),
    ("reserved_concurrency", "reserved concurrency", ""),
    ("log_format", "log format", ""),
    ("dead_letter_queue", "dead letters to", ""),
    ("recursive_loop", "recursive loop", ""),
    ("application_log_level", "log level", ""),
    ("system_log_level", "system log level", ""),
    ("tracing", "tracing", ""),
    ("snap_start", "SnapStart", ""),
    ("tenancy", "tenancy", ""),
)
_PLAIN = ("runtime", "handler", "architecture")


def numbered(function: Function) -> str:
    """Which of a function it is: `definition 3`, or `version 2, definition 3` as it was published."""
    said = f"definition {function.definition}"
    return said if function.version == LATEST else f"version {function.version}, {said}"


def also_set(function: Function) -> str | None:
    """What is set of the options that few functions set, in a line; None where all are Lambda's defaults."""
    setup = function.configuration
    words = []
    if setup.snap_start != "None":
        words.append("SnapStart of published versions (hooks run; each environment has its own init)")
    if setup.tenancy is not None:
        words.append(f"tenancy {setup.tenancy}")
    if setup.log_format != "Text":
        levels = [
            f"{what} from {level}"
            for what, level in (
                ("function", setup.application_log_level),
                ("platform", setup.system_log_level),
            )
            if level is not None
        ]
        words.append(f"logs {setup.log_format}" + (f" ({', '.join(levels)})" if levels else ""))
    if setup.tracing != "PassThrough":
        words.append(f"tracing {setup.tracing}")
    if setup.ephemeral_storage_mb != FunctionConfiguration.ephemeral_storage_mb:
        words.append(f"ephemeral storage {setup.ephemeral_storage_mb:,} MB")
    if function.without_effect:
        words.append(f"kept for AWS, without effect here: {', '.join(function.without_effect)}")
    return ", ".join(words) or None


def changes(before: Function, now: Function) -> tuple[str, ...]:
    """Each difference in a few words: `code`, `memory 128 → 512 MB`, `environment STAGE`."""
    return tuple(differences(before, now).values())


def differences(before: Function, now: Function) -> dict[str, str]:
    """Option (or `code`) -> how it differs, in words."""
    old, new = before.configuration, now.configuration
    told = {"code": "code"} if before.code_sha256 != now.code_sha256 else {}
    told |= {
        name: f"{label} {_said(getattr(old, name))} → {_said(getattr(new, name))}{unit}"
        for name, label, unit in _CONFIGURED
        if getattr(old, name) != getattr(new, name)
    }
    told |= {
        name: f"{name} {getattr(before, name)} → {getattr(now, name)}"
        for name in _PLAIN
        if getattr(before, name) != getattr(now, name)
    }
    variables = _differing(old.environment, new.environment)
    if variables:
        told["environment"] = f"environment {', '.join(variables)}"
    secrets = _differing(_by_name(old.secrets), _by_name(new.secrets))
    if secrets:
        told["secrets"] = f"secrets {', '.join(secrets)}"
    for name, label, were, are in (
        ("requires", "packages", old.requires, new.requires),
        ("layers", "layers", tuple(map(layer_name, old.layers)), tuple(map(layer_name, new.layers))),
        ("preload", "preloaded", old.preload, new.preload),
    ):
        words = [f"+{word}" for word in are if word not in were]
        words += [f"−{word}" for word in were if word not in are]
        if words:
            told[name] = f"{label} {' '.join(words)}"
    past, present = ({"Role": each.role, **each.aws_only} for each in (before, now))
    names = dict.fromkeys((*before.without_effect, *now.without_effect))
    kept = [name for name in names if past.get(name) != present.get(name)]
    if kept:
        told["aws_only"] = f"what is kept for AWS: {', '.join(kept)}"
    if before.description != now.description:
        told["description"] = "description"
    return told


def fallen_back(before: Function, now: Function, given: Collection[str]) -> str | None:
    """What a definition took back by leaving it out, in a note; None where it took nothing back.

    A definition says all that a function is: what is not given is Lambda's default again.
    """
    lost = [
        said for option, said in differences(before, now).items() if option not in {"code", "handler", *given}
    ]
    if not lost:
        return None
    return f"not given, so no longer set: {'; '.join(lost)} (update changes only what is given)"


def _said(value: object) -> str:
    return "none" if value is None else f"{value}"


def _by_name(secrets: tuple[str, ...]) -> dict[str, str]:
    return dict(secret.partition("=")[::2] for secret in secrets)


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
