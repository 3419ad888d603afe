"""What differs between two versions of a function, in words; values that may be secret are not told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.layer import layer_name

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def changes(before: Function, now: Function) -> tuple[str, ...]:
    """Each difference in a few words: `code`, `memory 128 → 512 MB`, `environment STAGE`."""
    old, new = before.configuration, now.configuration
    told = ["code"] if before.code_sha256 != now.code_sha256 else []
    told += [
        f"{label} {_said(getattr(old, name))} → {_said(getattr(new, name))}{unit}"
        for name, label, unit in _CONFIGURED
        if getattr(old, name) != getattr(new, name)
    ]
    told += [
        f"{name} {getattr(before, name)} → {getattr(now, name)}"
        for name in _PLAIN
        if getattr(before, name) != getattr(now, name)
    ]
    variables = _differing(old.environment, new.environment)
    if variables:
        told.append(f"environment {', '.join(variables)}")
    secrets = _differing(_by_name(old.secrets), _by_name(new.secrets))
    if secrets:
        told.append(f"secrets {', '.join(secrets)}")
    for label, were, are in (
        ("packages", old.requires, new.requires),
        ("layers", tuple(map(layer_name, old.layers)), tuple(map(layer_name, new.layers))),
        ("preloaded", old.preload, new.preload),
    ):
        words = [f"+{word}" for word in are if word not in were]
        words += [f"−{word}" for word in were if word not in are]
        if words:
            told.append(f"{label} {' '.join(words)}")
    if before.description != now.description:
        told.append("description")
    return tuple(told)


def _said(value: object) -> str:
    return "none" if value is None else f"{value}"


def _by_name(secrets: tuple[str, ...]) -> dict[str, str]:
    return dict(secret.partition("=")[::2] for secret in secrets)


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
