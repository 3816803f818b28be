"""Sets by name: shipped, found, cached or downloaded, always verified, always in eV and Å."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

from mdlearn.data import catalog as catalog_module
from mdlearn.data import fetch as fetch_module
from mdlearn.data.catalog import SHIPPED, catalog, find, matches, pin
from mdlearn.data.download import Patience
from mdlearn.data.fetch import cache_folder, fetch, load, main
from mdlearn.units import kcal_per_mol

ONCE = Patience(attempts=1)
ENTRY = """
[{name}]
title = "A test"
format = "{format}"
labels = ["dft", "xtb"]
license = "MIT"
citation = "None"
doi = ""
units = {{ length = "Å", energy = "{unit}", forces = "{unit}/Å" }}
good_for = "Tests."
misleads = "Always."

[[{name}.files]]
part = "all"
file = "{file}"
size = {size}
checksum = "{checksum}"
"""


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A catalog, a folder of shipped files and a cache of its own."""
    monkeypatch.setenv("MDLEARN_CACHE", str(tmp_path / "cache"))
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(fetch_module, "SHIPPED", shipped)

    def add(path, name="toy", url=(), format="npz", unit="eV", checksum=None):
        content = path.read_bytes() if path.exists() else b""
        text = ENTRY.format(
            name=name,
            format=format,
            unit=unit,
            file=path.name,
            size=len(content),
            checksum=checksum or f"sha256:{hashlib.sha256(content).hexdigest()}",
        )
        text += f"url = {list(url)}\n" if url else ""
        (tmp_path / "catalog.toml").write_text(text, encoding="utf-8")
        sets = catalog(tmp_path / "catalog.toml")
        monkeypatch.setattr(catalog_module, "catalog", lambda: sets)

    return shipped, add


def toy_arrays(frames=4):
    rng = np.random.default_rng(0)
    numbers = molecule("H2O").numbers
    positions = molecule("H2O").positions + 0.1 * rng.normal(size=(frames, 3, 3))
    return {
        "numbers": numbers,
        "positions": positions,
        "energies": rng.normal(size=frames),
        "forces": rng.normal(size=(frames, 3, 3)),
        "seconds": rng.uniform(1, 2, size=frames),
        "energies_xtb": rng.normal(size=frames),
        "forces_xtb": rng.normal(size=(frames, 3, 3)),
        "seconds_xtb": rng.uniform(0, 1, size=frames),
        "temperature": np.full(frames, 300.0),
        "split": np.array(["train"] * (frames - 1) + ["test"]),
    }


def test_every_set_says_what_one_must_know():
    for entry in catalog().values():
        assert entry.title and entry.license and entry.citation and entry.good_for
        assert entry.misleads and entry.labels
        numbers = {"table": entry.labels, "protein": ()}
        wanted = numbers.get(entry.format, ("length", "energy", "forces"))
        assert set(wanted) <= set(entry.units)
        for file in entry.files:
            algorithm, _, value = file.checksum.partition(":")
            length = {"sha256": 64, "md5": 32, "git": 40}[algorithm]
            assert len(value) == length or not file.url  # what downloads has a checksum
            assert all(url.startswith("https://") for url in file.url)


TABLES = [*SHIPPED.glob("*.npz"), *SHIPPED.glob("*.csv")]


@pytest.mark.parametrize("path", sorted(TABLES), ids=lambda path: path.name)
def test_shipped_files_are_those_of_the_catalog(path):
    files = [file for entry in catalog().values() for file in entry.files]
    (file,) = [file for file in files if file.file == path.name]
    assert file.size == path.stat().st_size
    assert matches(path, file.checksum)


def test_pinning_rewrites_size_and_checksum_only(tmp_path):
    copy, folder = tmp_path / "catalog.toml", tmp_path / "files"
    folder.mkdir()
    original = catalog_module.CATALOG.read_text(encoding="utf-8")
    copy.write_text(original, encoding="utf-8")
    (folder / "ethanol.npz").write_bytes(b"labels")
    assert pin(copy, folder) == ["ethanol.npz"]
    assert pin(copy, folder) == []
    file = catalog(copy)["ethanol"].file()
    assert file.size == 6 and matches(folder / "ethanol.npz", file.checksum)
    changed = set(copy.read_text(encoding="utf-8").splitlines()) - set(original.splitlines())
    assert len(changed) == 2


def test_shipped_labels_of_both_methods(place):
    shipped, add = place
    arrays = toy_arrays()
    np.savez(shipped / "toy.npz", **arrays)
    add(shipped / "toy.npz")
    dft, xtb = load("toy"), load("toy", method="xtb")
    for i in range(4):
        assert dft[i].get_potential_energy() == arrays["energies"][i]
        assert xtb[i].get_potential_energy() == arrays["energies_xtb"][i]
        np.testing.assert_array_equal(dft[i].get_forces(), arrays["forces"][i])
        np.testing.assert_array_equal(xtb[i].get_forces(), arrays["forces_xtb"][i])
        np.testing.assert_array_equal(xtb[i].positions, dft[i].positions)
        assert xtb[i].info["seconds"] == arrays["seconds_xtb"][i]
    assert dft[3].info == {"seconds": arrays["seconds"][3], "temperature": 300.0, "split": "test"}
    assert [frame.info["split"] for frame in load("toy", frames=[3, 0])] == ["test", "train"]


def test_a_missing_shipped_file_is_told(place):
    shipped, add = place
    add(shipped / "toy.npz")
    with pytest.raises(FileNotFoundError, match="install mdlearn again"):
        load("toy")


def test_a_changed_shipped_file_is_refused(place):
    shipped, add = place
    np.savez(shipped / "toy.npz", **toy_arrays())
    add(shipped / "toy.npz")
    np.savez(shipped / "toy.npz", **toy_arrays(3))
    with pytest.raises(ValueError, match=r"mdlearn\.data\.fetch --hash"):
        load("toy")


def test_a_file_without_checksum_is_refused(place):
    shipped, add = place
    np.savez(shipped / "toy.npz", **toy_arrays())
    add(shipped / "toy.npz", checksum="sha256:")
    with pytest.raises(ValueError, match="no checksum"):
        load("toy")


def test_missing_arrays_are_named(place):
    shipped, add = place
    arrays = toy_arrays()
    del arrays["forces_xtb"]
    np.savez(shipped / "toy.npz", **arrays)
    add(shipped / "toy.npz")
    assert len(load("toy")) == 4
    with pytest.raises(ValueError, match="has no forces_xtb, only numbers"):
        load("toy", method="xtb")


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("ethanoll", {}, "no data set 'ethanoll' in the catalog, which has ethanol,"),
        ("3bpa", {}, "3bpa has the parts train_300K, train_mixedT"),
        ("3bpa", {"part": "train"}, "got part='train'"),
        ("alanine_dipeptide", {"method": "dft"}, "has labels of xtb, not of 'dft'"),
    ],
)
def test_wrong_names_are_told(name, options, text):
    with pytest.raises(ValueError, match=text):
        load(name, **options)


def test_a_download_is_cached_and_then_needs_no_network(place, server, tmp_path):
    _, add = place
    (tmp_path / "data.bin").write_bytes(server.content)
    add(tmp_path / "data.bin", url=[server.url])
    path = fetch("toy", patience=ONCE, report=None)
    assert path == tmp_path / "cache" / "toy" / "data.bin"
    assert fetch("toy", patience=ONCE, report=None) == path
    assert len(server.ranges) == 1


def test_a_damaged_cache_is_put_aside_and_fetched_again(place, server, tmp_path):
    _, add = place
    (tmp_path / "data.bin").write_bytes(server.content)
    add(tmp_path / "data.bin", url=[server.url])
    path = fetch("toy", patience=ONCE, report=None)
    path.write_bytes(b"damaged")
    said = []
    assert fetch("toy", patience=ONCE, report=said.append).read_bytes() == server.content
    assert "damaged" in said[0] and path.with_name("data.bin.rejected").exists()


def test_the_data_folder_is_looked_into_first_and_verified(place, server, tmp_path, monkeypatch):
    _, add = place
    (tmp_path / "data.bin").write_bytes(server.content)
    add(tmp_path / "data.bin", url=[server.url])
    folder = tmp_path / "mine" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MDLEARN_DATA", str(tmp_path / "mine"))
    (folder / "data.bin").write_bytes(b"of another set")
    said = []
    assert fetch("toy", patience=ONCE, report=said.append).parent == tmp_path / "cache" / "toy"
    assert "another checksum" in said[0]
    (folder / "data.bin").write_bytes(server.content)
    assert fetch("toy", patience=ONCE, report=None) == folder / "data.bin"
    monkeypatch.setenv("MDLEARN_DATA", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="MDLEARN_DATA names"):
        fetch("toy", report=None)


def test_the_cache_lies_where_the_platform_wants_it(monkeypatch, tmp_path):
    monkeypatch.delenv("MDLEARN_CACHE", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mdlearn"
    monkeypatch.setenv("MDLEARN_CACHE", str(tmp_path / "told"))
    assert cache_folder() == tmp_path / "told"


def test_rmd17_comes_in_ev(place, server, tmp_path):
    _, add = place
    ours = toy_arrays()
    theirs = {
        "nuclear_charges": ours["numbers"],
        "coords": ours["positions"],
        "energies": ours["energies"],
        "forces": ours["forces"],
        "old_indices": np.arange(4) * 7,
        "old_energies": ours["energies"],
    }
    path = tmp_path / "toy.npz"
    np.savez(path, **theirs)
    server.content = path.read_bytes()
    add(path, url=[server.url], format="rmd17", unit="kcal/mol")
    frame = load("toy", frames=[2], report=None)[0]
    assert frame.get_potential_energy() == pytest.approx(ours["energies"][2] * 0.0433641, rel=1e-5)
    np.testing.assert_allclose(frame.get_forces(), ours["forces"][2] * kcal_per_mol)
    assert frame.info == {"old_index": 14}


def test_extxyz_sets_come_labeled(place, server, tmp_path, ethanol):
    _, add = place
    path = tmp_path / "toy.xyz"
    write(path, ethanol[:3], format="extxyz")
    server.content = path.read_bytes()
    add(path, url=[server.url], format="extxyz")
    frames = load("toy", frames=[1], report=None)
    energy = ethanol[1].get_potential_energy()
    assert frames[0].get_potential_energy() == pytest.approx(energy, abs=1e-6)


def test_pickles_are_never_opened(place):
    shipped, add = place
    arrays = {**toy_arrays(), "temperature": np.array([{}] * 4, dtype=object)}
    np.savez(shipped / "toy.npz", **arrays)
    add(shipped / "toy.npz")
    with pytest.raises(ValueError, match="allow_pickle"):
        load("toy")


def test_the_command_lists_the_catalog():
    said = []
    main([], report=said.append)
    assert len(said) == len(catalog()) and "3BPA" in "".join(said)


def test_parts_are_found_by_name():
    assert find("3bpa").file("iso_atoms").file == "iso_atoms.xyz"
    assert replace(find("ethanol"), name="x").file().part == "all"
