"""A trunk for the CT: organs as ellipses that change from slice to slice, in Hounsfield units.

Millimetres; x to the patient's left, y to the back, `s` from the first slice towards the feet (0…300).
"""

import numpy as np

from clinic.demo.images.chest import RIBS
from clinic.demo.images.painting import Picture, Points, blur, paint_tube

LENGTH = 300.0
FIELD_OF_VIEW = 390.0
AIR, LUNG, FAT, MUSCLE, BLOOD = -1000.0, -860.0, -100.0, 55.0, 185.0

Pair = tuple[float, float]


class Slice:
    """One axial slice being painted."""

    def __init__(self, size: int, s: float) -> None:
        self.size, self.s = size, s
        self.pixel = FIELD_OF_VIEW / size
        self.hu = np.full((size, size), AIR, dtype=np.float32)
        middle = (np.arange(size, dtype=np.float32) - size / 2 + 0.5) * self.pixel
        self.x, self.y = middle[None, :], middle[:, None]

    def at(self, places: list[float], values: list[float]) -> float:
        """A measure that changes along the body."""
        return float(np.interp(self.s, places, values))

    def box(self, centre: Pair, radii: Pair) -> tuple[slice, slice]:
        reach = max(radii) + self.pixel
        low = [max(0, int((c - reach) / self.pixel + self.size / 2)) for c in centre]
        high = [min(self.size, int((c + reach) / self.pixel + self.size / 2) + 2) for c in centre]
        return slice(low[1], high[1]), slice(low[0], high[0])

    def cover(self, centre: Pair, radii: Pair, degrees: float = 0) -> tuple[tuple[slice, slice], Picture]:
        """The part of the slice around an ellipse, and how much of each pixel the ellipse covers."""
        if min(radii) < 0.4:
            return np.s_[0:0, 0:0], np.zeros((0, 0), dtype=np.float32)
        part = self.box(centre, radii)
        dx, dy = self.x[:, part[1]] - centre[0], self.y[part[0]] - centre[1]
        turn = np.deg2rad(degrees)
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        distance = np.sqrt((along / radii[0]) ** 2 + (across / radii[1]) ** 2)
        return part, np.clip((1 - distance) * min(radii) / self.pixel + 0.5, 0, 1).astype(np.float32)

    def fill(
        self, hu: float, centre: Pair, radii: Pair, degrees: float = 0, where: Picture | None = None
    ) -> None:
        part, alpha = self.cover(centre, radii, degrees)
        if where is not None:
            alpha = alpha * where[part]
        self.hu[part] += alpha * (hu - self.hu[part])

    def organ(
        self,
        hu: float,
        centre: tuple[float, float, float],
        radii: tuple[float, float, float],
        degrees: float = 0,
        where: Picture | None = None,
    ) -> None:
        """An ellipsoid: centre x, y, s and its three radii."""
        part = 1 - ((self.s - centre[2]) / radii[2]) ** 2
        if part > 0:
            size = float(np.sqrt(part))
            self.fill(hu, centre[:2], (radii[0] * size, radii[1] * size), degrees, where)

    def mask(self, centre: Pair, radii: Pair) -> Picture:
        whole = np.zeros_like(self.hu)
        part, alpha = self.cover(centre, radii)
        whole[part] = alpha
        return whole

    def bone(
        self, points: list[tuple[float, float, float]], hu: float, inner: float = 0.6, hollow: float = 0.5
    ) -> None:
        """Bone cut along its length: points of x, y, radius."""
        canvas = np.zeros_like(self.hu)
        rows = np.array([(x, y, r, 1.0) for x, y, r in points], dtype=np.float64)
        rows[:, :2] = rows[:, :2] / self.pixel + self.size / 2 - 0.5
        rows[:, 2] = np.maximum(rows[:, 2] / self.pixel, 0.8)
        paint_tube(canvas, rows, inner=inner, hollow=hollow, ends="round")
        np.maximum(self.hu, canvas * hu, out=self.hu, where=canvas > 0.25)


def torso_slice(size: int, s: float, tree: Points, rng: np.random.Generator) -> Picture:
    """HU of the slice `s` millimetres below the first; `tree` comes from `lung_vessels`."""
    cut = Slice(size, s)
    half = cut.at([0, 30, 80, 160, 240, 300], [146, 160, 167, 166, 160, 156])
    deep = cut.at([0, 40, 120, 220, 300], [76, 92, 106, 109, 107])
    couch = [(-188, 104), (-110, 121), (0, 128), (110, 121), (188, 104)]
    cut.bone([(x, y, 2) for x, y in couch], 1, hollow=0)
    for hu, rim in ((FAT, 0), (MUSCLE, 12)):
        cut.fill(hu, (0, 1), (half - rim, deep - rim))
        cut.fill(hu, (0, 60), (84 - rim * 0.6, 56 - rim * 0.7))
    ring = (cut.at([0, 60, 150, 300], [96, 128, 140, 138]), cut.at([0, 60, 150, 300], [64, 82, 91, 90]))
    _mediastinum_and_lungs(cut, ring, tree)
    if s > 178:
        _abdomen(cut, ring, rng)
    _great_vessels(cut)
    _spine(cut)
    _ribs(cut, ring)
    return cut.hu


def _mediastinum_and_lungs(cut: Slice, ring: Pair, tree: Points) -> None:
    s = cut.s
    cut.fill(-60, (0, -8), (34, ring[1] * 0.62))
    grown = cut.at([6, 16, 40, 90, 150, 262], [0, 0.35, 0.68, 0.93, 1, 1])
    lungs = np.zeros_like(cut.hu)
    if s < 262:
        for side in (-1, 1):
            radii = (ring[0] * 0.485 * grown, (ring[1] - 5) * grown * 0.99)
            lungs = np.maximum(lungs, cut.mask((side * (ring[0] * 0.5 - 2), 4), radii))
            lungs *= 1 - cut.mask((side * 6, 58), (26, 27))
            lungs *= 1 - _dome(cut, side, ring)
        lungs *= 1 - cut.mask((0, -14), (30, 46 * min(1, grown + 0.2)))
        lungs *= 1 - _heart_shape(cut)
        texture = LUNG + 60 * (cut.y / 100)
        cut.hu += lungs * (texture - cut.hu)
        _vessels(cut, tree, lungs)
    _heart(cut)
    if s < 96:
        cut.fill(40, (0, 9), (10.5, 10.5))
        cut.fill(-980, (0, 9), (8.5, 9))
    elif s < 128:
        for side in (-1, 1):
            centre = (side * (5 + (s - 96) * 0.95), 9 + (s - 96) * 0.12)
            cut.fill(40, centre, (8.5, 7.5))
            cut.fill(-980, centre, (7, 6))
    cut.fill(38, (4, 27), (7, 5.5))


def _dome(cut: Slice, side: int, ring: Pair) -> Picture:
    top, foot = (176, 252) if side < 0 else (186, 258)
    rise = np.clip((cut.s - top) / (foot - top), 0, 1)
    if rise <= 0:
        return np.zeros_like(cut.hu)
    size = float(np.sqrt(1 - (1 - rise) ** 2))
    return cut.mask((side * ring[0] * 0.44, -8 + 10 * rise), (ring[0] * 0.58 * size, ring[1] * 1.03 * size))


HEART = (20.0, -26.0, 168.0)


def _heart_shape(cut: Slice) -> Picture:
    part = 1 - ((cut.s - HEART[2]) / 50) ** 2
    if part <= 0:
        return np.zeros_like(cut.hu)
    size = float(np.sqrt(part))
    lean = (cut.s - HEART[2]) * 0.22
    return cut.mask((HEART[0] + lean, HEART[1]), (60 * size, 47 * size))


def _heart(cut: Slice) -> None:
    shape = _heart_shape(cut)
    if not shape.any():
        return
    lean = (cut.s - HEART[2]) * 0.22
    x, y, s = HEART
    cut.hu += shape * (75 - cut.hu)
    cut.organ(165, (x + 22 + lean, y + 8, s + 6), (23, 17, 34), 35, shape)  # left ventricle
    cut.organ(150, (x - 6 + lean, y - 20, s + 6), (30, 14, 34), 20, shape)  # right ventricle
    cut.organ(150, (x - 38 + lean, y + 4, s - 2), (16, 22, 36), 0, shape)  # right atrium
    cut.organ(165, (x - 6, y + 30, s - 20), (28, 13, 24), 0, shape)  # left atrium


def _great_vessels(cut: Slice) -> None:
    s = cut.s
    if 62 < s < 84:
        cut.fill(BLOOD, (6, 2), (31 * np.sqrt(1 - ((s - 73) / 11) ** 2) + 4, 11), 58)
    if 72 < s < 150:
        cut.fill(BLOOD, (-8, -24), (15.5, 15.5))
        cut.fill(BLOOD * 1.15, (-31, -14), (9, 10))
    if 98 < s < 132:
        cut.fill(165, (18, -22), (13, 14))
        for side in (-1, 1):
            cut.fill(165, (side * 24 + 6, -4), (20, 8.5), side * 22)
    if s >= 72:
        cut.fill(
            BLOOD, (cut.at([72, 190, 300], [25, 19, 8]), cut.at([72, 230, 300], [34, 31, 24])), (11.5, 11.5)
        )
    if s > 190:
        cut.fill(125, (-22, cut.at([190, 300], [14, 26])), (13, 10))
    if s < 66:
        for x, y, r in ((-22, -18, 7), (-10, -26, 5), (10, -20, 5), (22, -8, 6), (27, -26, 8)):
            cut.fill(160, (x, y), (r, r))


def _abdomen(cut: Slice, ring: Pair, rng: np.random.Generator) -> None:
    s = cut.s
    inside = cut.mask((0, -6), (ring[0] - 3, ring[1] - 3))
    if s < 262:
        inside = np.minimum(inside, np.maximum(_dome(cut, -1, ring), _dome(cut, 1, ring)))
    inside = inside * (1 - cut.mask((0, 58), (38, 32)))
    cut.hu += inside * (FAT - cut.hu)
    for k in range(9):  # bowel loops in front
        centre = (rng.uniform(-70, 70), rng.uniform(-62, 4), 300 + rng.uniform(-22, 30))
        cut.organ(35, centre, (19, 15, 30), 20 * k, inside)
        if k % 3 == 0:
            cut.organ(-850, (centre[0], centre[1] - 5, centre[2]), (12, 8, 22), 0, inside)
    cut.organ(30, (66, -18, 232), (44, 40, 44), 0, inside)  # stomach with air in front
    if abs(s - 230) < 34:
        level = inside * cut.mask((66, -18), (41, 37)) * (cut.y < -30)
        level *= float(np.sqrt(1 - ((s - 230) / 34) ** 2)) > 0.4
        cut.hu += level * (-960 - cut.hu)
    cut.organ(115, (98, 36, 232), (30, 40, 44), 0, inside)  # spleen
    liver = inside * (1 - cut.mask((64, 20), (52, 90)))
    cut.organ(108, (-58, -4, 240), (84, 92, 70), -8, liver)
    cut.organ(108, (-4, -46, 226), (72, 38, 42), 6, liver)
    for x, y, turn in ((-70, -22, 25), (-48, 8, -40), (-86, 12, 70), (-30, -40, 10)):
        cut.organ(150, (x, y, 226), (26, 4, 30), turn, liver)
    cut.organ(12, (-42, -46, 284), (15, 20, 26), 15, inside)  # gallbladder
    cut.organ(95, (10, -4, 268), (52, 11, 13), -14, inside)  # pancreas
    for side, level_ in ((-1, 296), (1, 286)):
        cut.organ(175, (side * 62, 44, level_), (27, 31, 50), side * 25, inside)
        cut.organ(-40, (side * 52, 38, level_), (13, 13, 24), side * 25, inside)
    for side in (-1, 1):
        cut.fill(62, (side * 34, 50), (15, 17), 0, inside if s > 262 else None)


def _spine(cut: Slice) -> None:
    place = cut.s % 25.0
    disc = place > 20.5
    for side in (-1, 1):
        cut.fill(58, (side * 32, 80), (27, 17), side * 16)
    cut.fill(95 if disc else 520, (0, 49), (18.5, 15.5))
    if not disc:
        cut.fill(190, (0, 49), (16.8, 13.8))
    if place < 13:
        cut.bone([(-13, 58, 4), (-15, 70, 4), (0, 84, 4), (15, 70, 4), (13, 58, 4)], 620)
        cut.bone([(-14, 68, 4), (-40, 76, 4)], 520)
        cut.bone([(14, 68, 4), (40, 76, 4)], 520)
    cut.bone([(0, 83, 3.4), (0, 94 if place < 18 else 99, 3.4)], 560)
    cut.fill(15, (0, 70), (9.5, 8))
    cut.fill(42, (0, 70), (5.5, 4.5))


def _ribs(cut: Slice, ring: Pair) -> None:
    angles = np.deg2rad(np.linspace(12, 150, 70))
    for top, _half, drop, end in RIBS:
        heights = (top - 58) + drop * ((1 - np.cos(angles)) / 2) ** 1.22
        near = np.flatnonzero((np.abs(heights - cut.s) < 5.5) & (angles < np.deg2rad(end)))
        if len(near) < 2:
            continue
        for side in (-1, 1):
            x = side * (ring[0] + 3) * np.sin(angles[near])
            y = 2 + (ring[1] + 3) * np.cos(angles[near])
            points = [(float(a), float(b), 4.4) for a, b in zip(x, y, strict=True)]
            cut.bone(points[:: max(1, len(points) // 6)] + points[-1:], 780, 0.68)
    if 52 < cut.s < 205:
        cut.fill(400, (0, -(ring[1] + 1)), (19, 6))
        cut.fill(150, (0, -(ring[1] + 1)), (17, 4.2))
    for side in (-1, 1):
        if cut.s < 26:
            cut.bone([(side * 22, -58, 6), (side * 60, -52, 5), (side * 104, -24, 5)], 760, 0.7)
        if cut.s < 132:
            reach = 1 - cut.s / 170
            middle = (side * (98 + 14 * reach), 66 - 8 * reach, 2.4)
            edge = (side * (106 + 22 * reach), 72 - 40 * reach, 5)
            cut.bone([(side * 90, 72, 3), middle, edge], 640)


def lung_vessels(rng: np.random.Generator) -> Points:
    """Points of x, y, s, radius along the pulmonary vessels of both sides."""
    found = []
    for side in (-1, 1):
        for _ in range(95):
            direction = rng.normal(size=3) * (0.8, 0.85, 1.25) + (side * 0.55, 0.1, 0)
            direction /= np.linalg.norm(direction)
            steps = np.linspace(0, rng.uniform(45, 120), 60)[:, None]
            sway = np.cumsum(rng.normal(0, 0.32, size=(60, 3)), axis=0)
            line = np.array([side * 38, 6, 122]) + direction * steps + sway
            radius = np.interp(steps[:, 0], [0, 30, 110], [rng.uniform(2.4, 4.6), 2.0, 0.7])
            found.append(np.column_stack([line, radius]))
    return np.vstack(found)


def _vessels(cut: Slice, tree: Points, lungs: Picture) -> None:
    near = tree[np.abs(tree[:, 2] - cut.s) < np.maximum(1.6, tree[:, 3])]
    if not len(near):
        return
    reach = int(np.ceil(4.6 / cut.pixel))
    grid = np.arange(-reach, reach + 1)
    px = near[:, :2] / cut.pixel + cut.size / 2 - 0.5
    columns = np.rint(px[:, 0]).astype(int)[:, None, None] + grid[None, None, :]
    rows = np.rint(px[:, 1]).astype(int)[:, None, None] + grid[None, :, None]
    away = np.hypot(columns - px[:, 0, None, None], rows - px[:, 1, None, None]) * cut.pixel
    value = np.clip((near[:, 3, None, None] - away) / cut.pixel + 0.6, 0, 1).astype(np.float32)
    columns, rows = np.broadcast_arrays(columns, rows)
    good = (columns >= 0) & (rows >= 0) & (columns < cut.size) & (rows < cut.size) & (value > 0)
    canvas = np.zeros_like(cut.hu)
    np.maximum.at(canvas.reshape(-1), rows[good] * cut.size + columns[good], value[good])
    cut.hu += canvas * lungs * (90 - cut.hu)


def scanner_noise(rng: np.random.Generator, size: int) -> Picture:
    """Noise of a body scan, larger than a slice so that each slice can take another part of it."""
    noise = rng.standard_normal((size + 64, size + 64), dtype=np.float32)
    grainy = blur(noise, 0.75)
    return (grainy / grainy.std() * 13).astype(np.float32)
