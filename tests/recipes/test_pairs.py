"""What the cards of the pair networks say of them is what the benchmark measured."""

import json
import re

from benchmarks.common import RESULTS
from benchmarks.structure_maps import CUTS
from mdlearn.recipes.pairs import TOGETHER


def test_the_cards_say_what_was_measured() -> None:
    rows = json.loads((RESULTS / "structure_families.json").read_text())["rows"]
    values = {row["what"]: row["ours"] for row in rows}
    among = [f"precision {cut}, 28 families never seen" for cut in CUTS]
    expected = [
        values[f"{what}, by the {word} seed alone"] for what in among for word in ("worst", "best")
    ]
    expected += [values[f"{what}; rival: couplings alone"] for what in among]
    said = [float(number) for number in re.findall(r"\d\.\d+", TOGETHER)]
    assert said == [round(value, 3) for value in expected]
