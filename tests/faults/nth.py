#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Allocations, or calls for files or sockets, of ringprofd failing.

Usage: tests/faults/nth.py start|scrape alloc|io [SECONDS]

start: a daemon for each fault. It must end by itself, not by a signal, with a line
that says why, and nothing that it left may be in the way of the next start; or
it must come up, answer and stop when it is told to.
scrape: one daemon; for each fault something is asked for meanwhile.
An answer is an error in words or a whole profile; the same question asked again
without a fault must get a whole profile, and the daemon must still be there.

A first run without a fault tells the call stacks that such calls come from (nth.c).
For each of them the first call from there fails, alone; then that and all calls
that follow it for a moment; and where there are more, one of the others, by lot.
All of that, or with SECONDS what fits in, by lot. Prints what happened, 1 if any
of it was wrong.
"""
import collections, concurrent.futures, ctypes, errno, gzip, itertools, json, mmap, os, random, re, shutil, signal, socket, struct, subprocess, sys
import tempfile, time

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(top, "tests/lib"))
import pprof

KINDS = {"alloc": 1, "io": 2}
READY_S, STOP_S = 20, 20


Way = collections.namedtuple("Way", "stack nth on")
Way.__doc__ = "The nth call from that call stack fails, and with on all that follow."
NONE = Way(0, 0, False)


class Fault:
    """What nth.so is to do, and what it has done: struct control there."""
    HEAD, SEEN, STACKS = "<IIQQQQQ", 48 + 64 * 8, 1 << 13

    def __init__(self, path, kind):
        self.kind = KINDS[kind]
        with open(path, "w+b") as f:
            f.truncate(self.SEEN + self.STACKS * 16)
            self.page = mmap.mmap(f.fileno(), 0)

    def arm(self, way):
        self.page[:] = bytes(len(self.page))
        self.page[4:24] = struct.pack("<IQQ", way.on, way.stack, way.nth)
        self.page[0:4] = struct.pack("<I", self.kind)

    def disarm(self):
        """-> calls that failed"""
        self.page[0:4] = struct.pack("<I", 0)
        *_, failed, lost, _ = struct.unpack_from(self.HEAD, self.page)
        if lost:
            sys.exit(f"{lost} calls came from more than {self.STACKS} call stacks: give nth.c more room")
        return failed

    def stacks(self):
        """-> {call stack: calls from there}"""
        every = struct.iter_unpack("<QQ", self.page[self.SEEN:])
        return {stack: calls for stack, calls in every if stack}

    def where(self):
        """The daemon's functions on the stack of what failed, innermost first."""
        depth = struct.unpack_from(self.HEAD, self.page)[-1]
        pcs = struct.unpack_from(f"<{depth}Q", self.page, struct.calcsize(self.HEAD))
        # a PIE lies there where addresses are not randomised
        own = [hex(pc - 0x555555554000 - 1) for pc in pcs if 0x555555554000 <= pc < 0x555556000000]
        out = subprocess.run(["addr2line", "-f", "-s", "-e", os.path.join(top, "build/ringprofd")] + own,
                             capture_output=True, text=True, check=False).stdout.split("\n")
        return " < ".join(out[:-1:2])


class Daemon:
    def __init__(self, fault_file, directory):
        self.dir = directory
        self.sock = os.path.join(directory, "sock")
        env = dict(os.environ, LD_PRELOAD=os.path.join(top, "build/tests/faults/nth.so"),
                   NTH_FILE=fault_file, MALLOC_PERTURB_="165")
        self.log = open(os.path.join(directory, "log"), "w+b")
        args = [f"--state-dir={directory}", f"--cache-dir={directory}/cache",
                f"--token-file={directory}/token", "--source=perf", "--listen=",
                f"--unix-socket={self.sock}", "--history-size=64MiB", "--frequency=199"]
        self.p = subprocess.Popen([os.path.join(top, "build/ringprofd")] + args, env=env,
                                  stdout=self.log, stderr=self.log)

    def ask(self, path, timeout=20):
        """-> (status, body); (0, b"") when it hangs up"""
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        data = b""
        try:
            s.connect(self.sock)
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            while part := s.recv(65536):
                data += part
        except TimeoutError:
            return -1, b""
        except OSError:
            pass
        finally:
            s.close()
        head, _, body = data.partition(b"\r\n\r\n")
        m = re.match(rb"HTTP/1.1 (\d+)", head)
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        if not m or (length and len(body) != int(length[1])):
            return 0, b""
        if b"chunked" in head.lower():
            return int(m[1]), None  # no answer of ours is
        return int(m[1]), body

    def wait_ready(self):
        """-> None when it answers, else the exit status, "hang" """
        end = time.time() + READY_S
        while time.time() < end:
            if self.p.poll() is not None:
                return self.p.returncode
            if os.path.exists(self.sock) and self.ask("/-/ready")[0] == 200:
                return None
            time.sleep(0.02)
        return "hang"

    def stop(self):
        """-> exit status, or "hang" """
        self.p.terminate()
        try:
            return self.p.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            return "hang"

    def said(self):
        with open(self.log.name, "rb") as f:
            return f.read().decode(errors="replace")


def whole(path, body):
    """Is that all of an answer to path? A profile must have samples."""
    try:
        if path.startswith("/debug/pprof") or "format=pprof" in path:
            return sum(v[0] for v, _ in pprof.read(gzip.decompress(body)).samples) > 0
        if path == "/metrics":
            return body.rstrip().endswith(b"# EOF") or b"\nringprof_" in body
        return json.loads(body) is not None
    except Exception as e:
        print(f"# {path}: {e!r}")
        return False


PROFILE = "/api/v1/profile?format=pprof&from=now-60s"
SCRAPE = "/debug/pprof/profile?seconds=1"
QUESTIONS = [SCRAPE, PROFILE, "/api/v1/profile?format=flamegraph&merge=line&group_by=comm",
             "/api/v1/profile?format=top&query={comm=~\"p.*\"}", "/api/v1/profile?format=series",
             "/api/v1/labels", "/api/v1/services", "/api/v1/processes", "/metrics"]


def recorded(d):
    """Until there is a window to be asked for: -> good"""
    for _ in range(60):
        status, body = d.ask(PROFILE)
        if status == 200 and whole(PROFILE, body):
            return True
        time.sleep(0.25)
    return False


def start_once(kind, way):
    """-> (what happened, its call stacks until it was up, whether any failed)"""
    with tempfile.TemporaryDirectory() as directory:
        f = Fault(os.path.join(directory, "nth"), kind)
        f.arm(way)
        d = Daemon(os.path.join(directory, "nth"), directory)
        ended = d.wait_ready()
        failed = f.disarm()
        if ended == "hang" and way.on:
            # nothing could succeed in all that time: it must be able to do so now
            ended = d.wait_ready()
        if ended is None:
            status, _ = d.ask("/metrics")
            stopped = d.stop()
            what = "came up" if status == 200 and stopped == 0 else \
                f"WRONG: up, but /metrics is {status} and it stopped with {stopped}"
        elif ended == "hang":
            d.p.send_signal(signal.SIGKILL)
            d.p.wait()
            what = "WRONG: neither up nor ended"
        elif is_glibcs(f, ended):
            what = "ended in glibc's getgrnam()"
        elif ended < 0:
            what = f"WRONG: ended by signal {-ended}"
        else:
            what = "refused" if says_why(d) or nth_is_loader(d) else \
                f"WRONG: ended with {ended} and did not say why"
        d.log.close()
        if what == "refused":
            d = Daemon(os.path.join(directory, "nth"), directory)
            if d.wait_ready() is not None or d.stop() != 0:
                what = "WRONG: what it left is in the way of the next start"
            d.log.close()
        if what.startswith("WRONG"):
            what += f"\n#   {f.where()}\n" + "".join(f"#   {x}\n" for x in d.said().splitlines()[-6:])
        return what, f.stacks(), failed


# what nth.c gives, in the words of strerror(3) and of those who have their own for it
CAUSE = re.compile(r"no memory|out of memory|" + "|".join(re.escape(os.strerror(e)) for e in (
    errno.ENOMEM, errno.EMFILE, errno.EIO, errno.ENOSPC, errno.ENOBUFS, errno.EADDRINUSE, errno.EAGAIN)), re.I)


def says_why(d):
    """Its last line is of itself, and has the cause."""
    lines = [x for x in d.said().splitlines() if x.startswith("ringprofd: ")]
    return bool(lines) and CAUSE.search(lines[-1])


def is_glibcs(f, ended):
    """
    In getgrnam(3), which reads nsswitch.conf when it is first called (nss_database.c, 2.34 on): it asserts that
    getline(3) has read a line, though there was no memory for one, and goes on with what it could not allocate.
    """
    return ended in (-signal.SIGABRT, -signal.SIGSEGV) and f.where().startswith("own_dir < ")


def nth_is_loader(d):
    """Before main it is the loader or a library that ends the program, in its own words."""
    return bool(re.search(r"error while loading|out of memory|cannot allocate|initialization", d.said(), re.I))


def ways(stacks):
    """{call stack: calls} -> all that is tried there"""
    out = []
    for stack, calls in stacks.items():
        out += [Way(stack, 1, False), Way(stack, 1, True)]
        if calls > 1:
            out.append(Way(stack, random.randint(2, calls), False))
    return out


class Seen:
    """What happened how often."""

    def __init__(self):
        self.what, self.failed = collections.Counter(), 0

    def add(self, what, failed, *of):
        first = what.partition("\n")[0]
        wrong = first.startswith("WRONG")
        self.what[first if failed or wrong else "had none to fail"] += 1
        self.failed += bool(failed)
        if wrong:
            print("#", *of, what, flush=True)


def start(kind, seconds):
    stacks = {}
    for _ in range(1 if seconds else 3):
        what, more, _ = start_once(kind, NONE)
        if what != "came up":
            sys.exit(f"without a fault: {what}")
        stacks.update(more)
    faults = ways(stacks)
    random.shuffle(faults)
    seen, end = Seen(), time.time() + (seconds or 1e9)

    def one(i, way):
        if time.time() > end and i >= 6:
            return
        what, _, failed = start_once(kind, way)
        seen.add(what, failed, way)

    # a daemon mostly waits while it stops
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(one, i, way) for i, way in enumerate(faults)]:
            done.result()
    return seen, len(stacks), len(faults)


class NewProgram:
    """Runs meanwhile, and was never there before: its file is opened, read, named."""

    def __init__(self, directory):
        self.path = os.path.join(directory, f"program-{random.getrandbits(64):x}")
        shutil.copy(os.path.join(top, "build/workloads/steady"), self.path)
        with open(self.path, "ab") as f:
            f.write(random.randbytes(64))
        self.p = subprocess.Popen([self.path, "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.p.kill()
        self.p.wait()
        os.unlink(self.path)


def ask_once(d, f, path, way):
    """-> (what happened, calls that failed)"""
    new = NewProgram(d.dir) if path == SCRAPE else None
    f.arm(way)
    # where nothing can be read or written for good, there may be no answer; once it can, there is
    status, body = d.ask(path, 3 if way.on else 20)
    failed = f.disarm()
    if new:
        new.end()
    if d.p.poll() is not None:
        what = f"WRONG: the daemon ended with {d.p.returncode}"
    elif status == -1 and not way.on:
        what = "WRONG: no answer"
    elif status == 200 and not whole(path, body):
        what = "WRONG: 200, and not a whole answer"
    elif status > 0 and status != 200 and not body.strip():
        what = f"WRONG: {status} without a word"
    elif not recorded(d):
        what = "WRONG: no profile afterwards"
    else:
        what = {200: "answered", 0: "hung up", -1: "no answer while all failed"}.get(status, "told of an error")
    if what.startswith("WRONG"):
        what += f"\n#   {f.where()}"
    return what, failed


def plan(d, f):
    """-> ([(path, way)], call stacks): each call stack where it is met first"""
    out, known = [], set()
    for path in QUESTIONS:
        what, _ = ask_once(d, f, path, NONE)
        if what != "answered":
            sys.exit(f"{path}, without a fault: {what}")
        new = {stack: calls for stack, calls in f.stacks().items() if stack not in known}
        known |= set(new)
        out += [(path, way) for way in ways(new)]
    return out, len(known)


def in_turns(faults):
    """By lot, but each question in its turn, however much it calls."""
    random.shuffle(faults)
    by_path = [[x for x in faults if x[0] == p] for p in QUESTIONS]
    return [x for turn in itertools.zip_longest(*by_path) for x in turn if x]


def scrape(kind, seconds):
    with tempfile.TemporaryDirectory() as directory:
        f = Fault(os.path.join(directory, "nth"), kind)
        d = Daemon(os.path.join(directory, "nth"), directory)
        if d.wait_ready() is not None or not recorded(d):
            sys.exit(f"without a fault: {d.said()}")
        faults, stacks = plan(d, f)
        seen, end = Seen(), time.time() + (seconds or 1e9)
        for i, (path, way) in enumerate(in_turns(faults)):
            # on a busy host once each at least, and until one had something to fail
            if (time.time() > end and i >= len(QUESTIONS) and seen.failed) or d.p.poll() is not None:
                break
            what, failed = ask_once(d, f, path, way)
            seen.add(what, failed, path, way)
        stopped = d.stop()
        if stopped != 0:
            seen.add(f"WRONG: stopped with {stopped}\n" + "\n".join(f"#   {x}" for x in d.said().splitlines()[-6:]), 0)
        d.log.close()
        return seen, stacks, len(faults)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("start", "scrape") or sys.argv[2] not in KINDS:
        sys.exit(__doc__)
    step, kind = sys.argv[1:3]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0
    # a call stack is known again by its addresses: ADDR_NO_RANDOMIZE, for all that is started
    if ctypes.CDLL(None).personality(0x0040000) < 0:
        sys.exit("the addresses of what is started cannot be kept from being random (personality(2))")
    seen, stacks, faults = (start if step == "start" else scrape)(kind, seconds)
    print(f"# figure: {step}, {kind}: {sum(seen.what.values())} of {faults} faults at {stacks} call stacks: " +
          ", ".join(f"{n} {what}" for what, n in seen.what.most_common()))
    # call stacks that no run meets again are no faults
    return 1 if not seen.failed or any(w.startswith("WRONG") for w in seen.what) else 0


sys.exit(main())
