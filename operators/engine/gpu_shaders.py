"""The GPU's programs: they march and composite ray by ray as :mod:`inference.view` does, and are held to its pictures.

Only what OpenGL, Metal and Vulkan all take: no `discard`, no array constructors, no derivatives, 32 bit floats looked
up unfiltered, and no variable named like a push constant, which is a macro in Vulkan. Images have row 0 on top.
"""

import functools
import math

from ...inference.geometry import domes
from ...inference.geometry.background import BACKGROUND_HALF, BACKGROUND_Z
from .composite import FAR, LEAST_SEEN

MAX_SPANS = 64  # between bounds of the sheets; as many as a portrait file can have sheets
MAX_STEPS = 1024  # of a ray, so that none can hold up the GPU; a ray that grazes takes a tenth

# What every fragment of a portrait knows. The names are those of `inference.view` and of `placement`.
VIEW = """
struct View {
  vec4 start_x, start_y, start_base;  /* of a ray, metres per pixel and metres; in .w of _base: depth where it starts */
  vec4 way_x, way_y, way_base;        /* per metre of depth; in .w of _base: the least depth, less where it starts */
  vec4 pixels;                        /* of the rigid camera: cx, cy, shear, width of a mirrored image or 0 */
  vec4 depths;                        /* cx, cy of the camera that was asked for, tilt to the right and up */
  vec4 cover;                         /* cells per pixel across and down, less the first cell's number */
  vec4 sheets;                        /* count, of bounds, spacing, thickness or 0 */
  vec4 detail;                        /* share of the coarser map, 1 if there is a map, units per metre, 1 if holdout */
  vec4 spans[MAX_SPANS / 4];
  vec4 rim;                           /* left, top, right, bottom of the pixels that may show the rim; 0 without one */
  vec4 photo;                         /* camera of the rim in the sheets' frame, and how far from it the edge lies */
  vec4 lens_x, lens_y, lens_z;        /* as of inference.view.rim.SeenRim */
};
"""

# at: pixels of the whole image. The ray: start + (depth - middle) * way, in the sheets' frame.
RAYS = """
vec2 in_rigid_image(vec2 at)
{
  float across = view.pixels.w > 0.0 ? view.pixels.w - at.x : at.x;
  return vec2(across + view.pixels.z * (view.depths.y - at.y), at.y) - view.pixels.xy;
}

/* Layers of holdouts are black and count by how much they hide, which is told apart by its sign. */
vec4 as_layer(vec4 found)
{
  return view.detail.w > 0.0 ? vec4(0.0, 0.0, 0.0, -found.a) : found;
}

float in_units(float depth)
{
  vec2 aside = vec2(at.x - view.depths.x, view.depths.y - at.y);
  return depth * view.detail.z + dot(view.depths.zw, aside);
}
"""

DOMES = """
vec3 dome_coordinates(vec3 p) /* u, v, radius */
{
  float azimuth = atan(-p.x, -p.z) / MAX_AZIMUTH;
  float u = 0.5 + 0.5 * azimuth + 0.5 * AZIMUTH_WARP / PI * sin(PI * azimuth);
  float across = length(p.xz);
  float above = max(p.y, 0.0);
  float elevation = atan(above, across) / MAX_ELEVATION;
  float top = 1.0 - EQUATOR_V;
  float v = top * (1.0 - elevation * (1.0 + ELEVATION_WARP * (1.0 - elevation)));
  v += EQUATOR_V * min(p.y, 0.0) / BOTTOM_Y;
  return vec3(u, v, length(vec2(across, above)));
}
"""

# The rim's picture and its places have a ring of nothing around them. start: of a ray, less the photo's camera.
RIM = """
vec3 in_photo(vec3 p) /* x and y of the rim's square, [0, 1], times the depth for the photo, and that depth */
{
  return vec3(dot(view.lens_x.xyz, p), dot(view.lens_y.xyz, p), dot(view.lens_z.xyz, p));
}

vec3 rim_place(vec3 p) /* depth of the edge, above 0 where the rim may lie, weight */
{
  ivec2 last = textureSize(rim_places, 0).xy - 2;
  vec2 where = clamp(p.xy / p.z * vec2(last) + 0.5, vec2(0.0), vec2(last + 1));
  ivec2 cell = min(ivec2(where), last);
  vec2 share = where - vec2(cell);
  vec3 upper = mix(texelFetch(rim_places, cell, 0).xyz, texelFetch(rim_places, cell + ivec2(1, 0), 0).xyz, share.x);
  cell.y += 1;
  vec3 lower = mix(texelFetch(rim_places, cell, 0).xyz, texelFetch(rim_places, cell + ivec2(1, 0), 0).xyz, share.x);
  return mix(upper, lower, share.y);
}

vec4 rim_colour(vec3 p)
{
  vec2 size = vec2(textureSize(rim_picture, 0).xy);
  return textureLod(rim_picture, (p.xy / p.z * (size - 2.0) + 1.0) / size, 0.0);
}

/* How far the rim tells what a ray shows, and where along the ray that lies. found: alpha, and alpha times where. */
vec2 rim_of_ray(vec3 start, vec3 way, vec2 found)
{
  vec3 base = in_photo(start);
  vec3 slope = in_photo(way);
  vec2 weighted = vec2(0.0);
  if (slope.z > ASIDE) {
    float along = (view.photo.w - base.z) / slope.z;
    vec3 edge = rim_place(base + along * slope);
    vec3 point = start + along * way;
    float cosine = dot(point, way) * inversesqrt(dot(point, point) * dot(way, way));
    float near = edge.y > 0.0 ? smoothstep(COS_OTHER, COS_SAME, cosine) : 0.0;
    if (near > 0.0) {
      along = (1.0 - found.x) * (edge.x - base.z) / slope.z + found.y;
      weighted = vec2(near * rim_place(base + along * slope).z, along);
    }
  }
  return weighted;
}
"""

MARCH = """
float radius_at(vec2 uv, int bound)
{
  ivec2 last = textureSize(bounds, 0).xy - 1;
  vec2 place = clamp(uv * vec2(last + 1), vec2(0.0), vec2(last + 1) - 1e-4);
  ivec2 cell = min(ivec2(place), last);
  vec2 share = place - vec2(cell);
  vec4 corners = texelFetch(bounds, ivec3(cell, bound), 0);
  vec2 across = mix(corners.xz, corners.yw, share.x);
  return mix(across.x, across.y, share.y);
}

float level_at(vec3 place)
{
  int last = int(view.sheets.y) - 2;
  float above = radius_at(place.xy, 0);
  float level = 0.0;
  for (int index = 0; index <= last; index++) {
    float below = above - view.sheets.w;
    if (view.sheets.w == 0.0) {
      below = radius_at(place.xy, index + 1);
    }
    float share = (above - place.z) / max(above - below, LEAST_GAP);
    share = index > 0 ? max(share, 0.0) : share;
    share = index < last ? min(share, 1.0) : share;
    level += share * view.spans[index / 4][index % 4];
    above = below;
  }
  return level;
}

float step_from(float level, float slope)
{
  float within = clamp(abs((floor(level) - level + 1.0 + PASSED) * slope), SHORTEST, LONGEST);
  return max(within, min(-level * view.sheets.z * SHARE, APART));
}

void main()
{
  colour = vec4(0.0);
  order = 0.0;
  vec2 pixel = in_rigid_image(at);
  ivec2 cell = ivec2(clamp(floor(pixel * view.cover.xy), -WIDEST, WIDEST) - view.cover.zw);
  cell = clamp(cell, ivec2(0), textureSize(cover, 0) - 1);
  vec2 reach = texelFetch(cover, cell, 0).xy;
  float depth = max(reach.x, view.way_base.w);
  float end = reach.y;
  vec3 start = pixel.x * view.start_x.xyz + (pixel.y * view.start_y.xyz + view.start_base.xyz);
  vec3 way = pixel.x * view.way_x.xyz + (pixel.y * view.way_y.xyz + view.way_base.xyz);
  float distance = 0.0;
  if (end > depth) {
    float count = view.sheets.x;
    vec3 place = dome_coordinates(start + depth * way);
    float level = level_at(place);
    float next = max(floor(level) + 1.0, 0.0);
    float length_of_step = step_from(level, 0.0);
    bool inside_out = level >= count - 1.0; /* rays that start within all sheets come out first */
    float transmittance = 1.0;
    for (int turn = 0; turn < MAX_STEPS; turn++) {
      if (depth > end || (next >= count && !inside_out) || transmittance <= OPAQUE) {
        break;
      }
      float moved = depth + length_of_step;
      vec3 there = dome_coordinates(start + moved * way);
      float reached = level_at(there);
      float rise = reached - level + 1e-12;
      vec3 slope = vec3(there.xy - place.xy, length_of_step) / rise;
      slope.x = abs(there.x - place.x) > 0.5 ? 0.0 : slope.x; /* across the seam behind the head */
      depth = moved;
      place = there;
      level = reached;
      length_of_step = step_from(level, slope.z);
      if (inside_out) {
        inside_out = level >= 0.0;
        next = 0.0;
        continue;
      }
      while (next <= level && next < count && transmittance > OPAQUE) {
        float past = next - level;
        vec2 uv = place.xy + past * slope.xy;
        if (all(greaterThan(uv, vec2(0.0))) && all(lessThan(uv, vec2(1.0)))) {
          vec4 found = textureLod(textures, vec3(uv, next), 0.0);
          float weight = found.a * transmittance;
          transmittance -= weight;
          colour += vec4(found.rgb, 1.0) * weight;
          distance += weight * (depth + past * slope.z);
        }
        next += 1.0;
      }
    }
    if (colour.a > 0.0 && view.detail.y > 0.0) {
      vec2 uv = dome_coordinates(start + distance / colour.a * way).xy;
      vec3 residual = mix(textureLod(fine, uv, 0.0).rgb, textureLod(coarse, uv, 0.0).rgb, view.detail.x);
      if (all(greaterThan(uv, vec2(0.0))) && all(lessThan(uv, vec2(1.0)))) {
        colour.rgb = clamp(colour.rgb + colour.a * (residual - NO_DETAIL), 0.0, colour.a);
      }
    }
  }
  if (all(greaterThan(at, view.rim.xy)) && all(lessThan(at, view.rim.zw))) {
    vec3 from_photo = start - view.photo.xyz;
    vec2 edge = rim_of_ray(from_photo, way, vec2(colour.a, distance));
    if (edge.x > 0.0) {
      vec4 shown = rim_colour(in_photo(from_photo + edge.y * way));
      colour = mix(colour, shown, edge.x);
      distance = mix(distance, shown.a * edge.y, edge.x);
    }
  }
  if (colour.a > 0.0) {
    order = in_units(distance / colour.a + view.start_base.w);
    colour = as_layer(colour);
  }
}
"""

BACKDROP = """
void main()
{
  colour = vec4(0.0);
  order = 0.0;
  vec2 pixel = in_rigid_image(at);
  vec3 start = pixel.x * view.start_x.xyz + (pixel.y * view.start_y.xyz + view.start_base.xyz);
  vec3 way = pixel.x * view.way_x.xyz + (pixel.y * view.way_y.xyz + view.way_base.xyz);
  /* the plane's frame: x and z the other way round, origin at the head's centre */
  float towards = -way.z;
  float depth = (BACKGROUND_Z - AXIS_Z + start.z) / towards;
  if (towards < 0.0 && depth > view.way_base.w) {
    vec3 point = start + depth * way;
    vec2 uv = 0.5 + 0.5 * vec2(-point.x, -point.y - EQUATOR_Y) / BACKGROUND_HALF;
    vec4 found = textureLod(continued, (uv + 1.0) / 3.0, 0.0);
    vec2 outside = max(abs(uv - 0.5) - 0.5, vec2(0.0));
    colour = as_layer(vec4(found.rgb * found.a, found.a));
    order = in_units(depth + view.start_base.w + 2.0 * BACKGROUND_HALF * BEND * length(outside));
  }
}
"""

# Layers of all portraits to one picture; each is sorted by its distance, the nearest in front. Samples are averaged.
COMBINE = """
float linear(float c)
{
  return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* The nearest of the layers behind one at a distance. Layers lie below each other. */
int nearest_behind(int layer, float distance, ivec2 texel, ivec2 next)
{
  int found = -1;
  float nearest = 0.0;
  for (int other = 0; other < count; other++) {
    float away = texelFetch(orders, texel + other * next, 0).x;
    bool farther = layer < 0 || away > distance || (away == distance && other > layer);
    if (farther && (found < 0 || away < nearest)) {
      nearest = away;
      found = other;
    }
  }
  return found;
}

void main()
{
  ivec2 first = ivec2(floor(at)) * samples;
  ivec2 next = ivec2(0, textureSize(orders, 0).y / count);
  colour = vec4(0.0);
  vec2 nearest = vec2(FAR); /* of what covers half of a sample, and of what is seen at all */
  float shown = 0.0;
  for (int index = 0; index < samples * samples; index++) {
    ivec2 texel = first + ivec2(index % samples, index / samples);
    vec4 mixed = vec4(0.0);
    vec2 depth = vec2(FAR);
    float hole = FAR;
    float through = 1.0;
    int layer = -1;
    float distance = 0.0;
    for (int rank = 0; rank < count; rank++) {
      layer = count == 1 ? 0 : nearest_behind(layer, distance, texel, next);
      distance = texelFetch(orders, texel + layer * next, 0).x;
      vec4 found = texelFetch(colours, texel + layer * next, 0);
      float hidden = min(abs(found.a), 1.0);
      bool holdout = found.a < 0.0;
      mixed += holdout ? vec4(0.0) : through * found;
      through *= 1.0 - hidden;
      hole = holdout && hidden >= 0.5 ? min(hole, distance) : hole;
      depth.x = !holdout && hidden >= 0.5 ? min(depth.x, distance) : depth.x;
      depth.y = !holdout && hidden >= LEAST_SEEN ? min(depth.y, distance) : depth.y;
    }
    nearest.x = hole < depth.x ? nearest.x : min(nearest.x, depth.x);
    nearest.y = hole < depth.y ? nearest.y : min(nearest.y, depth.y);
    shown += through;
    if (mixed.a > 0.0) {
      float alpha = min(mixed.a, 1.0);
      vec3 straight = mixed.rgb / alpha;
      colour += alpha * vec4(linear(straight.r), linear(straight.g), linear(straight.b), 1.0);
    }
  }
  float share = 1.0 / float(samples * samples);
  colour *= share;
  behind = vec4(nearest, shown * share, 0.0);
}
"""

# A picture into a viewport, whose own depth then tells where it stands.
PRESENT = """
void main()
{
  ivec2 size = textureSize(behind, 0);
  vec4 there = texelFetch(behind, clamp(ivec2(at * vec2(size)), ivec2(0), size - 1), 0);
  colour = textureLod(picture, at, 0.0) + there.z * backdrop.a * vec4(backdrop.rgb, 1.0);
#ifdef WRITES_DEPTH
  vec2 clip = vec2(projection.y - projection.x * there.x, projection.w - projection.z * there.x);
  gl_FragDepth = there.x < FAR ? clamp(0.5 + 0.5 * clip.x / clip.y, 0.0, 1.0) : 1.0;
#endif
}
"""

# corner: of the unit square. placed, seen: rectangles (left, bottom, width, height) of the target, -1 to 1, and of `at`
CORNERS = """
void main()
{
  gl_Position = vec4(placed.xy + corner * placed.zw, 0.0, 1.0);
  at = seen.xy + corner * seen.zw;
}
"""

# name: source, samplers (type, name), whether it knows a view, push constants (type, name), outputs (type, name)
PROGRAMS = {
    "march": (
        RAYS + DOMES + RIM + MARCH,
        [
            *(("2D_ARRAY", name) for name in ("textures", "bounds")),
            *(("2D", name) for name in ("cover", "fine", "coarse", "rim_picture", "rim_places")),
        ],
        True,
        [],
        [("VEC4", "colour"), ("FLOAT", "order")],
    ),
    "backdrop": (RAYS + BACKDROP, [("2D", "continued")], True, [], [("VEC4", "colour"), ("FLOAT", "order")]),
    "combine": (
        COMBINE,
        [("2D", "colours"), ("2D", "orders")],
        False,
        [("INT", "samples"), ("INT", "count")],
        [("VEC4", "colour"), ("VEC4", "behind")],
    ),
    "present": (
        PRESENT,
        [("2D", "picture"), ("2D", "behind")],
        False,
        [("VEC4", "projection"), ("VEC4", "backdrop")],
        [("VEC4", "colour")],
    ),
}


@functools.cache
def program(name):
    """The GPUShader of a name in PROGRAMS, made at first use. Raises RuntimeError where the driver refuses it."""
    import gpu

    source, samplers, knows_view, constants, outputs = PROGRAMS[name]
    info, passed = gpu.types.GPUShaderCreateInfo(), gpu.types.GPUStageInterfaceInfo(f"portrait_manifolds_{name}")
    for constant, value in _constants().items():
        info.define(constant, f"({value})")
    passed.smooth("VEC2", "at")
    info.vertex_in(0, "VEC2", "corner")
    info.vertex_out(passed)
    for kind, constant in (("VEC4", "placed"), ("VEC4", "seen"), *constants):
        info.push_constant(kind, constant)
    for slot, (kind, sampler) in enumerate(samplers):
        info.sampler(slot, f"FLOAT_{kind}", sampler)
    if knows_view:
        info.typedef_source(VIEW)
        info.uniform_buf(0, "View", "view")
    for slot, (kind, output) in enumerate(outputs):
        info.fragment_out(slot, kind, output)
    if name == "present" and _writes_depth(info):
        info.define("WRITES_DEPTH")
    info.vertex_source(CORNERS)
    info.fragment_source(source)
    return gpu.shader.create_from_info(info)


def _writes_depth(info):
    """Let a program write depth, where Blender can be told: before 4.5 it cannot, and OpenGL needs no word."""
    import gpu

    if hasattr(info, "depth_write"):
        info.depth_write("ANY")
        return True
    return gpu.platform.backend_type_get() == "OPENGL"


def forget():
    """Drop all programs, while there is a GPU context."""
    program.cache_clear()


def _constants():
    """{name: value} of what the sources take from the engine, so that nothing is written down twice."""
    from ...inference.geometry import detail_maps
    from ...inference.view import backdrop, cover, march, render, rim, shells

    return {
        "APART": march.APART,
        "ASIDE": rim.ASIDE,
        "AXIS_Z": domes.AXIS_Z,
        "AZIMUTH_WARP": domes.AZIMUTH_WARP,
        "BACKGROUND_HALF": BACKGROUND_HALF,
        "BACKGROUND_Z": BACKGROUND_Z,
        "BEND": backdrop.BEND,
        "BOTTOM_Y": domes.BOTTOM_Y - domes.EQUATOR_Y,
        "COS_OTHER": math.cos(math.radians(rim.OTHER)),
        "COS_SAME": math.cos(math.radians(rim.SAME)),
        "ELEVATION_WARP": domes.ELEVATION_WARP,
        "EQUATOR_V": domes.EQUATOR_V,
        "EQUATOR_Y": domes.EQUATOR_Y,
        "FAR": FAR,
        "LEAST_SEEN": LEAST_SEEN,
        "LEAST_GAP": shells.THINNEST * 1e-3,
        "LONGEST": march.LONGEST,
        "MAX_AZIMUTH": float(domes.MAX_AZIMUTH),
        "MAX_ELEVATION": float(domes.MAX_ELEVATION),
        "MAX_SPANS": MAX_SPANS,
        "MAX_STEPS": MAX_STEPS,
        "NO_DETAIL": detail_maps.NO_DETAIL / 255,
        "OPAQUE": render.OPAQUE,
        "PASSED": march.PASSED,
        "PI": math.pi,
        "SHARE": march.SHARE,
        "SHORTEST": march.SHORTEST,
        "WIDEST": float(cover.WIDEST),
    }
