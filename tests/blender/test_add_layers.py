"""Layers: the same look as the engine's view in Cycles and EEVEE, light, shadow, depth of field, order and size."""

import dataclasses
import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Vector  # noqa: E402

from inference.geometry import domes  # noqa: E402
from inference.portrait import save_portrait  # noqa: E402
from tests.portraits import SHEETS, analytic_portrait, lit_head, surface_radius  # noqa: E402

from .conftest import part, place, psnr  # noqa: E402
from .gltf import exported  # noqa: E402
from .scenes import (  # noqa: E402
    add_sun,
    engine_view,
    orbit_camera,
    premultiplied,
    render,
    set_world,
    side_camera,
    smooth_view,
    to_linear,
    to_portrait_space,
    use_cycles,
    use_eevee,
)


def add_layers(**options):
    """Run the operator on the active portrait. Returns the layers, outermost first, and the shadow or None."""
    portrait = bpy.context.view_layer.objects.active
    assert bpy.ops.portrait_manifolds.add_layers(**options) == {"FINISHED"}
    made = sorted(portrait.children, key=lambda child: child.name)
    shadow = [child for child in made if child.name.endswith("shadow")]
    return [child for child in made if child not in shadow], next(iter(shadow), None)


def triangles(layers):
    return sum(2 * len(layer.data.polygons) for layer in layers)


@pytest.mark.parametrize("count, expected", [(24, 16), (12, 9)])
def test_layers_in_cycles_equal_the_engines_view(portrait, tmp_path, count, expected):
    """The layered geometry rendered by Cycles through the same camera; the portrait's transform counts."""
    portrait.rotation_euler, portrait.location = (0.05, 0.1, 0.2), (0.02, 0.05, -0.01)
    layers, _ = add_layers(count=str(count))
    assert len(layers) == expected  # the outer sheets of this subject are empty
    side_camera()
    use_cycles()
    score = psnr(premultiplied(render(tmp_path / "cycles.png")), smooth_view(portrait))
    print(f"{count} layers in Cycles against the engine: {score:.2f} dB")
    assert score >= 35.0


@pytest.mark.parametrize("count", [24, 12])
def test_level_of_detail(portrait, tmp_path, count):
    """From 3,000 to 100,000 triangles: the budget is kept and used, and the picture stays the portrait's."""
    side_camera()
    use_cycles(24)
    wanted = smooth_view(portrait)
    scores = []
    for budget in (3_000, 15_000, 100_000):
        layers, shadow = add_layers(count=str(count), triangles=budget)
        assert 0.75 * budget <= triangles(layers) <= budget
        scores.append(psnr(premultiplied(render(tmp_path / "lod.png")), wanted))
        for obj in [*layers, shadow]:
            bpy.data.objects.remove(obj)
    print(f"{count} layers of 3k, 15k and 100k triangles: {', '.join(f'{score:.1f}' for score in scores)} dB")
    assert scores[0] >= 28 and min(scores[1:]) >= 35


def test_a_portrait_with_other_sheets(scene, tmp_path):
    """Number and radii of the sheets are the portrait's own."""
    whole = analytic_portrait()
    keep = list(range(5, SHEETS, 2))
    bulge = 1.0 + 0.02 * np.sin(np.linspace(0, 3, whole.radii.shape[2]))  # not the radii of any model
    radii = np.ascontiguousarray(whole.radii[keep] * bulge.astype(np.float32))
    save_portrait(
        dataclasses.replace(whole, radii=radii, textures=whole.textures[[*keep, SHEETS]]), tmp_path / "few.manifolds"
    )
    portrait = place(tmp_path / "few.manifolds")
    layers, _ = add_layers(count="12", background=True)
    assert layers[-1].name.endswith(f"{len(keep) + 1:02d}") and len(layers[-1].data.polygons) == 1
    bpy.data.objects.remove(layers.pop())
    assert len(layers) <= len(keep)
    side_camera()
    use_cycles(32)
    assert psnr(premultiplied(render(tmp_path / "few.png")), smooth_view(portrait)) >= 35


def test_empty_portraits_say_so(scene, tmp_path):
    save_portrait(analytic_portrait("empty"), tmp_path / "empty.manifolds")
    place(tmp_path / "empty.manifolds")
    before = len(bpy.data.objects), len(bpy.data.images), len(bpy.data.materials)
    for options in ({}, {"shadow": False}, {"look": "lit"}):
        with pytest.raises(RuntimeError, match="is empty"):
            bpy.ops.portrait_manifolds.add_layers(**options)
    assert (len(bpy.data.objects), len(bpy.data.images), len(bpy.data.materials)) == before


def test_order_for_eevee(portrait):
    """EEVEE sorts by the depth of the origins: innermost first from anywhere in front, whatever the portrait's pose."""
    portrait.rotation_euler, portrait.scale = (0.3, -0.2, 0.7), (2.0, 2.0, 2.0)
    layers, _ = add_layers(background=True)
    bpy.context.view_layer.update()
    to_world = portrait.matrix_world.to_3x3()
    origins = np.array([layer.matrix_world.translation for layer in layers])
    for yaw in (-75, -40, 0, 40, 75):
        for pitch in (-45, 0, 45):
            yaw_, pitch_ = math.radians(yaw), math.radians(pitch)
            forward = (-math.sin(yaw_) * math.cos(pitch_), math.cos(yaw_) * math.cos(pitch_), -math.sin(pitch_))
            depth = origins @ np.array(to_world.normalized() @ Vector(forward))
            assert (np.diff(depth) > 1e-5).all(), (yaw, pitch)


def test_layers_hang_on_the_portrait_and_undo_takes_them_away(portrait):
    bpy.ops.ed.undo_push(message="before")
    name, before = portrait.name, len(bpy.data.objects)
    layers, shadow = add_layers()
    assert {layer.parent for layer in [*layers, shadow]} == {portrait}
    assert len(bpy.data.objects) == before + len(layers) + 1
    properties = bpy.ops.portrait_manifolds.add_layers.get_rna_type().properties
    assert {"look", "count", "triangles", "blending", "shadow", "background"} <= set(properties.keys())
    bpy.ops.ed.undo_push(message="layers")
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == before and not bpy.data.objects[name].children


def test_lit_layers_in_neutral_white_light_look_like_the_photo(portrait, tmp_path):
    set_world(1.0)
    add_layers(look="lit")
    side_camera()
    use_cycles(128)
    got = premultiplied(render(tmp_path / "white.png"))
    wanted = smooth_view(portrait)
    solid = wanted[..., 3] > 0.99
    brightness = to_linear(got[solid, :3]).mean() / to_linear(wanted[solid, :3]).mean()
    print(f"lit layers in white light: {psnr(got, wanted):.2f} dB, brightness x {brightness:.3f}")
    assert psnr(got, wanted) >= 32
    assert brightness == pytest.approx(1.0, abs=0.05)


def test_light_falls_on_the_surface_of_the_face(portrait, tmp_path):
    """Shading follows the closed-form normals of the subject, not those of the sheets; emission ignores lamps."""
    set_world(0.0)
    orbit_camera(0.0, 0.0, 1.0, lens=80, size=(96, 96))
    use_cycles(48)
    view = engine_view(portrait)
    pictures = {}
    for look in ("emission", "lit"):
        layers, shadow = add_layers(look=look, shadow=False)
        for side, angle in (("left", -60), ("right", 60)):
            sun = add_sun((60, 0, angle), energy=math.pi)  # a white surface that faces it is as bright as its colour
            pictures[look, side] = to_linear(render(tmp_path / "sun.png")[..., :3])
            bpy.data.objects.remove(sun)
        for layer in layers:
            bpy.data.objects.remove(layer)
    assert np.array_equal(pictures["emission", "left"], pictures["emission", "right"])

    # normals of the surface the pixels show, from its formula by finite differences
    rows, columns = np.nonzero(np.isfinite(view.depth) & (view.alpha > 0.999))
    scene = bpy.context.scene
    camera, _ = to_portrait_space(
        part("operators.engine.cameras").world_camera(scene.camera, bpy.context.evaluated_depsgraph_get(), scene),
        portrait.matrix_world,
    )
    origins, directions = camera.rays(columns + 0.5, rows + 0.5)
    axis = -camera.camera_to_world[:3, 2]
    points = origins + directions * (view.depth[rows, columns] / (directions @ axis))[:, None]
    u, v, _ = domes.dome_coordinates(points)

    def surface(u, v):
        return domes.dome_points(u, v, surface_radius("sphere", u, v))

    step = 4e-3
    normals = np.cross(surface(u, v + step) - surface(u, v - step), surface(u + step, v) - surface(u - step, v))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    albedo = to_linear(view.color[rows, columns])
    for side, angle in (("left", -60), ("right", 60)):
        tilt, turn = math.radians(60), math.radians(angle)
        # towards the lamp: Blender's (x, y, z) is (x, z, -y) in portrait space
        to_lamp = np.array([math.sin(tilt) * math.sin(turn), math.cos(tilt), math.sin(tilt) * math.cos(turn)])
        wanted = np.clip(normals @ to_lamp, 0, None)
        got = pictures["lit", side][rows, columns].mean(1) / albedo.mean(1)
        facing = wanted > 0.3
        error = np.abs(got - wanted)[facing]
        print(f"light from the {side}: median error of the shading {np.median(error):.3f}")
        assert facing.sum() > 300 and np.median(error) < 0.05
        assert np.corrcoef(got, wanted)[0, 1] > 0.95


@pytest.mark.parametrize("look", ["emission", "lit"])
def test_delit_layers_lose_the_photos_light(scene, tmp_path, look):
    """A head of one albedo in a lamp's light from the left is lit evenly, or by itself: it looks even."""
    save_portrait(lit_head((0.7, 0.3, 0.65))[0], tmp_path / "lit.manifolds")
    portrait = place(tmp_path / "lit.manifolds")
    set_world(1.0)
    orbit_camera(0.0, 0.0, 1.0, lens=80, size=(96, 96))
    use_cycles(32)
    ball = engine_view(portrait).alpha > 0.999
    ball[60:] = False  # the neck, where the world's light does not reach
    unevenness = []
    for delit in (False, True):
        layers, _ = add_layers(look=look, delit=delit, shadow=False)
        picture = to_linear(render(tmp_path / "view.png")[ball][:, :3])
        unevenness.append(picture.std(0) / picture.mean(0))
        for layer in layers:
            bpy.data.objects.remove(layer)
    print(f"{look}: contrast {unevenness[0].mean():.3f} as in the photo, {unevenness[1].mean():.3f} without its light")
    assert (unevenness[1] < 0.5 * unevenness[0]).all()


def wall_scene(portrait, **options):
    """The portrait in front of a wall, the sun behind the camera; seen from the front."""
    layers = add_layers(**options)
    bpy.ops.mesh.primitive_plane_add(size=4, location=(0, 0.6, 0), rotation=(math.radians(90), 0, 0))
    set_world(0.1)
    add_sun((60, 0, -45))
    orbit_camera(0.0, 0.0, 2.0, lens=60, size=(120, 96))
    bpy.context.view_layer.objects.active = portrait
    return layers


@pytest.mark.parametrize("look", ["emission", "lit"])
def test_shadow_in_cycles(portrait, tmp_path, look):
    """The wall is dark where the sun is hidden by the head, and what casts it is not seen itself."""
    _, shadow = wall_scene(portrait, look=look)
    use_cycles(16)
    bpy.context.scene.render.film_transparent = False
    cast = to_linear(render(tmp_path / "cast.png")[..., :3]).mean(-1)
    bpy.data.objects.remove(shadow)
    clear = to_linear(render(tmp_path / "clear.png")[..., :3]).mean(-1)
    head = engine_view(portrait).alpha > 0
    ratio = cast / clear
    dark = (ratio < 0.5) & ~head
    assert 0.01 < dark.mean() < 0.25, "a head's shadow on the wall"
    columns = np.nonzero(dark.any(0))[0]
    assert columns.mean() > 60, "on the side away from the sun"
    assert np.abs(ratio[engine_view(portrait).alpha > 0.999] - 1).mean() < 0.08, "the head itself stays as it is"


def test_depth_of_field_in_cycles(portrait, tmp_path):
    """Focus on the head keeps it sharp, focus on the wall blurs it."""
    wall_scene(portrait)
    use_cycles(48)
    scene = bpy.context.scene
    scene.render.film_transparent = False
    sharp = render(tmp_path / "sharp.png")[..., :3]
    dof = scene.camera.data.dof
    dof.use_dof, dof.aperture_fstop = True, 0.2
    pictures = {}
    for distance in (1.9, 2.6):
        dof.focus_distance = distance
        pictures[distance] = render(tmp_path / "dof.png")[..., :3]
    head = engine_view(portrait).alpha > 0.99

    def contrast(picture):
        return np.abs(np.diff(picture, axis=1))[head[:, 1:]].mean()

    assert contrast(pictures[1.9]) > 0.7 * contrast(sharp)
    assert contrast(pictures[2.6]) < 0.6 * contrast(sharp)


def test_layers_have_a_collection_of_their_own(portrait):
    """One click hides them all; a failure leaves none."""
    layers, shadow = add_layers()
    (collection,) = bpy.context.scene.collection.children_recursive
    assert collection.name == "Ball layers" and set(collection.objects) == {*layers, shadow}
    assert not set(collection.objects) & set(bpy.context.scene.collection.objects)


def test_a_scene_that_spoils_layers_is_noticed_and_repaired(portrait):
    """Transparent bounces do not travel with the layers; the panel says so where they lack, and repairs it."""
    health, scene = part("operators.state.health"), bpy.context.scene
    cycles, default = scene.cycles, scene.cycles.transparent_max_bounces
    scene.render.engine = "CYCLES"
    assert health.scene_findings(scene) == [], "nothing to spoil"
    layers, _ = add_layers(prepare=False)
    assert cycles.transparent_max_bounces == default < 24
    (finding,) = health.scene_findings(scene)
    assert getattr(bpy.ops.portrait_manifolds, finding.operator.partition(".")[2])() == {"FINISHED"}
    assert cycles.transparent_max_bounces >= 24 and health.scene_findings(scene) == []
    other = bpy.data.scenes.new("Other")
    other.render.engine = "CYCLES"
    other.collection.objects.link(layers[0])
    assert len(health.scene_findings(other)) == 1
    other.render.engine = "BLENDER_WORKBENCH"
    assert health.scene_findings(other) == []


@pytest.mark.parametrize("look", ["emission", "lit"])
def test_layers_in_gltf_keep_their_opacity(portrait, tmp_path, look):
    """Blended materials with the sheet's alpha; with the photo's own light they are unlit."""
    layers, _ = add_layers(look=look, count="12", triangles=5000)
    document = exported(tmp_path / "layers.glb", layers)
    assert len(document.materials) == len(layers)
    for material in document.materials:
        assert material["alphaMode"] == "BLEND" and not material.get("doubleSided", False)
        assert ("KHR_materials_unlit" in material.get("extensions", {})) == (look == "emission")
        pixels = document.image(material["pbrMetallicRoughness"]["baseColorTexture"])
        layer = next(layer for layer in layers if layer.active_material.name == material["name"])
        nodes = layer.active_material.node_tree.nodes
        texture = next(node.image for node in nodes if node.type == "TEX_IMAGE" and "normals" not in node.image.name)
        wanted = np.rint(255 * part("operators.datablocks.images").get_pixels(texture)).astype(np.uint8)
        assert np.array_equal(pixels, wanted)


def test_lit_layers_in_gltf_have_the_normals_of_the_face(portrait, tmp_path):
    """Those of the vertices are the surface's, and the texture is in tangent space, the only one that glTF knows."""
    layers, _ = add_layers(look="lit", count="12")
    document = exported(tmp_path / "lit.glb", layers)
    for mesh in document.json["meshes"]:
        (primitive,) = mesh["primitives"]
        uv = document.vectors(primitive["attributes"]["TEXCOORD_0"])
        normals = document.vectors(primitive["attributes"]["NORMAL"])
        u, v = uv.T
        step = 2e-3
        down, right = (
            domes.dome_points(u + du, v + dv, surface_radius("sphere", u + du, v + dv))
            - domes.dome_points(u - du, v - dv, surface_radius("sphere", u - du, v - dv))
            for du, dv in ((0.0, step), (step, 0.0))
        )
        wanted = np.cross(down, right)
        wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
        middle = (abs(u - 0.5) < 0.2) & (abs(v - 0.5) < 0.2)
        if not middle.any():
            continue
        assert np.median((normals * wanted).sum(-1)[middle]) > np.cos(np.deg2rad(3.0))
        material = document.materials[primitive["material"]]
        finer = document.image(material["normalTexture"])[80:240, 80:240, :3] / 127.5 - 1.0
        assert np.median(finer[..., 2]) > 0.99 and np.abs(finer[..., :2]).max() > 0.02


@pytest.fixture(scope="module")
def astronaut(tmp_path_factory):
    """portrait.manifolds of NASA's portrait of Eileen Collins, by the embedded model."""
    from PIL import Image
    from skimage import data

    from inference.networks.model import load_model
    from inference.pipeline import invert_photo

    folder = tmp_path_factory.mktemp("astronaut")
    Image.fromarray(data.astronaut()).save(folder / "photo.png")
    save_portrait(invert_photo(folder / "photo.png", load_model()).portrait, folder / "astronaut.manifolds")
    return folder / "astronaut.manifolds"


@pytest.mark.slow
@pytest.mark.parametrize("yaw", [25, 0, -30])
@pytest.mark.parametrize("count", [24, 12])
def test_layers_of_a_real_portrait_in_cycles(scene, astronaut, tmp_path, yaw, count):
    portrait = place(astronaut, "Astronaut")
    add_layers(count=str(count))
    orbit_camera(yaw, 8.0)
    use_cycles()
    score = psnr(premultiplied(render(tmp_path / "cycles.png")), smooth_view(portrait))
    print(f"{count} layers of a real portrait in Cycles at {yaw} degrees, against the engine: {score:.2f} dB")
    assert score >= 35.0


@pytest.mark.slow
@pytest.mark.parametrize("count, blending, bar", [(24, "BLENDED", 32.0), (12, "BLENDED", 31.0), (24, "DITHERED", 32.0)])
def test_layers_in_eevee(portrait, tmp_path, count, blending, bar):
    """Software OpenGL takes minutes for the first one."""
    add_layers(count=str(count), blending=blending)
    side_camera()
    use_eevee(1 if blending == "BLENDED" else 8)
    score = psnr(premultiplied(render(tmp_path / "eevee.png")), smooth_view(portrait))
    print(f"{count} layers in EEVEE, {blending.lower()}, against the engine: {score:.2f} dB")
    assert score >= bar


@pytest.mark.slow
def test_shadow_and_light_in_eevee(portrait, tmp_path):
    """As in Cycles: the wall is dark beside the head, and what casts the shadow is not seen."""
    _, shadow = wall_scene(portrait, look="lit")
    use_eevee(4)
    bpy.context.scene.render.film_transparent = False
    cast = to_linear(render(tmp_path / "cast.png")[..., :3]).mean(-1)
    bpy.data.objects.remove(shadow)
    clear = to_linear(render(tmp_path / "clear.png")[..., :3]).mean(-1)
    alpha = engine_view(portrait).alpha
    assert 0.01 < ((cast / clear < 0.5) & (alpha == 0)).mean() < 0.25
    assert np.abs(cast / clear - 1)[alpha > 0.999].mean() < 0.1
