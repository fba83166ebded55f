"""The hard validation set: Cycles sees the geometry that OpenGL draws, and the folder is one that evaluation reads."""

import json
import subprocess

import numpy as np
import pytest

from tests.data_pack import data_pack
from training.errors import TrainingError
from training.synthetic import cycles

PROJECTION = """
import json, sys
import bpy, numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from inference.geometry.cameras import camera_from_json
from training.synthetic.cycles_render import set_camera
scene, points, out = bpy.context.scene, np.random.default_rng(0).uniform(-0.12, 0.12, (40, 3)), []
for line in json.loads(sys.argv[1]):
    camera = camera_from_json(line)
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    set_camera(scene.camera, camera)
    bpy.context.view_layer.update()
    seen = np.array([world_to_camera_view(scene, scene.camera, Vector(p)) for p in points])
    pixels = np.stack([seen[:, 0] * camera.width, (1 - seen[:, 1]) * camera.height], -1)
    out.append(float(np.abs(pixels - camera.project(points)[0]).max()))
print("ERRORS", json.dumps(out))
"""


@pytest.fixture(scope="module")
def blender_python():
    try:
        cycles.check_blender(cycles.BLENDER_PYTHON)
    except TrainingError as error:
        pytest.skip(str(error))
    return cycles.BLENDER_PYTHON


@pytest.fixture(scope="module")
def made(blender_python):
    """One bald head by Cycles and by OpenGL: two rows."""
    pytest.importorskip("moderngl")
    return cycles.Darkroom(data_pack(), python=blender_python, samples=2).make((77, 0, 1))


def test_blender_projects_as_the_camera_does(blender_python):
    from inference.geometry.cameras import Camera, orbit_camera

    lines = [orbit_camera(yaw, pitch).to_json() for yaw, pitch in ((0, 0), (-55, 20), (30, -12))]
    lines.append(Camera(300, 200, 900.0, 900.0, 171.0, 84.0, orbit_camera(12, 7, 0.9).camera_to_world).to_json())
    line = [blender_python, "-c", PROJECTION, json.dumps(lines)]
    done = subprocess.run(line, cwd=cycles.ROOT, capture_output=True, text=True)
    (found,) = [text for text in done.stdout.splitlines() if text.startswith("ERRORS")]
    assert max(json.loads(found.removeprefix("ERRORS"))) < 0.01


def test_silhouettes_are_those_of_opengl(made):
    hard, easy = made
    for seen, drawn in zip([hard["photo"], *hard["views"]], [easy["photo"], *easy["views"]]):
        a, b = seen[..., 3] > 127, drawn[..., 3] > 127
        assert (a & b).sum() / (a | b).sum() > 0.98


def test_the_face_is_lit_as_in_the_photo_by_opengl(made):
    hard, easy = made
    skin = (easy["photo_label"][..., 0] > 200) & (hard["photo"][..., 3] > 250)
    colours = hard["photo"][skin][:, :3].astype(float)
    assert 0.6 < colours.mean() / easy["photo"][skin][:, :3].mean() < 1.6
    assert (colours.min(-1) > 250).mean() < 0.05
    assert (colours.max(-1) < 10).mean() < 0.05
    assert np.abs(hard["photo"].astype(float) - easy["photo"])[skin].mean() > 2.0  # it is another light


class Stub:
    """Hands out finished heads, and breaks down where it is told to."""

    samples = 2

    def __init__(self, row, fails_at=None):
        self.row, self.fails_at, self.asked = row, fails_at, []

    def make(self, seed):
        self.asked.append(seed)
        if seed[-1] == self.fails_at:
            raise KeyboardInterrupt
        return self.row, self.row


def test_an_interrupted_set_goes_on_and_evaluation_reads_it(made, tmp_path):
    from training.evaluation.heads import read_heads

    with pytest.raises(KeyboardInterrupt):
        cycles.write_set(Stub(made[0], fails_at=1), tmp_path, 3, 5)
    with pytest.raises(TrainingError, match="repeat those settings"):
        cycles.write_set(Stub(made[0]), tmp_path, 3, 6)
    again = Stub(made[0])
    cycles.write_set(again, tmp_path, 3, 5)
    assert again.asked == [(5, 0, 1), (5, 0, 2)]
    assert [path.name for path in tmp_path.iterdir()] == ["shard_0000"]
    heads = read_heads(tmp_path)
    assert len(heads) == 3
    assert 0.055 < heads[0].eye_distance < 0.075
    assert np.isfinite(heads[0].colour).all() and heads[0].alpha.max() == 1.0


def test_colours_stay_clean_where_hair_is_thin():
    picture = np.zeros((32, 32, 4), np.float32)
    picture[8:24, 8:24] = (0.2, 0.1, 0.05, 1.0)
    picture[7, 8:24] = (0.015, 0.0075, 0.00375, 0.03)  # alpha is noisier than colour: their quotient is too bright
    photo = cycles.develop(picture, 1.0)
    assert photo[15, 15].tolist() == [124, 89, 63, 255]
    np.testing.assert_allclose(photo[7, 16, :3], photo[15, 15, :3], atol=8)


@pytest.mark.parametrize("wrong", [("--heads", "0"), ("--blender-python", "no/such/python"), ("--samples", "0")])
def test_bad_input_is_one_line(wrong, tmp_path):
    with pytest.raises(TrainingError) as error:
        cycles.main(["--out", str(tmp_path / "hard"), *wrong])
    assert "\n" not in str(error.value)
