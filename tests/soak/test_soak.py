"""The long runs, short: a few kills, a few photos. tests/soak/kills.py and photos.py run longer, by hand."""

import sys
from pathlib import Path

import pytest

from tests.soak import kills, photos

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills and looks at processes as Linux shows them")


@pytest.fixture
def face():
    skimage = pytest.importorskip("skimage")
    return Path(skimage.__file__).parent / "data" / "astronaut.png"


def test_kills(face, tmp_path):
    assert kills.soak(face, 2, 1, tmp_path) > 0


def test_photos(face, tmp_path):
    """From the second one on, each finds the handles and threads that the one before found."""
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / face.name).symlink_to(face)
    found = photos.soak(tmp_path / "faces", 4, tmp_path)
    assert len(found) == 4
    for of in ("batch", "worker"):
        assert {(state[of]["handles"], state[of]["threads"]) for state in found[1:]} == {
            (found[1][of]["handles"], found[1][of]["threads"])
        }


@pytest.mark.parametrize("what, by", (("MB", 0.1), ("handles", 0.01), ("threads", 0.01)))
def test_growth_is_seen(what, by):
    """A tenth of a megabyte, or a handle or thread every hundred photos, is not flat."""
    flat = {"MB": 500.0, "handles": 9, "threads": 3}
    found = [{"worker": flat | {"MB": 400.0 + min(number, 100)}} for number in range(500)]
    assert photos.is_flat(photos.growth(found)), "what is warmed up does not grow"
    found = [{"worker": flat | {what: flat[what] + int(by * number)}} for number in range(500)]
    assert not photos.is_flat(photos.growth(found))
