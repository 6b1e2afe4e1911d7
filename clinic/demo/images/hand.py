"""A left hand seen from behind: bones as tubes with a dense shell inside a soft outline (millimetres)."""

from itertools import pairwise

import numpy as np

from clinic.demo.images.chest import developed
from clinic.demo.images.painting import (
    Picture,
    Points,
    add_tube,
    blur,
    chord,
    ellipse,
    paint_tube,
    soft_noise,
)

WIDTH = 192.0
# For each finger: base of its metacarpal, then the joints up to the tip (x, y), and the bones' thickness.
FINGERS = (
    ("thumb", ((60, 158), (38, 132), (22, 104), (14, 82)), 5.2),
    ("index", ((70, 146), (60, 92), (52, 52), (48, 30), (46, 14)), 4.6),
    ("middle", ((82, 143), (81, 88), (80, 44), (80, 17), (80, -1)), 4.8),
    ("ring", ((93, 146), (101, 94), (107, 54), (111, 28), (113, 12)), 4.4),
    ("little", ((103, 151), (119, 106), (131, 76), (137, 58), (141, 45)), 3.9),
)
CARPALS = (
    (61, 161, 7.5, 6.5),
    (72, 156, 6.5, 7.5),
    (84, 156, 7.5, 10.5),
    (97, 159, 8, 7.5),
    (66, 172, 7, 9.5),
    (80, 174, 8.5, 8),
    (95, 172, 7, 6.5),
    (103, 168, 4.5, 5),
)
ASIDE, ABOVE = 10.0, 14.0  # film around the fingers


def hand_picture(
    rows: int, columns: int, rng: np.random.Generator, *, fracture: bool = False
) -> tuple[Picture, float]:
    """The film (0 black … 1 white) and its width in millimetres."""
    small = min(1.0, 1200 / columns)
    shape = (round(rows * small), round(columns * small))
    scale = shape[1] / WIDTH
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    x, y = across / scale - ASIDE, down / scale - ABOVE
    soft, bone = (np.zeros(shape, dtype=np.float32) for _ in range(2))
    for name, joints, radius in FINGERS:
        _finger(bone, soft, name, np.array(joints, dtype=float), radius, scale, fracture=fracture)
    for cx, cy, rx, ry in CARPALS:
        distance = ellipse(x, y, (cx, cy), (rx, ry), float(rng.uniform(-20, 20)))
        inner = ellipse(x, y, (cx, cy), (rx - 1, ry - 1))
        bone += 8 * chord(distance) - 4 * chord(inner)
    _forearm(bone, scale)
    palm = 24 * np.maximum(
        chord(ellipse(x, y, (86, 132), (48, 62))), chord(ellipse(x, y, (84, 230), (38, 80)))
    )
    soft = blur(np.maximum(soft, palm), 1.6 * scale)
    grain = 1 + 0.07 * soft_noise(rng, shape, 0.8 * scale) + 0.05 * soft_noise(rng, shape, 2.5 * scale)
    rays = 0.036 * soft + 0.058 * blur(bone * grain, 0.16 * scale)
    return developed(rays.astype(np.float32), rows, columns, rng, scale), WIDTH


def _finger(
    bone: Picture, soft: Picture, name: str, joints: Points, radius: float, scale: float, *, fracture: bool
) -> None:
    for number, (start, end) in enumerate(pairwise(joints)):
        along = (end - start) / np.hypot(*(end - start))
        gap = 1.2 if number else 0.2
        start, end = start + along * gap, end - along * 0.8
        last = number == len(joints) - 2
        size = radius * 0.86**number
        places = np.array([0, 0.06, 0.16, 0.35, 0.6, 0.82, 0.93, 1.0])
        widths = np.array([1.25, 1.42, 1.22, 0.85, 0.78, 0.98, 1.22, 1.1])
        if last:
            widths = np.array([1.3, 1.4, 1.1, 0.75, 0.62, 0.72, 0.95, 0.7])
        points = start + places[:, None] * (end - start)
        path = np.column_stack([points, size * widths, size * widths * 1.5])
        if fracture and name == "little" and number == 0:
            _broken(bone, path, scale)
        else:
            _bone(bone, path, scale)
    flesh = radius * np.interp(np.arange(len(joints)), [0, 1, 2, 4], [2.0, 2.1, 1.9, 1.55])
    tip = joints[-1] + (joints[-1] - joints[-2]) * 0.16
    outline = np.vstack(
        [np.column_stack([joints, flesh, flesh * 1.9]), [*tip, flesh[-1] * 0.8, flesh[-1] * 1.5]]
    )
    paint_tube(soft, _pixels(outline, scale), ends="round")


def _broken(canvas: Picture, path: Points, scale: float) -> None:
    """A neck fracture: the head is tilted towards the palm and pushed past the end of the shaft."""
    turn = np.deg2rad(-34)
    head = path[4:].copy()
    pivot = head[0, :2].copy()
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    head[:, :2] = (head[:, :2] - pivot) @ turned.T + pivot + (1.5, 3.0)
    _bone(canvas, head, scale)
    add_tube(canvas, _pixels(path[:5], scale), inner=0.8, hollow=0.66)


def _forearm(bone: Picture, scale: float) -> None:
    radius = [(77, 186, 14, 17), (76, 192, 14.5, 17), (74, 206, 9.5, 14), (72, 226, 7, 13), (71, 270, 7, 13)]
    ulna = [(104, 190, 7.5, 11), (104, 200, 6.5, 11), (102, 226, 5.5, 11), (101, 270, 5.5, 11)]
    for path in (radius, ulna):
        _bone(bone, np.array(path, dtype=float), scale)


def _bone(canvas: Picture, path: Points, scale: float) -> None:
    add_tube(canvas, _pixels(path, scale), inner=0.8, hollow=0.66, ends="round")


def _pixels(path: Points, scale: float) -> Points:
    moved = np.array(path, dtype=float)
    moved[:, :2] += (ASIDE, ABOVE)
    moved[:, :3] *= scale
    return moved
