"""Multilayer OpenEXR as Blender writes it without compression, read by the format's own description."""

import struct

import numpy as np


def read(path):
    """{"Layer.Pass.Channel": (H, W) float32, row 0 on top}."""
    data = path.read_bytes()
    assert data[:4] == b"\x76\x2f\x31\x01"
    attributes, at = {}, 8
    while data[at]:
        name, at = _text(data, at)
        _, at = _text(data, at)
        (size,) = struct.unpack_from("<i", data, at)
        attributes[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    assert attributes["compression"] == b"\0", "only uncompressed files"
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    channels = list(_channels(attributes["channels"]))
    planes = {name: np.empty((height, width), np.float32) for name, _ in channels}
    for offset in struct.unpack_from(f"<{height}Q", data, at + 1):
        row, _ = struct.unpack_from("<2i", data, offset)
        offset += 8
        for name, kind in channels:
            planes[name][row - top] = np.frombuffer(data, kind, width, offset)
            offset += width * kind.itemsize
    return planes


def _channels(data):
    at = 0
    while data[at]:
        name, at = _text(data, at)
        (kind,) = struct.unpack_from("<i", data, at)
        yield name, np.dtype({1: "<f2", 2: "<f4"}[kind])
        at += 16


def _text(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1
