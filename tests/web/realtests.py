# SPDX-License-Identifier: GPL-2.0
"""The page before a real daemon: what fakeserver.py answers must be what ringprofd does."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from pagetests import js

DAEMON = os.path.join(os.environ.get("BUILD", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")), "ringprofd")
WORK = "import time, zlib, json\nend = time.time() + 120\nwhile time.time() < end:\n zlib.compress(bytes(100000))\n json.dumps(list(range(5000)))"


class Daemon:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = tempfile.mkdtemp(prefix="ringprof-page-")
        self.url = f"http://127.0.0.1:{self.port}/"
        options = {"source": "perf", "auth": "none", "listen": f"127.0.0.1:{self.port}", "unix-socket": "", "frequency": 499, "unwind": "fp", "history-size": 0,
                   "state-dir": self.folder, "cache-dir": os.path.join(self.folder, "cache"), "token-file": os.path.join(self.folder, "token")}
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.proc = subprocess.Popen([DAEMON, *(f"--{k}={v}" for k, v in options.items())], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.work = subprocess.Popen([sys.executable, "-c", WORK], env=os.environ | {"OTEL_SERVICE_NAME": "burner"})

    def answer(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as r:
            return json.load(r)

    def ready(self):
        """Until the daemon has samples of the work; None, or what went wrong."""
        for _ in range(300):
            if self.proc.poll() is not None:
                with open(os.path.join(self.folder, "log"), errors="replace") as f:
                    return f.read()[-500:]
            try:
                rows = self.answer("api/v1/services?from=now-1m&until=now")
                if any(s["service_name"] == "burner" and s["cores"] > 0 for s in rows):
                    return None
            except (OSError, urllib.error.URLError):
                pass
            time.sleep(0.2)
        return "no samples within a minute"

    def close(self):
        for p in (self.work, self.proc):
            p.terminate()
            p.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def real(env, tap):
    if not os.access(DAEMON, os.X_OK) or os.geteuid() != 0:
        return tap.ok(True, "the page before a real daemon # SKIP not built, or not root")
    daemon = Daemon()
    try:
        why = daemon.ready()
        if why:
            return tap.ok(False, "the daemon serves", why)
        show(env, tap, daemon)
    finally:
        daemon.close()
    return None


def idle(env):
    env.idle()
    env.page.wait("document.getElementById('timeline').getAttribute('aria-busy') === 'false' && !document.getElementById('timeline').hidden")
    env.page.settle()


def show(env, tap, daemon):
    env.open(base=daemon.url, fragment="#live=0&from=now-1m")
    idle(env)
    groups, total = js(env.page, """const {timeline: t} = await import('./main.js'), s = t.scene.series;
        return [s.groups.map(g => g.name), s.total.some(v => v > 0)];""")
    tap.ok("burner" in groups and total, "the time line has the services of a real host", groups)
    env.page.wait("[...document.getElementById('service').options].some(o => o.value === 'burner')")
    env.press("[data-view=services]")
    rows = env.page.eval("[...document.querySelectorAll('#services-table tbody tr')].map(r => r.cells[0].innerText.trim())")
    tap.ok("burner" in rows, "and so has the list", rows)
    # closed windows only: the open one would grow between the two sides
    now = daemon.answer("api/v1/profile?from=now-1m&until=now&format=flamegraph")["to_ms"] - 10
    one = "%7Bservice_name%3D%22burner%22%7D"
    env.open(base=daemon.url, fragment=f"#cmp=1&q={one}&af={now - 20000}&au={now}&from={now - 20000}&until={now}")
    idle(env)
    env.page.wait("import('./main.js').then(m => Boolean(m.data.profile?.isDiff))")
    env.page.settle()
    same, sure, cores = js(env.page, """const {data} = await import('./main.js'), p = data.profile, t = p.tree;
        return [t.aTotal[0] === t.bTotal[0], Boolean(t.sure[0]), t.bTotal[0] * p.scale.b];""")
    # of the whole: a name that is found between the two reads makes two boxes of one
    tap.ok(same and not sure, "a range compared with itself has not changed", same, sure)
    tap.ok(0.005 < cores < 1.2, "and its CPUs are those of one busy process", cores)
    tap.ok("CPUs" in env.text("verdict"), "which is told", env.text("verdict"))
    tap.equal(env.page.eval("document.getElementById('notice').hidden"), True, "nothing is refused")
    env.shot("real")
    env.press("[data-scale=share]")
    env.page.wait("import('./main.js').then(m => m.data.profile?.scale.kind === 'share')")
    env.idle()
    tap.equal(js(env.page, "return (await import('./main.js')).data.profile.tree.sure[0]"), 0, "neither have its shares, of which the daemon is asked, too")
    with urllib.request.urlopen(env.page.eval("document.querySelector('a[data-format=pprof]').href"), timeout=20) as r:
        tap.ok(r.status == 200 and r.read(2) == b"\x1f\x8b", "the download of a comparison is a pprof file")


GROUPS = [(real.__name__, real)]
