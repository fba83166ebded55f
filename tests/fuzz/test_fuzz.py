"""Twenty seconds of changed inputs: five at each door, nothing foreign raised. tests/fuzz/run.py runs longer."""

import pytest

from tests.fuzz.doors import DOORS, seeds
from tests.fuzz.run import blind

SECONDS = 5.0


@pytest.mark.parametrize("door", DOORS)
def test_door(door):
    tried, entered = blind(door, SECONDS)
    assert tried > 20 and entered < tried


@pytest.mark.parametrize("door", DOORS)
def test_seeds_reach_behind_the_door(door):
    """Some are let in, so that their changed copies reach as far."""
    assert any(DOORS[door](data) for data in seeds(door)[:40])
