# SPDX-License-Identifier: GPL-2.0
"""Drives headless Chromium through the DevTools protocol, standard library only.

A WebSocket client as far as DevTools needs it (RFC 6455: masked text frames
out, text frames with continuation in, ping answered), and on it a Page with
the few verbs the tests use. One thread; every call waits for its answer.
"""
import base64
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars=false", "--remote-debugging-port=0",
]


def find_browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


class WebSocket:
    def __init__(self, port, path, timeout=60):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                           f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buf = b""
        while b"\r\n\r\n" not in self.buf:
            self.fill()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError(f"no WebSocket: {head[:80]!r}")

    def fill(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError("the browser went away")
        self.buf += data

    def take(self, n):
        while len(self.buf) < n:
            self.fill()
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def frame(self, opcode, payload):
        mask = os.urandom(4)
        n = len(payload)
        head = bytes([0x80 | opcode])
        if n < 126:
            head += bytes([0x80 | n])
        elif n < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", n)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", n)
        pad = (mask * (n // 4 + 1))[:n]
        body = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")
        self.sock.sendall(head + mask + body)

    def send(self, text):
        self.frame(1, text.encode())

    def recv(self):
        message = b""
        while True:
            first, second = self.take(2)
            n = second & 0x7F
            if n == 126:
                n = struct.unpack(">H", self.take(2))[0]
            elif n == 127:
                n = struct.unpack(">Q", self.take(8))[0]
            payload = self.take(n)
            opcode = first & 0x0F
            if opcode == 9:
                self.frame(10, payload)
            elif opcode == 8:
                raise EOFError("the browser closed the connection")
            elif opcode in (0, 1):
                message += payload
                if first & 0x80:
                    return message.decode()


def before_neighbours():
    """What other programs on the machine do must not be taken for the page's own slowness; only root may ask for that."""
    try:
        os.nice(-10)
        with open("/proc/self/autogroup", "w") as f:  # where sessions share the CPUs, nice counts within one only
            f.write("-10")
    except OSError:
        pass


class Browser:
    def __init__(self, binary, width=1440, height=900):
        self.profile = tempfile.mkdtemp(prefix="ringprof-web-")
        self.log = open(os.path.join(self.profile, "browser.log"), "wb")
        self.proc = subprocess.Popen(
            [binary, *FLAGS, f"--user-data-dir={self.profile}", f"--window-size={width},{height}",
             "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=before_neighbours)
        self.port = self.wait_port()

    def wait_port(self):
        path = os.path.join(self.profile, "DevToolsActivePort")
        for _ in range(600):
            if os.path.exists(path):
                with open(path) as f:
                    if lines := f.read().split():
                        return int(lines[0])
            if self.proc.poll() is not None:
                break
            time.sleep(0.1)
        with open(self.log.name, errors="replace") as f:
            tail = f.read()[-500:]
        self.close()
        raise OSError(f"the browser did not start: {tail}")

    def page(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json/list", timeout=30) as r:
            target = next(t for t in json.load(r) if t["type"] == "page")
        path = target["webSocketDebuggerUrl"].split(str(self.port), 1)[1]
        return Page(WebSocket(self.port, path))

    def close(self):
        # the wrapper script's children are in its process group, which is ours alone
        try:
            os.killpg(self.proc.pid, signal.SIGTERM)
            self.proc.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            if self.proc.poll() is None:
                os.killpg(self.proc.pid, signal.SIGKILL)
                self.proc.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    def __init__(self, ws):
        self.ws = ws
        self.next_id = 0
        self.problems = []  # console errors, exceptions, CSP violations, failed loads
        self.expect_http_errors = False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.next_id += 1
        self.ws.send(json.dumps({"id": self.next_id, "method": method, "params": params}))
        while True:
            m = json.loads(self.ws.recv())
            if m.get("id") == self.next_id:
                if "error" in m:
                    raise RuntimeError(f"{method}: {m['error']}")
                return m["result"]
            self.event(m)

    def event(self, m):
        p = m.get("params", {})
        if m.get("method") == "Runtime.exceptionThrown":
            d = p["exceptionDetails"]
            self.problems.append(d.get("exception", {}).get("description") or d["text"])
        elif m.get("method") == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        elif m.get("method") == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            e = p["entry"]
            if not (self.expect_http_errors and e.get("source") == "network"):
                self.problems.append(f"{e['text']} {e.get('url', '')}")

    def eval(self, expr):
        r = self.call("Runtime.evaluate", expression=expr, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            d = r["exceptionDetails"]
            raise RuntimeError(d.get("exception", {}).get("description") or d["text"])
        return r["result"].get("value")

    def wait(self, expr, timeout=20, what=None):
        end = time.time() + timeout
        while time.time() < end:
            try:
                if v := self.eval(expr):
                    return v
            except RuntimeError:
                pass  # between two documents
            time.sleep(0.05)
        raise TimeoutError(f"never came true: {what or expr}")

    def goto(self, url):
        """Loads url afresh, also when only its fragment differs."""
        self.call("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.call("Page.navigate", url=url)
        self.wait("location.href !== 'about:blank' && document.readyState === 'complete'")

    def settle(self):
        """Until two frames have passed: what was asked for has been drawn."""
        self.eval("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y, count=1):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=count)
        self.mouse("mouseReleased", x, y, button="left", clickCount=count)

    def wheel(self, x, y, dx=0, dy=0, ctrl=False):
        self.mouse("mouseWheel", x, y, deltaX=dx, deltaY=dy, modifiers=2 if ctrl else 0)

    def key(self, key, text=None, code=0):
        more = {"windowsVirtualKeyCode": code} if code else {}
        if text:
            more["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def type(self, text):
        for c in text:
            self.key(c, text=c)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
        return path
