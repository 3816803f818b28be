"""Still pictures of molecules, ray-cast in NumPy: what a reader without a kernel sees.

`mdlearn.view.scene` shows the same molecule live, in the same pose.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from jaxtyping import Float, Int
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from mdlearn.view.canvas import Canvas
from mdlearn.view.theme import BLUE, DIVERGING, DPI, GRAY, GREEN, ORANGE, SEQUENTIAL, VERMILION, png
from mdlearn.view.tube import TUBE, chains

BALL, STICK = 0.30, 0.11  # ball beyond the stick in covalent radii, stick in Å
KINDS = (GRAY, VERMILION, BLUE, GREEN, ORANGE)  # of atoms that belong to named kinds
FILL = 1.25  # ball of the spacefill style, in covalent radii


def find_bonds(atoms: Atoms, *, slack: float = 1.25) -> Int[np.ndarray, "pairs 2"]:
    """Pairs closer than `slack` times the sum of their covalent radii; noble gases have none."""
    radii = covalent_radii[atoms.numbers]
    noble = np.isin(atoms.numbers, [2, 10, 18, 36, 54, 86])
    distances = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=-1)
    near = distances < slack * (radii[:, None] + radii[None])  # (atoms, atoms)
    near &= ~(noble[:, None] | noble[None])
    return np.argwhere(np.triu(near, 1))


def lasting_bonds(frames: Sequence[Atoms], *, looks: int = 9) -> Int[np.ndarray, "pairs 2"]:
    """Bonds that more than half of some frames have: a crowded first frame decides nothing.

    Args:
        looks: Frames looked at, spread evenly (count).
    """
    chosen = np.unique(np.linspace(0, len(frames) - 1, looks).round().astype(int))
    pairs, counts = np.unique(
        np.concatenate([find_bonds(frames[k]) for k in chosen]), axis=0, return_counts=True
    )
    return pairs[2 * counts > len(chosen)]


def pose(atoms: Atoms) -> Float[np.ndarray, "3 3"]:
    """Rotation that lays the molecule flat: widest along x, thinnest toward the reader.

    Rotated positions are `positions @ pose(atoms).T`. A crystal keeps its axes, seen slightly from
    above. Heavier atoms count more, and the heavier half points up, so the pose is unique.
    """
    if atoms.cell.rank == 3:
        return _turn(-0.35, 0) @ _turn(0.3, 1)
    centered = atoms.positions - atoms.positions.mean(0)
    weighted = centered * np.sqrt(atoms.get_masses())[:, None]
    _, _, axes = np.linalg.svd(weighted, full_matrices=True)
    heavy = (atoms.get_masses()[:, None] * (centered @ axes.T) ** 3).sum(0)  # (3,)
    axes = axes * np.where(heavy < 0, -1.0, 1.0)[:, None]
    if np.linalg.det(axes) < 0:
        axes[2] *= -1.0
    return _turn(0.25, 0) @ _turn(0.2, 1) @ axes  # a slight tilt shows what lies behind


def _turn(angle: float, axis: int) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    i, j = [k for k in range(3) if k != axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def value_colors(
    values: Float[Any, " atoms"], names: Sequence[str] = ()
) -> tuple[Float[np.ndarray, "atoms 3"], ScalarMappable]:
    """Colors of per-atom values and their scale: from zero up, or centered if signs differ.

    Args:
        names: Of the kinds 0, 1, 2 …, when the values are numbers of kinds; each has its color.
    """
    values = np.asarray(values)
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {values.size} values are not finite")
    top = np.abs(values).max() or 1.0
    if names:
        scale = ScalarMappable(
            Normalize(-0.5, len(names) - 0.5), ListedColormap(KINDS[: len(names)])
        )
    elif (values < 0).any() and (values > 0).any():
        scale = ScalarMappable(Normalize(-top, top), colormaps[DIVERGING])
    elif (values >= 0).all():
        scale = ScalarMappable(Normalize(0, top), colormaps[SEQUENTIAL])
    else:
        scale = ScalarMappable(Normalize(-top, 0), colormaps[SEQUENTIAL])
    return scale.to_rgba(values)[:, :3], scale


def tell_bar(bar: Colorbar, label: str, names: Sequence[str] = ()) -> None:
    """What the colors of a bar mean."""
    bar.set_label(label, fontsize=12)
    if names:
        bar.set_ticks(range(len(names)), labels=names)
        bar.ax.tick_params(length=0)


def element_colors(atoms: Atoms) -> Float[np.ndarray, "atoms 3"]:
    """The usual colors of the elements: gray carbon, white hydrogen, red oxygen, blue nitrogen."""
    return jmol_colors[atoms.numbers]


def ball_radii(atoms: Atoms, style: str) -> Float[np.ndarray, " atoms"]:
    """Radii of the drawn balls (Å): heavier elements are bigger, also without color."""
    if style == "tube":
        return np.full(len(atoms), TUBE)
    radii = covalent_radii[atoms.numbers]
    return FILL * radii if style == "spacefill" else STICK + BALL * radii


def render(
    atoms: Atoms,
    rotation: Float[np.ndarray, "3 3"],
    colors: Float[np.ndarray, "atoms 3"],
    *,
    size: tuple[int, int],
    extent: Float[np.ndarray, "2"],
    style: str = "ball+stick",
) -> Float[np.ndarray, "height width 3"]:
    """Shaded spheres and sticks, seen along z after `rotation`, on white.

    Args:
        size: Width and height (pixels).
        extent: Half width and half height that must fit (Å).
    """
    canvas = Canvas(size, min(size[0] / extent[0], size[1] / extent[1]) / 2)
    center = corners(atoms).mean(0) if atoms.cell.rank == 3 else atoms.positions.mean(0)
    places = (atoms.positions - center) @ rotation.T
    balls = ball_radii(atoms, style)
    if style == "ball+stick":
        for i, j in find_bonds(atoms):
            canvas.stick(places[i], places[j], STICK, colors[i], colors[j])
    if style == "tube":
        for chain in chains(atoms.positions):
            canvas.tube(places[chain], colors[chain])
    if atoms.cell.rank == 3:
        ends = (corners(atoms) - center) @ rotation.T
        gray = np.full(3, 0.55)
        for i in range(8):
            for bit in (1, 2, 4):
                if not i & bit:
                    canvas.stick(ends[i], ends[i | bit], 0.03, gray, gray)
    for place, radius, color in zip(places, balls, colors, strict=True):
        canvas.ball(place, radius, color)
    return canvas.image()


def extent(
    frames: Sequence[Atoms], rotation: Float[np.ndarray, "3 3"], *, style: str = "ball+stick"
) -> Float[np.ndarray, "2"]:
    """Half width and half height that hold all frames after the rotation (Å)."""
    halves = []
    for atoms in frames:
        points = corners(atoms) if atoms.cell.rank == 3 else atoms.positions
        reach = np.abs((np.vstack([points, atoms.positions]) - points.mean(0)) @ rotation.T).max(0)
        halves.append(reach[:2] + ball_radii(atoms, style).max())
    return np.max(halves, axis=0) + 0.1


def corners(atoms: Atoms) -> np.ndarray:
    """The eight corners of the cell; bit k of the index says whether vector k is in. (8, 3)"""
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    return bits @ atoms.cell.array


def still(
    frames: Sequence[Atoms],
    *,
    title: str = "",
    values: Float[Any, " atoms"] | None = None,
    label: str = "",
    names: Sequence[str] = (),
    style: str = "ball+stick",
    width: int = 440,
    height: int = 320,
) -> bytes:
    """A PNG picture: the molecule, or first, middle and last frame, with title and color bar.

    Args:
        values: One value per atom to color by; its name and unit go to `label`.
        names: Of the kinds, when the values are their numbers.
        width: Pixels.
        height: Pixels.
    """
    shown = [frames[k] for k in sorted({0, len(frames) // 2, len(frames) - 1})]
    rotation = pose(frames[0])
    half = extent(shown, rotation, style=style)
    figure = Figure((width / DPI, height / DPI), dpi=DPI, layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(shown)))
    for k, (ax, atoms) in enumerate(zip(axes, shown, strict=True)):
        colors = element_colors(atoms) if values is None else value_colors(values, names)[0]
        pixels = (2 * width // len(shown), 2 * height - 80)
        ax.imshow(render(atoms, rotation, colors, size=pixels, extent=half, style=style))
        _letters(ax, atoms, (atoms.positions - atoms.positions.mean(0)) @ rotation.T, colors, half)
        ax.set_axis_off()
        if len(shown) > 1:
            frame = sorted({0, len(frames) // 2, len(frames) - 1})[k]
            ax.set_title(f"frame {frame + 1} of {len(frames)}", fontsize=11)
    if values is not None:
        scale = value_colors(values, names)[1]
        tell_bar(figure.colorbar(scale, ax=list(axes), shrink=0.8, pad=0.01), label, names)
    if title:
        figure.suptitle(title, fontsize=13)
    return png(figure)


def describe(
    frames: Sequence[Atoms],
    *,
    title: str = "",
    values: np.ndarray | None = None,
    label: str = "",
    style: str = "",
) -> str:
    """What the picture shows, in words."""
    first, words = frames[0], f"{title}: " if title else ""
    if style == "tube":
        words += f"{len(first)} residues as a tube"
    else:
        words += f"{first.get_chemical_formula()}, {len(first)} atoms"
    if len(frames) > 1:
        words += f", {len(frames)} frames"
    if first.cell.rank == 3:
        words += ", in its periodic cell"
    if values is not None:
        words += f", colored by {label}"
    return words


def _letters(
    ax: Any, atoms: Atoms, places: np.ndarray, colors: np.ndarray, half: np.ndarray
) -> None:
    """Element symbols on the heavy atoms of a small molecule: color alone does not tell."""
    height, width = ax.images[0].get_size()
    scale = min(width / half[0], height / half[1]) / 2
    if len(atoms) > 40 or scale < 50 or atoms.cell.rank == 3:
        return
    for symbol, place, color in zip(atoms.symbols, places * scale, colors, strict=True):
        if symbol != "H":
            ink = "white" if color @ [0.3, 0.6, 0.1] < 0.55 else "black"
            x, y = width / 2 + place[0], height / 2 - place[1]
            ax.text(x, y, symbol, ha="center", va="center", color=ink, fontsize=11, weight="bold")
