"""Where moto would do something that this process must not, or not in this way.

Rule: each change names what was wrong; what is not here is moto's own. It is made before the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.cloud.child import archives

if TYPE_CHECKING:
    from faaslab.cloud.child.moments import Moments
    from faaslab.cloud.child.turns import Turn

ACCOUNT = "000000000000"


def mend(turn: Turn, moments: Moments) -> None:
    """Change moto in this process."""
    _account()
    _long_polls(turn, moments)
    _containers()
    archives.keep()


def _account() -> None:
    """Some services take the constant instead of asking for the account."""
    import moto.core
    import moto.core.models

    moto.core.DEFAULT_ACCOUNT_ID = ACCOUNT
    moto.core.models.DEFAULT_ACCOUNT_ID = ACCOUNT


def _long_polls(turn: Turn, moments: Moments) -> None:
    """A receiver that waits would have the turn for 20 seconds, and nobody could send what it waits for."""
    from moto.sqs.models import Queue

    waits = Queue.wait_for_messages

    def wait_for_messages(queue: Any, timeout: int) -> None:
        if moments.repeating:
            # What it got then is there at once; what is not has not to be waited for.
            moments.pass_by(timeout + 1)
            return
        with turn.lent(anew=True):
            waits(queue, timeout)

    Queue.wait_for_messages = wait_for_messages


def _containers() -> None:
    """Batch would ask Docker."""
    from moto.core.config import default_user_config

    default_user_config["batch"] = {"use_docker": False}
    default_user_config["lambda"] = {"use_docker": False}
