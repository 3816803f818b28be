"""A z-buffer in NumPy: balls, sticks and tubes, each pixel shows the nearest.

`picture.py` draws molecules on it.
"""

import numpy as np

from mdlearn.view.tube import SMOOTH, TUBE, curve

LIGHT = np.array([-0.45, 0.55, 0.70]) / np.linalg.norm([-0.45, 0.55, 0.70])


class Canvas:
    """A z-buffer: each shape paints the pixels where it is nearest to the reader."""

    def __init__(self, size: tuple[int, int], scale: float) -> None:
        width, height = size
        self.scale = scale  # pixels per Å
        self.x = (np.arange(width) + 0.5 - width / 2) / scale  # Å
        self.y = -(np.arange(height) + 0.5 - height / 2) / scale
        self.depth = np.full((height, width), -np.inf)
        self.color = np.ones((height, width, 3))

    def ball(self, center: np.ndarray, radius: float, color: np.ndarray) -> None:
        """A ball at a place (Å), z toward the reader."""
        rows, columns, x, y = self._box(center[None], radius)
        dx, dy = x - center[0], y - center[1]
        inside = radius**2 - dx**2 - dy**2
        up = np.sqrt(np.maximum(inside, 0.0))
        normal = np.stack(np.broadcast_arrays(dx, dy, up), -1) / radius
        self._paint(rows, columns, inside > 0, center[2] + up, normal, color)

    def stick(
        self, a: np.ndarray, b: np.ndarray, radius: float, first: np.ndarray, second: np.ndarray
    ) -> None:
        """A stick from a to b (Å), half in each color."""
        length = np.linalg.norm(b - a)
        u = (b - a) / length
        rows, columns, x, y = self._box(np.stack([a, b]), radius)
        w = np.stack(np.broadcast_arrays(x - a[0], y - a[1], -a[2]), -1)
        along = w @ u
        w_p, k_p = w - along[..., None] * u, np.array([0, 0, 1.0]) - u[2] * u
        square, half, rest = k_p @ k_p, w_p @ k_p, (w_p**2).sum(-1) - radius**2
        inside = half**2 - square * rest
        z = (-half + np.sqrt(np.maximum(inside, 0.0))) / max(square, 1e-9)
        place = along + z * u[2]
        normal = (w_p + z[..., None] * k_p) / radius
        color = np.where((place < length / 2)[..., None], first, second)
        self._paint(rows, columns, (inside > 0) & (place > 0) & (place < length), z, normal, color)

    def tube(self, points: np.ndarray, colors: np.ndarray) -> None:
        """A smooth tube through the places of residues (Å), each in its color."""
        if len(points) < 2:
            return
        way = curve(points)
        nearest = (np.arange(len(way)) + SMOOTH // 2) // SMOOTH
        for k in range(len(way) - 1):
            first, second = colors[nearest[k]], colors[nearest[k + 1]]
            self.stick(way[k], way[k + 1], TUBE, first, second)
            self.ball(way[k], TUBE, first)

    def _box(self, points: np.ndarray, radius: float) -> tuple:
        """Rows, columns and coordinates of the pixels that a shape around the points may touch."""
        low, high = points.min(0) - radius, points.max(0) + radius
        columns = slice(*np.searchsorted(self.x, [low[0], high[0]]))
        rows = slice(*np.searchsorted(-self.y, [-high[1], -low[1]]))
        return rows, columns, self.x[None, columns], self.y[rows, None]

    def _paint(self, rows, columns, inside, z, normal, color) -> None:
        seen = inside & (z > self.depth[rows, columns])
        light = np.clip(normal @ LIGHT, 0, 1)[..., None]
        shine = np.clip(2 * light * normal[..., 2:] - LIGHT[2], 0, 1) ** 24
        shaded = color * (0.45 + 0.6 * light) * (0.72 + 0.28 * np.clip(normal[..., 2:], 0, 1))
        shaded = np.clip(shaded + 0.35 * shine, 0, 1)
        self.color[rows, columns][seen] = np.broadcast_to(shaded, (*seen.shape, 3))[seen]
        self.depth[rows, columns][seen] = z[seen]

    def image(self) -> np.ndarray:
        """The picture, with what lies behind fading toward white."""
        seen = np.isfinite(self.depth)
        if seen.any():
            z = self.depth[seen]
            fog = 0.35 * (z.max() - z) / max(np.ptp(z), 4.0)
            self.color[seen] += fog[:, None] * (1 - self.color[seen])
        return self.color
