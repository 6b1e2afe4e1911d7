"""What lies under the probe: liver with kidney and gallbladder, a fetal head, a neck artery."""

import numpy as np

from clinic.demo.images.painting import Picture, ellipse, smoothstep
from clinic.demo.images.sonography import breathing

Echo = tuple[Picture, Picture]
LOSS = np.float32(0.0105)


def inside(distance: Picture, soft: float = 0.06) -> Picture:
    """1 inside an ellipse, 0 outside, from its squared normalised distance."""
    return smoothstep(distance, 1 + soft, 1 - soft)


def shell(distance: Picture, width: float) -> Picture:
    return np.exp(-(((distance - 1) / width) ** 2)).astype(np.float32)


def ridge(offset: Picture, width: float) -> Picture:
    """A thin bright layer where `offset` is 0."""
    return np.exp(-((offset / width) ** 2)).astype(np.float32)


def wall_layers(x: Picture, z: Picture, echo: Picture) -> Picture:
    """Skin, fat, fascia and muscle under the probe."""
    echo = np.where(z < 24, 0.55 + 0.3 * np.sin(z * 2.1 + 0.03 * x) ** 8, echo).astype(np.float32)
    for depth, strength in ((1.5, 7.0), (9.0, 3.4), (15.0, 2.4), (22.5, 3.8)):
        echo = echo + strength * ridge(z - depth - 0.012 * x, 0.75)
    return echo


def liver_and_kidney(x: Picture, z: Picture, time: float) -> Echo:
    """Right upper abdomen, lengthwise: everything below the wall slides with the breath."""
    x0, z0 = breathing(x, z, time)
    echo: Picture = np.ones_like(x0)
    loss = np.full_like(x0, LOSS)
    for cx, cz, long, thick, turn, wall in (
        (-20, 62, 40, 4.2, 24, 1.8),
        (-52, 84, 34, 5.0, -32, 0.25),
        (-14, 92, 26, 3.2, -52, 1.6),
        (-66, 58, 22, 2.6, 12, 0.2),
        (16, 52, 18, 2.2, -18, 1.4),
    ):
        vessel = ellipse(x0, z0, (cx, cz), (long, thick), turn)
        echo = echo * (1 - 0.97 * inside(vessel, 0.3)) + wall * shell(vessel, 0.35)
    kidney = ellipse(x0, z0, (44, 96), (46, 22), 12)
    rough = 0.75 + 0.2 * np.sin(x0 * 0.45) * np.sin(z0 * 0.5)
    sinus = ellipse(x0, z0, (45, 96), (30, 9.5), 12)
    pyramids = inside(
        np.abs(ellipse(x0, z0, (44, 96), (38, 15.5), 12) - 0.95) + 0.55 * (np.sin(x0 * 0.36) + 1)
    )
    renal = 0.52 * rough * (1 - 0.55 * pyramids) * (1 - inside(sinus, 0.25)) + 2.6 * rough * inside(
        sinus, 0.25
    )
    echo = echo * (1 - inside(kidney, 0.04)) + renal * inside(kidney, 0.04) + 2.6 * shell(kidney, 0.045)
    bladder = ellipse(x0, z0, (-8, 118), (22, 9.5), -28)
    echo = echo * (1 - 0.99 * inside(bladder, 0.1)) + 2.4 * shell(bladder, 0.14)
    loss = loss - 0.012 * inside(bladder, 0.1)
    dome = np.hypot(x0 + 8, z0 - 28) - 112 - 6 * np.sin(x0 * 0.05)
    echo = np.where(dome > 0, np.float32(0.22), echo) + 13 * ridge(dome, 1.1) * (x0 < 30)
    pulse = 1 + 0.16 * np.sin(2 * np.pi * time * 4)
    vein = ellipse(x0, z0, (-30, 128), (44, 6.2 * pulse), -6)
    echo = echo * (1 - 0.97 * inside(vein, 0.2)) + 1.8 * shell(vein, 0.16)
    rib = ridge(x - 62 - 0.42 * z, 5.5)
    loss = loss + 0.05 * rib * (z > 20)
    return wall_layers(x, z, echo), loss.astype(np.float32)


def fetal_head(x: Picture, z: Picture, time: float) -> Echo:
    """Second trimester, across the head: skull, falx, thalami, plexus, fluid around, placenta behind."""
    x0, z0 = breathing(x, z, time * 0.3)
    echo = np.full_like(x0, 0.9)
    loss = np.full_like(x0, LOSS)
    fluid = inside(ellipse(x0, z0, (0, 80), (76, 46), 3), 0.12)
    echo = echo * (1 - 0.99 * fluid)
    loss = loss - 0.008 * fluid
    head = ellipse(x0, z0, (2, 82), (43, 33), 8)
    brain = inside(head, 0.05)
    turn = np.deg2rad(8)
    along = (x0 - 2) * np.cos(turn) + (z0 - 82) * np.sin(turn)
    across = (z0 - 82) * np.cos(turn) - (x0 - 2) * np.sin(turn)
    matter = 0.24 + 0.08 * np.sin(along * 0.5) * np.sin(across * 0.6)
    falx = 2.6 * ridge(across, 0.7) * (np.abs(along - 3) < 36) * (np.abs(along - 4) > 9)
    for side in (-1, 1):
        matter = matter * (1 - 0.75 * inside(ellipse(along, across, (3, side * 5.8), (9, 5), side * 12), 0.2))
        plexus = inside(ellipse(along, across, (-18, side * 10), (11, 3.6), side * 14), 0.3)
        ventricle = shell(ellipse(along, across, (-14, side * 11), (19, 6.4), side * 10), 0.16)
        matter = matter + 1.4 * plexus + 0.9 * ventricle
        matter = matter + 0.5 * shell(ellipse(along, across, (12, side * 18), (13, 7), side * 30), 0.14)
    cavum = inside(ellipse(along, across, (23, 0), (5, 2.6)), 0.3)
    echo = np.where(brain > 0.5, (matter + falx) * (1 - 0.9 * cavum), echo)
    beam = 0.35 + 0.65 * np.abs(across) / (np.hypot(along * 0.75, across) + 1)
    echo = echo + 17 * beam * shell(head, 0.05)
    placenta = inside(ellipse(x0, z0, (0, 128), (70, 15), 0), 0.15) * (1 - fluid)
    echo = echo + 0.5 * placenta
    loss = loss + 0.03 * shell(head, 0.1)
    return wall_layers(x, z, echo), loss.astype(np.float32)


ARTERY_DEPTH, ARTERY_SLOPE, ARTERY_RADIUS = 19.0, 0.09, 3.3


def from_artery(x: Picture, z: Picture) -> Picture:
    """Distance from the artery's axis as a part of its radius; below 0 is nearer to the probe."""
    widening = 1 + 0.42 * smoothstep(x, 2, 13)
    return ((z - ARTERY_DEPTH - ARTERY_SLOPE * x) / (ARTERY_RADIUS * widening)).astype(np.float32)


def neck_artery(x: Picture, z: Picture, time: float) -> Echo:
    """Common carotid artery lengthwise, widening into the bulb, muscle above, vein between."""
    lumen = from_artery(x, z)
    echo = 0.7 + 0.35 * np.sin(z * 1.5 + 0.1 * x) ** 4 * np.sin(x * 0.22 + z) ** 2
    muscle = smoothstep(z, 5.2, 5.8) * smoothstep(z, 11.4, 10.8)
    echo = echo * (1 - 0.55 * muscle) + 0.8 * muscle * np.sin(z * 3.4 + 0.24 * x) ** 10
    for depth, strength in ((0.6, 6.0), (5.4, 3.5), (11.2, 4.0)):
        echo = echo + strength * ridge(z - depth - 0.02 * x, 0.25)
    vein = ellipse(x, z, (-4, 13.4), (17, 1.2), 4)
    echo = echo * (1 - 0.96 * inside(vein, 0.3))
    blood = smoothstep(np.abs(lumen), 1.05, 0.93)
    echo = echo * (1 - 0.985 * blood)
    for edge, strength in ((-1.03, 4.0), (1.03, 6.0), (1.3, 7.5)):
        echo = echo + strength * ridge(lumen - edge, 0.06)
    plaque = inside(ellipse(x, z, (8.5, ARTERY_DEPTH + 4.6), (4.4, 1.2), 4), 0.3)
    echo = echo + 2.2 * plaque
    loss = np.full_like(x, 0.03) - 0.03 * blood
    return echo.astype(np.float32), loss.astype(np.float32)
