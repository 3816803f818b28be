"""How good is a model? Distances after superposition, distances within, contacts, and good manners.

All compare residue i with residue i; who is unsure which residues belong together asks TM-align.
"""

import numpy as np
from jaxtyping import Float, Int

from mdlearn.structure.proteins import Protein

CONTACT = 8.0  # Å between CB atoms
REACH = 15.0  # Å, of lDDT
LIMITS = (0.5, 1.0, 2.0, 4.0)  # Å, of lDDT


def kabsch(
    mobile: Float[np.ndarray, "*batch points 3"], target: Float[np.ndarray, "*batch points 3"]
) -> tuple[Float[np.ndarray, "*batch 3 3"], Float[np.ndarray, "*batch 3"]]:
    """Rotation R and shift t that lay one set of points best on another: `mobile @ R + t`.

    A mirror image is never laid on by reflection: the determinant of R is +1.

    References:
        Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873.
    """
    p, q = mobile.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    u, _, v = np.linalg.svd(np.swapaxes(mobile - p, -1, -2) @ (target - q))
    sign = np.sign(np.linalg.det(u @ v))
    u[..., :, 2] *= sign[..., None]
    rotation = u @ v
    return rotation, (q - p @ rotation)[..., 0, :]


def superpose(
    mobile: Float[np.ndarray, "points 3"],
    target: Float[np.ndarray, "points 3"],
    moved: Float[np.ndarray, "any 3"] | None = None,
) -> Float[np.ndarray, "any 3"]:
    """`mobile`, or the points `moved` that go with it, laid on the target (Å)."""
    rotation, shift = kabsch(mobile, target)
    return (mobile if moved is None else moved) @ rotation + shift


def rmsd(model: Float[np.ndarray, "points 3"], native: Float[np.ndarray, "others 3"]) -> float:
    """Root mean square distance after the best superposition (Å)."""
    _same(model, native)
    return float(np.sqrt(((superpose(model, native) - native) ** 2).sum(-1).mean()))


def tm_scale(residues: int) -> float:
    """The distance (Å) at which a residue counts half in the TM-score of a protein of this size."""
    return max(0.5, 1.24 * np.cbrt(max(residues, 16) - 15) - 1.8)


def tm_score(
    model: Float[np.ndarray, "residues 3"], native: Float[np.ndarray, "others 3"]
) -> float:
    r"""How alike two folds are, 0 to 1, whatever their size; above 0.5 they are the same fold.

    $$\text{TM} = \max \frac{1}{L} \sum_i \frac{1}{1 + (d_i / d_0)^2}$$

    The best superposition is sought from many fragments, each grown over the residues it brings near.

    Args:
        model: CA atoms (Å).
        native: CA atoms of the same residues (Å).

    References:
        Zhang and Skolnick, Proteins 57, 702 (2004), doi:10.1002/prot.20264.
    """
    _same(model, native)
    size, scale = len(native), tm_scale(len(native))
    near = np.clip(scale, 4.5, 8.0)
    windows = [
        (start, length)
        for length in sorted({size, size // 2, size // 4, size // 8, 4} - {0, 1, 2, 3} | {size})
        for start in range(0, size - length + 1, max(1, length // 3))
    ]
    index = np.arange(size)
    mask = np.array(
        [(index >= s) & (index < s + n) for s, n in windows], float
    )  # (windows, residues)
    best = 0.0
    for _ in range(12):
        total = mask.sum(1)[:, None]
        p, q = mask @ model / total, mask @ native / total  # (windows, 3)
        cross = np.einsum("wr,ri,rj->wij", mask, model, native) - np.einsum(
            "wi,wj->wij", p, q * total
        )
        u, _, v = np.linalg.svd(cross)
        u[..., :, 2] *= np.sign(np.linalg.det(u @ v))[:, None]
        rotation = u @ v
        moved = (
            np.einsum("ri,wij->wrj", model, rotation)
            + (q - np.einsum("wi,wij->wj", p, rotation))[:, None]
        )
        distance = np.linalg.norm(moved - native, axis=-1)
        best = max(best, float((1 / (1 + (distance / scale) ** 2)).mean(1).max()))
        reach = np.maximum(near, np.sort(distance, axis=1)[:, min(3, size - 1), None])
        mask = (distance <= reach).astype(float)
    return best


def lddt(
    model: Float[np.ndarray, "residues 3"], native: Float[np.ndarray, "others 3"]
) -> Float[np.ndarray, " residues"]:
    """Share of each residue's distances that are kept, 0 to 1, without superposition.

    Distances under 15 Å in the native count; kept means within 0.5, 1, 2 and 4 Å, averaged. A mirror
    image keeps all of them: lDDT of CA atoms does not see the hand.

    References:
        Mariani et al., Bioinformatics 29, 2722 (2013), doi:10.1093/bioinformatics/btt473.
    """
    _same(model, native)
    true, seen = distances(native), distances(model)
    counts = (true < REACH) & ~np.eye(len(true), dtype=bool)
    kept = np.mean([np.abs(true - seen) < limit for limit in LIMITS], axis=0)
    return (kept * counts).sum(1) / np.maximum(1, counts.sum(1))


def gdt(
    model: Float[np.ndarray, "residues 3"],
    native: Float[np.ndarray, "others 3"],
    *,
    limits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
) -> float:
    """Share of residues that one superposition brings within 1, 2, 4 and 8 Å, averaged: GDT-TS, 0 to 1.

    With (0.5, 1, 2, 4) it is GDT-HA.

    References:
        Zemla, Nucleic Acids Res. 31, 3370 (2003), doi:10.1093/nar/gkg571.
    """
    _same(model, native)
    size, best = len(native), np.zeros(len(limits))
    for length in {size, max(3, size // 2), max(3, size // 4), min(size, 7)}:
        for start in range(0, size - length + 1, max(1, length // 3)):
            for k, limit in enumerate(limits):
                chosen = np.arange(start, start + length)
                for _ in range(6):
                    moved = superpose(model[chosen], native[chosen], model)
                    far = np.linalg.norm(moved - native, axis=-1)
                    best[k] = max(best[k], (far < limit).mean())
                    chosen = np.flatnonzero(far < limit)
                    if len(chosen) < 3:
                        break
    return float(best.mean())


def distances(places: Float[np.ndarray, "residues 3"]) -> Float[np.ndarray, "residues residues"]:
    """All distances (Å)."""
    return np.linalg.norm(places[:, None] - places[None], axis=-1)


def contact_precision(
    scores: Float[np.ndarray, "columns columns"],
    distance: Float[np.ndarray, "columns columns"],
    residues: Int[np.ndarray, " columns"],
    *,
    separation: int = 6,
    share: float = 1.0,
) -> float:
    """Share of the highest scoring pairs that are in contact, CB atoms within 8 Å.

    Args:
        scores: Higher is more likely a contact.
        distance: Between CB atoms (Å).
        residues: Number of each column along the chain.
        separation: Least number of residues from one to the other along the chain.
        share: How many pairs, as a ratio to the number of columns: L/5 is 0.2.
    """
    i, j = np.triu_indices(len(residues), 1)
    far = (residues[j] - residues[i] >= separation) & np.isfinite(distance[i, j])
    i, j = i[far], j[far]
    if not len(i):
        raise ValueError(f"no pair of {len(residues)} columns is {separation} residues apart")
    top = np.argsort(-scores[i, j], kind="stable")[: max(1, round(share * len(residues)))]
    return float((distance[i, j][top] < CONTACT).mean())


def torsions(protein: Protein) -> Float[np.ndarray, "residues 3"]:
    """φ, ψ and ω of each residue (radians); NaN at the ends and at breaks. ω is that to the next."""
    n, ca, c = (protein.backbone[:, k] for k in range(3))
    found = np.full((len(protein), 3), np.nan)
    if len(protein) > 1:
        found[1:, 0] = dihedral(c[:-1], n[1:], ca[1:], c[1:])
        found[:-1, 1] = dihedral(n[:-1], ca[:-1], c[:-1], n[1:])
        found[:-1, 2] = dihedral(ca[:-1], c[:-1], n[1:], ca[1:])
        broken = np.flatnonzero(protein.breaks())
        found[broken + 1, 0] = found[broken, 1] = found[broken, 2] = np.nan
    return found


def dihedral(
    a: Float[np.ndarray, "*any 3"],
    b: Float[np.ndarray, "*any 3"],
    c: Float[np.ndarray, "*any 3"],
    d: Float[np.ndarray, "*any 3"],
) -> Float[np.ndarray, "*any"]:
    """Angle from a to d as seen along b → c (radians, −π to π)."""
    back, axis, on = a - b, c - b, d - c
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    v = back - (back * axis).sum(-1, keepdims=True) * axis
    w = on - (on * axis).sum(-1, keepdims=True) * axis
    return np.arctan2((np.cross(axis, v) * w).sum(-1), (v * w).sum(-1))


def ramachandran_outliers(protein: Protein) -> float:
    """Share of residues (no glycine) with φ and ψ where crystals have next to none: φ above zero, and
    not a left-handed helix."""
    phi, psi, _ = torsions(protein).T
    known = np.isfinite(phi) & np.isfinite(psi) & np.array([a != "G" for a in protein.sequence])
    left = (np.abs(phi - 1.0) < 0.7) & (np.abs(psi - 0.7) < 1.0)
    return float(((phi > 0) & ~left)[known].mean()) if known.any() else 0.0


def clashes(protein: Protein) -> int:
    """Pairs of CA atoms under 3 Å, or of CB atoms under 2.5 Å, three residues apart or more (count)."""
    i, j = np.triu_indices(len(protein), 3)
    near = (distances(protein.ca)[i, j] < 3.0) | (distances(protein.cb)[i, j] < 2.5)
    return int(near.sum())


def _same(model: np.ndarray, native: np.ndarray) -> None:
    if model.shape != native.shape:
        raise ValueError(
            f"the model has {len(model)} residues, the native {len(native)}; compare the same ones"
        )
    if len(model) < 3:
        raise ValueError(f"{len(model)} residues are too few to compare; wanted three at least")
    if not (np.isfinite(model).all() and np.isfinite(native).all()):
        raise ValueError("a place is NaN; leave out residues without coordinates")
