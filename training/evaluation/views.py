"""Views as they are compared: over a backdrop, above the collar, from two sides."""

import dataclasses

import numpy as np

from inference.geometry.cameras import orbit_camera
from inference.view.render import render_view
from training.evaluation.metrics import CONSISTENCY_ANGLE, consistency, turned

TURNS = {"identity_left": -30.0, "identity_right": 30.0}  # yaw in degrees from which a face is recognised or not
COLLAR = -0.105  # metres below the head centre; silhouettes and pictures are compared above it



def above_collar(camera):
    """Bool mask (h, w) of the crop above the collar."""
    mask = np.zeros((camera.height, camera.width), bool)
    row = camera.project(np.array([0.0, COLLAR, 0.03]))[0][1]
    mask[: int(np.clip(row, 1, camera.height))] = True
    return mask


def of_sheets_alone(portrait, camera):
    """A view without the photo's rim, which hides from near the photo's camera what the surface lacks."""
    return render_view(dataclasses.replace(portrait, rim=None), camera)


def over(view, colour):
    """A view over a colour or picture: (h, w, 3) float32."""
    alpha = view.alpha[..., None]
    return view.color * alpha + np.asarray(colour, np.float32) * (1 - alpha)


def to_bytes(image):
    return np.round(image * 255).clip(0, 255).astype(np.uint8)


def measure_consistency(portrait, photo, view):
    """Consistency between the photo's view and views turned by 20° to either side; means over the sides."""
    row = {"consistency_photo": [], "consistency": [], "consistency_share": []}
    for degrees in (-CONSISTENCY_ANGLE, CONSISTENCY_ANGLE):
        camera = turned(portrait.camera, degrees)
        other = render_view(portrait, camera)
        row["consistency_photo"].append(consistency(photo, view, portrait.camera, other, camera)[0])
        decibels, visible = consistency(view.color, view, portrait.camera, other, camera)
        row["consistency"].append(decibels)
        row["consistency_share"].append(visible)
    return {name: float(np.mean(values)) for name, values in row.items()}


def measure_identity(views, reference, identity):
    """Distances of faces' descriptors to a reference; None for a view in which no face is found.

    views: {name: :class:`inference.view.render.View`}; identity: :class:`.metrics.Identity`.
    """
    row = {}
    for name, view in views.items():
        found = identity(to_bytes(over(view, 0.5)))
        row[name] = None if found is None else float(np.linalg.norm(found - reference))
    return row


def views_from_the_sides(portrait):
    """Views from :data:`TURNS`, {name: :class:`inference.view.render.View`}."""
    return {name: render_view(portrait, orbit_camera(yaw=yaw)) for name, yaw in TURNS.items()}
