"""Relatives come from a server that speaks the protocol, are kept, and failure is one clear sentence."""

import gzip
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mdlearn.structure.relatives import pfam, search

QUERY = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
A3M = f">101\n{QUERY}\n>relative\n{QUERY.replace('K', 'R')}\n\0"
STOCKHOLM = f"# STOCKHOLM 1.0\na/1-33 {QUERY}\nb/1-33 {QUERY.replace('K', 'R')}\n//\n"


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("uniref.a3m")
        info.size = len(A3M)
        tar.addfile(info, io.BytesIO(A3M.encode()))
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next of the server's states; downloads with what is right."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.asked.append(self.rfile.read(length).decode())
        self.status()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.broken:
            self.send(self.server.broken, b"<html>sorry</html>")
        elif "/result/download/" in self.path:
            self.send(200, self.server.archive)
        elif "annotation" in self.path:
            self.send(200, gzip.compress(STOCKHOLM.encode()))
        else:
            self.status()

    def status(self) -> None:
        self.send(200, json.dumps({"id": "t1", "status": self.server.states.pop(0)}).encode())

    def send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("MDLEARN_CACHE", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.states, running.asked, running.broken = ["COMPLETE"], [], 0
    running.archive = archive()
    running.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def ask(server, **changes):
    return search(QUERY, server=server.url, **{"pause": 0.01, "report": None} | changes)


def test_a_search_waits_for_the_server_and_is_asked_once(server):
    server.states, said = ["RATELIMIT", "PENDING", "RUNNING", "COMPLETE"], []
    found = ask(server, report=said.append)
    assert found.query == QUERY and len(found) == 2
    assert len(said) == 3 and "patience" in said[0] and "running" in said[2]
    assert QUERY in server.asked[0] and len(server.asked) == 5
    assert ask(server).query == QUERY and len(server.asked) == 5  # from the cache


@pytest.mark.parametrize("state", ["ERROR", "MAINTENANCE"])
def test_a_server_that_refuses_is_told_of(server, state):
    server.states = [state]
    with pytest.raises(ConnectionError, match=f"{state}.*read_alignment"):
        ask(server)


def test_a_server_that_never_ends_is_left(server):
    server.states = ["RUNNING"] * 1000
    with pytest.raises(ConnectionError, match="took too long"):
        ask(server, patience=0.1)


def test_what_is_no_archive_is_refused_and_not_kept(server, tmp_path):
    server.archive = b"<html>"
    with pytest.raises(ConnectionError, match="no archive"):
        ask(server)
    assert not list(tmp_path.rglob("*.a3m"))


def test_no_network_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("MDLEARN_CACHE", str(tmp_path))
    with pytest.raises(ConnectionError, match="cannot be had"):
        search(QUERY, server="http://127.0.0.1:9", report=None)


def test_a_family_of_pfam_comes_by_name_and_is_kept(server):
    found = pfam("PF00186", server=server.url, report=None)
    assert found.query == QUERY and "alignment:full" in server.asked[0]
    assert len(pfam("PF00186", server=server.url, report=None)) == 2 and len(server.asked) == 1
    server.broken = 404
    with pytest.raises(ConnectionError, match="HTTP 404"):
        pfam("PF99999", server=server.url, report=None)
    server.broken = 200
    with pytest.raises(ConnectionError, match="no alignment"):
        pfam("PF88888", server=server.url, report=None)


def test_names_and_kinds_that_are_none_are_refused():
    with pytest.raises(ValueError, match='like "PF00186"'):
        pfam("dhfr")
    with pytest.raises(ValueError, match='"seed", "full" or "uniprot"'):
        pfam("PF00186", kind="all")
