"""Measured properties of liquid argon, from the reference equation of state that was fitted to all of them.

    pip install CoolProp
    python -m mdlearn.recipes.argon

CoolProp evaluates the equation of Tegeler, Span & Wagner, J. Phys. Chem. Ref. Data 28, 779 (1999),
doi:10.1063/1.556037, whose uncertainty is 0.02 % in the density of the liquid and below 0.5 % in the
heat of vaporization.
"""

import json
from pathlib import Path

from mdlearn.files import replacing

TEMPERATURES = (85, 90, 95, 100, 105, 110, 115)  # K
PRESSURE = 10.0  # bar
TARGET = Path(__file__).parents[1] / "data/files/argon.json"


def main() -> None:
    """Write the table that ships."""
    from CoolProp.CoolProp import PropsSI

    rows = []
    for kelvin in TEMPERATURES:

        def of(name: str, *state: float | str, kelvin: float = kelvin) -> float:
            return PropsSI(name, "T", kelvin, *state, "Argon")

        here = ("P", PRESSURE * 1e5)
        row = {
            "temperature (K)": kelvin,
            "density (g/cm³)": of("D", *here) / 1000,
            "heat to pull it apart (kJ/mol)": (of("Hmolar", "P", 1.0) - of("Hmolar", *here)) / 1000,
            "heat of vaporization (kJ/mol)": (of("Hmolar", "Q", 1) - of("Hmolar", "Q", 0)) / 1000,
            "compressibility (1/bar)": of("ISOTHERMAL_COMPRESSIBILITY", *here) * 1e5,
        }
        rows.append({name: float(f"{value:.6g}") for name, value in row.items()})
    card = {
        "what": "liquid argon, measured; the heat to pull it apart is the enthalpy of the dilute gas less "
        "that of the liquid",
        "pressure (bar)": PRESSURE,
        "source": "Tegeler, Span & Wagner, J. Phys. Chem. Ref. Data 28, 779 (1999), doi:10.1063/1.556037",
        "uncertainty": "density 0.02 %, heats below 0.5 %",
        "rows": rows,
    }
    with replacing(TARGET) as part:
        part.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
