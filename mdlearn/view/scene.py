"""Molecules in 3D: a live view and, from the same call, a still picture with words.

`dynamics.py` moves the atoms of a scene, `controls.py` asks them for their values.
"""

import io
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write
from ipywidgets import HBox, Image, IntSlider, Label, Play, jslink
from jaxtyping import Real
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mdlearn.view.arrays import to_numpy
from mdlearn.view.ngl import ngl
from mdlearn.view.panel import Panel, at_home, heading
from mdlearn.view.picture import (
    FILL,
    KINDS,
    STICK,
    corners,
    describe,
    extent,
    lasting_bonds,
    pose,
    still,
    tell_bar,
    value_colors,
)
from mdlearn.view.theme import DPI, png
from mdlearn.view.tube import TUBE

STYLES = ("ball+stick", "spacefill", "tube")
FIELD = 40.0  # of NGL's camera (degrees)
MAX_BONDED = 500  # atoms up to which NGL finds the bonds by itself


class Scene(Panel):
    """One molecule or trajectory in 3D, in one NGL view for as long as it lives.

    Drag to turn, scroll to zoom, click an atom for its name. Bonds are those that most frames have.
    """

    def __init__(
        self,
        frames: Sequence[Atoms],
        *,
        title: str,
        alt: str,
        values: np.ndarray | None,
        label: str,
        names: Sequence[str],
        style: str,
        width: int,
        height: int,
    ) -> None:
        self.frames, self.style, self.names = list(frames), style, tuple(names)
        self.rotation = pose(self.frames[0])
        self.center = _middle(self.frames[0])
        bar = 84 if values is not None else 0
        self.view = self._build(values, width - bar, height)
        row = [self.view] + (
            [_bar(values, label, self.names, height)] if values is not None else []
        )
        rows = [HBox(row, layout={"width": f"{width}px", "overflow": "hidden"})]
        if title:
            rows.insert(0, heading(title))
        if len(self.frames) > 1:
            rows.append(self._player(width))

        def picture() -> bytes:
            wide = max(width, 640) if len(self.frames) > 1 else width
            tall = {"width": wide, "height": height}
            look = {"values": values, "label": label, "names": self.names, "style": style}
            return still(self.frames, title=title, **look, **tall)

        super().__init__(rows, alt=alt, still=picture, layout={"width": f"{width + 6}px"})

    def move(self, positions: Real[Any, "atoms 3"]) -> None:
        """Put the atoms elsewhere (Å)."""
        self.view.set_coordinates({0: self._placed(to_numpy(positions))})

    def mark(self, atom: int) -> None:
        """Put a halo around an atom."""
        self.view._remove_representations_by_name("halo")
        self.view.add_representation(
            "spacefill",
            selection=[int(atom)],
            color="#F0E442",
            opacity=0.45,
            radius_type="covalent",
            radius_scale=0.95,
            name="halo",
        )

    def on_click(self, callback: Callable[[int], None]) -> None:
        """Call back with the place of each atom that is clicked."""

        def picked(change: dict[str, Any]) -> None:
            if "atom1" in change["new"]:
                callback(int(change["new"]["atom1"]["index"]))

        self.view._js("this.$pickingInfo.hide()")  # the caller tells what was clicked
        self.view.observe(at_home(picked), "picked")

    def close(self) -> None:
        """Take the view away."""
        self.view.close()
        super().close()

    def _build(self, values: np.ndarray | None, width: int, height: int) -> Any:
        nglview = ngl()
        if len(self.frames) > 1:
            structure = _trajectory(nglview, self, values)
        else:
            structure = nglview.TextStructure(self._pdb(values))
        bonds = "none" if self._tells_bonds() else "all"  # to be found by NGL
        view = nglview.NGLWidget(structure, default_representation=False, infer_bonds=bonds)
        view.layout.width, view.layout.height = f"{width}px", f"{height}px"
        view.layout.flex = f"0 0 {width}px"  # or it would take the whole row
        look = {"color_scheme": "element"} if values is None else _colors(values, self.names)
        view._iplayer.layout.display = "none"  # ours is always in sight
        self._represent(view, look)
        if self.frames[0].cell.rank == 3:
            view._add_shape(self._edges(), name="cell")
        view.parameters = {"clip_dist": 0.1, "fog_near": 60, "fog_far": 110, "tooltip": False}
        view._js("this.stage.mouseControls.remove('clickPick-left')")  # it would move the molecule
        view.camera = "orthographic"
        view.control.center([0, 0, 0])
        view._remote_call("distance", target="viewerControls", args=[self._distance(width, height)])
        return view

    def _represent(self, view: Any, look: dict[str, Any]) -> None:
        """Sizes about as in the still picture."""
        if self.style == "tube":
            size = {"radius_type": "size", "radius_size": TUBE, "radius_scale": 1.0}
            view.add_representation("tube", **size, **look)
            return
        if self.style == "ball+stick":
            view.add_representation("licorice", radius=STICK, **look)
        heavy, hydrogen = (FILL, FILL) if self.style == "spacefill" else (0.45, 0.65)
        for which, size in (("not _H", heavy), ("_H", hydrogen)):
            ball = {"radius_type": "covalent", "radius_scale": size}
            view.add_representation("spacefill", selection=which, **ball, **look)

    def _distance(self, width: int, height: int) -> float:
        """Of the camera (Å), such that all frames fill the view."""
        half = extent(self.frames, self.rotation, style=self.style)
        return float(max(half[1], half[0] * height / width)) / np.tan(np.radians(FIELD / 2))

    def _player(self, width: int) -> HBox:
        last = len(self.frames) - 1
        play = Play(max=last, interval=80, layout={"width": "130px"})
        wide = {"width": f"{min(width - 200, 300)}px"}
        slider = IntSlider(
            max=last, description="frame", style={"description_width": "48px"}, layout=wide
        )
        jslink((play, "value"), (slider, "value"))
        jslink((slider, "value"), (self.view, "frame"))
        self.player = slider
        return HBox([play, slider, Label(f"of {last}")])

    def _placed(self, positions: np.ndarray) -> np.ndarray:
        return (positions - self.center) @ self.rotation.T * [-1, 1, -1]  # NGL looks along +z

    def _tells_bonds(self) -> bool:
        return self.style == "tube" or len(self.frames) > 1 or len(self.frames[0]) > MAX_BONDED

    def _pdb(self, values: np.ndarray | None) -> str:
        """The first frame as a PDB file; values go from 0 to 100 in the column of B-factors."""
        atoms = Atoms(self.frames[0].symbols, positions=self._placed(self.frames[0].positions))
        atoms.set_array("atomtypes", np.array(_names(atoms, self.style)))
        if self.style == "tube":  # NGL takes a CA in an amino acid for a residue
            atoms.set_array("residuenames", np.array(["ALA"] * len(atoms)))
            atoms.set_array("residuenumbers", np.arange(1, len(atoms) + 1))
        if values is not None:
            atoms.set_array("bfactor", 100 * value_colors(values, self.names)[1].norm(values))
        text = io.StringIO()
        write(text, atoms, format="proteindatabank")
        if not self._tells_bonds():
            return text.getvalue()
        bonds = [f"CONECT{i + 1:5d}{j + 1:5d}\n" for i, j in lasting_bonds(self.frames)]
        return text.getvalue().replace("ENDMDL\n", "".join(["ENDMDL\n", *bonds]))

    def _edges(self) -> list[tuple]:
        ends = self._placed(corners(self.frames[0])).tolist()
        gray = [0.55, 0.55, 0.55]
        return [
            ("cylinder", ends[i], ends[i | bit], gray, 0.04)
            for i in range(8)
            for bit in (1, 2, 4)
            if not i & bit
        ]


def show3d(
    atoms: Atoms | Sequence[Atoms],
    *,
    title: str = "",
    alt: str = "",
    colors: Real[Any, " atoms"] | None = None,
    label: str = "",
    names: Sequence[str] = (),
    style: str = "ball+stick",
    width: int = 440,
    height: int = 320,
) -> Scene:
    """A molecule to turn and zoom, or a trajectory to play; a still picture where no kernel runs.

    Args:
        atoms: A molecule, a crystal, or the frames of a trajectory.
        title: Stands above the view.
        alt: What the picture shows, in words, for those who cannot see it; made from the formula
            and the label when empty.
        colors: One value per atom; elements have their usual colors without.
        label: What the values are, with unit: "force error (meV/Å)".
        names: Of kinds of atoms, when the colors are their numbers 0, 1, 2 …: ("coil", "helix").
        style: "ball+stick", "spacefill", or "tube" for one atom per residue of a protein.
        width: Pixels.
        height: Pixels.
    """
    frames = [atoms] if isinstance(atoms, Atoms) else list(atoms)
    if not frames or any(len(frame) != len(frames[0]) or not len(frame) for frame in frames):
        raise ValueError(
            "show3d needs one molecule, or frames with equal, nonzero numbers of atoms"
        )
    if style not in STYLES:
        raise ValueError(f"style is one of {STYLES}, got {style!r}")
    values = None if colors is None else to_numpy(colors).astype(float)
    if values is not None and values.shape != (len(frames[0]),):
        raise ValueError(f"got {values.shape} colors for {len(frames[0])} atoms")
    if names and (values is None or not set(values) <= set(range(min(len(names), len(KINDS))))):
        raise ValueError(
            f"{len(names)} names need colors from 0 to {len(names) - 1}, at most {len(KINDS)} kinds"
        )
    if values is not None and not names and "(" not in label:
        raise ValueError(f'label says what the colors mean, with unit: "charge (e)"; got {label!r}')
    if values is not None and not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {values.size} colors are not finite")
    alt = alt or describe(frames, title=title, values=values, label=label, style=style)
    look = {"names": names, "style": style, "width": width, "height": height}
    return Scene(frames, title=title, alt=alt, values=values, label=label, **look)


def _trajectory(nglview: ModuleType, scene: Scene, values: np.ndarray | None) -> Any:
    class Frames(nglview.Trajectory):
        """Frames of a scene, in its pose."""

        ext, params = "pdb", {}

        def __init__(self) -> None:
            self.id = "frames"

        @property
        def n_frames(self) -> int:
            return len(scene.frames)

        def get_coordinates(self, index: int) -> np.ndarray:
            return scene._placed(scene.frames[index].positions)

        def get_structure_string(self) -> str:
            return scene._pdb(values)

    return Frames()


def _names(atoms: Atoms, style: str) -> list[str]:
    if style == "tube":
        return ["CA"] * len(atoms)
    names = [f"{symbol}{i}" for i, symbol in enumerate(atoms.symbols)]  # a fifth letter shifts
    return [name if len(name) <= 4 else "".join(filter(str.isalpha, name)) for name in names]


def _middle(atoms: Atoms) -> np.ndarray:
    return (corners(atoms) if atoms.cell.rank == 3 else atoms.positions).mean(0)


def _colors(values: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Color by B-factor, on the scale of the still picture."""
    cmap = value_colors(values, names)[1].cmap
    scale = [to_hex(cmap(x)) for x in np.linspace(0, 1, 11)]
    return {"color_scheme": "bfactor", "color_scale": scale, "color_domain": [0, 100]}


def _bar(values: np.ndarray, label: str, names: Sequence[str], height: int) -> Image:
    """The color bar of the live view, as a picture."""
    figure = Figure((80 / DPI, height / DPI), dpi=DPI, layout="constrained")
    scale = value_colors(values, names)[1]
    tell_bar(figure.colorbar(scale, cax=figure.subplots()), label, names)
    return Image(value=png(figure), layout={"width": "80px", "height": f"{height}px"})
