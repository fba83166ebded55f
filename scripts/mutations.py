"""Wrong lines that the tests must notice: one list, applied by ``scripts/mutate.py``.

A text stands in its file exactly once; ``tests/packaging/test_mutations.py`` looks, so that the list does not rot. When
code moves, its mutations move with it; when a stage goes, they go.
"""

from __future__ import annotations

from dataclasses import dataclass

TWIN, ALIGNMENT = "tests/test_twin.py::test_", "tests/test_alignment.py::test_"
LOCKS, TURNED = (f"tests/test_golden.py::test_measures[{name}]" for name in ("locks", "turned"))


@dataclass(frozen=True)
class Mutation:
    """``text`` of ``file`` becomes ``becomes``; ``breaks`` says what is wrong then, ``tests`` what should see it."""

    name: str
    file: str
    text: str
    becomes: str
    breaks: str
    tests: tuple


def _of(tests, file, *rows):
    return [Mutation(name, file, text, becomes, breaks, tests) for name, text, becomes, breaks in rows]


MUTATIONS = (
    *_of(
        (LOCKS, TURNED), "inference/inversion/invert.py",
        ("raw colours", "colour=match_colours(columns, clean, photo_parts, matte, camera)[0]", "colour=columns.colour",
         "hidden sides have the networks' tones, not the photo's"),
        ("nothing elsewhere",
         "occlusion_depth = occlusion_depth + shows_elsewhere(radius, facing, parts, photo_parts, camera)", "pass",
         "locks are painted on the cheeks beside them"),
        ("every column trusted", "weight = grazing_weight(facing_camera(", "weight = np.ones_like(facing_camera(",
         "grazed columns are lifted smeared"),
        ("matte as logits", "np.concatenate([clean, matte[None], maps[0, 1:]])", "np.concatenate([clean, maps[0]])",
         "the decoder is told logits for chances"),
        ("photo for decoder not cleaned", "np.concatenate([clean, matte[None]", "np.concatenate([photo, matte[None]",
         "the backdrop is smeared over the rim"),
        ("pose of another camera", 'camera.camera_to_world[None].astype(np.float32)',
         "np.linalg.inv(camera.camera_to_world)[None].astype(np.float32)", "the encoder is told the inverse pose"),
    ),
    *_of(
        (f"{TWIN}columns_without_a_surface_carry_on_their_neighbours",), "inference/inversion/invert.py",
        ("nothing is continued", "radius = continued(radius, valid)", "radius = radius.astype(np.float32)",
         "columns without a surface pull at their neighbours' normals"),
    ),
    *_of(
        (LOCKS,), "inference/inversion/matting.py",
        ("backdrop shines through", "return without_fringe(subject, matte), backdrop",
         "return without_fringe(photo, matte), backdrop", "a light wall brightens the edge of dark hair"),
        ("fringe kept", "return without_fringe(subject, matte), backdrop",
         "return subject, backdrop", "the wall's colour runs down the sides of the head"),
        ("sitter in the backdrop", "subject = cv2.dilate((matte > MAYBE)", "subject = cv2.dilate((matte > 2.0)",
         "the sitter stands on the wall, too"),
        ("backdrop upside down", "pixel, _ = camera.project(background_points(*domes.texel_centres(size, size)))",
         "pixel, _ = camera.project(background_points(*domes.texel_centres(size, size))[::-1])", "the wall is flipped"),
    ),
    *_of(
        ("tests/test_matte.py",), "inference/pipeline.py",
        ("hidden colours in the photo", "photo = over_grey(photo, alpha)", "pass",
         "what hides under alpha looks at the networks"),
        ("cut-outs are cut off", "alignment = shown_by(matte, alignment)", "pass",
         "what lies beyond a trimmed cut-out is guessed"),
        ("alpha is no matte", "if alpha is not None and is_cut_out(", "if alpha is None and is_cut_out(",
         "a cut-out is guessed anew"),
    ),
    *_of(
        ("tests/test_matte.py",), "inference/alignment/doubts.py",
        ("no uncertain matte", "return float((4.0 * head * (1.0 - head)).sum()", "return 0.0 * float((head).sum()",
         "nobody is told of a matte that is half a guess"),
    ),
    *_of(
        ("tests/test_colouring.py", LOCKS, TURNED), "inference/inversion/colouring.py",
        ("no mirrored texture",
         "rest = rest + mirrored_texture(shown, seen, shown_parts[..., TEXTURED], parts[..., TEXTURED])", "pass",
         "hair goes blank where the photo does not show it"),
        ("no tones of parts", "rest = guess + part_tones(shown - guess, glimpsed, shown_parts * parts, parts)",
         "rest = guess", "hidden columns have the networks' tones"),
        ("no mirror image", "mirrored = seen[:, ::-1] * alike", "mirrored = 0.0 * alike", "a hidden ear is guessed"),
        ("mirror image of another part", "mirrored = seen[:, ::-1] * alike", "mirrored = seen[:, ::-1]",
         "skin is mirrored onto hair"),
    ),
    *_of(
        ("tests/test_colouring.py", LOCKS), "inference/inversion/visibility.py",
        ("hidden columns count as seen", "there *= linear_step(HIDDEN_AT, HIDDEN_FROM, occlusion_depth)", "pass",
         "what stands in front is painted on what is behind"),
        ("grazed columns count as seen", "return there * grazing_weight(facing), ", "return there, ",
         "pixels are smeared over the sides"),
        ("the edge counts as sure", "sure = cv2.erode(matte, np.ones((5, 5), np.uint8))", "sure = matte",
         "columns take mixed pixels of the edge"),
        ("normals point inwards", "normal *= np.sign((normal * direction).sum(-1, keepdims=True))",
         "normal *= -np.sign((normal * direction).sum(-1, keepdims=True))", "nothing faces the photo"),
    ),
    *_of(
        (f"{TWIN}lifting", f"{TWIN}offsets_of_landmarks"), "inference/inversion/lifting.py",
        ("voxel front to back", "z = ((depth - CROP_DISTANCE) / VOXEL_DEPTH + 1) * slices / 2",
         "z = ((CROP_DISTANCE - depth) / VOXEL_DEPTH + 1) * slices / 2", "noses get the features of ears"),
        ("trust ignored", "colours *= np.tile(weight.ravel(), count)[:, None]", "pass",
         "grazed columns are lifted smeared"),
        ("edges lifted", "sure = cv2.erode(matte, np.ones((5, 5), np.uint8))[None]", "sure = matte[None]",
         "mixed pixels of the edge are lifted"),
        ("voxel's channels mixed up", "voxel.reshape(channels, slices, size, size).transpose(1, 2, 3, 0)",
         "voxel.reshape(slices, channels, size, size).transpose(0, 2, 3, 1)", "features land in other slices"),
        ("unused landmarks used", "offsets[list(UNUSED_LANDMARKS)] = 0.0", "pass", "the encoder sees untrained inputs"),
    ),
    *_of(
        ("tests/test_hull.py", "tests/test_golden.py"), "inference/inversion/hull.py",
        ("not carved before growing", "    radius, kept = carve(radius, matte, camera)",
         "    kept = np.ones(radius.shape, bool)", "hills stand on what is to be carved away"),
        ("not carved after growing", "grown, still = carve(radius, matte, camera)", "grown, still = radius, kept",
         "hills stand out of the silhouette"),
        ("not grown", "for _ in range(GROWTHS):", "for _ in range(0):", "ears and locks stay too short"),
        ("not smoothed", "return blurred(grown, SMOOTH * radius.shape[0] / GRID), kept & still",
         "return grown, kept & still", "the hull's steps show"),
        ("every column filled", "return radius, kept & occupied(occupancy)", "return radius, kept",
         "columns are solid where the networks see nothing"),
        ("holes left", "return found | ~np.isin(labels, border)", "return found", "the backdrop shines through necks"),
        ("between steps not interpolated", "here[inside] + (1.0 - part) * CARVE_STEP", "here[inside]",
         "the hull has steps of four millimetres"),
    ),
    *_of(
        ("tests/test_hull.py",), "inference/inversion/columns.py",
        ("one softness", "return np.tensordot(np.float32(SOFTNESS), self.parts, 1)",
         "return np.full(self.radius.shape, SOFTNESS[0], np.float32)", "hair is as hard as skin"),
    ),
    *_of(
        ("tests/test_hull.py", LOCKS), "inference/inversion/sheets.py",
        ("room swapped", "surface + ROOM_OUTSIDE, np.maximum(surface - ROOM_INSIDE, THINNEST)",
         "surface + ROOM_INSIDE, np.maximum(surface - ROOM_OUTSIDE, THINNEST)", "sheets stand off the surface"),
        ("last sheet leaks", "np.minimum((outer - radius) / step, count - 0.5 - softness)", "(outer - radius) / step",
         "deep columns are see-through"),
        ("opacities of all rays", "yield 1.0 - after / np.maximum(before, 1e-6)", "yield 1.0 - after",
         "opacities forget what has ended before"),
        ("knee ignored", "return np.where(level < KNEE, outside, ", "return np.where(level < 0, outside, ",
         "levels outside of the bulk are another's"),
    ),
    *_of(
        ("tests/test_twin.py",), "inference/inversion/decoding.py",
        ("no hem", "np.round(opacity * hem * 255)", "np.round(opacity * 255)", "the bust ends in a cut"),
        ("no rim colours", "rgb = np.round((rgb + rim[:, None] * (inside - rgb)) * 255)", "rgb = np.round(rgb * 255)",
         "soft edges mix in the backdrop"),
        ("decoder told facing 0", "texels.occlusion_depth[None, here], facing[None]",
         "texels.occlusion_depth[None, here], 0.0 * facing[None]", "the decoder trusts no pixel"),
        ("decoder told nothing is hidden", "texels.occlusion_depth[None, here], facing[None]",
         "0.0 * texels.occlusion_depth[None, here], facing[None]", "the decoder paints hidden columns with the photo"),
        ("features transposed", "features.transpose(0, 2, 3, 1)", "features.transpose(0, 3, 2, 1)",
         "features lie on their side"),
        ("features of the next sheet", "(row + 0.5) * scale, level + 0.5)", "(row + 0.5) * scale, level + 1.5)",
         "features are one sheet off"),
        ("transmittance stays", "        through -= weight", "        pass", "the back of the head is decoded, too"),
        ("all sheets where the first is", "np.float32(sheet / (count - 1))", "np.float32(0.0)",
         "pixels are looked up in front of the surface"),
        ("slight texels keep the guess", "np.where(coloured[:, None] > 0.0, surface / ",
         "np.where(coloured[:, None] > 9.0, surface / ", "half-clear sheets have other colours than the surface"),
    ),
    *_of(
        ("tests/test_view.py", LOCKS), "inference/view/render.py",
        ("no transmittance", "np.multiply(alpha, state[TRANSMITTANCE], out=weight)", "np.copyto(weight, alpha)",
         "sheets add up"),
        ("half a texel off", "np.multiply(u, np.float32(width), out=x[0])",
         "np.multiply(u + 0.5 / width, np.float32(width), out=x[0])", "pictures are shifted"),
        ("second sheet first", "state[NEXT] += entered", "state[NEXT] += 2 * entered", "rays enter every other sheet"),
        ("depth from the middle", "depth += np.float32(self.middle)", "pass", "depth counts from the head's middle"),
        ("entries where the step ended", "past = np.subtract(sheet, state[LEVEL], out=weight)",
         "past = np.multiply(state[LEVEL], 0.0, out=weight)", "colours are looked up behind the sheet"),
        ("transmittance stays in views", "        state[TRANSMITTANCE] -= weight\n", "", "sheets add up"),
        ("rays stop half-way", "OPAQUE = 1e-4", "OPAQUE = 0.5", "what half-clear sheets leave is not filled"),
        ("threads share their memory", "local = threading.local()", 'local = type("Shared", (), {})()',
         "pictures depend on the number of threads"),
        ("depth not divided", "np.divide(frame[4], alpha, out=depth, where=alpha >= 0.5)",
         "np.copyto(depth, frame[4], where=alpha >= 0.5)", "edges come nearer"),
        ("colours premultiplied", "cv2.merge([plane * weight for plane in frame[:3]])",
         "cv2.merge([plane for plane in frame[:3]])", "edges are dark"),
        ("no background plane", "    if with_plane:", "    if False:", "the wall is missing"),
    ),
    *_of(
        ("tests/test_view.py",), "inference/view/backdrop.py",
        ("plane in front", "rgba[..., 3] / 255.0 * (1.0 - frame[3])", "rgba[..., 3] / 255.0",
         "the wall shines through the sitter"),
        ("plane's depth along the ray", "depth = -t * towards", "depth = t", "depth is not along the view axis"),
        ("photo's end is the wall's", "np.where(hit, rgba", "np.where(hit & (beyond(u, v) == 0), rgba",
         "views from the side have empty strips"),
        ("no blur beyond the photo", "* (blurred - result)", "* (result - result)", "the wall repeats itself"),
    ),
    *_of(
        ("tests/test_rim.py",), "inference/view/rim.py",
        ("rim from everywhere", "near = _nearness(start, way, along)", "near = np.ones_like(along)",
         "the photo's edge is nailed to the side of the head"),
        ("rim adds nothing", "near *= _look_up(self._rim.places[WEIGHT], place)",
         "near *= alpha * _look_up(self._rim.places[WEIGHT], place)", "strands beside the sheets are missing"),
        ("rim at the camera's depth", "along = (1.0 - alpha) * (depth - base[2]) / slope[2]",
         "along = (1.0 - alpha) * (depth + 0.14 - base[2]) / slope[2]", "strands move as the wall does"),
        ("rim never averaged", "self._rim = rim.reduced(SHARPER * closer * photo.width)", "self._rim = rim",
         "thumbnails sparkle"),
        ("rim without depth", "wanted = (*seen, seen[3] * (along + np.float32(self._rays.middle)))",
         "wanted = (*seen, seen[3] * 0.0)", "strands have no depth"),
    ),
    *_of(
        ("tests/test_rim.py",), "inference/inversion/rim.py",
        ("rim keeps the backdrop", "np.clip(photo - (1.0 - alpha) * backdrop, 0.0, alpha)", "photo * alpha",
         "the old wall shines through the edge"),
        ("rim no finer than the crop", "fine = apply_affine(there(enlarged(affine, side)), photo)",
         "fine = there(enlarged(matte, side))[:, 0]", "strands are the crop's smear"),
        ("given matte refined", "if given is None:", "if True:", "a matte that is given is not taken as it is"),
        ("rim beyond the photo", "known = np.ones(matte.shape, bool) if beyond is None else ~beyond",
         "known = np.ones(matte.shape, bool)", "the photo's border becomes an edge"),
        ("rim all over", "weight = linear_step(ENDED, WHOLE, inside) * linear_step(FADED, REACH, outside)",
         "weight = np.ones_like(matte)", "the own view is the photo, not the portrait"),
    ),
    *_of(
        ("tests/test_mesh.py",), "inference/mesh/extract.py",
        ("texture upside down", "return np.stack([u, 1.0 - v], -1)", "return np.stack([u, v], -1)", "UVs are flipped"),
        ("inside out", 'gradient_direction="ascent"', 'gradient_direction="descent"', "faces look inwards"),
        ("never closed", "Dome(radius, closed)", "Dome(radius, False)", "the back stays open"),
        ("not smoothed", "radius = _smooth(surface.radius, smoothing)", "radius = surface.radius",
         "smoothing does nothing"),
        ("never reduced", "if faces is not None and len(triangles) > faces:", "if False:", "meshes keep all faces"),
    ),
    *_of(
        ("tests/test_mesh.py",), "inference/mesh/surface.py",
        ("first sheet is the surface", "np.where(np.abs(crossing - sheet) <= WINDOW, weights[sheet], 0.0)",
         "np.where(sheet == 0, weights[sheet] + 1e-3, 0.0)", "the mesh hovers over the surface"),
        ("columns not composited", "        transmittance -= weight\n", "", "the back sheets' colours shine through"),
    ),
    *_of(
        (f"{ALIGNMENT}known_pose_is_recovered", f"{ALIGNMENT}refused_faces_say_why",
         f"{ALIGNMENT}the_first_guess_of_the_crop_is_exact_for_exact_landmarks",
         f"{ALIGNMENT}the_camera_of_inexact_landmarks_stands_upright_on_the_orbit"), "inference/alignment/align.py",
        ("roll the other way", "return math.atan2(rotation[0, 1], rotation[1, 1])",
         "return -math.atan2(rotation[0, 1], rotation[1, 1])", "tilted heads tilt twice"),
        ("crop too large", "scale * CROP_SIZE / (orbit_camera().fx / CROP_DISTANCE)",
         "1.05 * scale * CROP_SIZE / (orbit_camera().fx / CROP_DISTANCE)", "heads are small in the crop"),
        ("not recentred", "for again in (True, True, False):", "for again in (False,):", "the camera is off its orbit"),
        ("any turn accepted", "if max(abs(alignment.yaw), abs(alignment.pitch)) > MAX_TURN:\n        raise",
         "if False:\n        raise", "profiles go through"),
    ),
    *_of(
        (f"{ALIGNMENT}known_pose_is_recovered", f"{ALIGNMENT}an_open_mouth_does_not_turn_the_head",
         f"{ALIGNMENT}wrong_landmarks_do_not_move_the_camera"), "inference/alignment/pose.py",
        ("all landmarks alike", "return (1.0 - 0.8 * below) * (1.0 - 0.7 * aside)",
         "return np.ones_like(below)", "an open mouth turns the head"),
        ("outliers count in full", "(ROBUST_SCALE**2 / (square + ROBUST_SCALE**2)) ** 2", "square**0",
         "a wrong landmark turns the head"),
        ("one start", "START_YAWS = (0.0, -40.0, 40.0)", "START_YAWS = (120.0,)", "the pose is a local minimum"),
    ),
    *_of(
        (f"{ALIGNMENT}yaw_and_pitch_by_hand_turn_the_camera_by_just_that",), "inference/alignment/pose.py",
        ("turn by hand ignored", "if yaw is not None or pitch is not None:", "if False:", "yaw and pitch do nothing"),
        ("head left where it was", "rotation, translation, turns=False)", "rotation, translation, turns=True)",
         "what is set is fitted away"),
    ),
    *_of(
        (f"{ALIGNMENT}astronaut", f"{ALIGNMENT}several_faces_largest_first"), "inference/alignment/detection.py",
        ("smallest face first", "key=lambda face: -face.score * face_square(face.landmarks)[1]",
         "key=lambda face: face.score * face_square(face.landmarks)[1]", "a bystander is inverted"),
    ),
    *_of(
        (f"{ALIGNMENT}astronaut", f"{ALIGNMENT}several_faces_largest_first"), "inference/alignment/landmarks.py",
        ("eyes swapped", "RIGHT_EYE, LEFT_EYE = 33, 263", "RIGHT_EYE, LEFT_EYE = 263, 33",
         "faces are taken to stand on their heads"),
    ),
    *_of(
        (f"{ALIGNMENT}crop_lands_where_the_affine_says",), "inference/photo/warp.py",
        ("crop half a pixel off", "shrink * (linear @ (0.5, 0.5) + offset - (x0, y0)) - 0.5",
         "shrink * (linear @ (0.5, 0.5) + offset - (x0, y0))", "the crop is shifted against its camera"),
    ),
    *_of(
        ("tests/test_segmentation.py",), "inference/inversion/segmentation.py",
        ("own matte alone", "return sigmoid(np.clip(matte_logits, -TRUST, TRUST) + np.log(mask / (1.0 - mask)))",
         "return sigmoid(matte_logits)", "streets and trees become head"),
        ("sure of itself", "np.clip(matte_logits, -TRUST, TRUST)", "matte_logits",
         "the own matte outvotes the segmentation"),
        ("holes stay", "hole = ~joined & ~np.isin(labels, border)", "hole = np.zeros_like(joined)",
         "the subject has holes"),
        ("others stay", "np.where(hole, 1.0, matte * near)", "np.where(hole, 1.0, matte)",
         "bystanders become head"),
        ("edge left where it was", "return np.clip(EDGE_GAIN * (filtered - 0.5) + 0.5, 0.0, 1.0)", "return matte",
         "edges lie where 256 pixels of a network put them"),
    ),
    *_of(
        (f"{ALIGNMENT}photos_on_their_side_and_upside_down",), "inference/alignment/detection.py",
        ("never turned", "for quarters in (1, 3, 2):", "for quarters in ():", "photos on their side have no face"),
        ("turned the wrong way", "1: (width - y, x)", "1: (y, height - x)", "the landmarks lie beside the face"),
    ),
    *_of(
        (f"{ALIGNMENT}doubts",), "inference/alignment/doubts.py",
        ("no doubt about the border", "if outside > BEYOND:", "if False:", "tight photos are not warned of"),
        ("no doubt about the photo's side", "if abs(alignment.roll) > ROLLED:", "if False:",
         "turned photos are not warned of"),
    ),
    *_of(
        ("tests/test_pipeline.py::test_several_faces",), "inference/pipeline.py",
        ("last face by default", "return faces[0], len(faces)", "return faces[-1], len(faces)",
         "a bystander is inverted"),
        ("chosen face ignored", "return faces[face], len(faces)", "return faces[0], len(faces)", "--face does nothing"),
    ),
)  # fmt: skip
