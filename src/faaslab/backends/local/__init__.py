"""The local backend: real processes running the official Lambda runtime client, and nothing made up.

Rule: whatever an `Execution` says was measured on the process that ran it.
"""

from faaslab.backends.local.backend import LocalBackend
from faaslab.backends.local.environment import EnvironmentInfo
from faaslab.backends.local.settings import LocalSettings

__all__ = ["EnvironmentInfo", "LocalBackend", "LocalSettings"]
