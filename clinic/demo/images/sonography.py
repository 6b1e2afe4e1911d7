"""How an ultrasound machine makes its picture: echoes along beams, speckle, log compression, scan conversion.

Millimetres; x to the right of the picture, z away from the probe. A tissue function gives for each place the
strength of its echo (1 is plain parenchyma) and how much weaker that makes all behind it (per millimetre).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clinic.demo.images.painting import Picture

Tissue = Callable[[Picture, Picture, float], tuple[Picture, Picture]]
GREY = np.uint8
FULL_SIZE = (480, 640)


@dataclass(frozen=True)
class Probe:
    """`curve` is the radius of a curved array (0: straight), `reach` half of its angle, or half its width."""

    curve: float
    reach: float
    depth: float
    lines: int = 200
    samples: int = 400


CURVED = Probe(curve=58, reach=float(np.deg2rad(33)), depth=155)
STRAIGHT = Probe(curve=0, reach=19, depth=40, lines=230)


class Scanner:
    """Turns a tissue function into pictures of `rows` × `columns`; the speckle stays with the tissue."""

    def __init__(self, probe: Probe, rows: int, columns: int, rng: np.random.Generator) -> None:
        self.probe, self.rng, self.rows, self.columns = probe, rng, rows, columns
        self.top = round(rows * 0.07)
        self.left = columns * 0.5
        height = probe.depth + (probe.curve * (1 - np.cos(probe.reach)) if probe.curve else 0)
        self.pixel = height / (rows * 0.88)  # millimetres
        r = np.linspace(0, probe.depth, probe.samples, dtype=np.float32)[:, None]
        line = np.linspace(-probe.reach, probe.reach, probe.lines, dtype=np.float32)[None, :]
        self.x, self.z = self._places(r, line)
        self.scatter = rng.standard_normal((1024, 1024, 2), dtype=np.float32)
        self._prepare_conversion()

    def _places(self, r: Picture, line: Picture) -> tuple[Picture, Picture]:
        if not self.probe.curve:
            return line + 0 * r, r + 0 * line
        edge = self.probe.curve * np.cos(self.probe.reach)
        return (self.probe.curve + r) * np.sin(line), (self.probe.curve + r) * np.cos(line) - edge

    def _prepare_conversion(self) -> None:
        down, across = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        x, z = (across - self.left) * self.pixel, (down - self.top) * self.pixel
        if self.probe.curve:
            z = z + self.probe.curve * np.cos(self.probe.reach)
            r, line = np.hypot(x, z) - self.probe.curve, np.arctan2(x, z)
        else:
            r, line = z, x
        self.inside = (r >= 0) & (r < self.probe.depth) & (np.abs(line) < self.probe.reach)
        u = np.clip(r / self.probe.depth, 0, 0.9999) * (self.probe.samples - 1)
        v = np.clip((line / self.probe.reach + 1) / 2, 0, 0.9999) * (self.probe.lines - 1)
        u, v = u[self.inside], v[self.inside]
        self._row, self._line = u.astype(np.int64), v.astype(np.int64)
        self._du, self._dv = u - self._row, v - self._line

    def converted(self, polar: Picture) -> Picture:
        """Beams to picture, bilinear; 0 outside the sector."""
        flat, start = polar.reshape(-1), self._row * self.probe.lines + self._line
        below = start + self.probe.lines
        near = flat[start] * (1 - self._dv) + flat[start + 1] * self._dv
        far = flat[below] * (1 - self._dv) + flat[below + 1] * self._dv
        picture = np.zeros((self.rows, self.columns), dtype=np.float32)
        picture[self.inside] = near * (1 - self._du) + far * self._du
        return picture

    def picture(self, tissue: Tissue, time: float, *, gain: float = 0.0, decibels: float = 58.0) -> Picture:
        """The sector in grey, 0 … 1, at `time` (0 … 1 is one cycle of whatever moves)."""
        echo, loss = tissue(self.x, self.z, time)
        signal = self._speckle(time) * echo[..., None]
        signal = _smoothed(_smoothed(signal, 0, 1.1), 1, 1.6)
        through = np.exp(-np.cumsum(loss, axis=0) * (self.probe.depth / self.probe.samples))
        strength = np.hypot(signal[..., 0], signal[..., 1]) * through
        strength += 0.0022 * np.abs(self.rng.standard_normal(strength.shape, dtype=np.float32))
        level = 20 * np.log10(strength + 1e-5) + 50 + gain
        return np.clip(self.converted(level) / decibels, 0, 1) * self.inside

    def _speckle(self, time: float) -> Picture:
        """Scatterers are fixed in the tissue, so they are looked up where the tissue was at rest."""
        x, z = self.at_rest(self.x, self.z, time)
        column = np.rint(x / 0.42).astype(np.int64) % 1024
        row = np.rint(z / 0.36).astype(np.int64) % 1024
        return self.scatter[row, column]

    def at_rest(self, x: Picture, z: Picture, time: float) -> tuple[Picture, Picture]:
        return breathing(x, z, time) if self.probe.curve else (x, z)


def breathing(x: Picture, z: Picture, time: float) -> tuple[Picture, Picture]:
    """Where the tissue now at x, z lies at the end of breathing out."""
    phase = 0.5 - 0.5 * np.cos(2 * np.pi * time)
    weight = np.clip((z - 18) / 30, 0, 1)
    return x - 11 * phase * weight, z - 3 * phase * weight


def _smoothed(signal: Picture, axis: int, sigma: float) -> Picture:
    reach = int(np.ceil(2.5 * sigma))
    total = np.zeros_like(signal)
    for k in range(-reach, reach + 1):
        total += np.float32(np.exp(-0.5 * (k / sigma) ** 2)) * np.roll(signal, k, axis=axis)
    return total / np.float32(sigma * 2.5)


def screen(scanner: Scanner, grey: Picture, texts: tuple[str, ...]) -> Image.Image:
    """The machine's screen: the sector, a grey bar, a depth scale and the machine's texts (no names)."""
    image = Image.fromarray((grey * 255).astype(GREY)).convert("RGB")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default()
    rows, columns = scanner.rows, scanner.columns
    for k, text in enumerate(texts):
        draw.text((columns * 0.016, rows * 0.02 + k * 12), text, fill=(178, 190, 198), font=font)
    draw.text((columns * 0.5 - 30, 2), "C", fill=(90, 190, 120), font=font)
    right = columns - 12
    for centimetre in range(int(scanner.probe.depth / 10) + 1):
        y = scanner.top + centimetre * 10 / scanner.pixel
        if y < rows - 2:
            length = 7 if centimetre % 5 == 0 else 3
            draw.line((right - length, y, right, y), fill=(200, 200, 200))
    for k in range(round(rows * 0.3)):
        shade = 255 - round(255 * k / (rows * 0.3))
        draw.line((6, rows * 0.34 + k, 13, rows * 0.34 + k), fill=(shade, shade, shade))
    return image
