"""Precision of maps of pairs and of states of residues: parts of `structure_families`."""

from pathlib import Path

import numpy as np

from benchmarks.common import row
from mdlearn.recipes import families as data
from mdlearn.recipes.pairs import chain_states
from mdlearn.structure import scores
from mdlearn.structure.dssp import secondary_structure
from mdlearn.structure.pairs import PairNetwork, assemble, predict_pairs
from mdlearn.structure.predict import network_names
from mdlearn.structure.proteins import Protein
from mdlearn.structure.secondary import (
    SecondaryStructure,
    from_relatives,
    predict_states,
    three_states,
)
from mdlearn.structure.sequences import encode
from mdlearn.structure.weights import card, load

CUTS = {"L/5 beyond 24": (24, 0.2), "L/2 beyond 12": (12, 0.5), "L beyond 6": (6, 1.0)}


def strangers(name: str) -> list[PairNetwork]:
    """The shipped networks that never saw this family, one of each seed."""
    mine = [key for key in network_names() if name in card(key)["families it never saw"]]
    return [load(PairNetwork, key) for key in mine]


def alone(names: list[str], work: Path) -> list[dict]:
    """Precision of the networks of one seed by themselves: the worst seed and the best."""
    reader = load(SecondaryStructure, "secondary_structure")
    found: list[list[dict[str, float]]] = []
    for name in names:
        family = data.load(name, work)
        maps = assemble(*family.maps[0], family.residues, chain_states(reader, family))
        native = Protein(name, family.sequence, family.backbone)
        seeds = [{"learned": predict_pairs([one], maps).contacts} for one in strangers(name)]
        found.append([contacts(native, family.residues, seed) for seed in seeds])
    rows = []
    for cut in CUTS:
        means = np.mean([[seed[f"learned, {cut}"] for seed in family] for family in found], axis=0)
        for word, value in (("worst", means.min()), ("best", means.max())):
            what = f"precision {cut}, {len(names)} families never seen, by the {word} seed alone"
            rows.append(higher(what, value, None))
    return rows


def states_of(names: list[str], work: Path) -> dict:
    """Right states of three, over all aligned residues: by relatives together, and by one sequence."""
    reader = load(SecondaryStructure, "secondary_structure")
    right: dict[str, list[np.ndarray]] = {"one": [], "together": []}
    for name in names:
        family = data.load(name, work)
        native = Protein(name, family.sequence, family.backbone)
        true = np.array(["HEC".index(s) for s in secondary_structure(native)])[family.residues]
        one = predict_states(reader, [encode(family.sequence)])[0][family.residues]
        together = from_relatives(reader, family.rows)
        for key, shares in (("one", one), ("together", together)):
            right[key].append(three_states(shares).argmax(1) == true)
    one, together = (100 * float(np.concatenate(right[key]).mean()) for key in right)
    what = f"Q3 by 64 relatives, {len(names)} families; rival: by one sequence (three states of our DSSP)"
    return row(what, together, one, unit="%") | {"sense": "at least"}


def contacts(
    native: Protein, residues: np.ndarray, maps: dict[str, np.ndarray]
) -> dict[str, float]:
    """Precision of each map at each cut."""
    at = np.ix_(residues, residues)
    true = scores.distances(native.cb)[at]
    return {
        f"{name}, {cut}": scores.contact_precision(
            values[at] if len(values) == len(native) else values,
            true, residues, separation=apart, share=share,
        )
        for name, values in maps.items()
        for cut, (apart, share) in CUTS.items()
    }  # fmt: skip


def higher(what: str, value: float, bar: float | None, unit: str = "ratio") -> dict[str, object]:
    """A row of a number that should be at least its bar."""
    told = row(what, float(value), None, unit=unit)
    return told | {
        "bar": bar,
        "sense": "at least",
        "holds": None if bar is None else bool(value >= bar),
    }
