"""The big models through one door: ESMFold, Boltz and OpenFold where they are installed.

Each takes a sequence and gives a `Protein` with its confidence as expected lDDT, 0 to 1. predict.py
asks them when it is told an engine; none of them is needed otherwise.
"""

import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import torch
from jaxtyping import Float

from mdlearn.structure.alignments import Alignment
from mdlearn.structure.proteins import Protein, complete, read_structure
from mdlearn.structure.sequences import decode, encode

ESMFOLD = "facebook/esmfold_v1"
Runner = Callable[[str, Path | None, str], Protein]  # sequence, alignment file, device


def fold_with(
    engine: str,
    sequence: str,
    *,
    alignment: Path | None = None,
    device: torch.device | str = "cpu",
) -> Protein:
    """The model that a foreign engine makes of a sequence.

    Args:
        engine: "esmfold", "boltz" or "openfold".
        alignment: A3M file, for engines that read relatives; without, they see one sequence.
        device: Where to compute.

    Raises:
        ValueError: No engine of that name.
        ModuleNotFoundError: The engine is not installed; the message says how to get it.
        FileNotFoundError: Its weights are not there and cannot be reached.
        RuntimeError: It ran and failed.
    """
    engines: dict[str, Runner] = {"esmfold": _esmfold, "boltz": _boltz, "openfold": _openfold}
    if engine not in engines:
        raise ValueError(f"engines are mdlearn, {', '.join(engines)}; got {engine!r}")
    return engines[engine](decode(encode(sequence)), alignment, str(device))


def from_esmfold(model: torch.nn.Module, sequence: str) -> Protein:
    """What a loaded `EsmForProteinFolding` makes of a sequence."""
    output = model.infer(sequence)
    places = output["positions"][-1][0, :, :4].double().cpu().numpy()  # N, CA, C, O
    backbone = complete(places)
    backbone[:, 3] = places[:, 3]
    said = output["plddt"][0].double().cpu().numpy()  # (residues, 37 atoms)
    return Protein("esmfold", sequence, backbone, confidence=as_lddt(said[:, 1]))


def as_lddt(values: Float[np.ndarray, " residues"]) -> Float[np.ndarray, " residues"]:
    """Confidence as expected lDDT, 0 to 1, from a scale of 0 to 1 or of 0 to 100.

    Raises:
        ValueError: Values of neither scale.
    """
    values = np.asarray(values, float)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 100):
        raise ValueError("confidence goes from 0 to 1 or from 0 to 100; this is neither")
    return values / 100 if values.max() > 1 else values


def from_file(path: Path, engine: str, sequence: str) -> Protein:
    """A model that an engine wrote: CA confidence from the B-factor column.

    Raises:
        ValueError: It is a model of another sequence.
    """
    found = read_structure(path)
    if found.sequence != sequence:
        raise ValueError(
            f"{path.name} is a model of {found.sequence[:20]}…, asked was {sequence[:20]}…"
        )
    atoms = [
        atom.b_iso
        for chain in gemmi.read_structure(str(path))[0]
        for residue in chain
        for atom in residue
        if atom.name == "CA"
    ]
    return replace(found, name=engine, confidence=as_lddt(np.array(atoms)))


def write_a3m(alignment: Alignment, path: Path) -> None:
    """An alignment as engines read it; unknown letters become gaps, the query's become X."""
    with path.open("w", encoding="utf-8") as stream:
        for k, (name, row) in enumerate(zip(alignment.names, alignment.rows, strict=True)):
            letters = decode(row)
            stream.write(f">{name}\n{letters if k == 0 else letters.replace('X', '-')}\n")


def _esmfold(sequence: str, alignment: Path | None, device: str) -> Protein:
    """ESMFold reads no alignment; what it knows of relatives is in its weights."""
    transformers = _needs("transformers", "esmfold", "pip install transformers")
    try:
        model = transformers.EsmForProteinFolding.from_pretrained(ESMFOLD)
    except OSError as error:
        raise FileNotFoundError(
            f"the weights of {ESMFOLD} (8 GB) are neither in the cache nor reachable; "
            'fetch them once where there is a network, or take engine="mdlearn"'
        ) from error
    return from_esmfold(model.eval().to(device), sequence)


def _boltz(sequence: str, alignment: Path | None, device: str) -> Protein:
    """Boltz, through its command; `msa: empty` is its word for a single sequence."""
    command = _command("boltz", "pip install boltz")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entry = f"      sequence: {sequence}\n      msa: {alignment.resolve() if alignment else 'empty'}\n"
        query = folder / "query.yaml"
        query.write_text(f"version: 1\nsequences:\n  - protein:\n      id: A\n{entry}")
        kind = "gpu" if device.startswith("cuda") else "cpu"
        options = ["--out_dir", name, "--accelerator", kind, "--override"]
        _run([command, "predict", str(query), *options], "boltz")
        return from_file(_only(folder, "*_model_0.cif", "boltz"), "boltz", sequence)


def _openfold(sequence: str, alignment: Path | None, device: str) -> Protein:
    """OpenFold 3, through its command, on a query file as it reads them."""
    command = _command("run_openfold", "pip install openfold3")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain: dict[str, Any] = {"molecule_type": "protein", "chain_ids": ["A"]}
        chain["sequence"] = sequence
        if alignment:
            chain["main_msa_file_paths"] = [str(alignment.resolve())]
        query = folder / "query.json"
        query.write_text(json.dumps({"queries": {"query": {"chains": [chain]}}}))
        options = ["--query_json", str(query), "--output_dir", name, "--use_msa_server", "False"]
        _run([command, "predict", *options], "openfold")
        return from_file(_only(folder, "*_model.cif", "openfold"), "openfold", sequence)


def _needs(module: str, engine: str, how: str) -> Any:
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(
            f'engine "{engine}" needs {module}, which is not installed: {how}, '
            'or take engine="mdlearn"'
        )
    return importlib.import_module(module)


def _command(name: str, how: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ModuleNotFoundError(
            f'the command {name} is not on the path: {how}, or take engine="mdlearn"'
        )
    return found


def _run(command: list[str], engine: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise RuntimeError(f"{engine} stopped with code {done.returncode}: {last[0]}")


def _only(folder: Path, pattern: str, engine: str) -> Path:
    found = sorted(folder.rglob(pattern))
    if not found:
        raise RuntimeError(f"{engine} ended without a model: no {pattern} in its output")
    return found[0]
