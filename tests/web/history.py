# SPDX-License-Identifier: GPL-2.0
"""A host's CPU over time for the page's tests, as /api/v1/ answers it.

cores(service, ms) is a plain function of time, so that a test can reckon what
an answer must hold; GAP is a time in which nothing was recorded.
"""
import math

SERVICES = ("web", "db", 'we"ird\\one', "batch")
GAP = (0.30, 0.34)  # of the range asked for


def cores(service, ms):
    s = ms / 1000
    return {"web": 1.2 + 0.4 * math.sin(s / 400), "db": 0.6 + 0.1 * math.sin(s / 90), "batch": 0.9 if s % 1800 < 300 else 0.02}.get(service, 0.25)


def time_ms(text, now):
    if text == "now":
        return now
    if text.startswith("now-"):
        return now - int(text[4:-1]) * {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[text[-1]]
    v = int(text)
    return v * 1000 if len(text) <= 11 else v if len(text) <= 14 else v // 1000 ** (1 if len(text) <= 17 else 2)


def step_of(length, points, raw):
    fine = (1, 2, 5, 10, 20, 50, 100, 200, 500) if raw else ()
    return next((s for s in fine + (1000, 10000, 60000, 600000, 3600000, 86400000) if length / s <= points), 86400000)


def series(query, now, events, raw):
    """The answer of format=series; raw: single samples are kept."""
    begin, end = time_ms(query["from"], now), time_ms(query["until"], now)
    step = step_of(end - begin, int(query.get("max_points", 300)), raw)
    begin -= begin % step
    n = math.ceil((end - begin) / step)
    end = begin + n * step
    times = [begin + i * step for i in range(n)]
    gap = [n * g for g in GAP]
    known = [not gap[0] <= i < gap[1] for i in range(n)]
    by = query.get("group_by")
    names = [s for s in SERVICES if 'service_name="' not in query["query"] or f'"{s}"' in query["query"]]
    groups = [{"labels": {by: s} if by == "service_name" else {by: f"{by}-{s}"},
               "values": [cores(s, t) if k else None for t, k in zip(times, known)]} for s in names]
    total = [sum(cores(s, t) for s in names) if k else None for t, k in zip(times, known)]
    if not by:
        groups = [{"labels": {}, "values": total}]
    lost = [0.2 if i == n - 5 else 0 for i in range(n)]
    return {"version": 1, "from_ms": begin, "to_ms": end, "step_ms": step, "raw": raw and step < 10000, "unit": "cores", "groups": groups, "total": total,
            "lost": lost, "events": [e for e in events if begin <= e["time_ms"] < end]}


def services(query, now):
    begin, end = time_ms(query["from"], now), time_ms(query["until"], now)
    rows = []
    for s in SERVICES:
        trend = [cores(s, begin + (end - begin) * (i + 0.5) / 24) for i in range(24)]
        rows.append({"service_name": s, "cores": sum(trend) / 24, "trend": trend, "versions": []})
    total = sum(r["cores"] for r in rows)
    for r in rows:
        r["share"] = r["cores"] / total
    half = (begin + end) // 2
    rows[0]["versions"] = [{"service_version": "1.4.0", "first_ms": begin - 3600000, "last_ms": half},
                           {"service_version": "1.5.0", "first_ms": half, "last_ms": end}]
    return rows
