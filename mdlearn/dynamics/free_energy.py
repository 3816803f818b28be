"""Free energies from biased simulations: MBAR for umbrellas, hills of metadynamics, barriers."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.bias import Hills, Windows
from mdlearn.units import kB


@dataclass(frozen=True)
class Profile:
    """A free energy along a variable.

    Attributes:
        places: Middles of the bins.
        energies: F, its lowest value zero (eV); infinite where nothing was seen.
        errors: Standard errors (eV).
    """

    places: Float[Tensor, " bins"]
    energies: Float[Tensor, " bins"]
    errors: Float[Tensor, " bins"]


def mbar(
    biases: Float[Tensor, "states samples"],
    counts: Float[Tensor, " states"],
    *,
    tolerance: float = 1e-10,
    steps: int = 200,
) -> tuple[Float[Tensor, " states"], Float[Tensor, " samples"]]:
    r"""Free energies of biased states, and the weights that undo the biases.

    Newton's method on the convex function whose minimum solves
    $f_i = -\ln \sum_n e^{-u_i(x_n)} / \sum_k N_k e^{f_k - u_k(x_n)}$.

    Args:
        biases: u, the bias of each state on each sample of all states, in units of kT.
        counts: N, how many samples each state gave.
        tolerance: Of the free energies (kT).
        steps: Iterations at most.

    Returns:
        f in units of kT, the first zero, and the weight of each sample in the unbiased state.

    Raises:
        RuntimeError: The windows do not overlap, so their free energies have nothing in common.

    References:
        Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008), doi:10.1063/1.2978177.
    """
    logs = counts.log().unsqueeze(1)
    free = torch.zeros_like(counts)

    def mixture(f: Tensor) -> Tensor:
        return torch.logsumexp(logs + f.unsqueeze(1) - biases, 0)  # (samples,)

    def cost(f: Tensor) -> float:
        return float(mixture(f).sum() - counts @ f)

    for _ in range(steps):
        shares = torch.exp(logs + free.unsqueeze(1) - biases - mixture(free))  # (states, samples)
        gradient = (shares.sum(1) - counts)[1:]
        curvature = (shares.sum(1).diag() - shares @ shares.T)[1:, 1:]
        ridge = 1e-12 * curvature.diagonal().max() * torch.eye(len(gradient)).to(curvature)
        move = torch.cat([free[:1] * 0, torch.linalg.solve(curvature + ridge, gradient)])
        size = 1.0
        while cost(free - size * move) > cost(free) + 1e-9 and size > 1e-6:
            size *= 0.5
        free = free - size * move
        if float(move.abs().max()) < tolerance:
            break
    else:
        raise RuntimeError(
            f"windows share no samples: the free energies still move by {float(move.abs().max()):.2g} kT; "
            "use more windows, softer springs, or longer runs"
        )
    weights = torch.exp(-mixture(free))
    return free, weights / weights.sum()


def umbrella_profile(
    windows: Windows, *, low: float, high: float, bins: int = 40, draws: int = 50, seed: int = 0
) -> Profile:
    """Free energy along the variable, unbiased; errors from a bootstrap over stretches of time.

    Args:
        windows: From `bias.umbrella_sampling`.
        low: Lower end of the profile.
        high: Upper end.
        bins: Count.
        draws: Of the bootstrap.
        seed: Of the bootstrap.
    """
    values, heat = windows.values.double(), kB * windows.temperature
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64)

    def profile(seen: Float[Tensor, "frames systems"]) -> Float[Tensor, " bins"]:
        flat = seen.T.reshape(-1)  # (samples,)
        biases = windows.umbrella.at(flat, windows.umbrella.centers.double().unsqueeze(1)) / heat
        counts = torch.full((seen.shape[1],), float(len(seen)), dtype=torch.float64)
        _, weights = mbar(biases, counts)
        return -heat * _histogram(flat, weights, edges).log()

    middle = profile(values)
    parts = torch.stack(values.tensor_split(10)[:9]) if len(values) % 10 else None
    parts = parts if parts is not None else torch.stack(values.chunk(10))
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(draws):
        rows = torch.randint(len(parts), (len(parts),), generator=generator)
        curve = profile(parts[rows].reshape(-1, values.shape[1]))
        both = curve.isfinite() & middle.isfinite()
        drawn.append(curve - (curve - middle)[both].mean())
    errors = torch.stack(drawn).std(0)
    return Profile(0.5 * (edges[1:] + edges[:-1]), middle - middle.min(), errors)


def metadynamics_profile(
    hills: Hills, factor: float, *, low: float, high: float, bins: int = 100, walkers: int = 1
) -> Profile:
    """Free energy from hills, $F = -V \\gamma / (\\gamma - 1)$; errors from how it changed in the last half.

    Args:
        hills: From `bias.metadynamics`, with the same factor γ.
        factor: γ.
        low: Lower end.
        high: Upper end.
        bins: Count.
        walkers: How many left a hill in each round.
    """
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64)
    places = 0.5 * (edges[1:] + edges[:-1])
    rounds = len(hills.centers) // walkers
    curves = []
    for part in torch.linspace(0.5, 1.0, 6).tolist():
        known = round(part * rounds) * walkers
        early = Hills(
            hills.variable, hills.centers[:known], hills.heights[:known], hills.width, hills.period
        )
        curve = -early.at(places.to(hills.centers)).double() * factor / (factor - 1)
        curves.append(curve - curve.mean())
    middle = curves[-1]
    return Profile(places, middle - middle.min(), torch.stack(curves).std(0))


def histogram_profile(
    values: Float[Tensor, "frames systems"],
    temperature: float,
    *,
    low: float,
    high: float,
    bins: int = 40,
) -> Profile:
    """Free energy from an unbiased run, $F = -kT \\ln p$; errors from the spread between systems."""
    edges = torch.linspace(low, high, bins + 1, dtype=torch.float64)
    even = torch.full((len(values),), 1 / len(values), dtype=torch.float64)
    rows = torch.stack([_histogram(one.double(), even, edges) for one in values.T])
    mean = rows.mean(0)
    energies = -kB * temperature * mean.log()
    errors = kB * temperature * rows.std(0) / len(rows) ** 0.5 / mean
    return Profile(0.5 * (edges[1:] + edges[:-1]), energies - energies.min(), errors)


def barrier(profile: Profile, start: float, end: float) -> tuple[float, float]:
    """Height of the highest place between two points above the lowest place near the first, with its error (eV).

    Args:
        profile: A free energy.
        start: Where the valley is.
        end: A place beyond the barrier.
    """
    low, high = min(start, end), max(start, end)
    between = (profile.places >= low) & (profile.places <= high)
    if int(between.sum()) < 3:
        raise ValueError(f"fewer than three bins between {start} and {end}")
    energies = torch.where(between, profile.energies, -torch.inf)
    top = int(energies.argmax())
    side = (
        profile.places <= profile.places[top]
        if start < end
        else profile.places >= profile.places[top]
    )
    foot = int(torch.where(side, profile.energies, torch.inf).argmin())
    height = float(profile.energies[top] - profile.energies[foot])
    return height, float((profile.errors[top] ** 2 + profile.errors[foot] ** 2) ** 0.5)


def _histogram(
    values: Float[Tensor, " samples"],
    weights: Float[Tensor, " samples"],
    edges: Float[Tensor, " edges"],
) -> Float[Tensor, " bins"]:
    """Density of weighted values on equal bins."""
    bins, width = len(edges) - 1, edges[1] - edges[0]
    place = ((values - edges[0]) / width).floor().long()
    inside = (place >= 0) & (place < bins)
    total = torch.zeros(bins, dtype=torch.float64)
    return total.index_add(0, place[inside], weights[inside].double()) / width
