"""The process that holds another engine of dynamics: a line of JSON in, a line of JSON out (benchmarks/common.py).

Runs in the environment of its engine and imports nothing of ours but `mace`. Liquid argon, one thread:
`openmm` on its CPU platform, in its own mixed precision; `jaxmd` jitted, in float32, fifty steps a
call, with a half list; `torchsim` in float32, many boxes at once, with the quicker of its neighbor
lists; `mace` a molecule through ASE, weights untrained. All as their manuals set them up.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

BOLTZMANN, EV, FS = 8.617333e-5, 96.48533, 0.09822694788464063  # eV/K; kJ/mol; Å·√(amu/eV)
CHUNK = 50  # steps in a call of jax-md

Advance = Callable[[int], None]


def _openmm(positions: np.ndarray, side: float, settings: dict[str, float]) -> Any:
    import openmm as mm

    system = mm.System()
    system.setDefaultPeriodicBoxVectors(*(mm.Vec3(*row) for row in np.eye(3) * side / 10))
    force = mm.NonbondedForce()
    force.setNonbondedMethod(force.CutoffPeriodic)
    force.setCutoffDistance(settings["cutoff"] / 10)
    force.setUseDispersionCorrection(False)
    for _ in positions:
        system.addParticle(settings["mass"])
        force.addParticle(0.0, settings["sigma"] / 10, settings["epsilon"] * EV)
    system.addForce(force)
    return system


def openmm_forces(positions: np.ndarray, side: float, settings: dict[str, float]) -> list:
    """OpenMM's forces (eV/Å) on its Reference platform, in double precision."""
    import openmm as mm

    system, platform = (
        _openmm(positions, side, settings),
        mm.Platform.getPlatformByName("Reference"),
    )
    context = mm.Context(system, mm.VerletIntegrator(0.001), platform)
    context.setPositions(positions / 10)
    forces = context.getState(getForces=True).getForces(asNumpy=True)
    return (np.array(forces._value) / (10 * EV)).tolist()


def openmm(positions: np.ndarray, side: float, settings: dict[str, float]) -> Advance:
    """OpenMM's Verlet integrator; lengths in nm, energies in kJ/mol, times in ps."""
    import openmm as mm

    system = _openmm(positions, side, settings)
    integrator = mm.VerletIntegrator(settings["dt"] / 1000)
    platform = mm.Platform.getPlatformByName("CPU")
    context = mm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions / 10)
    context.setVelocitiesToTemperature(settings["kelvin"], 1)

    def advance(steps: int) -> None:
        integrator.step(steps)
        context.getState(getPositions=True)

    return advance


def jaxmd(positions: np.ndarray, side: float, settings: dict[str, float]) -> Advance:
    """jax-md's velocity Verlet; lengths in Å, energies in eV."""
    import jax
    import jax.numpy as jnp
    from jax_md import energy, partition, simulate, space

    displacement, shift = space.periodic(side)
    sigma, reach = settings["sigma"], settings["cutoff"] / settings["sigma"]
    neighbors, potential = energy.lennard_jones_neighbor_list(
        displacement, side, sigma=sigma, epsilon=settings["epsilon"], r_onset=0.97 * reach,
        r_cutoff=reach, dr_threshold=1.5, format=partition.OrderedSparse,
    )  # fmt: skip
    places = jnp.array(positions, jnp.float32)
    near = neighbors.allocate(places, extra_capacity=8)
    begin, apply = simulate.nve(potential, shift, dt=settings["dt"] * FS)
    heat = settings["kelvin"] * BOLTZMANN
    state = begin(jax.random.PRNGKey(0), places, kT=heat, mass=settings["mass"], neighbor=near)

    @jax.jit
    def chunk(carry):
        def body(_, now):
            state, near = now
            near = near.update(state.position)
            return apply(state, neighbor=near), near

        return jax.lax.fori_loop(0, CHUNK, body, carry)

    kept = [(state, near)]

    def advance(steps: int) -> None:
        for _ in range(steps // CHUNK):
            kept[0] = jax.block_until_ready(chunk(kept[0]))
        if bool(kept[0][1].did_buffer_overflow):
            raise RuntimeError("jax-md's neighbor list has overflowed: its forces are wrong")

    return advance


def torchsim(positions: np.ndarray, side: float, settings: dict[str, float]) -> Advance:
    """torch-sim, NVE or with friction Langevin; of its lists the one that is quicker here."""
    import torch

    torch.set_num_threads(1)
    from torch_sim.neighbors import alchemiops_nl_cell_list, vesin_nl_ts

    found = {}
    for near in (vesin_nl_ts, alchemiops_nl_cell_list):
        advance = _torchsim(near, positions, side, settings)
        advance(3)
        begun = time.process_time()
        advance(10)
        found[time.process_time() - begun] = near.__name__, advance
    name, advance = found[min(found)]
    settings["list"] = name
    return advance


def _torchsim(near: Any, positions: np.ndarray, side: float, settings: dict[str, float]) -> Advance:
    import torch
    import torch_sim
    from torch_sim import integrators
    from torch_sim.models.lennard_jones import LennardJonesModel

    count, boxes, real = len(positions), int(settings["boxes"]), torch.float32
    state = torch_sim.SimState(
        positions=torch.tensor(positions, dtype=real),
        masses=torch.full((count,), settings["mass"], dtype=real),
        cell=(torch.eye(3, dtype=real) * side).repeat(boxes, 1, 1),
        pbc=True,
        atomic_numbers=torch.full((count,), 18),
        system_idx=torch.arange(boxes).repeat_interleave(count // boxes),
    )
    model = LennardJonesModel(
        sigma=settings["sigma"], epsilon=settings["epsilon"], cutoff=settings["cutoff"],
        dtype=real, neighbor_list_fn=near,
    )  # fmt: skip
    heat = torch.tensor(settings["kelvin"] * BOLTZMANN, dtype=real)
    numbers = {"dt": torch.tensor(settings["dt"] * FS, dtype=real)}
    if settings["friction"]:
        numbers |= {"kT": heat, "gamma": torch.tensor(settings["friction"] / FS, dtype=real)}
        begin, step = integrators.nvt_langevin_init, integrators.nvt_langevin_step
    else:
        begin, step = integrators.nve_init, integrators.nve_step
    kept = [begin(state, model, kT=heat)]

    def advance(steps: int) -> None:
        for _ in range(steps):
            kept[0] = step(kept[0], model, **numbers)

    return advance


def mace(positions: np.ndarray, side: float, settings: dict[str, float]) -> Advance:
    """MACE of the usual small size through ASE's velocity Verlet; random weights, so a tiny step."""
    import torch
    from ase import Atoms
    from ase.md.verlet import VelocityVerlet

    torch.set_num_threads(1)
    from benchmarks.rivals import models

    torch.manual_seed(0)
    atoms = Atoms(settings["numbers"], positions)
    elements = sorted(set(settings["numbers"]))
    network = models.mace(elements, len(atoms) - 1.0).network.float()
    from mace.calculators import MACECalculator  # can be imported only after that

    atoms.calc = MACECalculator(models=network, device="cpu", default_dtype="float32")
    return VelocityVerlet(atoms, 0.001 * FS).run


ENGINES = {"openmm": openmm, "jaxmd": jaxmd, "torchsim": torchsim, "mace": mace}
PACKAGES = {
    "openmm": "openmm", "jaxmd": "jax-md", "torchsim": "torch-sim-atomistic", "mace": "mace-torch",
}  # fmt: skip
AT_ONCE = {"openmm": CHUNK, "jaxmd": CHUNK, "torchsim": 2, "mace": 5}  # steps in a call


def main() -> None:
    """Answer until the input ends; whatever a package prints goes to the error stream."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    engine = sys.argv[1]
    chunk = AT_ONCE[engine]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    advance: Advance | None = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if request["task"] == "start":
            settings = request["settings"]
            advance = ENGINES[engine](np.array(request["positions"]), request["side"], settings)
            advance(chunk)  # whatever is compiled is compiled here
            answer = {"version": version(PACKAGES[engine]), "list": settings.get("list")}
        elif request["task"] == "forces":
            places = np.array(request["positions"])
            answer = {"forces": openmm_forces(places, request["side"], request["settings"])}
        else:
            steps, begun = 0, time.process_time()
            while (spent := time.process_time() - begun) < request["seconds"] or not steps:
                advance(chunk)
                steps += chunk
            answer = {"cost": spent / steps}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
