"""The only door to nglview: mends what keeps it from drawing in JupyterLab, and from resting."""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ANSWER = 10.0  # seconds to wait for the browser before the next call is sent anyway


def ngl() -> ModuleType:
    """nglview, told which version of its front end is on the disk.

    Version 4.0 asks for a front end 4.0 but ships 3.1.5, so that JupyterLab draws nothing
    (nglviewer/nglview issues 1172 and 1181). On import it displays an empty widget, which is taken
    back; and each view polls for calls in two threads that never end, which `Calls` replaces.

    Raises:
        RuntimeError: Something else has imported nglview already.
    """
    if "nglview" not in sys.modules:
        from IPython.utils.capture import capture_output
        from jupyter_core.paths import jupyter_path

        for folder in jupyter_path("labextensions", "nglview-js-widgets"):
            if (package := Path(folder) / "package.json").is_file():
                version = ModuleType("nglview._frontend")
                version.__frontend_version__ = json.loads(package.read_text())["version"]
                sys.modules["nglview._frontend"] = version
                break
        with capture_output(stdout=False, stderr=False):
            import nglview.widget
            import nglview.widget_base
        nglview.widget.RemoteCallThread = nglview.widget_base.RemoteCallThread = Calls
    nglview = sys.modules["nglview"]
    if nglview.widget.RemoteCallThread is not Calls:
        raise RuntimeError(
            "nglview was imported before mdlearn could mend it; restart the kernel, and take "
            "nglview from mdlearn.view.ngl.ngl() instead of importing it"
        )
    return nglview


class Calls:
    """Calls on their way to the browser: sent in order, by a thread that ends with the last one.

    Some are answered when done (a file is loaded); the next waits for that.
    """

    def __init__(self, view: Any, registered_funcs: Sequence[str] = ()) -> None:
        self.view, self.answered, self.daemon = view, registered_funcs, True
        self.q = self  # nglview appends to the queue
        self.lock, self.calls, self.busy = threading.Lock(), [], False

    def start(self) -> None:
        """Nothing to do before the first call."""

    def append(self, call: Callable[[Any], None]) -> None:
        """Send this after all that came before."""
        with self.lock:
            self.calls.append(call)
            if not self.busy:
                self.busy = True
                threading.Thread(target=self.send, daemon=True).start()

    def send(self) -> None:
        """Send until nothing is left."""
        while call := self._next():
            self.view._event.clear()
            call(self.view)
            if call._method_name in self.answered:
                self.view._event.wait(ANSWER)

    def _next(self) -> Callable[[Any], None] | None:
        with self.lock:
            self.busy = bool(self.calls)
            return self.calls.pop(0) if self.calls else None
