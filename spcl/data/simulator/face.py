"""A drawn face that talks, shaded enough for a face detector, with features that feel."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from spcl.data.simulator.profiles import FACE

SIZE = 128
"""Height and width of a picture of one face, pixels."""
FPS = 6
"""Few, for a face here holds its expression and extraction samples frames anyway."""
_SHIFT = 4  # cv2 draws with sub-pixel coordinates in units of 2 ** -4 pixel

Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""
Point = tuple[float, float]
"""x to the right, y down."""

OFFSETS = {  # after the Facial Action Coding System (Ekman and Friesen 1978), -1..1
    #              smile  open  brows frown eyes  snarl
    "neutral":     (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "joy":         (0.9, 0.1, 0.1, 0.0, -0.3, 0.0),
    "excitement":  (1.0, 0.9, 0.7, 0.0, 0.4, 0.0),
    "sadness":     (-0.9, -0.2, 0.3, -0.9, -0.6, 0.0),
    "anger":       (-0.5, 0.5, -0.8, 1.0, 0.5, 0.3),
    "frustration": (-0.6, -0.2, -0.4, 0.5, -0.3, 0.2),
    "surprise":    (0.0, 1.0, 1.0, 0.0, 1.0, 0.0),
    "fear":        (-0.6, 0.6, 0.9, -0.8, 0.9, 0.0),
    "disgust":     (-0.5, 0.1, -0.4, 0.3, -0.8, 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Face:
    """How somebody looks, and what is behind them.

    Attributes
    ----------
    skin, hair, wall
        Colours.
    width
        Of the face, relative to the picture's.
    long_hair
        Down to the shoulders.
    brow, mouth
        Factors on the thickness of the brows and the width of the mouth.
    """

    skin: Colour
    hair: Colour
    wall: Colour
    width: float
    long_hair: bool
    brow: float
    mouth: float


def draw_face(female: bool, rng: np.random.Generator) -> Face:
    """Draw a person's looks."""
    tone = rng.uniform(0.75, 1.0)
    dark = rng.uniform(0.12, 0.4)
    wall = rng.uniform(70, 130)
    return Face(
        skin=(150 * tone, 180 * tone, 225 * tone),
        hair=(90 * dark, 120 * dark, 160 * dark),
        wall=(wall, wall * rng.uniform(0.9, 1.05), wall * rng.uniform(0.85, 1.0)),
        width=rng.uniform(0.46, 0.52),
        long_hair=female,
        brow=rng.uniform(0.8, 1.2),
        mouth=rng.uniform(0.9, 1.1),
    )


def felt_expression(shown: str, rng: np.random.Generator) -> np.ndarray:
    """The six parameters of an emotion (a key of `OFFSETS`), with chance; (6,)."""
    offsets = FACE.strength * np.array(OFFSETS[shown])
    return offsets + FACE.noise * rng.standard_normal(len(offsets))


def frames(
    face: Face, expression: np.ndarray, n: int, talking: bool, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Film a face.

    Parameters
    ----------
    face
        Whose.
    expression
        As `felt_expression` gives it; held throughout, a little restless.
    n
        Number of frames.
    talking
        Whether the lips move.

    Yields
    ------
    (SIZE, SIZE, 3) uint8
        Blue, green, red.
    """
    centre = SIZE * (0.5 + 0.03 * rng.standard_normal(2)) + (0, 0.02 * SIZE)
    sway = np.cumsum(0.6 * rng.standard_normal((n, 2)), axis=0).clip(-4, 4)
    lips = 0.35 * np.abs(rng.standard_normal(n)) if talking else np.zeros(n)
    blinks = rng.random(n) < 0.04
    brush = _Brush(face.width * SIZE / 2)
    head = _head(face, brush)
    for k in range(n):
        felt = expression + 0.08 * rng.standard_normal(len(expression))
        felt[1] += lips[k]
        left, top = np.round(SIZE - centre - sway[k]).astype(int)
        picture = head[top : top + SIZE, left : left + SIZE].copy()
        _express(picture, (SIZE - left, SIZE - top), face, brush, felt, bool(blinks[k]))
        yield cv2.GaussianBlur(picture, (3, 3), 0.8)


@dataclass(frozen=True)
class _Brush:
    """Paints in units of half the face's width, `unit` pixels, around a centre (x, y)."""

    unit: float

    def ellipse(
        self, image: np.ndarray, centre: Point, at: Point, axes: Point, colour: Colour
    ) -> None:
        """Fill an ellipse with the given half axes."""
        scale = self.unit * 2**_SHIFT
        cv2.ellipse(
            image,
            (
                round(centre[0] * 2**_SHIFT + at[0] * scale),
                round(centre[1] * 2**_SHIFT + at[1] * scale),
            ),
            (max(1, round(axes[0] * scale)), max(1, round(axes[1] * scale))),
            0.0, 0.0, 360.0, colour, -1, cv2.LINE_AA, _SHIFT,
        )  # fmt: skip

    def line(
        self, image: np.ndarray, centre: Point, points: np.ndarray, colour: Colour, thick: float
    ) -> None:
        """Draw a line through `points`, (n, 2)."""
        thickness = max(1, round(thick * self.unit))
        xy = [self._pixels(centre, points)]
        cv2.polylines(image, xy, False, colour, thickness, cv2.LINE_AA, _SHIFT)

    def area(self, image: np.ndarray, centre: Point, points: np.ndarray, colour: Colour) -> None:
        """Fill the outline `points`, (n, 2)."""
        cv2.fillPoly(image, [self._pixels(centre, points)], colour, cv2.LINE_AA, _SHIFT)

    def _pixels(self, centre: Point, points: np.ndarray) -> np.ndarray:
        xy = np.asarray(centre) + self.unit * np.asarray(points)
        return np.round(xy * 2**_SHIFT).astype(np.int32)


def _shade(colour: Colour, *factors: float) -> Colour:
    """A colour made lighter or darker, all of it or each channel."""
    blue, green, red = np.array(colour) * factors
    return float(blue), float(green), float(red)


def _head(face: Face, brush: _Brush) -> np.ndarray:
    """What doesn't move, on twice the picture's size with the head in the middle."""
    image = np.empty((2 * SIZE, 2 * SIZE, 3), np.uint8)
    image[:] = np.round(face.wall)
    middle = (SIZE, SIZE)

    def ellipse(x: float, y: float, a: float, b: float, colour: Colour) -> None:
        brush.ellipse(image, middle, (x, y), (a, b), colour)

    ellipse(0, 2.5, 1.9, 1.1, (90, 70, 60))  # clothes
    ellipse(0, 1.25, 0.5, 0.6, _shade(face.skin, 0.75))  # neck
    if face.long_hair:
        ellipse(0, 0.25, 1.22, 1.6, face.hair)
    else:
        ellipse(0, -0.25, 1.22, 1.2, face.hair)
    ellipse(0, 0, 1.0, 1.32, _shade(face.skin, 0.82))
    ellipse(0, 0, 0.9, 1.22, _shade(face.skin, 0.93))
    # Bright forehead, cheeks and nose around dark eyes: what a Haar cascade looks for.
    ellipse(0, -0.62, 0.7, 0.45, _shade(face.skin, 1.05))
    for side in (-1, 1):
        ellipse(side * 0.45, 0.3, 0.33, 0.27, _shade(face.skin, 1.05))
        ellipse(side * 0.42, -0.17, 0.34, 0.24, _shade(face.skin, 0.6))
    ellipse(0, -0.05, 0.11, 0.45, _shade(face.skin, 1.08))
    return image


def _express(
    image: np.ndarray, centre: Point, face: Face, brush: _Brush, felt: np.ndarray, blink: bool
) -> None:
    """Paint what moves: nose, eyes, brows and mouth."""
    smile, open_, lift, frown, eyes, snarl = felt.clip(-1.5, 1.5)
    wings = _shade(face.skin, 0.62)
    brush.ellipse(image, centre, (0, 0.36 - 0.05 * snarl), (0.2, 0.07), wings)
    height = 0.02 if blink else max(0.02, 0.085 * (1 + 0.6 * eyes))
    brow = -0.43 - 0.13 * lift
    for side in (-1, 1):
        if snarl > 0:
            fold = np.array([(0.14, 0.05), (0.3 + 0.05 * snarl, 0.3)]) * (side, 1)
            brush.line(image, centre, fold, _shade(face.skin, 0.85 - 0.25 * snarl), 0.06)
        brush.ellipse(image, centre, (side * 0.42, -0.15), (0.2, height), (215, 215, 215))
        brush.ellipse(image, centre, (side * 0.42, -0.15), (0.1, min(0.1, height)), (30, 30, 30))
        # The inner end goes down in anger and up in sorrow.
        arc = [(0.17, brow + 0.13 * frown), (0.42, brow - 0.05), (0.68, brow + 0.05 - 0.04 * frown)]
        hair = _shade(face.hair, 0.8)
        brush.line(image, centre, np.array(arc) * (side, 1), hair, 0.1 * face.brow)

    # An opening between two lips whose corners go up with a smile.
    x = np.linspace(-1, 1, 9)
    corner, middle, gap = 0.72 - 0.14 * smile, 0.72 + 0.03 * smile, 0.04 + 0.17 * max(0.0, open_)
    across = 0.4 * face.mouth * (1 + 0.15 * smile) * x
    upper = np.stack([across, corner + (middle - 0.5 * gap - corner) * (1 - x**2)], axis=1)
    lower = np.stack([across, corner + (middle + gap - corner) * (1 - x**2)], axis=1)
    brush.area(image, centre, np.concatenate([upper, lower[::-1]]), (40, 30, 60))
    lips = _shade(face.skin, 0.55, 0.5, 0.75)
    brush.line(image, centre, upper, lips, 0.09)
    brush.line(image, centre, lower, lips, 0.1)
