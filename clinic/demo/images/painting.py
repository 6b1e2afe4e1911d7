"""Drawing with numpy: blurs, soft noise, ellipses and tubes, all on float32 pictures (rows, columns)."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]
Points = NDArray[np.float64]


def resized(picture: Picture, rows: int, columns: int) -> Picture:
    """The picture at another size: area mean when it shrinks, bicubic when it grows."""
    if picture.shape == (rows, columns):
        return picture
    how = Image.Resampling.BOX if rows < picture.shape[0] else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.float32))
    return np.asarray(image.resize((columns, rows), how), dtype=np.float32)


def blur(picture: Picture, sigma: float) -> Picture:
    """Gaussian blur, sigma in pixels; wide ones are done on a smaller copy."""
    if sigma < 0.3:
        return picture
    if sigma > 6:
        rows, columns = picture.shape
        shrink = sigma / 3
        small = resized(picture, max(8, round(rows / shrink)), max(8, round(columns / shrink)))
        return resized(blur(small, 3.0), rows, columns)
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(picture, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        length = picture.shape[axis]
        total = np.zeros_like(picture)
        for k, weight in enumerate(weights):
            total += weight * (padded[k : k + length] if axis == 0 else padded[:, k : k + length])
        picture = total
    return picture


def soft_noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Picture:
    """Smooth random texture with unit spread; `grain` is the size of its blobs in pixels."""
    rows, columns = (max(4, round(n / max(grain, 1)) + 2) for n in shape)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    picture = resized(coarse, *shape)
    return (picture - picture.mean()) / (picture.std() + 1e-6)


def smoothstep(value: Picture, low: float, high: float) -> Picture:
    """0 below `low`, 1 above `high`, an S curve between; low may be the larger one."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def ellipse(
    x: Picture, y: Picture, centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0
) -> Picture:
    """Squared normalised distance: 0 at the centre, 1 on the edge; turned clockwise on the screen."""
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    if degrees == 0:
        return (dx / np.float32(radii[0])) ** 2 + (dy / np.float32(radii[1])) ** 2
    turn = np.float32(np.deg2rad(degrees))
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = dy * np.cos(turn) - dx * np.sin(turn)
    return ((along / radii[0]) ** 2 + (across / radii[1]) ** 2).astype(np.float32)


def chord(distance: Picture) -> Picture:
    """Thickness (0…1) of a ball seen from the front, from its squared normalised distance."""
    return np.sqrt(np.clip(1 - distance, 0, None), dtype=np.float32)


def curve(points: Points, step: float) -> Points:
    """The points along a smooth line through `points`, at most `step` apart (Catmull-Rom, chordal length)."""
    points = np.asarray(points, dtype=np.float64)
    if len(points) > 2:
        ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
        t = np.linspace(0, 1, 12, endpoint=False)[:, None]
        pieces = [_catmull_rom(ends[k : k + 4], t) for k in range(len(points) - 1)]
        points = np.vstack([*pieces, points[-1:]])
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))])
    places = np.linspace(0, lengths[-1], max(2, int(np.ceil(lengths[-1] / step)) + 1))
    return np.column_stack([np.interp(places, lengths, points[:, k]) for k in range(points.shape[1])])


def _catmull_rom(p: Points, t: Points) -> Points:
    return 0.5 * (
        2 * p[1]
        + (p[2] - p[0]) * t
        + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t**2
        + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
    )


def paint_tube(
    canvas: Picture, points: Points, *, inner: float = 1.0, hollow: float = 0.0, ends: str = "open"
) -> None:
    """Paint a round tube onto the canvas where it is thicker than what is there.

    `points` are rows of x, y, radius, thickness: pixels, pixels, pixels, and the value in the middle. A bone
    has a dense shell (`inner` is its inner radius as a part of the outer one), is `hollow` (0…1) inside, and
    may have "round" ends.
    """
    columns, rows, value = _tube_samples(points, inner, hollow, ends)
    inside = (columns >= 0) & (rows >= 0) & (columns < canvas.shape[1]) & (rows < canvas.shape[0])
    flat = canvas.reshape(-1)
    np.maximum.at(flat, rows[inside] * canvas.shape[1] + columns[inside], value[inside])


def add_tube(
    canvas: Picture, points: Points, *, inner: float = 1.0, hollow: float = 0.0, ends: str = "open"
) -> None:
    """Like `paint_tube`, but what lies in front of and behind other things adds up."""
    columns, rows, value = _tube_samples(points, inner, hollow, ends)
    inside = (columns >= 0) & (rows >= 0) & (columns < canvas.shape[1]) & (rows < canvas.shape[0])
    if not inside.any():
        return
    columns, rows, value = columns[inside], rows[inside], value[inside]
    left, top = columns.min(), rows.min()
    width = columns.max() - left + 1
    box = np.zeros((rows.max() - top + 1, width), dtype=np.float32)
    np.maximum.at(box.reshape(-1), (rows - top) * width + columns - left, value)
    canvas[top : top + box.shape[0], left : left + width] += box


def paint_pieces(canvas: Picture, pieces: Points) -> None:
    """Paint many short straight tubes at once: an array (number, 2 ends, 4) of points as for `paint_tube`."""
    widest = 2 * pieces[:, :, 2].max(axis=1) / 0.7
    bounds = (0, 3, 6, 12, 24, np.inf)
    for low, high in pairwise(bounds):
        some = pieces[(widest > low) & (widest <= high)]
        if len(some):
            _paint_alike(canvas, some, int(np.ceil(min(high, widest.max()))) + 1)


def _paint_alike(canvas: Picture, pieces: Points, samples: int) -> None:
    begin, way = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    lengths = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
    counts = np.ceil(lengths / 0.7).astype(np.int64) + 1
    number = np.repeat(np.arange(len(pieces)), counts)
    first = np.cumsum(counts) - counts
    part = (np.arange(len(number)) - first[number]) / np.maximum(counts[number] - 1, 1)
    line = begin[number] + part[:, None] * way[number]
    direction = (way[:, :2] / lengths[:, None])[number]
    across = np.linspace(-1, 1, samples)
    reach = line[:, 2, None] * across
    columns = np.rint(line[:, 0, None] - direction[:, 1, None] * reach).astype(np.int64)
    rows = np.rint(line[:, 1, None] + direction[:, 0, None] * reach).astype(np.int64)
    value = (line[:, 3, None] * np.sqrt(1 - across**2)).astype(np.float32)
    inside = (columns >= 0) & (rows >= 0) & (columns < canvas.shape[1]) & (rows < canvas.shape[0])
    np.maximum.at(canvas.reshape(-1), rows[inside] * canvas.shape[1] + columns[inside], value[inside])


def _tube_samples(points: Points, inner: float, hollow: float, ends: str) -> tuple[Points, Points, Picture]:
    line = curve(points, 0.7)
    direction = np.gradient(line[:, :2], axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)[:, None]
    if ends == "round":
        line = _rounded(line)
    across = np.linspace(-1, 1, max(3, int(np.ceil(line[:, 2].max() * 2 / 0.7))))
    profile = np.sqrt(1 - across**2)
    profile -= hollow * np.sqrt(np.clip(inner**2 - across**2, 0, None))
    x = line[:, 0, None] - direction[:, 1, None] * across * line[:, 2, None]
    y = line[:, 1, None] + direction[:, 0, None] * across * line[:, 2, None]
    value = (line[:, 3, None] * profile).astype(np.float32)
    return np.rint(x).astype(np.int64), np.rint(y).astype(np.int64), value


def _rounded(line: Points) -> Points:
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    to_end = np.minimum(way, way[-1] - way) / np.maximum(line[:, 2], 1e-6)
    round_ = np.sqrt(np.clip(1 - np.clip(1 - to_end, 0, 1) ** 2, 0.02, 1))
    return np.column_stack([line[:, :2], line[:, 2] * round_, line[:, 3]])
