"""The process that holds another engine of dynamics: a line of JSON in, a line of JSON out (benchmarks/common.py).

Runs in the environment of its engine and imports nothing of ours. Liquid argon in constant-energy
dynamics, one thread: `openmm` on its CPU platform, in its own mixed precision; `jaxmd` jitted, in
float32, fifty steps a call, with a half list. Both as their manuals set them up.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

BOLTZMANN, EV = 8.617333e-5, 96.48533  # eV/K; kJ/mol
CHUNK = 50  # steps in a call


def openmm(positions: np.ndarray, side: float, settings: dict[str, float]) -> Callable[[int], None]:
    """OpenMM's Verlet integrator; lengths in nm, energies in kJ/mol, times in ps."""
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
    integrator = mm.VerletIntegrator(settings["dt"] / 1000)
    platform = mm.Platform.getPlatformByName("CPU")
    context = mm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions / 10)
    context.setVelocitiesToTemperature(settings["kelvin"], 1)

    def advance(steps: int) -> None:
        integrator.step(steps)
        context.getState(getPositions=True)

    return advance


def jaxmd(positions: np.ndarray, side: float, settings: dict[str, float]) -> Callable[[int], None]:
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
    dt = settings["dt"] * 0.09822694788464063  # fs in Å·√(amu/eV)
    begin, apply = simulate.nve(potential, shift, dt=dt)
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


ENGINES = {"openmm": openmm, "jaxmd": jaxmd}
PACKAGES = {"openmm": "openmm", "jaxmd": "jax-md"}


def main() -> None:
    """Answer until the input ends; whatever a package prints goes to the error stream."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    engine = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    advance: Callable[[int], None] | None = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if request["task"] == "start":
            settings = request["settings"]
            advance = ENGINES[engine](np.array(request["positions"]), request["side"], settings)
            advance(CHUNK)  # whatever is compiled is compiled here
            answer = {"version": version(PACKAGES[engine])}
        else:
            steps, begun = 0, time.process_time()
            while (spent := time.process_time() - begun) < request["seconds"] or not steps:
                advance(CHUNK)
                steps += CHUNK
            answer = {"cost": spent / steps}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
