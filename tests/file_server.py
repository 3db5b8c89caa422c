"""A server on this machine that does wrong what servers do wrong."""

import contextlib
import http.server
import threading


@contextlib.contextmanager
def file_server(folder):
    """Serves the files of a `folder`. Gives an object whose `address` they follow; `asked` holds
    the names asked for, and `faults` says by name what to do wrong: "404", "cut" or "changed"."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/").split("?")[0]
            server.asked.append(name)
            body, fault = (server.folder / name).read_bytes(), server.faults.get(name)
            self.send_response(404 if fault == "404" else 200)
            self.send_header("Content-Length", len(body))
            self.end_headers()
            body = {"cut": body[: len(body) // 2], "changed": body[::-1]}.get(fault, body)
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.asked, server.faults = folder, [], {}
    server.address = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
