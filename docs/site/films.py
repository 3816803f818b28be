"""Molecules that move on the pages: each computed from what ships, with a seed, when the site is built."""

import io
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule
from matplotlib.colors import to_hex

from mdlearn.data import fetch as data
from mdlearn.dynamics.integrators import langevin, start
from mdlearn.dynamics.simulate import run
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import evaluate, from_atoms, to_atoms
from mdlearn.potentials.weights import load
from mdlearn.recipes.malonaldehyde import ACCEPTOR, DONOR, PROTON
from mdlearn.recipes.sampling import transfer
from mdlearn.structure.scores import superpose
from mdlearn.units import fs, gram_per_cm3, ps
from mdlearn.view.picture import corners, find_bonds, pose, still, value_colors

FLIP = np.array([-1.0, 1.0, -1.0])  # NGL looks along +z
TURN = 90  # frames of a full turn


@dataclass(frozen=True)
class Film:
    """What a page shows in 3D.

    Attributes:
        pdb: The first frame.
        alt: What there is to see, in words.
        picture: PNG shown where there is no 3D.
        style: "ball+stick", "spacefill" or "cartoon".
        frames: Places of the atoms of `pdb` (Å).
        times: What to call each frame.
        colors: Scale of the B-factors, "chain" for place in the chain, nothing for elements.
        beside: A structure to stand beside, as PDB.
        cell: Ends of the edges of the box (Å).
        arrows: Tips of arrows that start at the atoms (Å).
    """

    pdb: str
    alt: str
    picture: bytes
    style: str = "ball+stick"
    frames: np.ndarray | None = None
    times: tuple[str, ...] = ()
    colors: list[str] | str | None = None
    beside: str | None = None
    cell: list | None = None
    arrows: np.ndarray | None = None


def small(atoms: Atoms, alt: str, *, values: np.ndarray | None = None, label: str = "") -> Film:
    """A molecule that stands still, colored by element or by one value an atom."""
    scale = None
    picture = still([atoms], values=values, label=label)
    if values is not None:
        scalars = value_colors(values)[1]
        scale = [to_hex(scalars.cmap(x)) for x in np.linspace(0, 1, 11)]
        values = 100 * scalars.norm(values)
    return Film(pdb(_laid(atoms), values), alt, picture, colors=scale)


def moving(frames: list[Atoms], alt: str, times: list[str], *, style: str = "ball+stick") -> Film:
    """A trajectory in the pose of its first frame."""
    turn = pose(frames[0])
    boxed = frames[0].cell.rank == 3
    middle = (corners(frames[0]) if boxed else frames[0].positions).mean(0)
    places = np.array([(frame.positions - middle) @ turn.T * FLIP for frame in frames])
    first = frames[0].copy()
    first.positions = places[0]
    edges = None
    if boxed:
        ends = (corners(frames[0]) - middle) @ turn.T * FLIP
        pairs = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
        edges = [[ends[i].round(3).tolist(), ends[j].round(3).tolist()] for i, j in pairs]
    picture = still(frames[:1], style=style)
    return Film(pdb(first), alt, picture, style, places, tuple(times), cell=edges)


def pdb(atoms: Atoms, values: np.ndarray | None = None) -> str:
    """A small molecule in PDB format, its bonds told."""
    values = np.zeros(len(atoms)) if values is None else values
    text = io.StringIO()
    for i, (symbol, place, value) in enumerate(
        zip(atoms.symbols, atoms.positions, values, strict=True), 1
    ):
        x, y, z = place
        text.write(
            f"HETATM{i:5d} {symbol + str(i):<4.4s} MOL A   1    {x:8.3f}{y:8.3f}{z:8.3f}"
            f"{1:6.2f}{value:6.2f}          {symbol:>2s}\n"
        )
    return text.getvalue() + _ties(find_bonds(atoms)) + "END\n"


def _ties(pairs: Iterable[Sequence[int]]) -> str:
    """Bonds, as a PDB file tells them."""
    return "".join(f"CONECT{i + 1:5d}{j + 1:5d}\n" for i, j in pairs)


def _laid(atoms: Atoms) -> Atoms:
    flat = atoms.copy()
    flat.positions = (atoms.positions - atoms.positions.mean(0)) @ pose(atoms).T * FLIP
    return flat


def ethanol() -> Film:
    """The shipped potential at work."""
    alt = "Ethanol moves at 300 K: bonds to hydrogen beat fastest"
    return living("ethanol", molecule("CH3CH2OH"), alt)


def dipeptide() -> Film:
    """Alanine dipeptide, from the frame of the lowest energy in its set."""
    calm = min(data.load("alanine_dipeptide"), key=lambda frame: frame.get_potential_energy())
    alt = "Alanine dipeptide moves at 300 K: its two hinges sway, its ends turn"
    return living("alanine_dipeptide", calm, alt, every=12)


def living(name: str, atoms: Atoms, alt: str, *, every: int = 4) -> Film:
    """Dynamics at 300 K with a shipped potential, each frame laid on the first."""
    potential = load(name)
    state = start(potential, from_atoms(atoms), temperature=300, seed=1)
    path = run(langevin(potential, 0.5 * fs, 300, 1 / ps), state, 200 * every, every=every)
    home = path.positions[0].numpy()
    frames = [Atoms(atoms.symbols, superpose(x.numpy(), home)) for x in path.positions]
    times = [f"{0.5 * every * (k + 1):.0f} fs" for k in range(len(frames))]
    return moving(frames, alt, times)


def proton() -> Film:
    """Frames of a data set, sorted by where the proton is; both of its bonds are drawn."""
    where = transfer(DONOR, PROTON, ACCEPTOR)
    frames = sorted(data.load("malonaldehyde"), key=lambda frame: where(frame.positions)[0])
    frames = frames[:: max(1, len(frames) // 80)]
    home = frames[len(frames) // 2].positions
    laid = [Atoms(frame.symbols, superpose(frame.positions, home)) for frame in frames]
    times = [f"{where(frame.positions)[0]:+.2f} Å" for frame in laid]
    alt = "Malonaldehyde, frames with labels sorted by the place of its proton between two oxygens"
    film = moving(laid, alt, times)
    ties = ((DONOR, PROTON), (PROTON, ACCEPTOR))
    return replace(film, pdb=film.pdb.replace("END\n", _ties(ties) + "END\n"))


def turned() -> Film:
    """Forces on a molecule that is turned: computed anew at each angle, they turn with it."""
    potential = load("ethanol")
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.06, seed=1)
    frames, tips = [], []
    for k in range(TURN):
        frame = atoms.copy()
        frame.rotate(360 * k / TURN, "y", center=atoms.positions.mean(0))
        frames.append(frame)
        tips.append(frame.positions + evaluate(potential, from_atoms(frame)).forces.numpy() / 2)
    film = moving(
        frames,
        "Ethanol, shaken, with an arrow for the force on each atom: the arrows turn with the molecule",
        [f"{360 * k // TURN}°" for k in range(TURN)],
    )
    middle = frames[0].positions.mean(0)
    return replace(film, arrows=(np.array(tips) - middle) @ pose(frames[0]).T * FLIP)


def argon() -> Film:
    """Liquid argon in its periodic box."""
    potential = LennardJones(cutoff=7.5)
    box = liquid(3, 1.374 * gram_per_cm3 / 39.948, seed=0)
    warm = langevin(potential, 4 * fs, 94.4, 2 / ps)
    state = start(potential, from_atoms(box), temperature=190, seed=0)
    melted = run(warm, state, 500, every=500).last
    path = run(warm, melted, 600, every=6, seed=1)
    frames = []
    for places in path.positions:
        frame = to_atoms(melted.system)[0]
        frame.positions = places.numpy()
        frames.append(frame)
    home = np.floor(frames[0].get_scaled_positions(wrap=False)) @ frames[0].cell.array
    for frame in frames:
        frame.positions -= home
    times = [f"{24 * (k + 1) / 1000:.2f} ps" for k in range(len(frames))]
    alt = "108 argon atoms in their box at 94 K: each shakes in a cage, and leaves it now and then"
    return moving(frames, alt, times, style="spacefill")


def written(write: Callable[[Path], None]) -> str:
    """The text of a file that something writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structure.pdb"
        write(path)
        return path.read_text(encoding="utf-8")


def seeded() -> None:
    """One thread, so that the films are the same wherever they are made."""
    torch.set_num_threads(1)
