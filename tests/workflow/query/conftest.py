"""What expressions see in these tests."""

from datetime import datetime
from random import Random

import pytest

from faaslab.workflow.scope import Scope


@pytest.fixture
def seen():
    """A scope of an input, and of a context and variables where they are wanted."""

    def make(document=None, context=None, variables=None, seed=7):
        return Scope(document, context or {}, variables or {}, Random(seed), datetime(2026, 1, 1))

    return make
