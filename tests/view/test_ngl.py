import subprocess
import sys
import threading
import time

from mdlearn.view.ngl import Calls, ngl


class View:
    """What `Calls` sees of an NGL view: it answers to what it is told."""

    def __init__(self, *, slow: bool) -> None:
        self.seen, self._event, self.slow = [], threading.Event(), slow

    def hear(self, name: str) -> None:
        self.seen.append(name)
        if self.slow:
            threading.Timer(0.05, self.answer, [name]).start()

    def answer(self, name: str) -> None:
        self.seen.append(f"{name} done")
        self._event.set()


def call(name: str) -> object:
    def send(view: View) -> None:
        view.hear(name)

    send._method_name = name
    return send


def settle(view: View, n: int) -> None:
    end = time.monotonic() + 60
    while len(view.seen) < n and time.monotonic() < end:
        time.sleep(0.01)


def test_calls_keep_their_order():
    view = View(slow=False)
    calls = Calls(view)
    names = [f"call {i}" for i in range(200)]
    for name in names:
        calls.q.append(call(name))
    settle(view, 200)
    assert view.seen == names


def test_a_call_waits_for_the_answer_to_the_one_before():
    view = View(slow=True)
    calls = Calls(view, registered_funcs=["loadFile"])
    calls.q.append(call("loadFile"))
    calls.q.append(call("color"))
    settle(view, 3)
    assert view.seen[:3] == ["loadFile", "loadFile done", "color"]


def test_the_thread_ends_with_the_last_call_and_another_begins():
    view, before = View(slow=False), threading.active_count()
    calls = Calls(view)
    for n in (1, 2):
        calls.q.append(call("center"))
        settle(view, n)
        end = time.monotonic() + 60
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.01)
        assert threading.active_count() <= before
    assert view.seen == ["center", "center"]


def test_the_front_end_version_is_the_one_on_disk():
    view = ngl().NGLWidget()
    assert view._view_module_version == sys.modules["nglview._frontend"].__frontend_version__
    assert view._view_module_version != "4.0"
    view.close()


def test_a_bare_import_is_told_to_restart():
    code = "import nglview; from mdlearn.view.ngl import ngl; ngl()"
    call = [sys.executable, "-c", code]
    run = subprocess.run(call, capture_output=True, text=True, check=False)
    assert "restart the kernel" in run.stderr
