"""Every exercise of every chapter: right answers pass, wrong ones get the sentence that helps.

The answers stand in `test_chNN.py` beside this file, as `RIGHT` and `WRONG`.
"""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from mdlearn.lesson import Wrong, check, hint
from tests.lessons.table import PAGE

HERE, LESSONS = Path(__file__).parent, Path(__file__).parents[2] / "mdlearn/lessons"
CHAPTERS = sorted(path.stem for path in LESSONS.glob("ch[0-9]*.py"))
ANSWERS = {chapter: import_module(f"tests.lessons.test_{chapter}") for chapter in CHAPTERS}
EXERCISES = {
    name: exercise
    for chapter in CHAPTERS
    for name, exercise in import_module(f"mdlearn.lessons.{chapter}").EXERCISES.items()
}
RIGHT = [pair for answers in ANSWERS.values() for pair in answers.RIGHT]
WRONG = [row for answers in ANSWERS.values() for row in answers.WRONG]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes(name, answer, capsys):
    check(name, answer)
    assert "is right" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "answer", "sentence"), WRONG)
@pytest.mark.filterwarnings("ignore:divide by zero")  # a wrong answer may divide by zero
def test_a_wrong_answer_gets_the_sentence_that_helps(name, answer, sentence):
    with pytest.raises(Wrong, match=sentence):
        check(name, answer)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_waits_for_an_answer_and_has_hints(name, capsys):
    check(name, ...)
    assert "is open" in capsys.readouterr().out
    assert len(EXERCISES[name].hints) >= 3
    for level in range(1, len(EXERCISES[name].hints) + 1):
        hint(name, level)


def test_the_table_of_wrong_answers_is_complete():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    written = Counter(
        line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")
    )
    found = {name: count for name, count in written.items() if name[:1].isdigit()}
    assert found == Counter(name for name, *_ in WRONG), "run `make readme`"


def test_every_exercise_has_a_right_answer_and_three_wrong_ones():
    right, wrong = Counter(name for name, _ in RIGHT), Counter(name for name, *_ in WRONG)
    few = {name: wrong[name] for name in EXERCISES if wrong[name] < 3 or not right[name]}
    assert not few, f"planted wrong answers, three are wanted: {few}"
