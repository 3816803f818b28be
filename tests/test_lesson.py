import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from mdlearn import lesson
from mdlearn.lesson import ClaimFailed, Exercise, NotEqual, Wrong, agree, check, claim, hint, show


@pytest.fixture
def chapter(monkeypatch: pytest.MonkeyPatch):
    """A chapter with two exercises."""

    def doubles(answer) -> str:
        if answer(3) != 6:
            raise Wrong("try it on 3 by hand")
        return "it doubles"

    def positive(answer: float) -> str:
        if not answer > 0:
            raise Wrong("an error is never negative")
        return f"{answer:g} is positive"

    module = ModuleType("mdlearn.lessons.ch98")
    module.EXERCISES = {
        "98.1": Exercise(doubles, hints=("what is 3 + 3?", "x + x")),
        "98.2": Exercise(positive),
    }
    monkeypatch.setitem(sys.modules, "mdlearn.lessons.ch98", module)


@pytest.fixture
def shell():
    """What a notebook displays, as bundles."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    seen = []
    shell.display_pub.publish = lambda data, **_: seen.append(data)
    yield seen
    InteractiveShell.clear_instance()


@pytest.fixture
def told(capsys):
    def told() -> str:
        return capsys.readouterr().out.strip()

    return told


def test_a_claim_that_holds_says_verdict_and_bound_not_the_number(told):
    claim("force error", 21.37, 30, unit="meV/Å")
    assert told() == "claim holds: force error ≤ 30 meV/Å"
    claim("speed", 3.9, 3.4, better="higher", unit="×", baseline=1.0, beats_baseline=True)
    assert told() == "claim holds: speed ≥ 3.4 ×, better than the baseline"


@pytest.mark.parametrize("value", [30.1, float("nan"), float("inf")])
def test_a_claim_that_misses_its_bound_stops_the_run(value, told):
    with pytest.raises(ClaimFailed, match="force error ≤ 30 meV/Å: measured"):
        claim("force error", value, 30, unit="meV/Å")
    assert told().startswith("claim fails")
    assert lesson.metrics()[-1]["holds"] is False


def test_a_claim_in_the_other_direction():
    claim("accuracy", 0.9, 0.8, better="higher")
    with pytest.raises(ClaimFailed):
        claim("accuracy", 0.7, 0.8, better="higher")


@pytest.mark.parametrize(("value", "baseline"), [(20, 20), (20, 15), (20, float("nan"))])
def test_a_claim_to_beat_the_baseline_must_beat_it(value, baseline):
    with pytest.raises(ClaimFailed, match="better than guessing zero"):
        claim(
            "error",
            value,
            30,
            baseline=baseline,
            baseline_name="guessing zero",
            beats_baseline=True,
        )
    claim("error", value, 30, baseline=baseline)  # only shown


def test_claims_go_to_memory_and_to_the_file(tmp_path, monkeypatch):
    path = tmp_path / "claims"
    monkeypatch.setenv("MDLEARN_METRICS", str(path))
    claim("one", 1.25, 2, unit="eV", baseline=7.0, baseline_name="mean")
    with pytest.raises(ClaimFailed):
        claim("two", float("nan"), 2)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (
        first
        == lesson.metrics()[-2]
        == {
            "name": "one",
            "value": 1.25,
            "bound": 2.0,
            "better": "lower",
            "baseline": 7.0,
            "baseline_name": "mean",
            "unit": "eV",
            "holds": True,
        }
    )
    assert second["value"] is None and second["holds"] is False


def test_a_tensor_is_a_value():
    claim("error", torch.tensor(1.0), 2)
    assert lesson.metrics()[-1]["value"] == 1.0


def test_the_number_stands_only_where_the_notebook_tests_mask_it(shell):
    claim("force error", 21.37, 30, unit="meV/Å", baseline=712.0, baseline_name="zero forces")
    (data,) = shell
    assert (
        '<span class="measured">measured 21.4 meV/Å; zero forces: 712 meV/Å</span>'
        in data["text/html"]
    )
    head, _, rest = data["text/html"].partition('<span class="measured">')
    visible = head + rest.partition("</span>")[2] + data["text/plain"]
    assert "21.4" not in visible and "712" not in visible


def test_the_verdict_is_a_word_not_only_a_color(shell):
    claim("error", 1, 2)
    with pytest.raises(ClaimFailed):
        claim("error", 3, 2)
    assert "✓ claim holds" in shell[0]["text/html"] and "✗ claim fails" in shell[1]["text/html"]


def test_a_failed_claim_shows_no_traceback(capsys):
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_cell("from mdlearn.lesson import claim\nclaim('error', 3, 2)")
    InteractiveShell.clear_instance()
    out = capsys.readouterr().out
    assert "ClaimFailed: error ≤ 2: measured 3" in out and "Traceback" not in out


def test_bad_claims_are_refused():
    with pytest.raises(ValueError, match="lower"):
        claim("error", 1, 2, better="smaller")
    with pytest.raises(ValueError, match="needs a baseline"):
        claim("error", 1, 2, beats_baseline=True)


def test_agree_says_how_many_digits(told):
    agree([1.0, 2.0], torch.tensor([1.0, 2.0 + 1e-9]))
    assert told() == "they agree: 2 values, 8 digits"
    agree(3.0, 3.004, tolerance=1e-2)
    assert told() == "they agree: 1 value, 2 digits"
    agree(np.zeros(3), np.zeros(3))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (1.0, 1.001, "1.001"),
        ([1.0, 2.0], [1.0, 3.0], r"at \(1,\)"),
        ([1.0, 2.0], [1.0], "shapes"),
        (float("nan"), float("nan"), "NaN"),
        ([], [], "empty"),
        (0.0, 1e-300, "difference"),
    ],
)
def test_agree_finds_what_differs(a, b, words):
    with pytest.raises(NotEqual, match=words):
        agree(a, b)


def test_show_gives_the_source_and_a_stable_name(shell, told):
    show(lesson.hint)
    (data,) = shell
    assert data["text/plain"] == "hint from mdlearn.lesson"
    assert "```python\ndef hint(identifier: str, level: int = 1) -> None:" in data["text/markdown"]
    assert "mdlearn/lesson.py" in data["text/markdown"]
    assert "/work" not in data["text/markdown"] and "line" in data["text/markdown"]


def test_show_takes_classes(told):
    show(Exercise)
    assert told() == "Exercise from mdlearn.lesson"
    show(lesson.ClaimFailed)
    assert told() == "ClaimFailed from mdlearn.lesson"


def test_a_right_answer_is_praised_and_a_wrong_one_helped(chapter, told):
    check("98.1", lambda x: 2 * x)
    assert told() == "exercise 98.1 is right: it doubles"
    with pytest.raises(Wrong, match="try it on 3 by hand"):
        check("98.1", lambda x: x)
    with pytest.raises(Wrong, match="never negative"):
        check("98.2", -1.0)


def blank(x, y): ...


def documented(x):
    """Says what to do."""
    ...


def none(x):
    return None


@pytest.mark.parametrize("answer", [..., None, (1, ...), {"a": ...}, blank, documented])
def test_an_open_exercise_passes(chapter, answer, told):
    check("98.1", answer)
    assert told() == "exercise 98.1 is open: replace the ... above, then run both cells"


@pytest.mark.parametrize("answer", [..., None, blank])
def test_an_open_exercise_gets_no_points(chapter, answer):
    with pytest.raises(Wrong, match=r"98\.1 was left open"):
        check("98.1", answer, graded=True)
    check("98.1", lambda x: 2 * x, graded=True)


def test_an_answer_that_computes_is_not_open(chapter):
    with pytest.raises(Wrong):
        check("98.1", lambda x: 3)
    with pytest.raises(Wrong):
        check("98.2", 0)


def test_errors_of_the_answer_are_its_own(chapter):
    with pytest.raises(ZeroDivisionError):
        check("98.1", lambda x: x / 0)


def test_hints_climb(chapter, told):
    hint("98.1")
    assert told() == "hint 1 of 2: what is 3 + 3? (hint('98.1', 2) tells more)"
    hint("98.1", 2)
    assert told() == "hint 2 of 2: x + x"
    with pytest.raises(ValueError, match="hints 1 to 2, got level 3"):
        hint("98.1", 3)


def test_unknown_exercises_are_named(chapter):
    with pytest.raises(ValueError, match=r"98\.1, 98\.2"):
        check("98.7", 1)
    with pytest.raises(ValueError, match="named like"):
        check("first", 1)
    with pytest.raises(ModuleNotFoundError, match="ch97"):
        check("97.1", 1)


def test_a_guess_is_compared_with_the_answer():
    guess = lesson.predict("What does the error do when dt doubles?", ["×2", "×4"])
    assert guess.alt == "Your guess first: What does the error do when dt doubles? (×2 / ×4)"
    silent = guess.reveal("×4", "Verlet is of second order.")
    assert repr(silent) == "answer: ×4; Verlet is of second order."
    assert silent._repr_markdown_().startswith("Nobody guessed. The run says **×4**.")
    guess.buttons.value = "×2"
    assert guess.guess == "×2" and "×2" in guess.told.value
    assert "not so" in guess.reveal("×4")._repr_markdown_()
    guess.buttons.value = "×4"
    assert "right!" in guess.reveal("×4")._repr_markdown_()
    with pytest.raises(ValueError, match="not among"):
        guess.reveal("×8")
