"""Write networks of chemprop 2 and their outputs, which a test compares ours with.

    build/rivals/chemprop/bin/python -m benchmarks.rivals.chemprop_reference

Random weights, so nothing here was learned from data. Made with chemprop 2.3.1.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from chemprop import data, models, nn
from chemprop.models import save_model

FOLDER = Path(__file__).parents[2] / "tests" / "properties"
SMILES = [
    "C", "O", "[Na+].[Cl-]", "CCO", "C/C=C/C", r"C/C=C\C", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O",
    "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "[NH4+]", "C#N", "O=[N+]([O-])c1ccccc1",
    "c1ccc2ccccc2c1", "FC(F)(F)S(=O)(=O)N", "BrCCI", "C1CC1", "[2H]OC", "OB(O)c1ccccc1",
    "CC(C)(C)[Si](C)(C)O", "C12C3C4C1C5C2C3C45", "[Fe+2]", "c1ccsc1", "O=P(O)(O)OC",
]  # fmt: skip


def main() -> None:
    """Two networks: the plain form, and one with batch norm, two tasks and a deeper head."""
    rows = data.build_dataloader(
        data.MoleculeDataset([data.MoleculeDatapoint.from_smi(text) for text in SMILES]),
        batch_size=len(SMILES), shuffle=False,
    )  # fmt: skip
    found = {"chemprop": version("chemprop"), "smiles": SMILES, "outputs": {}}
    for name, model in (("plain", plain()), ("deep", deep())):
        save_model(FOLDER / f"chemprop_{name}.pt", model.eval())
        with torch.no_grad():
            outputs = [model(row.bmg).double() for row in rows]
        found["outputs"][name] = torch.cat(outputs).tolist()
    (FOLDER / "chemprop.json").write_text(json.dumps(found, indent=1) + "\n")


def plain() -> models.MPNN:
    torch.manual_seed(0)
    head = nn.RegressionFFN(input_dim=16, hidden_dim=12)
    return models.MPNN(nn.BondMessagePassing(d_h=16), nn.NormAggregation(), head)


def deep() -> models.MPNN:
    torch.manual_seed(1)
    scale = nn.UnscaleTransform(np.array([1.5, -2.0]), np.array([2.0, 0.5]))
    head = nn.RegressionFFN(
        n_tasks=2, input_dim=16, hidden_dim=12, n_layers=2, dropout=0.1, output_transform=scale
    )
    messages = nn.BondMessagePassing(d_h=16, depth=4, dropout=0.1)
    model = models.MPNN(messages, nn.MeanAggregation(), head, batch_norm=True)
    for tensor in (model.bn.running_mean, model.bn.weight.data, model.bn.bias.data):
        torch.nn.init.normal_(tensor, 0.3, 0.2)
    return model


if __name__ == "__main__":
    main()
