"""GLSL of the passes: one surface shader for camera and dome passes, one for depth only, one for texture baking."""

SURFACE_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position; in vec2 uv; in vec3 normal; in vec3 light; in float cover;
out vec2 f_uv; out vec3 f_normal; out vec3 f_light; out float f_cover;
void main() {
    gl_Position = projection * vec4(position, 1.0);
    f_uv = uv; f_normal = normal; f_light = light; f_cover = cover;
}
"""

SURFACE_FRAGMENT = """
#version 330
const int SKIN = 0, HAIR = 1, CLOTH = 2, PLAIN = 3, STRANDS = 4;
uniform int kind;
uniform sampler2D image, paint, noise;
uniform vec3 gain;         // linear colour factor (SKIN, CLOTH), target colour (HAIR, PLAIN, STRANDS)
uniform float power;       // contrast exponent on the linear texture
uniform float mean_luminance;
uniform float opacity;
uniform vec3 beard_colour, scalp_colour, lip_colour, lid_colour;
uniform float beard, scalp, scalp_hair, lips, lids, blotches;
uniform vec2 noise_scale;
uniform vec3 half_vectors[2]; uniform vec3 light_colours[2];
uniform float shine, gloss;
uniform int holds;         // COLOUR, LABEL or LIGHT of passes.py
uniform float brightest;   // light that is written as white
uniform vec3 label;        // skin, hair, cloth
in vec2 f_uv; in vec3 f_normal; in vec3 f_light; in float f_cover;
out vec4 colour;

float dither() {  // four levels in a block of 2 x 2 samples, shuffled per primitive so that layers add up
    ivec2 p = ivec2(gl_FragCoord.xy);
    int cell = (p.x & 1) + 2 * (p.y & 1);
    int h = (gl_PrimitiveID * 2654435 + (p.x >> 1) * 374761 + (p.y >> 1) * 668265) ^ (gl_PrimitiveID >> 3);
    int rank = (cell + (h >> 4)) & 3;
    float jitter = float((h >> 9) & 255) / 255.0;
    return (float(rank) + 0.15 + 0.7 * jitter) / 4.0;
}

void main() {
    vec4 texel = texture(image, f_uv);
    vec3 albedo = pow(texel.rgb, vec3(2.2));
    float alpha = 1.0, hairy = 0.0;
    vec4 grain = texture(noise, f_uv * noise_scale);
    if (kind == SKIN) {
        vec4 mask = texture(paint, f_uv);
        vec4 blotch = texture(noise, f_uv * 7.0);
        albedo = pow(albedo, vec3(power)) * gain;
        albedo *= 1.0 + blotches * (vec3(0.5, 1.0, 1.0) * (blotch.g - 0.5) + 0.6 * (grain.g - 0.5));
        albedo *= mix(vec3(1.0), lip_colour, mask.b * lips);
        albedo *= mix(vec3(1.0), lid_colour, mask.a * lids);
        float hairs = smoothstep(0.75, 0.35, grain.r + 0.6 * (0.5 - mask.r));
        float bearded = clamp(mask.r * beard * (0.35 + 0.65 * hairs), 0.0, 0.97), shaved = clamp(mask.g * scalp, 0.0, 1.0);
        albedo = mix(albedo, beard_colour, bearded);
        albedo = mix(albedo, scalp_colour * (0.75 + 0.5 * grain.r), shaved);
        hairy = max(bearded, shaved * scalp_hair);  // a bald scalp is painted too, over the picture's own hair
    } else if (kind == HAIR) {
        float luminance = dot(albedo, vec3(0.3, 0.59, 0.11)) / mean_luminance;
        albedo = gain * pow(clamp(luminance, 0.05, 2.6), power);
        alpha = clamp(texel.a * opacity, 0.0, 1.0);
    } else if (kind == CLOTH) {
        albedo = pow(albedo, vec3(power)) * gain;
    } else if (kind == STRANDS) {
        vec4 fine = texture(noise, f_uv * noise_scale * vec2(3.3, 1.7) + 0.31);
        albedo = gain * pow(0.45 + 0.75 * grain.b + 0.35 * fine.b, power);
        alpha = smoothstep(0.0, 0.3, f_cover * opacity - 0.6 * fine.b - 0.4 * grain.b);
    } else {
        albedo = gain * (0.9 + 0.2 * grain.r);
        alpha = opacity;
    }
    if (alpha < dither()) discard;
    if (holds == 2) { colour = vec4(pow(clamp(f_light / brightest, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0); return; }
    if (holds == 1) { colour = vec4(mix(label, vec3(0.0, 1.0, 0.0), hairy), 1.0); return; }
    vec3 n = normalize(f_normal);
    vec3 c = albedo * f_light;
    for (int i = 0; i < 2; i++)
        c += shine * light_colours[i] * pow(max(dot(n, half_vectors[i]), 0.0), gloss)
             * min(1.0, dot(f_light, vec3(0.4)));
    c = mix(c, 0.8 + 0.2 * (1.0 - exp(-(c - 0.8) / 0.2)), step(0.8, c));
    colour = vec4(pow(max(c, 0.0), vec3(1.0 / 2.2)), 1.0);
}
"""

DEPTH_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position;
void main() { gl_Position = projection * vec4(position, 1.0); }
"""

DEPTH_FRAGMENT = """
#version 330
void main() {}
"""

BAKE_VERTEX = """
#version 330
in vec2 uv; in vec3 position;
out vec3 f_position;
void main() { gl_Position = vec4(2.0 * uv - 1.0, 0.0, 1.0); f_position = position; }
"""

BAKE_FRAGMENT = """
#version 330
in vec3 f_position;
out vec4 colour;
void main() { colour = vec4(f_position, 1.0); }
"""
