"""The parts that make the site, without building it: links, glossary, docstrings, figures, films."""

import base64
import json

import numpy as np
import pytest

from docs.site import glossary, molecules, notebooks, pages
from docs.site.build import relinked
from docs.site.docstrings import to_rst
from docs.site.notebooks import ROOT, Frame

WORDS = glossary.read(ROOT / "docs/glossary.md")
CHAPTERS = notebooks.chapters()
FRAME = Frame("https://github.com/a/b", dict.fromkeys(molecules.FILMS, "words"), WORDS, {})


def test_a_docstring_keeps_formulas_code_and_stars():
    told = to_rst(
        "Near $r_{ij}$-space, `a*b`, 6-31G*, a_ and\n\n$$E = \\frac{1}{2}\n  k x^2$$\n\nend."
    )
    assert ":math:`r_{ij}`-space, ``a*b``, 6-31G\\*, a\\_ and" in told
    assert ".. math::\n\n   E = \\frac{1}{2} k x^2\n" in told
    assert to_rst("A **b** and *c* d\\e") == "A **b** and *c* d\\\\e"
    assert "* - x | y" not in to_rst("| a | b |\n|---|---|\n| x | y |\n")
    assert "   * - x\n     - y" in to_rst("| a | b |\n|---|---|\n| x | y |\n")


def test_terms_are_linked_once_and_never_inside_code_formulas_or_links():
    seen: set[str] = set()
    text = "# Drift\n`drift` $drift$ [drift](x.md) drifts, and drift."
    linked = WORDS.linked(text, seen, "../")
    assert linked.count("<a ") == 1 and 'glossary.html#term-drift">drifts</a>, and drift.' in linked
    assert WORDS.linked(text, seen, "../") == text
    title = "Text.\n\n## References\n\n- *A force field*"
    assert WORDS.linked(title, set(), "") == title


def test_a_word_of_other_meaning_is_not_linked():
    assert "coupling" in WORDS.begin("21") and "coupling" not in WORDS.begin("32")


def test_every_term_is_used_by_a_chapter_and_all_chapters_use_some():
    used = set()
    for chapter in CHAPTERS:
        cells = [cell for cell in chapter.notebook["cells"] if cell["cell_type"] == "markdown"]
        found = WORDS.used("\n\n".join("".join(cell["source"]) for cell in cells), chapter.number)
        assert len(found) >= 3, chapter.path
        used |= found
    numbers = [chapter.number for chapter in CHAPTERS]
    due = [t for t in WORDS.terms if any(n.startswith(t.only or "") for n in numbers)]
    assert {term.name for term in due} - used == set()
    assert 40 <= len(WORDS.terms) <= 80


def test_a_line_that_is_no_entry_is_refused(tmp_path):
    page = tmp_path / "glossary.md"
    page.write_text("# Words\n\n**term** what it means\n")
    with pytest.raises(ValueError, match="an entry is"):
        glossary.read(page)
    page.write_text("# Words\n\n**term**: one\n\n**term**: two\n")
    with pytest.raises(ValueError, match=r"told twice: \['term'\]"):
        glossary.read(page)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_a_chapter_says_promise_goals_and_exercises(chapter):
    assert chapter.promise and len(chapter.goals) >= 3 and len(chapter.exercises) >= 3
    for exercise in chapter.exercises:
        assert exercise.title and exercise.task and exercise.right, exercise.name


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_a_page_has_every_cell_its_figures_with_words_and_folded_solutions(chapter, tmp_path):
    made = notebooks.page(chapter, FRAME, tmp_path / "figures")
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    committed = [cell for cell in chapter.notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["source"] for cell in code] == [cell["source"] for cell in committed]
    pictures = 0
    for new, old in zip(code, committed, strict=True):
        assert ("hide-cell" in new["metadata"].get("tags", [])) == (
            "solution" in old["metadata"].get("tags", [])
        )
        for output, before in zip(new["outputs"], old["outputs"], strict=True):
            if "image/png" not in before.get("data", {}):
                assert output == before
                continue
            pictures += 1
            assert 'alt=""' not in output["data"]["text/html"]
            file = tmp_path / f"figures/{pictures}.png"
            assert file.read_bytes() == base64.b64decode("".join(before["data"]["image/png"]))
    text = "".join("".join(cell["source"]) for cell in made["cells"])
    assert "https://mybinder.org/v2/gh/a/b/HEAD?urlpath=lab/tree/notebooks/" in text
    assert f'href="{chapter.path.rsplit("/")[-1]}" download' in text


def test_binder_is_offered_only_where_it_can_find_the_repository():
    assert notebooks.binder("", "notebooks/x.ipynb") == ""
    assert notebooks.binder("https://example.org/a/b", "notebooks/x.ipynb") == ""
    place = notebooks.binder("https://github.com/a/b.git", "notebooks/x y.ipynb")
    assert place == "https://mybinder.org/v2/gh/a/b/HEAD?urlpath=lab/tree/notebooks/x%20y.ipynb"


def test_links_to_files_lead_to_copies_and_links_to_nothing_are_refused(tmp_path):
    known = {"docs/teaching.md", "notebooks/templates/README.md"}
    text = "[a](teaching.md#x) [b](../LICENSE) [c](../notebooks/templates) [d](https://e.org)"
    told = relinked(text, "docs/page.md", known, tmp_path / "extra")
    assert told == (
        '[a](teaching.md#x) <a href="../LICENSE">b</a> [c](../notebooks/templates/README.md) '
        "[d](https://e.org)"
    )
    assert (tmp_path / "extra/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    with pytest.raises(FileNotFoundError, match=r"page.md links gone.md"):
        relinked("[x](gone.md)", "docs/page.md", known, tmp_path)


def test_frames_come_back_from_their_sixteen_bits():
    places = np.random.default_rng(0).uniform(-60, 60, (4, 5, 3))
    whole = np.frombuffer(base64.b64decode(molecules.packed(places)), "<i2")
    assert (
        np.abs(whole.reshape(4, 5, 3) * molecules.UNIT - places).max() <= molecules.UNIT / 2 + 1e-9
    )
    with pytest.raises(ValueError, match="70 Å from the middle"):
        molecules.packed(np.full((1, 1, 3), 70.0))


@pytest.mark.parametrize("name", ["turned", "proton", "aspirin", "twins", "chain"])
def test_a_film_has_as_many_places_as_atoms(name):
    film = molecules.FILMS[name]()
    atoms = sum(line.startswith(("ATOM", "HETATM")) for line in film.pdb.splitlines())
    assert film.frames is None or film.frames.shape[1:] == (atoms, 3)
    data = json.loads(molecules.script(name, film).partition("] = ")[2].rstrip(";\n"))
    assert data["pdb"] == film.pdb and film.picture.startswith(b"\x89PNG")


def test_forces_of_the_film_turn_with_the_molecule():
    film = molecules.FILMS["turned"]()
    first, later = film.arrows[0] - film.frames[0], film.arrows[30] - film.frames[30]
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(later, axis=1)
    np.testing.assert_allclose(*lengths, atol=1e-5)  # eV/Å, of float32 features
    assert np.abs(first - later).max() > 0.1


def test_every_film_is_shown_and_nearly_every_chapter_has_one():
    assert set(molecules.SHOWN.values()) == set(molecules.FILMS)
    assert len({chapter.number for chapter in CHAPTERS} - set(molecules.SHOWN)) <= 2  # 42 and 5


def test_benchmarks_show_every_row_also_those_that_miss():
    told = pages.benchmarks()
    for path in (ROOT / "benchmarks/results").glob("*.json"):
        rows = json.loads(path.read_text())["rows"]
        assert all(pages.cell(row["what"]) in told for row in rows)
    assert "✗ no" in told and "✓ yes" in told
