"""What an alias may be, and where a request goes."""

import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.lab import routing
from faaslab.model.alias import Alias

AT = datetime(2026, 1, 1)


def alias(version="1", **weights):
    shares = {key[1:]: value for key, value in weights.items()}
    return Alias(function="f", name="prod", version=version, weights=shares, created_at=AT, updated_at=AT)


@pytest.mark.parametrize("name", ["prod", "PROD-2", "_", "7a", "a" * 128])
def test_names_that_lambda_takes(name):
    assert routing.name(name) == name


@pytest.mark.parametrize("name", ["", "7", "007", "a b", "a:b", "$LATEST", "é", "a" * 129, "a\n", None, 7])
def test_names_that_lambda_refuses(name):
    with pytest.raises(InvalidValue) as caught:
        routing.name(name)
    assert (caught.value.place, bool(caught.value.hint)) == ("alias", True)


@pytest.mark.parametrize(
    ("version", "weights", "text"),
    [
        ("1", {"2": 0.1, "3": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("1", {"2": 1.5}, "Member must have value less than or equal to 1.0"),
        ("1", {"2": -0.1}, "Member must have value greater than or equal to 0.0"),
        ("1", {"2": "half"}, "Value '{2=half}' at 'routingConfig.additionalVersionWeights' failed"),
        ("1", {"2": True}, "Value '{2=True}'"),
        ("1", {"1": 0.5}, "Invalid function version 1. Function version 1 is already included in routing"),
        ("$LATEST", {"1": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"$LATEST": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
    ],
)
def test_weights_that_lambda_refuses(version, weights, text):
    with pytest.raises(InvalidValue) as caught:
        routing.weights(version, weights)
    assert text in caught.value.message
    assert caught.value.place == "weights"


@pytest.mark.parametrize("share", [0, 0.1, 1, 1.0])
def test_weights_that_lambda_takes(share):
    assert routing.weights("1", {"2": share}) == {"2": float(share)}
    assert routing.weights("$LATEST", {}) == {}


@pytest.mark.parametrize(
    ("given_", "chance", "version"),
    [
        (alias(), 0.0, "1"), (alias(), 0.999, "1"),
        (alias(_2=0.1), 0.0, "2"), (alias(_2=0.1), 0.0999, "2"), (alias(_2=0.1), 0.1, "1"), (alias(_2=0.1), 0.99, "1"),
        (alias(_2=0.0), 0.0, "1"), (alias(_2=1.0), 0.9999, "2"),
    ],
)  # fmt: skip
def test_where_a_request_goes(given_, chance, version):
    assert routing.choose(given_, chance) == version


@given(share=st.floats(0, 1), seed=st.integers())
def test_shares_hold_over_many_requests(share, seed):
    draw = random.Random(seed).random
    ran = sum(routing.choose(alias(_2=share), draw()) == "2" for _ in range(2000)) / 2000
    assert abs(ran - share) < 0.08
