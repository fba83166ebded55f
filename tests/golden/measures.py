"""How well a portrait of a golden head shows the truth, in decibels and the like; higher is better but for depth."""

import functools

import cv2
import numpy as np

from inference.view.render import render_plane, render_view
from tests.golden.heads import backdrop, over

OWN = "own_view", "rim", "fringe", "silhouette", "depth", "backdrop"
NOVEL = "novel_view", "novel_silhouette", "hidden", "texture"
COLLAR = (0.0, -0.105, 0.03)  # metres; above this point a view is compared, below it generated clothes are guesswork


def psnr(a, b, where):
    """Peak signal-to-noise ratio in dB of images (h, w, 3) in [0, 1] over a mask (h, w) bool."""
    assert where.any(), "nothing to compare"
    return float(-10 * np.log10(np.mean((a[where].astype(np.float64) - b[where]) ** 2) + 1e-12))


def iou(a, b):
    """Intersection over union of two masks."""
    return float((a & b).sum() / (a | b).sum())


def fine(image):
    """What of an image is finer than five pixels."""
    return image - cv2.GaussianBlur(image, (0, 0), 2.5)


class Measures:
    """Measures of one portrait against its :class:`tests.golden.heads.Head`; every view is rendered once."""

    def __init__(self, portrait, head):
        self.portrait, self.head = portrait, head

    @functools.cached_property
    def own(self):
        return render_view(self.portrait, self.portrait.camera, threads=1)

    @functools.cached_property
    def novel(self):
        return [render_view(self.portrait, view.camera, threads=1) for view in self.head.views]

    def _above(self, camera):
        mask = np.zeros((camera.height, camera.width), bool)
        mask[: int(camera.project(np.array(COLLAR))[0][1])] = True
        return mask

    def own_view(self):
        """The photo again, where it shows nothing but the subject."""
        photo = self.head.photo
        return psnr(self.own.color, photo.colour, (photo.alpha > 0.98) & (self.own.alpha > 0.5))

    def rim(self):
        """Four pixels along the silhouette, to either side of it."""
        photo = self.head.photo
        inside = cv2.erode((photo.alpha > 0.98).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        where = (photo.alpha > 0.3) & ~inside & (self.own.alpha > 0.2) & self._above(photo.camera)
        return psnr(self.own.color, photo.colour, where)

    def fringe(self):
        """Pixels of the photo through which the backdrop shines: the subject's own colour there."""
        photo = self.head.photo
        where = (photo.alpha > 0.1) & (photo.alpha < 0.95) & (self.own.alpha > 0.1) & self._above(photo.camera)
        return psnr(self.own.color, photo.colour, where)

    def silhouette(self):
        """Intersection over union with the exact matte, per cent."""
        photo = self.head.photo
        above = self._above(photo.camera)
        return 100 * iou((self.own.alpha > 0.5) & above, (photo.alpha > 0.5) & above)

    def depth(self):
        """Median depth error of the photo's view above the collar, millimetres."""
        photo = self.head.photo
        where = np.isfinite(photo.depth) & np.isfinite(self.own.depth) & self._above(photo.camera)
        return 1000 * float(np.median(np.abs(self.own.depth[where] - photo.depth[where])))

    def novel_view(self, index):
        """Another view of the subject before grey."""
        truth, seen = self.head.views[index], self.novel[index]
        subject = cv2.dilate(((truth.alpha > 0.5) | (seen.alpha > 0.5)).astype(np.uint8), np.ones((5, 5), np.uint8))
        found = over(np.dstack([seen.color, seen.alpha]), 0.5)
        return psnr(found, over(truth.rgba, 0.5), (subject > 0) & self._above(truth.camera))

    def novel_silhouette(self, index):
        truth, above = self.head.views[index], self._above(self.head.views[index].camera)
        return 100 * iou((self.novel[index].alpha > 0.5) & above, (truth.alpha > 0.5) & above)

    def _hidden(self, index):
        truth = self.head.views[index]
        where = np.isfinite(truth.depth) & (truth.alpha > 0.9) & (self.novel[index].alpha > 0.8)
        return where & self.head.photo.hides(truth.points()) & self._above(truth.camera)

    def hidden(self, index):
        """Colours of another view where the photo does not see the head's surface."""
        return psnr(self.novel[index].color, self.head.views[index].colour, self._hidden(index))

    def texture(self, index):
        """Fine texture where the photo sees nothing: its strength against the truth's, dB."""
        where = cv2.erode(self._hidden(index).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        found, truth = (fine(image)[where].std() for image in (self.novel[index].color, self.head.views[index].colour))
        return 20 * float(np.log10(found / truth))

    def backdrop(self):
        """The wall behind the sitter, whom nobody would find on it."""
        plane = render_plane(self.portrait.textures[-1], self.portrait.camera)[:3].transpose(1, 2, 0)
        return psnr(plane, backdrop(), self.head.photo.alpha > 0.5)


def table(measures):
    """All measures of a golden head by name: {name: number}."""
    views = range(len(measures.head.views))
    found = {name: getattr(measures, name)() for name in OWN}
    return found | {f"{name} {view}": getattr(measures, name)(view) for view in views for name in NOVEL}
