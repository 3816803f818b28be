"""A molecule under construction: atoms are hung on, changed, joined and taken away, step by step.

sketcher.py puts buttons on it; here is no widget.
"""

import io
from typing import Any

from PIL import Image
from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Chem.rdDepictor import Compute2DCoords
from rdkit.Geometry import Point2D

from mdlearn.view.theme import compress

ORDERS = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)
SIZE = (420, 280)  # of the board (pixels)
MOST = 60  # atoms on the board; more cannot be hit


class Sketch:
    """A molecule under construction: every step gives a possible molecule or is refused.

    Atoms keep their places on paper while others are added.

    Attributes:
        molecule: With coordinates, its rings written with single and double bonds.
    """

    def __init__(self, smiles: str = "C") -> None:
        self.past: list[Chem.Mol] = []
        self.molecule = _read(smiles)

    @property
    def smiles(self) -> str:
        """The molecule in one line."""
        return Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(self.molecule)))

    def load(self, smiles: str) -> None:
        """Put another molecule on the board."""
        self._keep(_read(smiles))

    def undo(self) -> None:
        """One step back; at the first step nothing happens."""
        if self.past:
            self.molecule = self.past.pop()

    def grow(self, atom: int, symbol: str) -> int:
        """Hang a new atom on one; its number."""
        made = self._open(atom)
        new = made.AddAtom(Chem.Atom(symbol))
        made.AddBond(atom, new, Chem.BondType.SINGLE)
        self._accept(made)
        return new

    def ring(self, atom: int) -> None:
        """Hang a benzene ring on an atom."""
        made = self._open(atom)
        new = [made.AddAtom(Chem.Atom("C")) for _ in range(6)]
        made.AddBond(atom, new[0], Chem.BondType.SINGLE)
        for k in range(6):
            made.AddBond(new[k], new[(k + 1) % 6], ORDERS[k % 2])
        self._accept(made)

    def change(self, atom: int, symbol: str) -> None:
        """Make an atom another element, without charge."""
        made = self._open(atom)
        made.GetAtomWithIdx(atom).SetAtomicNum(Chem.Atom(symbol).GetAtomicNum())
        made.GetAtomWithIdx(atom).SetFormalCharge(0)
        self._accept(made)

    def charge(self, atom: int, more: int) -> None:
        """Change the charge of an atom."""
        made = self._open(atom)
        one = made.GetAtomWithIdx(atom)
        one.SetFormalCharge(one.GetFormalCharge() + more)
        self._accept(made)

    def join(self, first: int, second: int) -> None:
        """Bind two atoms: closes a ring."""
        if first == second or self.molecule.GetBondBetweenAtoms(first, second) is not None:
            raise ValueError("two atoms without a bond can be joined; click a bond for its order")
        made = self._open(first, second)
        made.AddBond(first, second, Chem.BondType.SINGLE)
        self._accept(made, again=True)

    def turn(self, bond: int) -> None:
        """Single to double to triple to single: the next order that is possible."""
        ends = self._ends(bond)
        now = ORDERS.index(self.molecule.GetBondWithIdx(bond).GetBondType())
        for step in (1, 2):
            made = self._open(*ends)
            made.GetBondBetweenAtoms(*ends).SetBondType(ORDERS[(now + step) % 3])
            try:
                return self._accept(made)
            except ValueError:
                continue
        raise ValueError("this bond cannot have another order")

    def erase(self, atom: int) -> None:
        """Take an atom away, and with it the smaller pieces that hung on it."""
        if self.molecule.GetNumAtoms() == 1:
            raise ValueError("the last atom stays; change it instead")
        near = [one.GetIdx() for one in self.molecule.GetAtomWithIdx(atom).GetNeighbors()]
        made = self._open(atom, *near)
        made.RemoveAtom(atom)
        self._accept(_largest(made, [k - (k > atom) for k in near]), again=True)

    def cut(self, bond: int) -> None:
        """Take a bond away, and the smaller of the pieces that it held together."""
        ends = self._ends(bond)
        made = self._open(*ends)
        made.RemoveBond(*ends)
        self._accept(_largest(made, list(ends)), again=True)

    def _ends(self, bond: int) -> tuple[int, int]:
        one = self.molecule.GetBondWithIdx(bond)
        return one.GetBeginAtomIdx(), one.GetEndAtomIdx()

    def _open(self, *touched: int) -> Chem.RWMol:
        """A copy whose touched atoms find their hydrogens anew and forget their handedness."""
        made = Chem.RWMol(self.molecule)
        for number in touched:
            atom = made.GetAtomWithIdx(number)
            atom.SetNoImplicit(False)
            atom.SetNumExplicitHs(0)
            atom.SetNumRadicalElectrons(0)
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        return made

    def _accept(self, made: Chem.RWMol, *, again: bool = False) -> None:
        """Keep the new molecule if it is possible; `again` lays it out afresh."""
        whole = Chem.Mol(made)
        with rdBase.BlockLogs():
            problems = Chem.DetectChemistryProblems(whole)
        if problems:
            raise ValueError(f"no possible molecule: {problems[0].Message()}")
        if whole.GetNumAtoms() > MOST:
            raise ValueError(f"the board holds {MOST} atoms; type a larger molecule")
        self._keep(_laid_out(whole, None if again else self.molecule))

    def _keep(self, molecule: Chem.Mol) -> None:
        self.past.append(self.molecule)
        self.molecule = molecule


def picture(molecule: Chem.Mol, chosen: int | None = None) -> tuple[str, list[Point2D]]:
    """The drawing as SVG of the size of the board, and the place of each atom (pixels)."""
    canvas = _drawn(rdMolDraw2D.MolDraw2DSVG(*SIZE, -1, -1, True), molecule, chosen)
    return canvas.GetDrawingText(), [canvas.GetDrawCoords(k) for k in range(molecule.GetNumAtoms())]


def photograph(molecule: Chem.Mol) -> bytes:
    """The same drawing as a small PNG file."""
    canvas = _drawn(rdMolDraw2D.MolDraw2DCairo(*SIZE), molecule, None)
    return compress(Image.open(io.BytesIO(canvas.GetDrawingText())).convert("RGB"))


def _drawn(canvas: rdMolDraw2D.MolDraw2D, molecule: Chem.Mol, chosen: int | None) -> Any:
    canvas.drawOptions().fixedBondLength = 36
    canvas.drawOptions().padding = 0.08
    canvas.DrawMolecule(molecule, highlightAtoms=[] if chosen is None else [chosen])
    canvas.FinishDrawing()
    return canvas


def _read(smiles: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or not 0 < molecule.GetNumAtoms() <= MOST:
        raise ValueError(f"the board takes a SMILES of 1 to {MOST} atoms, got {smiles[:80]!r}")
    return _laid_out(molecule, None)


def _laid_out(molecule: Chem.Mol, before: Chem.Mol | None) -> Chem.Mol:
    """With coordinates; atoms that were there before stay where they were."""
    molecule = Chem.Mol(molecule)
    Chem.SanitizeMol(molecule)
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    places = {}
    if before is not None:
        rows = before.GetConformer().GetPositions()[:, :2]
        places = {k: Point2D(float(x), float(y)) for k, (x, y) in enumerate(rows)}
    Compute2DCoords(molecule, canonOrient=not places, coordMap=places)
    return molecule


def _largest(made: Chem.RWMol, loose: list[int]) -> Chem.RWMol:
    """Of the pieces that the loose atoms belong to, only the largest stays."""
    pieces = [set(piece) for piece in Chem.GetMolFrags(made) if set(piece) & set(loose)]
    small = set().union(*sorted(pieces, key=len)[:-1]) if pieces else set()
    for atom in sorted(small, reverse=True):
        made.RemoveAtom(atom)
    return made
