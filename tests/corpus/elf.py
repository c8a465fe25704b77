# SPDX-License-Identifier: GPL-2.0
"""An ELF file as the judge of stacks sees it: bytes, functions, CFI, call graph.

Everything is read by binutils (nm, objdump, readelf): a second opinion, with no
line of the profiler under test in it. Addresses are virtual ones of the file.
"""
import bisect
import functools
import re
import struct
import subprocess

ENTRY = "(entry)"	# called by the system: _start, _init, _fini
ANYWHERE = "(anywhere)"	# leaves the file, or by a pointer: the callee is not known


def run(*argv):
    """Output of a tool of binutils; readelf fails over links to debug files that are not there."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode and (argv[0] != "readelf" or not p.stdout):
        raise ValueError(f"{' '.join(argv)}: {p.stderr.decode(errors='replace')}")
    return p.stdout.decode(errors="replace")


def _indirect_length(code):
    """Length of the FF /2 call at the start of code, or 0."""
    if len(code) < 2 or code[0] != 0xFF or code[1] >> 3 & 7 != 2:
        return 0
    mod, rm = code[1] >> 6, code[1] & 7
    if mod == 3:
        return 2
    n = 2
    if rm == 4:
        if len(code) < 3:
            return 0
        if mod == 0 and code[2] & 7 == 5:
            n += 4
        n += 1
    elif mod == 0 and rm == 5:
        n += 4
    return n + (0, 1, 4)[mod]


class Elf:
    """Bytes at addresses; cheap to make, whatever the size."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            head = f.read(64)
            if head[:6] != b"\x7fELF\x02\x01":
                raise ValueError(f"{path}: not an ELF file of 64 bits")
            self.entry, phoff = struct.unpack_from("<QQ", head, 24)
            size, n = struct.unpack_from("<HH", head, 54)
            f.seek(phoff)
            table = f.read(size * n)
        self.segments = []
        for i in range(n):
            kind, flags, off, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == 1 and flags & 1:
                self.segments.append((vaddr, filesz, off))

    def vaddr(self, off):
        """Address of an offset in the file, as far as it is code."""
        for vaddr, size, start in self.segments:
            # mappings are of whole pages
            if start & ~0xFFF <= off < start + size:
                return off - start + vaddr
        return off

    @functools.lru_cache(maxsize=100000)
    def code(self, addr, n):
        """Up to n bytes of an executable segment."""
        for vaddr, size, off in self.segments:
            if vaddr <= addr < vaddr + size:
                with open(self.path, "rb") as f:
                    f.seek(off + addr - vaddr)
                    return f.read(min(n, vaddr + size - addr))
        return b""

    def call_ends_at(self, addr):
        """Is the instruction before this address a call?"""
        back = self.code(addr - 8, 8)
        if len(back) != 8:
            return False
        if back[-5] == 0xE8:
            return True
        return any(_indirect_length(back[-n:]) == n for n in range(2, 8))

    def is_sigreturn(self, addr):
        """mov $15, %rax; syscall: where a signal handler returns to, from 1 before it (callers) to behind."""
        trampoline = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
        return any(self.code(addr - i, 9) == trampoline for i in range(-1, 10))

    def is_start_context(self, addr):
        """glibc's makecontext(3) lets coroutines return to the very start of this code."""
        start = bytes.fromhex("4889dc488b3c244885ff")
        return any(self.code(addr - i, len(start)) == start for i in (-1, 0))

    @functools.cached_property
    def _no_caller(self):
        """Ranges of which the CFI says that the return address is undefined."""
        ranges, end, column, rows = [], 0, None, []

        def close():
            for i, (start, undefined) in enumerate(rows):
                if undefined:
                    ranges.append((start, rows[i + 1][0] if i + 1 < len(rows) else end))

        for line in run("readelf", "-W", "--debug-dump=frames-interp", self.path).splitlines():
            if m := re.search(r" FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)", line):
                close()
                rows, column, end = [], None, int(m[2], 16)
            elif line.startswith("   LOC"):
                names = line.split()
                column = names.index("ra") if "ra" in names else None
            elif column and (m := re.match(r"[0-9a-f]{16} ", line)):
                rows.append((int(m[0], 16), line.split()[column:column + 1] == ["u"]))
        close()
        return ranges

    def has_no_caller(self, addr):
        return any(a <= addr < b for a, b in self._no_caller)


class Program(Elf):
    """A file of ours, with its symbols: who may call whom, from the disassembly.

    calls[address behind the call] = start of the function called, a stub's
    name, or ANYWHERE. jumps[function] = what it jumps to, in the same terms.
    """

    def __init__(self, path):
        super().__init__(path)
        self.starts, self.ends, self.names = [], [], []
        self.calls, self.jumps, self.taken, self.stubs = {}, {}, set(), {}
        self.exported, self.instructions = {}, set()
        self._read_symbols()
        self._read_code()
        self._read_pointers()

    def _read_symbols(self):
        spans = {}
        for line in run("nm", "-S", "--defined-only", self.path).splitlines():
            f = line.split()
            if len(f) >= 4 and f[2] in "tTwWiI":
                spans.setdefault(int(f[0], 16), (int(f[1], 16), f[3]))
            elif len(f) == 3 and f[1] in "tTwW":
                spans.setdefault(int(f[0], 16), (0, f[2]))
        addrs = sorted(spans)
        for i, start in enumerate(addrs):
            size, name = spans[start]
            limit = addrs[i + 1] if i + 1 < len(addrs) else start + (size or 64)
            self.starts.append(start)
            self.ends.append(start + size if size else limit)
            self.names.append(name)
        for line in run("nm", "-D", "--defined-only", self.path).splitlines():
            f = line.split()
            if len(f) == 3 and f[1] in "TWi":
                self.exported[f[2].split("@")[0]] = int(f[0], 16)
        self.taken.update(self.exported.values())

    def function(self, addr):
        """Start of the function or stub at the address, None: there is none."""
        i = bisect.bisect_right(self.starts, addr) - 1
        if i >= 0 and addr < self.ends[i]:
            return self.starts[i]
        return None

    def name(self, start):
        i = bisect.bisect_left(self.starts, start)
        return self.names[i] if i < len(self.starts) and self.starts[i] == start else hex(start)

    def _target(self, text, stubs=True):
        """Operand of a direct call or jump, like '1040 <puts@plt>'."""
        m = re.match(r"([0-9a-f]+)\s*(?:<(.*)>)?", text)
        if not m:
            return ANYWHERE
        if stubs and m[2] and m[2].endswith("@plt"):
            return m[2]
        return int(m[1], 16)

    def _instruction(self, addr, size, op, operand, here):
        op = op.split()[-1]
        if op.startswith("call"):
            self.calls[addr + size] = ANYWHERE if "*" in operand else self._target(operand)
        elif op.startswith("j") or op.startswith("loop") or op.startswith("xbegin"):
            to = ANYWHERE if "*" in operand else self._target(operand)
            if to == ANYWHERE or isinstance(to, str) or self.function(to) != here:
                self.jumps.setdefault(here, set()).add(to)
        else:
            for m in re.finditer(r"(?:\$0x|# )([0-9a-f]+)", operand):
                self.taken.add(int(m[1], 16))

    def _read_code(self):
        here, stub = None, False
        text = run("objdump", "-dw", "--no-show-raw-insn", self.path).splitlines()
        rows = []
        for line in text:
            if m := re.match(r"([0-9a-f]{8,16}) <(.*)>:$", line):
                rows.append((int(m[1], 16), m[2], None))
            elif m := re.match(r"\s+([0-9a-f]+):\t((?:(?:notrack|bnd|addr32|data16) )*\S+)\s*(.*)", line):
                rows.append((int(m[1], 16), m[2], m[3]))
        for i, (addr, op, operand) in enumerate(rows):
            if operand is None:
                stub = op.endswith("@plt") or op.startswith(".plt")
                if stub:
                    self._add_stub(addr, op, rows, i)
                continue
            if stub:
                continue
            here = self.function(addr)
            self.instructions.add(addr)
            size = rows[i + 1][0] - addr if i + 1 < len(rows) else 0
            self._instruction(addr, size, op, operand, here)

    def _add_stub(self, addr, name, rows, i):
        """A PLT entry is a function of its own that leads to the one it is named after."""
        end = next((a for a, _, o in rows[i + 1:i + 4000] if o is None), addr + 16)
        at = bisect.bisect_left(self.starts, addr)
        self.starts.insert(at, addr)
        self.ends.insert(at, end)
        self.names.insert(at, name)
        self.stubs.setdefault(name, set()).add(addr)
        self.jumps[addr] = {ANYWHERE}

    def _read_pointers(self):
        """Addresses in data: by relocation, or as they stand in what is not position independent."""
        self.taken.add(self.entry)
        for line in run("readelf", "-rW", self.path).splitlines():
            if m := re.match(r"[0-9a-f]{12,16}\s+[0-9a-f]+ R_X86_64_(RELATIVE|IRELATIV\w*)\s+(\w+)",
                             line):
                self.taken.add(int(m[2], 16))
            elif m := re.match(r"[0-9a-f]{12,16}\s+[0-9a-f]+ R_X86_64_\w+\s+([0-9a-f]{16})", line):
                self.taken.add(int(m[1], 16))
        for m in re.finditer(r"\((?:INIT|FINI)\)\s+0x([0-9a-f]+)",
                             run("readelf", "-dW", self.path)):
            self.taken.add(int(m[1], 16))
        wanted = set(self.starts)
        with open(self.path, "rb") as f:
            raw = f.read()
        for name, off, size in self._data_sections():
            for (word,) in struct.iter_unpack("<Q", raw[off:off + size // 8 * 8]):
                if word in wanted:
                    self.taken.add(word)
        self.taken &= wanted

    def _data_sections(self):
        for line in run("readelf", "-SW", self.path).splitlines():
            m = re.match(r"\s*\[ *\d+\] (\S+)\s+PROGBITS|\s*\[ *\d+\] (\S+)\s+(?:INIT|FINI)_ARRAY", line)
            if m and not re.search(r"\bAX\b", line):
                f = line.split("]", 1)[1].split()
                if f[0].startswith((".data", ".rodata", ".init_array", ".fini_array", ".got")):
                    yield f[0], int(f[3], 16), int(f[4], 16)
