"""tblite's GFN2-xTB as an ASE calculator, on one thread."""

from functools import cache
from typing import Any

from tblite.ase import TBLite
from threadpoolctl import ThreadpoolController


class OneThread(TBLite):
    """TBLite that leaves the other cores alone: on a small molecule more threads cost more than they give.

    Arguments as for `TBLite`.
    """

    def calculate(self, *args: Any, **options: Any) -> None:
        """Energy (eV), forces (eV/Å) and charges (e), as `TBLite`."""
        with _pools().limit(limits=1):
            super().calculate(*args, **options)


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of the process, looked up once, when tblite is there."""
    return ThreadpoolController()
