# SPDX-License-Identifier: GPL-2.0
"""Writes pprof files for the page's tests, by profile.proto's field numbers."""


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def number(field, v):
    return varint(field << 3) + varint(v) if v else b""


def bytes_(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def packed(field, values):
    return bytes_(field, b"".join(varint(v) for v in values))


class Profile:
    """Stacks are lists of (name, object, file) from the root; an entry of several such is a location with inlined frames."""

    def __init__(self, types=(("samples", "count"), ("cpu", "nanoseconds")), period=10_000_000, time_ns=0, duration_ns=0, default=""):
        self.strings = [""]
        self.ids = {}
        self.parts = [bytes_(1, number(1, self.string(t)) + number(2, self.string(u))) for t, u in types]
        self.tail = number(9, time_ns) + number(10, duration_ns) + number(12, period)
        self.tail += bytes_(11, number(1, self.string("cpu")) + number(2, self.string("nanoseconds"))) + number(14, self.string(default))

    def string(self, s):
        if s not in self.strings:
            self.strings.append(s)
        return self.strings.index(s)

    def entry(self, field, key, make):
        if (field, key) not in self.ids:
            ident = 1 + sum(f == field for f, _ in self.ids)
            self.ids[field, key] = ident
            self.parts.append(bytes_(field, make(ident)))
        return self.ids[field, key]

    def mapping(self, obj):
        return self.entry(3, obj, lambda i: number(1, i) + number(5, self.string(obj))) if obj else 0

    def function(self, name, obj, file):
        return self.entry(5, (name, obj), lambda i: number(1, i) + number(2, self.string(name)) + number(4, self.string(file)))

    def location(self, frames):
        """frames: outermost first, the last one inlined deepest; a number instead of frames is an address without names."""
        if isinstance(frames, int):
            return self.entry(4, frames, lambda i: number(1, i) + number(3, frames))
        obj = frames[0][1]
        lines = b"".join(bytes_(4, number(1, self.function(n, o, f)) + number(2, 7)) for n, o, f in reversed(frames))
        m = self.mapping(obj)
        return self.entry(4, frames, lambda i: number(1, i) + number(2, m) + number(3, 4096 + i) + lines)

    def add(self, stack, *values, pack=True):
        ids = [self.location(f if isinstance(f, int) else tuple(f) if isinstance(f, list) else (f,)) for f in reversed(stack)]
        body = packed(1, ids) + packed(2, values) if pack else b"".join(number(1, i) for i in ids) + b"".join(varint(16) + varint(v) for v in values)
        self.parts.append(bytes_(2, body))

    def bytes(self):
        return b"".join(self.parts) + b"".join(bytes_(6, s.encode()) for s in self.strings) + self.tail
