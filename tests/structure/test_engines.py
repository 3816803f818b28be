"""The door to the big models: one interface, confidence on one scale, clear sentences where shut."""

import stat
import sys

import numpy as np
import pytest
import torch

from mdlearn.structure.alignments import Alignment
from mdlearn.structure.engines import as_lddt, fold_with, from_esmfold, from_file
from mdlearn.structure.predict import from_sequence, predict_structure
from mdlearn.structure.proteins import Protein, write_structure
from mdlearn.structure.sequences import encode

QUERY = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(scope="module")
def tiny_esmfold() -> torch.nn.Module:
    """ESMFold with all its parts, small, and with random weights: it proves the door, no more."""
    from transformers import EsmConfig, EsmForProteinFolding

    structure = {"sequence_dim": 32, "pairwise_dim": 16, "num_blocks": 2, "num_heads_ipa": 2}
    trunk = {
        "num_blocks": 1, "sequence_state_dim": 32, "pairwise_state_dim": 16, "max_recycles": 1,
        "sequence_head_width": 16, "pairwise_head_width": 8, "structure_module": structure,
    }  # fmt: skip
    vocabulary = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>"]
    config = EsmConfig(
        vocab_size=33, vocab_list=(*vocabulary, "<mask>"), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=37, pad_token_id=1, mask_token_id=32,
        position_embedding_type="rotary", is_folding_model=True,
        esmfold_config={"trunk": trunk, "fp16_esm": False, "lddt_head_hid_dim": 16},
    )  # fmt: skip
    torch.manual_seed(0)
    return EsmForProteinFolding(config).eval()


def test_esmfold_gives_a_chain_with_confidence(tiny_esmfold):
    found = from_esmfold(tiny_esmfold, QUERY)
    assert found.sequence == QUERY and found.backbone.shape == (20, 5, 3)
    bond = np.linalg.norm(found.backbone[:, 1] - found.backbone[:, 0], axis=-1)
    assert np.allclose(bond, 1.46, atol=0.05)  # N–CA: the atoms are in the order that we think
    assert np.allclose(np.linalg.norm(found.backbone[:, 2] - found.ca, axis=-1), 1.52, atol=0.05)
    assert (found.confidence >= 0).all() and (found.confidence <= 1).all()


def test_confidence_comes_on_one_scale():
    assert np.allclose(as_lddt(np.array([0.2, 0.9])), [0.2, 0.9])
    assert np.allclose(as_lddt(np.array([20.0, 90.0])), [0.2, 0.9])
    for wrong in ([-1.0, 50.0], [50.0, 200.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="neither"):
            as_lddt(np.array(wrong))


def test_a_written_model_is_read_with_its_confidence(helix, tmp_path):
    said = Protein("m", helix.sequence, helix.backbone, confidence=np.linspace(0.3, 0.9, 20))
    write_structure(said, tmp_path / "m.cif")
    found = from_file(tmp_path / "m.cif", "boltz", helix.sequence)
    assert found.name == "boltz" and np.allclose(found.confidence, said.confidence, atol=0.01)
    with pytest.raises(ValueError, match="is a model of"):
        from_file(tmp_path / "m.cif", "boltz", helix.sequence[::-1])


PROGRAM = """#!{python}
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[sys.argv.index("{flag}") + 1])
query = next(pathlib.Path(a).read_text() for a in sys.argv if "query." in a)
pathlib.Path("{seen}").write_text(query)
if "{model}":
    (folder / "deep").mkdir()
    shutil.copy("{model}", folder / "deep" / "{name}")
else:
    sys.exit("no weights, and no network to get them")
"""
COMMANDS = {
    "boltz": ("boltz", "--out_dir", "query_model_0.cif"),
    "openfold": ("run_openfold", "--output_dir", "query_seed_1_sample_1_model.cif"),
}


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A program of an engine's name that keeps the query and gives a model, or fails without one."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(engine, model=""):
        program, flag, name = COMMANDS[engine]
        path, seen = tmp_path / program, tmp_path / "seen"
        told = {"python": sys.executable, "flag": flag, "seen": seen, "model": model, "name": name}
        path.write_text(PROGRAM.format(**told))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return seen

    return make


@pytest.mark.parametrize("engine", COMMANDS)
def test_an_engine_with_a_command_gets_the_query_and_its_model_is_read(
    engine, command, helix, tmp_path
):
    said = Protein("m", helix.sequence, helix.backbone, confidence=np.full(20, 0.7))
    write_structure(said, tmp_path / "m.cif")
    seen = command(engine, tmp_path / "m.cif")
    alone = predict_structure(from_sequence(helix.sequence), engine=engine)
    assert alone.model.name == engine and np.allclose(alone.model.confidence, 0.7, atol=0.01)
    assert alone.pairs is None and helix.sequence in seen.read_text()
    assert "a3m" not in seen.read_text()
    rows = np.stack([encode(helix.sequence), encode(helix.sequence[::-1])])
    predict_structure(Alignment(("query", "relative"), rows), engine=engine)
    assert "relatives.a3m" in seen.read_text()


@pytest.mark.parametrize("engine", COMMANDS)
def test_an_engine_that_fails_or_is_not_there_says_so(engine, command, monkeypatch):
    command(engine)
    with pytest.raises(RuntimeError, match="no weights, and no network"):
        fold_with(engine, QUERY)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModuleNotFoundError, match='engine="mdlearn"'):
        fold_with(engine, QUERY)


def test_esmfold_without_weights_or_network_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr("mdlearn.structure.engines.ESMFOLD", str(tmp_path / "esmfold_v1"))
    with pytest.raises(FileNotFoundError, match="neither in the cache nor reachable"):
        fold_with("esmfold", QUERY)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="esmfold, boltz, openfold; got 'alphafold'"):
        fold_with("alphafold", QUERY)
