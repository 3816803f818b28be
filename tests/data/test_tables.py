"""Tables as they come: separators, encodings, marks and quotes are found; errors name the line."""

import numpy as np
import pytest

from mdlearn.data.tables import load_table, read_table

ROWS = [("CCO", "1.5"), ("c1ccccc1", "-2"), ("CC(=O)O", "")]


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_form_is_read(tmp_path, separator, encoding, end):
    lines = [("SMILES", "logS", "name"), *[(*row, "é x") for row in ROWS]]
    text = end.join(separator.join(line) for line in lines) + end
    table = read_table(write(tmp_path, text, encoding))
    assert table.smiles == [row[0] for row in ROWS]
    np.testing.assert_array_equal(table.column("logS"), [1.5, -2, np.nan])
    assert table.names == ("logS",) and table.other["name"] == ["é x"] * 3


def test_quoted_commas_and_empty_lines_are_no_trouble(tmp_path):
    table = read_table(write(tmp_path, 'name,smiles,y\n"a, b",CCO,1\n\n"c ""d""",CC,2\n'))
    assert table.other["name"] == ["a, b", 'c "d"'] and list(table.column("y")) == [1, 2]
    table = read_table(
        write(tmp_path, 'smiles,y,z\n"CCO,extra",NaN,1\nCC,,NA\n'), labels=["y", "z"]
    )
    assert table.smiles == ["CCO,extra", "CC"]
    np.testing.assert_array_equal(table.labels, [[np.nan, 1], [np.nan, np.nan]])


WRONG = [
    ("smiles,y\nCCO,>30\n", "line 2: y is '>30'; a bound"),
    ("smiles,y\nCCO,1\nCC,inf\n", "line 3: y is 'inf'; a label must be"),
    ("smiles,y\nCCO,1\nCC,high\n", "line 3: y is 'high'; a label must be"),
    ("smiles;y\nCCO;1,5\n", "decimal point"),
    ("smiles,y\nCCO,1\nCC\n", "line 3: 1 cells under 2"),
    ("smiles,y\n", "no rows"),
    ("", "is empty"),
    ("CCO,1.5\nCC,2\n", "has no header"),
    ("a,b\nCCO,x\n", "no column of SMILES"),
    ("smiles,y,y\nCCO,1,2\n", "'y' twice"),
    ("smiles,structure,y\nCCO,CCO,1\n", "say which one"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(tmp_path, text), labels=["y"] if ",y" in text or ";y" in text else None)


def test_columns_can_be_named_and_unknown_ones_are_told(tmp_path):
    path = write(tmp_path, "drug,activity\nCCO,1\n")
    assert read_table(path, smiles="drug", labels=["activity"]).labels.tolist() == [[1.0]]
    for options in ({"smiles": "x"}, {"smiles": "drug", "labels": ["x"]}):
        with pytest.raises(ValueError, match="no column 'x'"):
            read_table(path, **options)
    with pytest.raises(ValueError, match="no label 'x'"):
        read_table(path, smiles="drug").column("x")


def test_the_sets_that_ship_are_read_by_name():
    sizes = {"logs": 1282, "freesolv": 642, "drugs": 2628, "chembl2321810": 1017}
    for name, count in sizes.items():
        table = load_table(name)
        assert len(table) == count and not np.isnan(table.labels).any()
        assert set(table.names) <= set(table.units)
    with pytest.raises(ValueError, match="not molecules"):
        load_table("ethanol")
    with pytest.raises(FileNotFoundError, match="logs, freesolv"):
        load_table("nowhere.csv")
