"""Reference labels: the energy and forces that quantum chemistry gives a geometry, and what they cost.

Two methods, a cheap one (`GFN2`) and a dear one (`DFT`); `label` runs either over many frames,
in processes or on a cluster, and goes on after a kill with nothing lost and nothing done twice.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers
from jaxtyping import Float

from mdlearn.data.read import charge_of, check_geometry
from mdlearn.parallel import completed


@dataclass(frozen=True)
class GFN2:
    """GFN2-xTB, a semi-empirical method: milliseconds a molecule, errors of 0.1–0.3 eV/Å in forces.

    Attributes:
        charge: Total charge (e).
        unpaired: Number of unpaired electrons.
        accuracy: Tightness of the self-consistent charges; smaller is tighter, 1 is tblite's default.

    References:
        Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
    """

    charge: int = 0
    unpaired: int = 0
    accuracy: float = 0.1
    name: ClassVar[str] = "GFN2-xTB"

    def unknown(self, symbols: Sequence[str]) -> list[str]:
        """Those of these elements that the method has no parameters for."""
        return [symbol for symbol in symbols if atomic_numbers[symbol] > 86]  # after radon

    def calculator(self) -> Calculator:
        """An ASE calculator of this method, on one thread."""
        from mdlearn.potentials.xtb import OneThread

        return OneThread(
            method=self.name,
            charge=self.charge,
            multiplicity=self.unpaired + 1,
            accuracy=self.accuracy,
            verbosity=0,
        )


@dataclass(frozen=True)
class DFT:
    """Kohn–Sham density-functional theory with density fitting: seconds a molecule.

    Forces include the response of the integration grid, without which they differ from −∇E
    by several meV/Å on this grid.

    Attributes:
        functional: Name of the exchange-correlation functional, as in libxc.
        basis: Name of the Gaussian basis set.
        grid: Level of the integration grid, 0 to 9.
        tolerance: Change of the energy at which the self-consistent field has converged (hartree).
        charge: Total charge (e).
        unpaired: Number of unpaired electrons.

    References:
        ωB97X: Chai & Head-Gordon, J. Chem. Phys. 128, 084106 (2008), doi:10.1063/1.2834918.
        PySCF: Sun et al., J. Chem. Phys. 153, 024109 (2020), doi:10.1063/5.0006074.
    """

    functional: str = "wb97x"
    basis: str = "6-31g*"
    grid: int = 3
    tolerance: float = 1e-9
    charge: int = 0
    unpaired: int = 0

    @property
    def name(self) -> str:
        """Functional and basis, as papers write it."""
        return f"{self.functional}/{self.basis}"

    def unknown(self, symbols: Sequence[str]) -> list[str]:
        """Those of these elements that the basis set lacks.

        Raises:
            ValueError: There is no such basis set or functional.
        """
        from mdlearn.potentials.dft import without_basis

        return without_basis(self.functional, self.basis, tuple(symbols))

    def calculator(self) -> Calculator:
        """An ASE calculator of this method."""
        from mdlearn.potentials.dft import PySCF

        return PySCF(
            self.functional,
            self.basis,
            grid=self.grid,
            tolerance=self.tolerance,
            charge=self.charge,
            unpaired=self.unpaired,
        )


Method = GFN2 | DFT


@dataclass(frozen=True)
class Label:
    """What a method says of one geometry.

    Attributes:
        energy: Total energy (eV); NaN when it failed.
        forces: Minus the gradient of the energy (eV/Å), `(atoms, 3)`; empty when it failed.
        seconds: What it cost (CPU seconds of one thread).
        failure: Why there is no label; empty when there is one.
    """

    energy: float
    forces: Float[np.ndarray, "atoms 3"]
    seconds: float
    failure: str = ""


def compute(atoms: Atoms, method: Method) -> Label:
    """The label of one geometry; a calculation that does not converge is told in `failure`."""
    frame = Atoms(atoms.numbers, atoms.positions)
    frame.calc = method.calculator()
    start = time.process_time()
    try:
        energy, forces = frame.get_potential_energy(), frame.get_forces()
    except CalculationFailed as error:
        spent = time.process_time() - start
        return Label(float("nan"), np.zeros((0, 3)), spent, str(error))
    return Label(float(energy), np.asarray(forces), time.process_time() - start)


def label(
    frames: Sequence[Atoms],
    method: Method,
    log: Path | str,
    *,
    workers: int = 1,
    client: Any = None,
    report: Callable[[str], None] | None = print,
) -> list[Atoms]:
    """Label every frame, keep each label in `log` the moment it is there, resume from it.

    The log is one JSON object a line, keyed by a hash of geometry and method. Killed at any
    moment, the same call goes on where it stopped. Equal frames are labelled once.

    Args:
        frames: Molecules without periodicity.
        method: `GFN2()` or `DFT()`.
        log: File of the labels; made when missing.
        workers: Local processes.
        client: A `dask.distributed.Client` to use instead.
        report: Told about progress and about every failure.

    Returns:
        The frames that have a label, in the given order, each a copy with its energy and forces
        as a calculator and `seconds` in `info`.

    Raises:
        ValueError: A frame that the method cannot take; nothing has been computed then.
    """
    for number, frame in enumerate(frames):
        check(frame, method, where=f"frame {number}")
    log = Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    known = read_log(log)
    keys = [key(frame, method) for frame in frames]
    todo = {k: f for k, f in zip(keys, frames, strict=True) if k not in known}
    order, start = list(todo), time.perf_counter()
    with log.open("ab") as stream:
        for i, result in completed(
            partial(compute, method=method),
            [todo[k] for k in order],
            workers=workers,
            client=client,
        ):
            record = asdict(result) | {"key": order[i], "forces": result.forces.tolist()}
            stream.write(json.dumps(record).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
            known[order[i]] = result
            if report and result.failure:
                report(f"frame {keys.index(order[i])} left out: {result.failure}")
            if report and (len(known) % 50 == 0):
                rate = (time.perf_counter() - start) / max(1, len(known))
                report(f"{len(known)} labels, {rate:.2f} s each")
    return [
        _labelled(frame, known[k])
        for frame, k in zip(frames, keys, strict=True)
        if not known[k].failure
    ]


def key(atoms: Atoms, method: Method) -> str:
    """A hash of the geometry and the method, equal on every machine."""
    content = np.asarray(atoms.numbers, "<i8").tobytes()
    content += np.asarray(atoms.positions, "<f8").tobytes()
    content += json.dumps([method.name, asdict(method)]).encode()
    return hashlib.sha256(content).hexdigest()[:24]


def read_log(log: Path) -> dict[str, Label]:
    """The labels in a log; a last line cut short by a kill is removed from the file."""
    if not log.exists():
        return {}
    content = log.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with log.open("r+b") as stream:
            stream.truncate(whole)
    labels = {}
    for line in content[:whole].splitlines():
        record = json.loads(line)
        forces = np.array(record.pop("forces"), float).reshape(-1, 3)
        name = record.pop("key")
        labels[name] = Label(forces=forces, **record)
    return labels


def check(atoms: Atoms, method: Method, *, where: str = "the molecule") -> None:
    """Refuse what a molecular method cannot take, with the cure.

    Raises:
        ValueError: Empty, broken, overlapping, periodic, an element that the method does not know,
            or a charge or spin that does not fit.
    """
    check_geometry(atoms, where=where)
    if atoms.pbc.any():
        raise ValueError(
            f"{where} is periodic, {method.name} here takes molecules; cut a cluster or set pbc=False"
        )
    if unknown := method.unknown(sorted(set(atoms.symbols))):
        raise ValueError(
            f"{where} has {', '.join(unknown)}, which {method.name} does not know; "
            "take another method or basis set, or leave the frame out"
        )
    charge = charge_of(atoms)
    charge = method.charge if charge is None else charge
    if charge != method.charge:
        raise ValueError(
            f"{where} says charge {charge:g}, the method has {method.charge}; "
            f"use {type(method).__name__}(charge={charge:g})"
        )
    if (int(atoms.numbers.sum()) - method.charge - method.unpaired) % 2:
        raise ValueError(
            f"{where} has {int(atoms.numbers.sum()) - method.charge} electrons, which does not go with "
            f"{method.unpaired} unpaired; set charge or unpaired of the method"
        )


def _labelled(atoms: Atoms, result: Label) -> Atoms:
    frame = atoms.copy()
    frame.info["seconds"] = result.seconds
    frame.calc = SinglePointCalculator(frame, energy=result.energy, forces=result.forces)
    return frame
