# SPDX-License-Identifier: GPL-2.0
"""A reader of pprof's profile.proto, enough for tests: a second opinion beside Go's."""
import collections

Located = collections.namedtuple("Located", "object address names")
Profile = collections.namedtuple("Profile", "time_nanos duration_nanos period samples")


def varint(b, i):
    x = shift = 0
    while True:
        c = b[i]
        i += 1
        x |= (c & 0x7F) << shift
        shift += 7
        if c < 0x80:
            return x, i


def fields(b):
    i = 0
    while i < len(b):
        key, i = varint(b, i)
        if key & 7 == 0:
            v, i = varint(b, i)
        elif key & 7 == 2:
            n, i = varint(b, i)
            v = b[i:i + n]
            i += n
        else:
            raise ValueError(f"wire type {key & 7}")
        yield key >> 3, v


def packed(v):
    if isinstance(v, int):
        return [v]
    out, i = [], 0
    while i < len(v):
        x, i = varint(v, i)
        out.append(x)
    return out


def read(raw, inlines=True):
    """-> Profile; samples are (values, [function names, root first]); inlines=False: without the
    inlined functions, which come with debug information and may not be in the first answers"""
    strings, functions, locations, samples, scalar = [], {}, {}, [], {}
    for tag, v in fields(raw):
        if tag == 2:
            locs, values = [], []
            for t, w in fields(v):
                if t == 1:
                    locs += packed(w)
                elif t == 2:
                    values += packed(w)
            samples.append((values, locs))
        elif tag == 4:
            row = {"id": 0, "lines": []}
            for t, w in fields(v):
                if t == 1:
                    row["id"] = w
                elif t == 4:
                    row["lines"].append(dict(fields(w)).get(1, 0))
            locations[row["id"]] = row["lines"]
        elif tag == 5:
            f = dict(fields(v))
            functions[f[1]] = f.get(2, 0)
        elif tag == 6:
            strings.append(v.decode())
        elif isinstance(v, int):
            scalar[tag] = v

    def stack(locs):
        leaf_first = [strings[functions[f]] for loc in locs
                      for f in (locations[loc] if inlines else locations[loc][-1:])]
        return leaf_first[::-1]

    return Profile(scalar.get(9, 0), scalar.get(10, 0), scalar.get(12, 0),
                   [(values, stack(locs)) for values, locs in samples])


def located(raw):
    """-> [(values, [Located, root first])]; names: innermost inlined function first"""
    strings, functions, locations, mappings, samples = [], {}, {}, {}, []
    for tag, v in fields(raw):
        if tag == 2:
            row = {1: [], 2: []}
            for t, w in fields(v):
                if t in row:
                    row[t] += packed(w)
            samples.append((row[2], row[1]))
        elif tag == 3:
            f = dict(fields(v))
            mappings[f[1]] = f.get(5, 0)
        elif tag == 4:
            f = dict(fields(v))
            lines = [dict(fields(w)).get(1, 0) for t, w in fields(v) if t == 4]
            locations[f[1]] = (f.get(2, 0), f.get(3, 0), lines)
        elif tag == 5:
            f = dict(fields(v))
            functions[f[1]] = f.get(2, 0)
        elif tag == 6:
            strings.append(v.decode())

    def place(loc):
        mapping, address, lines = locations[loc]
        return Located(strings[mappings.get(mapping, 0)], address,
                       [strings[functions[f]] for f in lines] or [""])

    return [(values, [place(loc) for loc in reversed(locs)]) for values, locs in samples]
