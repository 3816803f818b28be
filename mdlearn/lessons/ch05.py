"""Exercises of chapter 5, a small study: error bars that add up, a referee's eye, a hash to reproduce."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from ase import Atoms

from mdlearn.data.fetch import load
from mdlearn.data.read import labels_of
from mdlearn.lesson import Exercise, Wrong
from mdlearn.lessons.study import QUESTIONS, fingerprint, measure, sha256
from mdlearn.units import kB


def half_width(answer: Callable[[float, Sequence[float], float], float]) -> str:
    """A function: half a 90 % interval from noise and from the disagreement of a committee."""
    votes = [-12.0, -14.2, -11.4, -9.8]
    for noise, factor in ((4.5, 3.2), (0.8, 2.0)):
        spread = float(np.std(votes, ddof=1))
        got, true = float(answer(noise, votes, factor)), _joined(1.645 * noise, factor * spread)
        told = {
            1.645 * noise + factor * spread: "added like lengths in a row; independent errors add "
            "their squares: the root of the sum of squares",
            _joined(
                noise, factor * spread
            ): "the noise is a standard error, and 90 % need 1.645 of them",
            _joined(1.645 * noise, factor * spread / 2): "dividing by √M supposes that members err "
            "independently; they learned the same labels, so their mean can be as wrong as one of them",
            _joined(1.645 * noise, factor * float(np.std(votes))): "a standard deviation of few: "
            "divide by M − 1 (ddof=1)",
            _joined(1.645 * noise, spread): "the spread must be stretched by the calibrated factor",
            1.645
            * noise: "that is the noise alone; a longer run would make you surer and no righter",
            factor * spread: "that is the model alone; the run is finite, too",
        }
        _tell_apart(got, true, told)
    return "noise shrinks with time, the model's part only with labels"


def share_error(answer: Callable[[float, float, float], float]) -> str:
    """A function: error of a share from the error of a free energy difference."""
    for share, error, kelvin in ((0.62, 0.005, 300.0), (0.95, 0.003, 400.0)):
        heat = kB * kelvin
        got, true = float(answer(share, error, kelvin)), share * (1 - share) * error / heat
        told = {
            -true: "an error has no sign: take its size",
            error / heat: "nearly certain states hardly change: the slope of p(F) is p(1 − p)/kT",
            share * error / heat: "both states pay: p(1 − p), not p alone",
            share * (1 - share) * error: "an energy is no share: divide it by kT",
            share * (1 - share) * error / kelvin: "kT is an energy: kB times the temperature",
            true / 1000: "energies are in eV here, not in meV",
        }
        _tell_apart(got, true, told)
    return "near one half a free energy matters most, and there kT / 10 are 2.5 % of the time"


FLAWS = {
    "A": "A: seeds tell nothing here; to publish three seeds is good practice",
    "B": "B: trajectories in both parts, so the test asked for near copies of what was taught",
    "C": "C: the factor was found on the frames that then tested it, so it covers by construction",
    "D": "D: a bound beside the error of a cheap method is just what a claim needs",
    "E": "E: noise says how long one ran; it knows nothing of what the model has not learned",
    "F": "F: a rounded hash with numbers and errors beside it is how others can compare",
}
GUILTY = set("BCE")


def referee(answer: Sequence[str]) -> str:
    """Which statements of a paper on a study must be mended before it is believed."""
    got = {letter.upper() for letter in answer if letter.strip(" ,;")}
    if unknown := got - set(FLAWS):
        raise Wrong(f"the statements are A to F, got {', '.join(sorted(unknown))}")
    if innocent := got - GUILTY:
        raise Wrong(f"too strict. {FLAWS[min(innocent)]}")
    if missed := GUILTY - got:
        raise Wrong(f"not all: {len(missed)} more. {HELP[min(missed)]}")
    return "a leak, a circle, and half an error bar: the three that referees meet most"


HELP = {
    "B": "Ask of each part what it shares with the others",
    "C": "Ask on which frames an interval was made, and on which it was tried",
    "E": "Ask of each error bar which causes of error are in it",
}
BORDER, GRID = 90.0, {"share": 0.01, "energy": 0.005}  # of the colleague's study


def reproduced(answer: str) -> str:
    """The hash of a colleague's result, reached by one's own calculation from the manifest."""
    if not isinstance(answer, str) or len(answer) != 64:
        raise Wrong("a sha256 has 64 letters and digits; give what `fingerprint` returns")
    every = load("ethanol", report=None)
    tested = [frame for frame in every if frame.info["split"] == "test"]
    taught = [frame for frame in every if frame.info["split"] == "train"]
    true = colleague(tested)
    percent, other = true | {"share": 100 * true["share"]}, true | {"energy": -true["energy"]}
    told = {
        sha256(true): "that is the hash of all digits: the last of them "
        "are noise, and another machine has others; round to the grid first",
        fingerprint(
            colleague(every), GRID
        ): "that is of all frames; the manifest names the test ones",
        fingerprint(colleague(taught), GRID): "that is of the frames to train on",
        fingerprint(colleague(tested, border=120.0), GRID): "the colleague's border is at 90°",
        fingerprint(other, GRID): "the sign of the energy: above the border minus below it",
        fingerprint(percent, GRID): "the share is a ratio there, not percent",
    }
    if answer in told:
        raise Wrong(told[answer])
    if answer != fingerprint(true, GRID):
        raise Wrong("another hash: compare frames, border, both results and the grid, one by one")
    return "same hash, same result: you have reproduced a study"


def colleague(frames: Sequence[Atoms], *, border: float = BORDER) -> dict[str, float]:
    """What the colleague computed: share below the border, and energy above less below it (eV)."""
    places = torch.tensor(np.stack([frame.positions for frame in frames]))
    low = (measure(places, QUESTIONS["ethanol"].atoms) < border).numpy()
    energies = np.array([labels_of(frame)[0] for frame in frames])
    return {
        "share": float(low.mean()),
        "energy": float(energies[~low].mean() - energies[low].mean()),
    }


def _joined(*parts: float) -> float:
    return float(np.sqrt(np.square(parts).sum()))


def _tell_apart(got: float, true: float, told: Mapping[float, str]) -> None:
    """Raise with the sentence of a known wrong value, or with a general one."""
    if np.isclose(got, true, rtol=1e-3):
        return
    for value, sentence in told.items():
        if np.isclose(got, value, rtol=1e-3):
            raise Wrong(sentence)
    raise Wrong(f"got {got:.4g}; look at the formula in the text, term by term")


EXERCISES = {
    "5.1": Exercise(
        half_width,
        (
            "Two independent reasons to be wrong: what does each alone give?",
            "Noise: 1.645 standard errors. Model: the factor times the standard deviation of the votes.",
            "`((1.645 * noise) ** 2 + (factor * np.std(votes, ddof=1)) ** 2) ** 0.5`",
        ),
    ),
    "5.2": Exercise(
        share_error,
        (
            "Write the share as a function of F, p = 1 / (1 + exp(F/kT)), and take its slope.",
            "The slope has the size p(1 − p) / kT, with kT = `kB * kelvin` in eV.",
            "`share * (1 - share) * error / (kB * kelvin)`",
        ),
    ),
    "5.3": Exercise(
        referee,
        (
            "Three of the six must be mended.",
            "Ask of each number: which frames made it, which frames tried it, what is left out of it?",
            "One is a leak, one is a circle, one is half an error bar.",
        ),
    ),
    "5.4": Exercise(
        reproduced,
        (
            "The steps of the chapter: frames, `measure`, compare with the border, energies, `fingerprint`.",
            "Test frames are those with `frame.info['split'] == 'test'`; energies come from "
            "`frame.get_potential_energy()`.",
            "`fingerprint({'share': low.mean(), 'energy': e[~low].mean() - e[low].mean()}, "
            "{'share': 0.01, 'energy': 0.005})`",
        ),
    ),
}
