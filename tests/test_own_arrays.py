"""A program whose own tables are gone or damaged says so, and what to do."""

import numpy as np
import pytest

from inference.errors import PortraitError
from inference.own_arrays import own_arrays


@pytest.mark.parametrize("content", (None, b"", b"PK\x03\x04 half of an archive", b"\x93NUMPY"))
def test_a_table_that_cannot_be_read(tmp_path, monkeypatch, content):
    monkeypatch.setattr("inference.own_arrays.MODELS", tmp_path)
    (tmp_path / "ears").mkdir()
    if content is not None:
        (tmp_path / "ears" / "ears.npz").write_bytes(content)
    with pytest.raises(PortraitError, match="ears/ears.npz cannot be read .*; install the program again"):
        own_arrays("ears", "ears.npz")


def test_what_was_written_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("inference.own_arrays.MODELS", tmp_path)
    np.savez(tmp_path / "one.npz", a=np.arange(3), b=np.eye(2))
    found = own_arrays("one.npz")
    assert sorted(found) == ["a", "b"] and (found["b"] == np.eye(2)).all()
