"""Alignment: closed-form poses, the affine between crop and photo, real photos, pictures without a face."""

import math
import pathlib

import cv2
import numpy as np
import pytest

from inference.alignment.align import (
    align,
    align_landmarks,
    align_manually,
    eye_distance,
    find_faces,
    fit_crop,
    photo_camera,
)
from inference.alignment.detection import Face, face_square
from inference.alignment.doubts import doubts
from inference.alignment.pose import solve_pose
from inference.errors import PortraitError
from inference.geometry.cameras import orbit_camera
from inference.photo.warp import invert_affine, square_to_photo, warp_to_crop
from tests.data_pack import DATA_PACK, needs_data_pack

ROOT = pathlib.Path(__file__).parents[1]
PORTRAITS = DATA_PACK / "portraits" / "test"
MODEL = ROOT / "models" / "default"


def head_points():
    """468 points (468, 3) on the front of an ellipsoid of a head's size, metres, portrait space."""
    random = np.random.default_rng(0)
    x, y = random.uniform(-0.07, 0.07, 468), random.uniform(-0.1, 0.08, 468)
    return np.column_stack([x, y, 0.11 * np.sqrt(1 - (x / 0.12) ** 2 - (y / 0.15) ** 2)])


@pytest.fixture(scope="module")
def model():
    from inference.networks.model import load_model

    return load_model(threads=2)


@pytest.fixture(scope="module")
def astronaut():
    data = pytest.importorskip("skimage.data")
    return data.astronaut()


@pytest.mark.parametrize("yaw", [-40, 0, 25])
@pytest.mark.parametrize("pitch", [-20, 10])
@pytest.mark.parametrize("roll", [-35, 0, 50])
def test_known_pose_is_recovered(yaw, pitch, roll):
    points, truth = head_points(), orbit_camera(yaw, pitch)
    to_photo = square_to_photo((700.0, 420.0), 530.0, math.radians(roll))
    seen = truth.project(points)[0] @ to_photo[:, :2].T + to_photo[:, 2]
    alignment = align_landmarks(np.zeros((900, 1200, 3), np.uint8), seen, points)
    assert alignment.yaw == pytest.approx(yaw, abs=0.05)
    assert alignment.pitch == pytest.approx(pitch, abs=0.05)
    assert alignment.roll == pytest.approx(roll, abs=0.05)
    np.testing.assert_allclose(alignment.crop_to_photo, to_photo, atol=0.2)
    np.testing.assert_allclose(alignment.landmarks, truth.project(points)[0], atol=0.05)
    np.testing.assert_allclose(alignment.camera.camera_to_world, truth.camera_to_world, atol=2e-3)
    assert eye_distance(alignment) == pytest.approx(0.063 * truth.fx / 1.6 * 530 / 256, rel=1e-3)


@pytest.mark.parametrize("yaw, roll", [(0, 0), (-30, 20)])
def test_the_first_guess_of_the_crop_is_exact_for_exact_landmarks(yaw, roll):
    points = head_points()
    to_photo = square_to_photo((310.0, 240.0), 400.0, math.radians(roll))
    seen = orbit_camera(yaw, 6.0).project(points)[0] @ to_photo[:, :2].T + to_photo[:, 2]
    np.testing.assert_allclose(fit_crop(seen, points), to_photo, atol=1e-3)


def test_the_camera_of_inexact_landmarks_stands_upright_on_the_orbit():
    """It looks at the head's centre from the crop's distance, without roll, whatever the landmarks are like."""
    points, rng = head_points(), np.random.default_rng(4)
    seen = orbit_camera(25, -12, distance=0.8).project(points)[0] * 2.0 + rng.normal(0, 3.0, (468, 2))
    alignment = align_landmarks(np.zeros((700, 700, 3), np.uint8), seen, points)
    wanted = orbit_camera(alignment.yaw, alignment.pitch).camera_to_world
    np.testing.assert_allclose(alignment.camera.camera_to_world, wanted, atol=1e-4)


def turned(camera, other):
    """Degrees between the poses of two cameras."""
    turn = camera.camera_to_world[:3, :3].T @ other.camera_to_world[:3, :3]
    return math.degrees(math.acos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))


def test_an_open_mouth_does_not_turn_the_head():
    """A jaw that drops by 8 mm, 4 of them backwards; with all landmarks alike the head would nod by 6 degrees."""
    points, truth = head_points(), orbit_camera(10)
    open_mouth = points + np.where(points[:, 1:2] < -0.045, (0.0, -0.008, -0.004), 0.0)
    assert turned(solve_pose(truth.project(open_mouth)[0], points), truth) < 2.0


@pytest.mark.parametrize("every, away", [(10, 30.0), (5, 20.0), (5, 60.0)])
def test_wrong_landmarks_do_not_move_the_camera(every, away):
    """Pixels away from their places, every tenth or fifth one."""
    points, truth = head_points(), orbit_camera(10)
    seen = truth.project(points)[0]
    seen[::every] += (away, -away / 2)
    found = solve_pose(seen, points)
    assert turned(found, truth) < 0.1
    np.testing.assert_allclose(found.position, truth.position, atol=0.002)


class MeanHead:
    """A model that knows the mean head and has no networks."""

    geometry = {"mean_landmarks": head_points()}


@pytest.mark.parametrize("yaw, pitch", [(32.0, None), (None, -14.0), (-5.0, 21.0)])
@pytest.mark.parametrize("by_hand", [False, True])
def test_yaw_and_pitch_by_hand_turn_the_camera_by_just_that(yaw, pitch, by_hand):
    """What is not given stays as it was solved, the crop's roll as well, and a crop by hand does not move."""
    points, truth = head_points(), orbit_camera(20.0, 6.0)
    to_photo = square_to_photo((310.0, 240.0), 400.0, math.radians(15.0))
    seen = truth.project(points)[0] @ to_photo[:, :2].T + to_photo[:, 2]
    photo = np.zeros((500, 600, 3), np.uint8)
    if by_hand:
        set_ = align_manually(photo, (310.0, 240.0), 400.0, 15.0, MeanHead, seen, yaw, pitch)
        np.testing.assert_array_equal(set_.crop_to_photo, to_photo)
    else:
        set_ = align(photo, Face.at(seen, 1.0), MeanHead, yaw, pitch)
        wanted = orbit_camera(set_.yaw, set_.pitch).camera_to_world
        np.testing.assert_allclose(set_.camera.camera_to_world, wanted, atol=2e-3)
    wanted = orbit_camera(20.0 if yaw is None else yaw, 6.0 if pitch is None else pitch)
    assert turned(set_.camera, wanted) < 0.1
    assert (set_.yaw, set_.pitch) == pytest.approx((yaw or 20.0, pitch or 6.0), abs=0.1)
    assert set_.roll == pytest.approx(15.0, abs=0.5)
    affine = set_.crop_to_photo
    np.testing.assert_allclose(set_.landmarks @ affine[:, :2].T + affine[:, 2], seen, atol=1e-2)
    drawn = set_.camera.project(points)[0]
    assert np.linalg.norm(np.median(drawn - set_.landmarks, 0)) < 4.0, "the head stays where its landmarks are"


@pytest.mark.parametrize("yaw", [-35.0, 25.0])
def test_landmarks_by_hand_solve_the_pose_again(yaw):
    """The mean head's, turned: in a crop by hand no network is asked, and the crop stays."""
    to_photo = square_to_photo((210.0, 190.0), 300.0, math.radians(-8.0))
    seen = orbit_camera(yaw, 4.0).project(head_points())[0] @ to_photo[:, :2].T + to_photo[:, 2]
    photo = np.zeros((400, 400, 3), np.uint8)
    alignment = align_manually(photo, (200.0, 200.0), 310.0, -8.0, MeanHead, seen)
    assert (alignment.yaw, alignment.pitch) == pytest.approx((yaw, 4.0), abs=0.5)
    np.testing.assert_allclose(alignment.crop_to_photo @ (128, 128, 1), (200.0, 200.0))
    with pytest.raises(ValueError, match="do not form a face"):
        align_manually(photo, (200.0, 200.0), 310.0, 0.0, MeanHead, np.full((468, 2), 50.0))
    far = orbit_camera(75.0).project(head_points())[0] @ to_photo[:, :2].T + to_photo[:, 2]
    with pytest.raises(PortraitError, match="turned too far"):
        align_manually(photo, (200.0, 200.0), 310.0, -8.0, MeanHead, far)


def test_a_wider_jaw_by_hand_is_a_wider_jaw(model, astronaut):
    """The networks' shape follows the landmarks: where the jaw's contour was seen, the surface is nearer.

    The silhouette is the matte's in any case, so the depth at the contour tells.
    """
    from inference.pipeline import invert_photo
    from inference.view.render import render_view

    face = find_faces(astronaut, model)[0]
    found = align(astronaut, face, model)
    right = found.crop_to_photo[:, 0] / np.linalg.norm(found.crop_to_photo[:, 0])
    below_nose = np.clip((-0.02 - model.geometry["mean_landmarks"][:, 1]) / 0.03, 0.0, 1.0)
    across = (face.landmarks - face.landmarks.mean(0)) @ right
    centre, side = found.crop_to_photo @ (128, 128, 1), 256 * np.linalg.norm(found.crop_to_photo[:, 0])
    columns, rows = found.landmarks[[172, 136, 150, 149, 378, 379, 365]].astype(int).T
    depths = []
    for wider in (-0.2, 0.0, 0.2):
        landmarks = face.landmarks + np.outer(wider * below_nose * across, right)
        crop = (*centre, side, found.roll)
        inversion = invert_photo(astronaut, model, crop=crop, landmarks=landmarks, yaw=found.yaw, pitch=found.pitch)
        assert turned(inversion.alignment.camera, found.camera) < 0.5
        depths.append(np.mean(render_view(inversion.portrait, found.camera).depth[rows, columns]))
    assert depths[0] - depths[1] > 0.003 and depths[1] - depths[2] > 0.003, depths


def test_photo_camera_is_the_crop_camera_seen_through_the_affine():
    points = head_points()
    seen = orbit_camera(20, -8).project(points)[0] * 1.7 + np.random.default_rng(1).normal(0, 3, (468, 2)) + (90, 40)
    alignment = align_landmarks(np.zeros((600, 800, 3), np.uint8), seen @ [[0.9, 0.3], [-0.3, 0.9]], points)
    camera = photo_camera(alignment, (800, 600))
    affine = alignment.crop_to_photo
    expected = alignment.camera.project(points)[0] @ affine[:, :2].T + affine[:, 2]
    pixels, depth = camera.project(points)
    assert np.abs(pixels - expected).max() < 0.01
    np.testing.assert_allclose(depth, alignment.camera.project(points)[1])
    assert (camera.width, camera.height) == (800, 600)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3])
def test_crop_lands_where_the_affine_says(scale):
    """Bright discs in the photo appear in the crop at the mapped place, enlarged or reduced alike."""
    photo = np.zeros((700, 900, 3), np.uint8)
    affine = square_to_photo((450.0, 350.0), 128 * scale, 0.5, 128)
    crop_places = np.array([(40.0, 50.0), (90.0, 45.0), (64.0, 100.0)])
    rows, columns = np.mgrid[:700, :900] + 0.5
    for x, y in crop_places @ affine[:, :2].T + affine[:, 2]:
        blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (4 * scale) ** 2))
        photo = np.maximum(photo, (255 * blob[..., None]).astype(np.uint8))
    crop = warp_to_crop(photo, affine, 128).astype(float)[..., 0]
    rows, columns = np.mgrid[:128, :128] + 0.5
    for x, y in crop_places:
        near = crop * ((columns - x) ** 2 + (rows - y) ** 2 < 15**2)
        found = (near * columns).sum() / near.sum(), (near * rows).sum() / near.sum()
        np.testing.assert_allclose(found, (x, y), atol=0.1)


@pytest.mark.parametrize("scale, side", [(1.0, None), (1.2, None), (1.5, 384), (3.0, 768), (5.7, 1024)])
def test_the_detail_crop_is_the_square_at_the_scale_of_the_photo(scale, side):
    """Never enlarged, and none where the crop shows as much; averaged, it is the crop."""
    points, size = head_points(), 256 * scale
    rng = np.random.default_rng(1)
    photo = cv2.GaussianBlur(rng.uniform(0, 255, (1500, 1600, 3)), (0, 0), 3 * scale)
    photo = cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    to_photo = square_to_photo((790.0, 740.0), size * 1.003, 0.1)
    seen = orbit_camera().project(points)[0] @ to_photo[:, :2].T + to_photo[:, 2]
    alignment = align_landmarks(photo, seen, points)
    if side is None:
        assert alignment.detail is None
        return
    assert alignment.detail.shape == (side, side, 3) and side <= size
    averaged = cv2.resize(alignment.detail, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(averaged.astype(int) - alignment.crop).mean() < 1.5


def test_round_trip_of_the_affine():
    affine = square_to_photo((300.5, 211.25), 777.0, -0.7)
    points = np.random.default_rng(0).uniform(0, 256, (50, 2))
    there = points @ affine[:, :2].T + affine[:, 2]
    inverse = invert_affine(affine)
    np.testing.assert_allclose(there @ inverse[:, :2].T + inverse[:, 2], points, atol=1e-9)
    np.testing.assert_allclose(affine @ (128, 128, 1), (300.5, 211.25))


def test_nothing_black_beyond_the_border():
    photo = np.full((100, 100, 3), 200, np.uint8)
    for size in (60, 256, 500):
        assert warp_to_crop(photo, square_to_photo((10, 90), 400, 0.3, size), size).min() >= 198


def test_an_area_is_averaged_when_the_crop_is_smaller():
    checker = np.kron(np.indices((200, 200)).sum(0) % 2, np.ones((3, 3)))[..., None] * np.uint8(255) * np.ones(3)
    crop = warp_to_crop(checker.astype(np.uint8), square_to_photo((300, 300), 540, 0.0, 45), 45)
    assert np.abs(crop[2:-2, 2:-2].astype(float) - 127.5).max() < 20


@pytest.mark.parametrize("yaw, size, word", [(75, 600, "turned"), (0, 60, "small")])
def test_refused_faces_say_why(yaw, size, word):
    class Model:
        geometry = {"mean_landmarks": head_points()}

    affine = square_to_photo((400, 400), size, 0.0)
    seen = orbit_camera(yaw).project(head_points())[0] @ affine[:, :2].T + affine[:, 2]
    with pytest.raises(PortraitError, match=word):
        align(np.zeros((800, 800, 3), np.uint8), Face((0, 0, 1, 1), 1.0, seen), Model)


@pytest.mark.parametrize("crop", [((50, 50), 5), ((50, 50), math.nan), ((-40, 50), 80), ((50, 50), 1e6)])
def test_impossible_manual_crops_are_refused(crop):
    with pytest.raises(PortraitError):
        align_manually(np.zeros((100, 100, 3), np.uint8), *crop, 0.0, None)


def test_astronaut(model, astronaut):
    faces = find_faces(astronaut, model)
    assert len(faces) == 1
    x0, y0, x1, y1 = faces[0].box
    assert 160 < x0 < 205 and 55 < y0 < 105 and 240 < x1 < 285 and 155 < y1 < 195
    alignment = align(astronaut, faces[0], model)
    assert abs(alignment.yaw) < 25 and abs(alignment.roll) < 15
    assert alignment.crop.shape == (256, 256, 3) and alignment.crop.dtype == np.uint8
    again = find_faces(astronaut, model)
    np.testing.assert_array_equal(again[0].landmarks, faces[0].landmarks)


@pytest.mark.parametrize("roll", [-40, 30])
def test_tilted_photos(model, astronaut, roll):
    matrix = cv2.getRotationMatrix2D((223, 120), -roll, 1.0)
    tilted = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    upright, turned = (align(photo, find_faces(photo, model)[0], model) for photo in (astronaut, tilted))
    assert turned.roll - upright.roll == pytest.approx(roll, abs=4)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_photos_on_their_side_and_upside_down(model, astronaut, quarters):
    """Pixels turned without a word in the file: the same landmarks, turned, and the roll tells."""
    upright, photo = find_faces(astronaut, model)[0], np.ascontiguousarray(np.rot90(astronaut, quarters))
    found = find_faces(photo, model)[0]
    middle = np.array([256.0, 256.0])
    turn = np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), quarters)  # counter-clockwise, y down
    expected = (upright.landmarks - middle) @ turn.T + middle
    assert np.linalg.norm(found.landmarks - expected, axis=-1).mean() < 2.0
    alignment = align(photo, found, model)
    assert abs((alignment.roll + 90.0 * quarters + 180.0) % 360.0 - 180.0) < 10.0
    assert np.abs(alignment.crop.astype(float) - align(astronaut, upright, model).crop).mean() < 4.0


@pytest.mark.parametrize("roll", [45, 80, 120, 160])
def test_photos_turned_by_any_angle(model, astronaut, roll):
    matrix = cv2.getRotationMatrix2D((256, 160), -roll, 1.0)
    photo = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    upright = align(astronaut, find_faces(astronaut, model)[0], model)
    found = align(photo, find_faces(photo, model)[0], model)
    assert abs((found.roll - upright.roll - roll + 180.0) % 360.0 - 180.0) < 10.0


def test_doubts(model, astronaut):
    """None about a good photo; each kind about a photo that has that fault."""

    def codes(photo):
        face = find_faces(photo, model)[0]
        return {doubt.code for doubt in doubts(align(photo, face, model), face, photo.shape[1::-1])}

    assert codes(astronaut) == set()
    assert codes(np.ascontiguousarray(np.rot90(astronaut))) == {"turned-photo"}
    assert codes(cv2.resize(astronaut, (360, 360), interpolation=cv2.INTER_AREA)) == {"small-face"}
    assert codes(np.ascontiguousarray(astronaut[55:230, 150:300])) >= {"tight-crop"}
    half = codes(np.ascontiguousarray(astronaut[:, 228:]))
    assert "half-face" in half, half


@pytest.mark.parametrize("side, width", [(160, 460), (220, 490)])
def test_several_faces_largest_first(model, astronaut, side, width):
    """A head and a smaller one, which is hard or easy to see, to its left."""
    head = astronaut[:256, 96:352]
    photo = np.full((256, width, 3), 120, np.uint8)
    photo[30 : 30 + side, :side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    photo[:, width - 260 : width - 4] = head
    faces = find_faces(photo, model)
    assert len(faces) == 2
    assert faces[0].box[0] > 200 and faces[1].box[2] < side


def test_a_small_face_in_a_large_photo_is_found_in_tiles(model, astronaut):
    photo = np.full((1500, 2400, 3), (90, 110, 130), np.uint8)
    photo[900:1156, 1700:1956] = astronaut[:256, 96:352]
    faces = find_faces(photo, model)
    assert len(faces) == 1
    assert np.abs(face_square(faces[0].landmarks)[0] - (1700 + 127, 900 + 125)).max() < 25


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "brick", "grass", "moon", "page"])
def test_no_face_in_other_pictures(model, name):
    data = pytest.importorskip("skimage.data")
    picture = getattr(data, name)()
    picture = np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture
    assert find_faces(picture, model) == []


def test_no_face_in_made_up_pictures(model):
    random = np.random.default_rng(0)
    assert find_faces(random.integers(0, 256, (300, 400, 3), dtype=np.uint8), model) == []
    assert find_faces(np.zeros((64, 640, 3), np.uint8), model) == []
    gradient = cv2.resize(random.integers(0, 256, (3, 3, 3), dtype=np.uint8), (500, 300), interpolation=cv2.INTER_CUBIC)
    assert find_faces(gradient, model) == []


def test_manual_crop_keeps_its_square_and_finds_the_landmarks(model, astronaut):
    automatic = align(astronaut, find_faces(astronaut, model)[0], model)
    centre = automatic.crop_to_photo @ (128, 128, 1)
    size = 256 * np.linalg.norm(automatic.crop_to_photo[:, 0])
    manual = align_manually(astronaut, centre + (4, -3), size * 1.05, automatic.roll, model)
    np.testing.assert_allclose(manual.crop_to_photo @ (128, 128, 1), centre + (4, -3))
    assert manual.yaw == pytest.approx(automatic.yaw, abs=4)
    assert manual.pitch == pytest.approx(automatic.pitch, abs=4)
    back = manual.camera.project(model.geometry["mean_landmarks"])[0]
    assert np.abs(back - manual.landmarks).mean() < 4


def test_manual_crop_without_a_face_looks_straight_ahead(model):
    photo = np.full((400, 300, 3), 100, np.uint8)
    alignment = align_manually(photo, (150, 200), 250.0, 10.0, model)
    assert (alignment.yaw, alignment.pitch) == (0, 0)
    assert alignment.roll == pytest.approx(10)
    expected = orbit_camera().project(model.geometry["mean_landmarks"])[0]
    np.testing.assert_allclose(alignment.landmarks, expected, atol=1e-3)


@needs_data_pack
def test_every_test_portrait_is_aligned(model):
    from inference.photo.open import open_photo

    for path in sorted(PORTRAITS.glob("*.*")):
        photo = open_photo(path)
        faces = find_faces(photo, model)
        assert faces, path.name
        alignment = align(photo, faces[0], model)
        assert abs(alignment.roll) < 25, path.name
        eyes = alignment.landmarks[[33, 133, 263, 362]].reshape(2, 2, 2).mean(1)
        assert abs(eyes[1, 1] - eyes[0, 1]) < 8 and 35 < eyes[1, 0] - eyes[0, 0] < 65, path.name
