"""Folders of shards: what lies beside them."""

import json

import pytest

from inference.geometry.reach import NARROW, REACH

pytest.importorskip("torch")
from tests.training import heads  # noqa: E402
from training.data.shards import open_shards  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.synthetic.beside import DOMES_FILE, PARAMETERS_FILE  # noqa: E402


@pytest.mark.parametrize("said", [None, NARROW])
def test_heads_over_other_domes_are_refused(said, tmp_path):
    heads.write_shard(tmp_path, seeds=(1,))
    (tmp_path / PARAMETERS_FILE).write_text("[]")  # as the generators leave it
    if said:
        (tmp_path / DOMES_FILE).write_text(json.dumps(said))
    with pytest.raises(TrainingError, match="domes of another reach"):
        open_shards([tmp_path])
    (tmp_path / DOMES_FILE).write_text(json.dumps(REACH))
    assert len(open_shards([tmp_path])[0]) == 1
