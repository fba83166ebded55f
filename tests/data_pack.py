"""Where tests find the data pack: in $PORTRAIT_MANIFOLDS_DATA, or in ``shared/data`` beside the repository."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA_PACK = Path(os.environ.get("PORTRAIT_MANIFOLDS_DATA", BESIDE))
needs_data_pack = pytest.mark.skipif(not (DATA_PACK / "heads").is_dir(), reason="the data pack is not here")


def data_pack():
    """The pack's folder; skips the test or fixture that asks where there is none."""
    if not (DATA_PACK / "heads").is_dir():
        pytest.skip("the data pack is not here")
    return DATA_PACK
