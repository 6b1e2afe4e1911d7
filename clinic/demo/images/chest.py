"""A chest film: a body of simple solids, the X-rays added up through it from behind, then film-like contrast.

Millimetres; x to the right of the picture (the patient's left), y downwards, 0, 0 in the middle of the
upper edge.
"""

from dataclasses import dataclass

import numpy as np

from clinic.demo.images.painting import (
    Picture,
    Points,
    add_tube,
    blur,
    chord,
    ellipse,
    paint_pieces,
    paint_tube,
    resized,
    smoothstep,
    soft_noise,
)

FILM_WIDTH = 355.0
FILM_HEIGHT = FILM_WIDTH * 2800 / 2400

# For each rib: height at the spine, half width of the cage, drop to the front, angle where bone ends.
RIBS = (
    (66, 52, 26, 150),
    (80, 82, 50, 150),
    (99, 104, 70, 148),
    (120, 118, 88, 146),
    (142, 129, 102, 144),
    (165, 137, 114, 142),
    (188, 142, 122, 138),
    (212, 146, 124, 128),
    (236, 148, 116, 118),
    (260, 147, 98, 108),
    (284, 139, 66, 84),
    (307, 118, 40, 62),
)
# Paths of x, y, radius, thickness and the inner part of the shell, for the side with x > 0.
SHOULDER: tuple[tuple[list[tuple[float, float, float, float]], float], ...] = (
    ([(16, 98, 8.5, 17), (40, 90, 6.6, 16), (78, 80, 5.8, 16), (118, 66, 6, 15), (152, 62, 7.5, 13)], 0.72),
    ([(117, 96, 2.6, 4), (125, 130, 2.2, 5), (134, 170, 2.6, 5), (149, 200, 3.4, 6)], 0.5),
    ([(168, 92, 8, 10), (164, 120, 6, 10), (158, 155, 3.6, 7), (149, 200, 3.4, 6)], 0.6),
    ([(182, 98, 21, 18), (187, 122, 17, 16), (192, 175, 12, 19), (196, 240, 11, 19)], 0.86),
)
Place = tuple[float, float, float]  # x, y, radius
SOFT, BONE = 0.0175, 0.030  # attenuation per millimetre


@dataclass(frozen=True)
class Chest:
    """What differs from one person to the next."""

    width: float
    heart: float
    dome_right: float
    dome_left: float
    lean: float
    fat: float

    @classmethod
    def of(cls, rng: np.random.Generator, *, heart: float = 1.0) -> "Chest":
        return cls(
            width=float(rng.uniform(0.93, 1.03)),
            heart=heart * float(rng.uniform(0.95, 1.06)),
            dome_right=float(rng.uniform(288, 300)),
            dome_left=float(rng.uniform(299, 309)),
            lean=float(rng.uniform(-2, 2)),
            fat=float(rng.uniform(0, 14)),
        )


class Film:
    """The rays' paths through one chest, drawn at a working size of `rows` × `columns`."""

    def __init__(self, rows: int, columns: int, rng: np.random.Generator, chest: Chest) -> None:
        self.rng, self.chest = rng, chest
        self.scale = columns / FILM_WIDTH  # pixels per millimetre
        down, across = np.mgrid[0:rows, 0:columns].astype(np.float32)
        self.x = ((across - columns / 2) / self.scale - chest.lean).astype(np.float32)
        self.y = (down / (rows / FILM_HEIGHT)).astype(np.float32)
        self.shape = (rows, columns)

    def empty(self) -> Picture:
        return np.zeros(self.shape, dtype=np.float32)

    def pixels(self, points: Points) -> Points:
        """Rows of x, y, radius, thickness: the first three from millimetres to pixels."""
        moved = np.array(points, dtype=np.float64)
        moved[:, 0] = (moved[:, 0] + self.chest.lean) * self.scale + self.shape[1] / 2
        moved[:, 1] *= self.scale
        moved[:, 2] *= self.scale
        return moved

    def part(self, across: tuple[float, float], down: tuple[float, float]) -> tuple[slice, slice]:
        """The pixels of a rectangle in millimetres."""
        left, right = (int((x + self.chest.lean) * self.scale + self.shape[1] / 2) for x in across)
        top, foot = (int(y * self.scale) for y in down)
        return slice(top, foot), slice(max(0, left), right)

    def tube(self, canvas: Picture, points: Points) -> None:
        paint_tube(canvas, self.pixels(points))

    def bone(self, canvas: Picture, points: Points, inner: float) -> None:
        add_tube(canvas, self.pixels(points), inner=inner, hollow=0.66, ends="round")

    def half_width(self) -> Picture:
        """Inner half width of the rib cage at each height."""
        heights = [43, 50, 60, 77, 101, 129, 158, 186, 214, 240, 265, 286, 302, 350]
        widths = [14, 30, 44, 58, 81, 101, 115, 126, 134, 139, 143, 145, 144, 141]
        return np.interp(self.y, heights, widths).astype(np.float32) * self.chest.width

    def body(self) -> Picture:
        """Soft tissue along each ray."""
        y = self.y
        heights = [0, 30, 52, 68, 84, 120, 165, 190, 230, 300, 420]
        widths = [58, 60, 88, 156, 190, 204, 186, 170, 166, 166, 168]
        half = np.interp(y, heights, widths).astype(np.float32) + self.chest.fat * smoothstep(y, 120, 220)
        depth = np.interp(y, [0, 50, 110, 200, 300, 420], [58, 62, 92, 112, 116, 116]).astype(np.float32)
        trunk = 2 * depth * chord((self.x / half) ** 2)
        arms = [ellipse(self.x, y, (side * 192, 150), (30, 88), side * 9) for side in (-1, 1)]
        muscle = [ellipse(self.x, y, (side * 108, 168), (58, 74), side * 24) for side in (-1, 1)]
        pectoral = sum(smoothstep(m, 1.25, 0.55) for m in muscle)
        return (
            blur(np.maximum(trunk, 72 * chord(np.minimum(*arms))), 3 * self.scale)
            + (9 + self.chest.fat * 0.6) * pectoral
        )

    def diaphragm(self) -> Picture:
        """Height of the diaphragm's crest on each side."""
        dome = np.where(self.x < 0, self.chest.dome_right, self.chest.dome_left).astype(np.float32)
        crest = np.where(self.x < 0, -66, 74).astype(np.float32)
        outside = np.abs(self.x) > np.abs(crest)
        return (dome + 30 * ((self.x - crest) / 74) ** 2 * np.where(outside, 1.15, 0.3)).astype(np.float32)

    def lungs(self) -> Picture:
        """Air-filled lung along each ray, before heart and vessels are taken out."""
        x, y = self.x, self.y
        half = self.half_width()
        depth = np.interp(y, [44, 70, 110, 180, 260, 340], [22, 46, 76, 92, 97, 95]).astype(np.float32)
        thickness = 2 * depth * np.sqrt(np.clip(1 - (x / half) ** 2, 0, None)) * smoothstep(y, 43, 60)
        rise = self.diaphragm()
        below = np.sqrt(np.clip(y - rise, 0, None) * 165)  # half depth of the abdomen's dome at this height
        behind = np.clip(depth * np.sqrt(np.clip(1 - (x / half) ** 2, 0, None)) - below, 0, None)
        thickness = np.where(y > rise, 0.9 * behind + 0.25 * np.clip(behind - 18, 0, None), thickness)
        middle = np.interp(y, [44, 75, 110, 150, 300], [15, 20, 21, 23, 26]).astype(np.float32)
        wrap = smoothstep(np.abs(x), 5, 40) * 0.45 + smoothstep(np.abs(x) - middle, -3, 5) * 0.55
        return (thickness * wrap).astype(np.float32)

    def heart(self) -> Picture:
        """Soft tissue of heart and great vessels that takes the place of lung."""
        part = self.part((-75, 125), (80, 330))
        x, y, size = self.x[part], self.y[part], self.chest.heart
        solids = [
            (ellipse(x, y, (26, 262), (70 * size, 50 * size), 33), 165.0),  # left ventricle and apex
            (ellipse(x, y, (-6, 246), (40 * size, 52 * size)), 188.0),  # right atrium
            (ellipse(x, y, (16, 214), (37, 44), 20), 150.0),  # outflow tract, left atrium
            (ellipse(x, y, (18, 151), (22, 23)), 95.0),  # aortic knob
            (ellipse(x, y, (24, 183), (24, 20), 30), 85.0),  # pulmonary trunk
            (ellipse(x, y, (-8, 150), (18, 62), -4), 88.0),  # superior vena cava, ascending aorta
        ]
        total = np.zeros_like(x)
        for distance, depth in solids:
            total += (depth * chord(distance)) ** 3
        fat = ellipse(x, y, (80 * size, 296), (24, 17), 24)
        total = blur(np.maximum(np.cbrt(total), 45 * chord(fat)), 1.6 * self.scale)
        whole = self.empty()
        whole[part] = total
        return whole * smoothstep(self.y - self.diaphragm(), 3, 1)

    def aorta(self) -> Picture:
        canvas = self.empty()
        path = [(20, 148, 13, 22), (25, 180, 12, 22), (23, 230, 12, 22), (18, 290, 11, 22), (12, 360, 10, 20)]
        self.tube(canvas, np.array(path))
        return canvas

    def airway(self) -> Picture:
        """Air in trachea and main bronchi."""
        canvas = self.empty()
        self.tube(canvas, np.array([(0, -5, 9, 17), (0, 60, 9, 17), (-2, 110, 8.5, 16), (-3, 152, 9, 15)]))
        self.tube(
            canvas, np.array([(-3, 150, 8, 12), (-18, 170, 6.5, 10), (-32, 192, 5, 7), (-40, 220, 3, 3)])
        )
        self.tube(canvas, np.array([(-3, 150, 7, 11), (18, 172, 6, 10), (38, 188, 5, 7), (52, 208, 3, 3)]))
        return blur(canvas, 0.8 * self.scale)

    def vessels(self) -> Picture:
        """Pulmonary arteries and veins: trees that fork and thin out from both hila."""
        canvas = self.empty()
        pieces: list[tuple[Place, Place]] = []
        for side, hilum in ((-1, (-34, 186)), (1, (38, 176))):
            self.tube(canvas, np.array([(hilum[0] * 0.5, hilum[1] - 8, 9, 12), (*hilum, 8, 11)]))
            for angle in np.linspace(-74, 84, 13) + self.rng.uniform(-7, 7, 13):
                radius = (4.2 if angle > 20 else 3.2) * self.rng.uniform(0.75, 1.1)
                self._branch(pieces, (*hilum, radius), side, np.deg2rad(angle), 0)
            x, y = hilum
            lower = [(x, y, 7.5, 11), (x + side * 7, 214, 5, 8), (x + side * 15, 240, 2, 3)]
            self.tube(canvas, np.array(lower))
        ends = np.array(pieces).reshape(-1, 3)
        pixels = self.pixels(np.column_stack([ends, 2 * ends[:, 2]]))
        paint_pieces(canvas, pixels.reshape(-1, 2, 4))
        return blur(canvas, 0.35 * self.scale)

    def _branch(
        self, pieces: list[tuple[Place, Place]], start: Place, side: int, heading: float, depth: int
    ) -> None:
        length, bend = self.rng.uniform(16, 32) * (0.85**depth), self.rng.normal(0, 0.16)
        thin = start[2] * 0.8
        middle = _onwards(start, side, heading, length / 2, start[2] * 0.9)
        end = _onwards(middle, side, heading + bend, length / 2, thin)
        pieces += [(start, middle), (middle, end)]
        if depth >= 6 or thin < 0.4:
            return
        fork, share = self.rng.uniform(0.22, 0.5), self.rng.uniform(0.68, 0.9)
        heading += bend
        outwards, inwards = (*end[:2], thin * share**0.5), (*end[:2], thin * (1.15 - share * 0.5))
        self._branch(pieces, outwards, side, heading + fork * (1 - share) * 1.6, depth + 1)
        self._branch(pieces, inwards, side, heading - fork, depth + 1)

    def bones(self) -> Picture:
        """Bone along each ray: ribs, clavicles, shoulder, spine."""
        total = self.empty()
        for side in (-1, 1):
            for number, rib in enumerate(RIBS):
                self.bone(total, self._rib(side, number, *rib), 0.76)
            for path, shell in SHOULDER:
                self.bone(total, np.array([(side * x, *rest) for x, *rest in path]), shell)
            self._scapula(total, side)
        self._spine(total)
        return blur(total, 0.3 * self.scale)

    def _rib(self, side: int, number: int, top: float, half: float, drop: float, end: float) -> Points:
        """One rib from the spine around to the front; looked at along its side a bone shows thicker."""
        degrees = np.linspace(6, end, 30)
        angles = np.deg2rad(degrees)
        half = half * self.chest.width
        x = side * half * np.sin(angles)
        y = top + drop * ((1 - np.cos(angles)) / 2) ** 1.22 - 3.5 * np.sin(2 * angles).clip(0)
        height = (4.6 if number else 4.2) * np.interp(degrees, [0, 60, 110, 150], [0.92, 1.12, 1.2, 1.35])
        along = np.interp(np.abs(np.cos(angles)), [0, 0.4, 1], [1.7, 1.2, 1.0])
        thick = 13.0 * along * np.interp(degrees, [6, 12, 32, 90, 120, 150], [0.25, 0.5, 1, 1, 0.8, 0.45])
        return np.column_stack([x, y, height, thick])

    def _scapula(self, total: Picture, side: int) -> None:
        x = self.x * side
        medial = np.interp(self.y, [86, 130, 170, 200], [116, 125, 134, 149]).astype(np.float32)
        lateral = np.interp(self.y, [86, 112, 150, 200], [172, 164, 158, 150]).astype(np.float32)
        blade = smoothstep(x - medial, -1.5, 1.5) * smoothstep(lateral - x, -1.5, 1.5)
        total += 4.5 * blade * smoothstep(self.y, 84, 96) * smoothstep(self.y, 202, 194)

    def _spine(self, total: Picture) -> None:
        height, width, top = 17.0, 14.0, 14.0
        middle = int(self.shape[1] / 2 + self.chest.lean * self.scale)
        reach = int(40 * self.scale)
        while top < FILM_HEIGHT + 20:
            first, last = (int(max(0, (top + d) * self.scale)) for d in (-height, height))
            part = np.s_[first:last, max(0, middle - reach) : middle + reach]
            if total[part].size:
                total[part] += self._vertebra(self.x[part], self.y[part] - top, height, width)
            top += height + 3.6
            height, width = min(height * 1.035, 25), min(width * 1.03, 21)

    @staticmethod
    def _vertebra(x: Picture, y: Picture, height: float, width: float) -> Picture:
        waist = width - 2.2 * np.clip(1 - (2 * y / height) ** 2, 0, 1)
        body = np.maximum(np.abs(x) / waist, np.abs(y) / (height / 2))
        rim = np.maximum(np.abs(x) / (waist - 1.3), np.abs(y) / (height / 2 - 1.2))
        bone = 7.5 * smoothstep(body, 1.06, 0.93) - 2.6 * smoothstep(rim, 1.06, 0.9)
        for side in (-1, 1):
            ring = ellipse(x, y, (side * width * 0.62, -height * 0.12), (3.4, 5.0))
            bone = bone + 4.0 * smoothstep(np.abs(ring - 0.8), 0.7, 0.1)
            wing = ellipse(x, y, (side * (width + 7), -3), (10, 4.2), side * -16)
            bone = bone + 4.5 * chord(wing)
        return (bone + 6 * chord(ellipse(x, y, (0, height * 0.34), (2.2, 6.5)))).astype(np.float32)

    def stomach_bubble(self) -> Picture:
        bubble = ellipse(self.x, self.y, (70, self.chest.dome_left + 24), (25, 11), -8)
        return 34 * chord(bubble)


def _onwards(start: Place, side: int, heading: float, length: float, radius: float) -> Place:
    return (start[0] + side * np.cos(heading) * length, start[1] + np.sin(heading) * length, radius)


def finding_in(film: Film, finding: str) -> Picture:
    """Lung that is filled by disease, in millimetres of soft tissue along the ray."""
    x, y, rng = film.x, film.y, film.rng
    if finding == "nodule":
        bumps = 1 + 0.12 * soft_noise(rng, film.shape, 5 * film.scale)
        return 21 * chord(ellipse(x, y, (78, 128), (11, 10.4), 20) * bumps)
    if finding == "consolidation":
        edge = ellipse(x, y, (-82, 248), (44, 33), 14) + 0.3 * soft_noise(rng, film.shape, 11 * film.scale)
        patches = 1 + 0.22 * soft_noise(rng, film.shape, 4 * film.scale)
        return 46 * smoothstep(edge, 1.25, 0.1) * patches
    if finding == "effusion":
        level = 262 + 0.016 * (x - 150 * film.chest.width).clip(-200, 0) ** 2
        return 150 * smoothstep(y - level, -7, 16) * smoothstep(x, 22, 50)
    return film.empty()


def chest_picture(
    rows: int, columns: int, rng: np.random.Generator, *, finding: str = "", heart: float = 1.0
) -> Picture:
    """A PA chest film, 0 (black) … 1 (white)."""
    small = min(1.0, 1100 / columns)
    film = Film(round(rows * small), round(columns * small), rng, Chest.of(rng, heart=heart))
    lungs = film.lungs()
    texture = 1 + 0.012 * soft_noise(rng, film.shape, 1.6 * film.scale)
    texture += 0.02 * soft_noise(rng, film.shape, 7 * film.scale)
    air = np.clip(lungs - film.heart() - film.aorta() - finding_in(film, finding), 0, None)
    vessels = np.minimum(film.vessels() * 2.4 * smoothstep(air, 4, 30), air * 0.5)
    air = np.clip(air * 0.72 * texture - vessels, 0, None) + film.airway() + film.stomach_bubble()
    tissue = film.body() * (1 + 0.012 * soft_noise(rng, film.shape, 16 * film.scale))
    rays = SOFT * np.clip(tissue - air, 0, None) + (BONE - SOFT * 0.3) * film.bones()
    return developed(rays.astype(np.float32), rows, columns, rng, film.scale)


def developed(rays: Picture, rows: int, columns: int, rng: np.random.Generator, scale: float) -> Picture:
    """Film-like contrast: broad differences reduced, edges raised, more noise where few photons pass."""
    broad, middle, fine = (blur(rays, mm * scale) for mm in (26, 6, 1.0))
    shown = 0.74 * broad + 0.9 * (middle - broad) + 1.0 * (fine - middle) + 1.5 * (rays - fine)
    bare = smoothstep(rays, 0.12, 0.02)
    low, high = np.percentile(shown[rays > 0.3], [0.5, 99.6])
    shown = (shown - low) / (high - low)
    curve_ = 1 / (1 + np.exp(-5.2 * (shown - 0.5)))
    shown = resized(curve_ * (1 - bare) + 0.01 * bare, rows, columns)
    strength = (0.004 + 0.0055 * np.exp(0.32 * np.clip(rays - 1.2, -2, 3))) * (1 - bare)
    grain = rng.standard_normal((rows, columns), dtype=np.float32)
    grain[1:] = 0.65 * grain[1:] + 0.35 * grain[:-1]
    grain *= resized(strength.astype(np.float32), rows, columns)
    grain += shown
    return np.clip(grain, 0, 1, out=grain)
