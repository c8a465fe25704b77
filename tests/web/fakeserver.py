# SPDX-License-Identifier: GPL-2.0
"""A daemon that only answers what the page asks.

Serves daemon/ui with the headers the daemon sends and prepared answers for
the API. `mode` decides how it behaves: ok, down (hangs up), 400, 401, 503,
garbage, slow (answers when `go` is set). `profile` is the JSON text of the
flame graph, `base` that of side A where a comparison asks for another,
`missing` the paths and formats of a newer daemon that it does not know,
`diff` and `diff_share` the comparisons by cores and by share, `broken` the
status with which it answers a path or format, or the status and the words,
`waits` the paths that it answers when `go` is set, `ahead` the ms that its
clock goes before the browser's.
"""
import base64
import http.server
import json
import os
import re
import threading
import time
import urllib.parse

import history

UI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "daemon", "ui")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
USER, TOKEN = "ringprof", "sesame"


def daemon_csp():
    """The policy the daemon sends, from its source: the page must live under that very one."""
    with open(os.path.join(UI, "..", "http", "reply.c")) as f:
        macro = re.search(r"#define CSP((?:.*\\\n)*.*)", f.read())[1]
    return "".join(re.findall(r'"([^"]*)"', macro))


CSP = daemon_csp()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def authorized(self):
        if not self.server.auth:
            return True
        want = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {want}"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if not self.authorized():
            return self.answer(401, "text/plain; charset=utf-8", b"credential needed\n",
                               WWW_Authenticate='Basic realm="ringprof"')
        if url.path.startswith("/api/"):
            return self.api(url)
        return self.file(url.path.lstrip("/") or "index.html")

    def file(self, name):
        path = os.path.join(UI, os.path.basename(name))
        kind = TYPES.get(os.path.splitext(name)[1])
        if not kind or not os.path.exists(path):
            return self.answer(404, "text/plain", b"not found\n")
        with open(path, "rb") as f:
            return self.answer(200, kind, f.read())

    def api(self, url):
        s = self.server
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        s.requests.append((url.path, query))
        if s.mode == "down":
            self.close_connection = True
            return self.connection.close()
        if s.mode in ("400", "401", "503"):
            return self.answer(int(s.mode), "application/json",
                               json.dumps({"status": "error", "errorType": "x", "error": f"refused with {s.mode}"}).encode())
        if url.path in s.waits or (s.mode == "slow" and query.get("format") == "flamegraph"):
            s.go.wait(30)
        now = int(time.time() * 1000) + s.ahead
        if url.path in s.missing or query.get("format") in s.missing:
            status = 404 if url.path in s.missing else 400
            return self.answer(status, "application/json", b'{"error":"format: not known"}')
        if broken := s.broken.get(url.path) or s.broken.get(query.get("format")):
            status, words = broken if isinstance(broken, tuple) else (broken, f"broken with {broken}")
            return self.answer(status, "application/json", json.dumps({"error": words}).encode())
        if query.get("format") == "series":
            return self.answer(200, "application/json", json.dumps(history.series(query, now, s.events, s.raw)).encode())
        if url.path == "/api/v1/services":
            return self.answer(200, "application/json", json.dumps(history.services(query, now)).encode())
        if url.path == "/api/v1/pins":
            return self.answer(200, "application/json", json.dumps({"pins": s.pins}).encode())
        if url.path == "/api/v1/diff":
            diff = s.diff_share if query.get("by") == "share" and s.diff_share else s.diff
            return self.answer(200, "application/json", json.dumps(diff).encode())
        if url.path == "/api/v1/processes":
            return self.answer(200, "application/json", json.dumps(s.processes).encode())
        if url.path == "/api/v1/profile":
            body = b'{"version":1,' if s.mode == "garbage" else s.profile
            if s.base and query.get("until") == s.base_until:
                body = s.base
            return self.answer(200, "application/json", body)
        return self.answer(404, "application/json", b'{"error":"unknown path"}')


class FakeDaemon(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.profile, self.served = b"{}", None
        self.reset()
        self.processes = {"processes": [
            {"pid": pid, "comm": comm, "exe": f"/usr/bin/{comm}", "service_name": service,
             "cpu_seconds": seconds, "samples": int(100 * seconds), "whole": int(100 * seconds), "truncated": 0}
            for pid, comm, service, seconds in (
                (100, "nginx", "nginx", 2.0), (101, "nginx", "nginx", 1.0), (200, "cc1plus", 'we"ird\\one', 1.0))]}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def reset(self):
        self.auth, self.mode, self.requests = False, "ok", []
        self.events, self.missing, self.pins = [], set(), []
        self.diff = self.diff_share = None
        self.broken, self.waits, self.ahead = {}, set(), 0
        self.raw = False
        self.base, self.base_until = None, None
        self.go = threading.Event()

    def handle_error(self, request, client_address):
        pass  # a browser that hangs up is no news

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def serve(self, profile):
        if self.served is not profile:
            self.profile = json.dumps(profile, separators=(",", ":")).encode()
        self.served = profile
        self.mode = "ok"
