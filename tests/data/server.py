"""A real web server on this machine that misbehaves in the ways real ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Answers every path with `content`, after the misdeeds in `script`, one a request."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.script = content, []
        self.ranges: list[str | None] = []
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.bin"

    def handle_error(self, request, client_address) -> None:
        """A client that went away is expected here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        deed = self.server.script.pop(0) if self.server.script else "good"
        content, half = self.server.content, len(self.server.content) // 2
        self.close_connection = True
        if isinstance(deed, int):
            self.send_error(deed)
        elif deed == "web page":
            self.answer(200, b"<!DOCTYPE html><html>Please log in</html>")
        elif deed == "other content":
            self.answer(200, bytes(len(content)))
        elif deed == "short":  # and claims that this is all
            self.answer(200, content[:half])
        elif deed == "ignores range":
            self.answer(200, content)
        elif deed == "drops":  # the connection, half way
            self.answer(200, content[:half], length=len(content))
        elif deed == "stalls":
            self.answer(200, content[:half], length=len(content))
            self.server.release.wait(10)
        elif deed == "trickles":
            self.answer(200, b"", length=len(content))
            for i in range(100):
                if self.server.release.wait(0.05):
                    return
                self.wfile.write(content[i : i + 1])
        elif deed == "wrong range":
            self.answer(206, content[1:], start=1)
        else:
            self.good(content)

    def good(self, content: bytes) -> None:
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(content):
            self.send_error(416)
        else:
            self.answer(206 if wanted else 200, content[start:], start=start)

    def answer(self, status: int, body: bytes, length: int | None = None, start: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if status == 206:
            end = start + len(body) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{start + len(body)}")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Silence."""


@contextmanager
def serve(content: bytes) -> Iterator[Server]:
    """A server in a thread, closed afterward."""
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
