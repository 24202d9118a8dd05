"""A real HTTP server on 127.0.0.1 that serves one file, with ranges, and misbehaves as it is told to."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """How one request is answered. The default answers well."""

    status: int | None = None  # an error instead of the file
    cut: int | None = None  # the connection ends after so many bytes of the body
    stall: int | None = None  # nothing more comes after so many bytes, until the server is told to go on
    ranges: bool = True  # False: Range is ignored, the whole file comes
    if_range: bool = True  # False: If-Range is ignored, the range comes although the file is another
    shift: int = 0  # the range starts so many bytes later than asked for
    length: int | None = None  # a wrong Content-Length
    chunked: bool = False  # no Content-Length at all


class FileServer:
    """Serves `content` at `url`; `answers` are used up one a request, then all is well."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"one"'
        self.modified: str | None = None
        self.answers: list[Answer] = []
        self.seen: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.go_on = threading.Event()
        self._http = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        return f"{self.root}/models/net_2016.tar.gz"

    def close(self) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    owner: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.owner
        answer = server.answers.pop(0) if server.answers else Answer()
        server.seen.append(dict(self.headers))
        server.paths.append(self.path)
        if answer.status:
            self.send_error(answer.status)
            return
        first = self._first(answer)
        if first is not None and first >= len(server.content):
            self._head(416, {"Content-Range": f"bytes */{len(server.content)}", "Content-Length": "0"})
            return
        body = server.content[first or 0 :]
        headers = {"Content-Length": str(len(body) if answer.length is None else answer.length)}
        if answer.chunked:
            headers = {"Transfer-Encoding": "chunked"}
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        if first is not None:
            headers["Content-Range"] = f"bytes {first}-{len(server.content) - 1}/{len(server.content)}"
        self._head(200 if first is None else 206, headers)
        self._body(body, answer)

    def _first(self, answer: Answer) -> int | None:
        """The first byte of the range to send; None for the whole file."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        changed = answer.if_range and condition is not None and condition not in (self.owner.etag, self.owner.modified)
        return int(asked[1]) + answer.shift if asked and answer.ranges and not changed else None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        versions = {"ETag": self.owner.etag, "Last-Modified": self.owner.modified}
        for name, value in (headers | versions).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _body(self, body: bytes, answer: Answer) -> None:
        if answer.stall is not None:
            self.wfile.write(body[: answer.stall])
            self.owner.go_on.wait()
            body = body[answer.stall :]
        self.wfile.write(body[: answer.cut])
        self.close_connection = answer.cut is not None or answer.stall is not None or answer.length is not None

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `seen`."""
