# SPDX-License-Identifier: GPL-2.0
"""Tests of comparisons and opened files. In groups as in pagetests."""
import base64
import gzip
import json
import math
import os
import re
import tempfile

import profiles
import truth
from historytests import deploy, ends, plot_point, view, with_line
from pagetests import PATHS, contrast, js, rgb
from pprofwrite import Profile, bytes_, varint

USER = profiles.USER
APP, LIBC = "/usr/bin/app", "/usr/lib/libc.so.6"

# what the base did: of 1000 samples; profiles.KNOWN is the new side
BASE = ("total", "", profiles.UNKNOWN, 0, [
    ("main", APP, USER, 0, [
        ("alpha", APP, USER, 300, [("memcpy", LIBC, USER, 190, [])]),
        ("beta", APP, USER, 150, [("memcpy", LIBC, USER, 100, []), ("retired", APP, USER, 40, [])])]),
])

TWO_SIDES = """const paths = (d, t) => {
  const key = [''], out = {};
  for (let i = 1; i < t.n; i++) {
    key[i] = key[t.parent[i]] + ';' + d.objects[t.func[i]] + '|' + d.names[t.func[i]];
    out[key[i]] = [t.aSelf[i], t.aTotal[i], t.bSelf[i], t.bTotal[i]];
  }
  return out;
};"""


def paths_of(answer):
    """-> {path: [self, total]}"""
    nodes, key, out = answer["nodes"], [""], {}
    for i in range(1, len(nodes["parent"])):
        key.append(key[nodes["parent"][i]] + ";" + truth.label(answer, nodes["func"][i]))
        old = out.get(key[i], [0, 0])  # generated profiles have siblings of one function
        out[key[i]] = [old[0] + nodes["self"][i], old[1] + nodes["total"][i]]
    return out


def merged(a, b):
    a, b = paths_of(a), paths_of(b)
    return {k: a.get(k, [0, 0]) + b.get(k, [0, 0]) for k in a.keys() | b.keys()}


def daemon_diff(a, b, share=False, sure=1, se=1e-4):
    """What /api/v1/diff answers of two profiles: the page's columns of both sides; every change is as sure as said."""
    w = profiles.Writer()
    nodes = {k: [] for k in ("parent", "func", "self_a", "total_a", "self_b", "total_b")}

    def children(answer, at):
        if at is None:
            return {}
        n = answer["nodes"]
        f, s = answer["funcs"], answer["strings"]
        return {(s[f["name"][n["func"][c]]], s[f["object"][n["func"][c]]], f["kind"][n["func"][c]]): c
                for c in range(1, len(n["parent"])) if n["parent"][c] == at}

    def add(na, nb, key, parent):
        me = len(nodes["parent"])
        weight = lambda ans, at, col: ans["nodes"][col][at] if at is not None else 0  # noqa: E731
        row = [parent, w.func(*key), weight(a, na, "self"), weight(a, na, "total"), weight(b, nb, "self"), weight(b, nb, "total")]
        for k, v in zip(nodes, row):
            nodes[k].append(v)
        ca, cb = children(a, na), children(b, nb)
        for k in sorted(ca.keys() | cb.keys()):
            add(ca.get(k), cb.get(k), k, me)

    add(0, 0, ("total", "", profiles.UNKNOWN), 0)
    flags, errors = [sure] * len(w.funcs["name"]), [se] * len(w.funcs["name"])
    nodes["significant"], nodes["se"] = [sure] * len(nodes["parent"]), [se] * len(nodes["parent"])
    w.funcs |= {"self_significant": flags, "total_significant": flags, "self_se": errors, "total_se": errors}
    side = lambda p: {k: p[k] for k in ("from_ms", "to_ms", "total", "samples", "lost", "lost_samples", "truncated", "cpus", "windows")} | {  # noqa: E731
        "duration_ms": p["to_ms"] - p["from_ms"], "per": p["total"] if share else (p["to_ms"] - p["from_ms"]) * 1e6}
    return {"version": 1, "type": "cpu", "unit": "nanoseconds", "mode": "share" if share else "rate", "compared": "share" if share else "cores",
            "confidence": 0.99, "limit": [2.576, 3.5], "whole": {"se": 0 if share else se, "significant": bool(sure) and not share}, "a": side(a), "b": side(b),
            "cut": False, "strings": w.strings, "funcs": w.funcs, "nodes": nodes}


def merging(env, tap):
    env.open(profiles.known(env.now))
    base = profiles.from_tuples(BASE, env.now)
    code = TWO_SIDES + """const {makeDiff, invertDiff, relook} = await import('./diff.js');
      const how = {width: args[2], scale: 'cores'};
      const d = makeDiff(model.readProfile(args[0]), model.readProfile(args[1]), how);
      const t = args[3] ? invertDiff(d) : d.tree;
      let off = 0;
      for (let i = 0; i < t.n; i++) {
        let sum = t.self[i];
        for (let c = i + 1; c < t.end[i]; c = t.end[c]) sum += t.total[c];
        off = Math.max(off, Math.abs(sum - t.total[i]) / (t.total[0] || 1));
      }
      return [paths(d, t), off];"""
    for name, a, b in (("known", base, profiles.known(env.now)),
                       ("generated", profiles.generated(2000, env.now, seed=5), profiles.generated(2500, env.now, seed=6))):
        for width in ("new", "change"):
            got, off = js(env.page, code, a, b, width, False)
            tap.ok(got == merged(a, b), f"{name}, {width}: both sides' weights are kept path by path")
            tap.ok(off < 1e-9, f"{name}, {width}: widths of children and self add up", off)
        got, off = js(env.page, code, a, b, "new", True)
        up = [truth.bottom_up(x) for x in (a, b)]
        want = {k: [u.get(k, 0) for u in up] for k in up[0].keys() | up[1].keys()}
        tap.ok({k: [v[1], v[3]] for k, v in got.items()} == want, f"{name}: upside down, both sides add up path by path")
    moved = json.loads(json.dumps(base).replace("/usr/bin/app", "/opt/old/app"))
    got, _ = js(env.page, code, moved, base, "new", False)
    tap.ok(all(a == c and b == d for a, b, c, d in got.values()), "a program built into another place meets itself by name")
    best = min(js(env.page, """const {makeDiff} = await import('./diff.js'), p = args.map(model.readProfile), out = [];
        for (let i = 0; i < 3; i++) { const t = performance.now(); makeDiff(p[0], p[1], {width: 'new', scale: 'cores'}); out.push(performance.now() - t); }
        return out;""", profiles.generated(20_000, env.now), profiles.generated(15_000, env.now, seed=8)))
    tap.note(f"20,000 and 15,000 nodes compared in {best:.0f} ms")
    tap.ok(best < 500, "20,000 and 15,000 nodes are compared in less than 0.5 s", best)


def errors(env, tap):
    """Red and blue only beyond the error: of equal sides hardly any, of a known change all."""
    env.open(profiles.known(env.now))
    got = js(env.page, """const {compareWeights} = await import('./judge.js');
      const meta = (total, samples) => ({total, samples, unit: 'nanoseconds', duration: 1000});
      const d = (kind, a, b, ka, kb) => ({scale: {kind, a: ka, b: kb}, a: {meta: a}, b: {meta: b}});
      return [compareWeights(d('cores', meta(1e9, 1000), meta(1.2e9, 1200), 1e-9, 1e-9), 4e8, 5e8),
              compareWeights(d('share', meta(1e9, 1000), meta(1e9, 1000), 1e-9, 1e-9), 5e8, 5.4e8),
              compareWeights(d('cores', meta(1e9, 1000), meta(1e9, 1000), 1e-9, 1e-9), 0, 5e6),
              compareWeights(d('cores', meta(1e9, 1000), meta(2e9, 2000), 1e-9, 1e-9), 5e8, 1e9)];""")
    want = [math.hypot(math.sqrt(400), math.sqrt(500)) * 1e-3, math.sqrt(0.25 / 1000 + 0.54 * 0.46 / 1000),
            math.sqrt(1 + 5) * 1e-3, math.sqrt(500 + 1000) * 1e-3]
    tap.ok(all(abs(g["se"] - w) < 1e-12 for g, w in zip(got, want)), "standard errors: Poisson of cores, binomial of shares", got, want)
    tap.equal([g["sure"] for g in got], [True, False, False, True], "a change is one beyond 99 % of chance")
    colours = env.page.eval("""import('./color.js').then(m => ['light', 'dark'].map(t => {const p = m.palette(t); return [p.text, p.diff, p.fadedText, p.diffFaded]; }))""")
    for theme, (text, full, faded_text, faded) in zip(("light", "dark"), colours):
        worst = min(contrast(rgb(text), rgb(c)) for c in full), min(contrast(rgb(faded_text), rgb(c)) for c in faded)
        tap.ok(min(worst) >= 4.5, f"{theme}: labels on a comparison's colours have a contrast of 4.5 or more ({worst[0]:.1f}, {worst[1]:.1f})")


def ready(env):
    env.page.wait("import('./main.js').then(m => document.body.getAttribute('aria-busy') === 'false' && Boolean(m.data.profile?.isDiff))")
    env.page.settle()


SIDES = """(async (path) => {
  const {data, sides} = await import('./main.js');
  return Object.fromEntries(['a', 'b'].map((side) => {
    const view = sides.views[side], s = view.scene, t = s.tree;
    let node = 0;
    for (const name of path) {
      let hit = -1;
      for (let c = node + 1; c < t.end[node]; c = t.end[c]) if (data.profile.names[t.func[c]] === name) hit = c;
      node = hit;
    }
    const r = view.scroller.getBoundingClientRect(), width = view.scroller.clientWidth, k = width / (s.hi - s.lo);
    const wide = t.total[node] * k;
    return [side, {share: t.total[node] / t.total[0], wide: wide / width, level: s.levels[node], focus: data.profile.names[t.func[s.focus]],
      outlined: !view.hoverBox.hidden, x: r.left + (t.x[node] - s.lo) * k + wide / 2, y: r.top + view.topOf(node) - view.scroller.scrollTop + 9}];
  }));
})(%s)"""


def apart(env, tap):
    """Side by side: the same nodes, each as wide as its own side."""
    box = lambda *path: env.page.eval(SIDES % json.dumps(path))
    env.press("[data-width=sides]")
    tap.ok("w=sides" in env.hash() and not env.page.eval("document.getElementById('sides').hidden || !document.getElementById('flame').hidden"),
           "side by side there are two graphs", env.hash())
    tap.equal(env.page.eval("['a', 'b'].map(s => document.getElementById(`sides-${s}-name`).textContent).join()"),
              "A base · 0.0260 CPUs,B new · 0.0330 CPUs", "each says how much it is")
    got = box("main", "alpha")
    tap.ok(abs(got["a"]["share"] - 0.0163 / 0.026) < 0.01 and abs(got["b"]["share"] - 0.0233 / 0.0333) < 0.01 and abs(got["b"]["wide"] - got["b"]["share"]) < 1e-6,
           "a box is as wide as on its own side", got)
    tap.equal(got["a"]["level"], got["b"]["level"], "and has the colour of the change on both")
    gone = box("main", "beta", "retired")
    tap.ok(gone["a"]["wide"] > 0 and gone["b"]["wide"] == 0, "what is gone has a width on one side alone", gone)
    env.page.mouse("mouseMoved", got["a"]["x"], got["a"]["y"])
    env.page.settle()
    env.page.settle()
    now = box("main", "alpha")
    tap.ok(now["a"]["outlined"] and now["b"]["outlined"] and "alpha" in env.text("tooltip"), "what is pointed at is marked on both sides", now)
    env.page.mouse("mouseMoved", 700, 885)
    env.page.eval("document.querySelector('#sides-a .flame, #sides-a.flame').focus()")
    for _ in range(3):
        env.page.key("ArrowDown", code=40)
    for _ in range(4):
        env.page.settle()
    tap.ok(env.page.eval("!document.getElementById('tooltip').hidden"), "the detail of a box chosen by keyboard stays", env.text("announce"))
    env.page.key("Escape", code=27)
    env.page.mouse("mouseMoved", got["a"]["x"], got["a"]["y"])
    env.page.settle()
    env.shot("compare-sides")
    env.page.click(gone["a"]["x"], gone["a"]["y"])
    env.page.settle()
    env.page.mouse("mouseMoved", 700, 885)
    env.page.settle()
    now = box("main", "beta", "retired")
    tap.equal((now["a"]["focus"], now["b"]["focus"]), ("retired", "beta"), "a click zooms both, where a side has nothing to what is around")
    tap.ok("zoom=" in env.hash(), "and the link knows", env.hash())
    env.size(400, 800)
    env.page.settle()
    env.shot("compare-sides-400")
    tap.ok(env.page.eval("document.documentElement.scrollWidth <= innerWidth && document.getElementById('sides-b').getBoundingClientRect().top > document.getElementById('sides-a').getBoundingClientRect().bottom - 1"),
           "on a small screen one stands below the other")
    env.size(1440, 900)
    env.page.key("Escape")
    env.page.settle()
    tap.equal(box("main")["b"]["focus"], "total", "Escape zooms out")


def comparing(env, tap):
    env.server.missing = {"/api/v1/diff"}
    env.page.expect_http_errors = True
    env.server.base = json.dumps(profiles.from_tuples(BASE, env.now)).encode()
    with_line(env, "#live=0&from=now-5m")
    env.server.base_until = "none"
    env.press("#compare-mode")
    ready(env)
    lo, hi, _ = view(env)
    a, b = ends(env, "af", "au"), ends(env)
    tap.ok(a[1] == b[0] and a[1] - a[0] == b[1] - b[0], "the first click takes what was right before as the base", (a, b))
    x, y = plot_point(env, 0.25)
    env.page.click(x, y)
    env.page.wait(f"!location.hash.includes('af={a[0]}')")
    ready(env)
    at = lo + 0.25 * (hi - lo)
    a = ends(env, "af", "au")
    tap.ok(abs((a[0] + a[1]) / 2 - at) < 20000 and abs((a[1] - a[0]) - (b[1] - b[0])) < 2, "the second click puts the base there", a, at)
    tap.ok(all(env.page.eval(f"!document.querySelector('.tl-band.tl-{s}').hidden") for s in "ab"), "both sides are on the time line")
    env.server.base_until = str(a[1])
    link = env.hash()
    with_line(env, link)
    ready(env)
    got = js(env.page, TWO_SIDES + "const {data} = await import('./main.js'); return paths(data.profile, data.profile.tree);")
    tap.ok(got == merged(profiles.from_tuples(BASE, env.now), profiles.known(env.now)), "the link brings both sides back, and they are merged")
    with_line(env, link + "&q=%7Bservice_name%3D%22db%22%7D&aq=%7Bservice_name%3D%22web%22%7D")
    env.press("#tl-legend button")
    env.page.wait("!location.hash.includes('db')")
    tap.ok("q=%7Bservice_name%3D%22web%22%7D" in env.hash(), "of two services on the line the one that is chosen is B, and no other", env.hash())
    with_line(env, link)
    ready(env)
    level = """(async () => {const {data} = await import('./main.js'); const p = data.profile, out = {};
      const l = data.levels.get(p.tree); for (let i = 1; i < p.tree.n; i++) out[p.names[p.tree.func[i]] + p.tree.depth[i]] = l[i]; return out; })()"""
    levels = env.page.eval(level)
    tap.ok(levels["alpha2"] > 0 and levels["beta2"] < 0 and levels["retired3"] == -5 and levels["loop~2"] == 5,
           "more is red, less is blue, gone and new at their strongest", levels)
    tap.equal(levels["memcpy3"], 0, "within the error: grey")
    wide = env.box("main", "alpha")[2] / env.page.eval("document.querySelector('.flame').clientWidth")
    tap.ok(abs(wide - 0.7) < 0.01, "a box is as wide as on the new side", wide)
    x, y, _ = env.box("main", "alpha")
    env.page.mouse("mouseMoved", x, y)
    env.page.settle()
    tip = env.text("tooltip")
    for part in ("alpha", "0.0233", "0.0163", "+42.9", "one standard error"):
        tap.ok(part in tip, f"the detail says {part!r}", tip)
    env.page.mouse("mouseMoved", x, 885)
    env.shot("compare-light")
    tap.ok(re.search(r"0\.0260 → 0\.0330 CPUs.*\+26", env.text("verdict")), "the whole is told in one line", env.text("verdict"))
    root = js(env.page, """const {data, flame} = await import('./main.js'), {judgeBox} = await import('./judge.js'), {relook} = await import('./diff.js'), p = data.profile;
      const share = relook(p, {width: 'new', scale: 'share'});
      return [flame.scene.note(0), judgeBox(p, p.tree, 0).b, judgeBox(share, share.tree, 0).b];""")
    tap.ok(root[0] == "+26.9\u00a0%" and abs(root[1] - 0.033) < 1e-9 and root[2] == 1, "the root is the whole, which has no losses in it", root)
    env.press("[data-width=change]")
    wide = env.box("main", "beta", "retired")[2]
    tap.ok(wide > 20 and "w=change" in env.hash(), "by change, what is gone has a width", wide)
    env.press("[data-scale=share]")
    tap.ok("share" in env.text("verdict") and "scale=share" in env.hash(), "by share, and that it is one is said", env.text("verdict"))
    env.press("[data-scale=cores]")
    apart(env, tap)
    env.press("[data-width=new]")
    env.press("#invert")
    tap.ok(env.box("memcpy")[2] > 10 and "inv=1" in env.hash(), "a comparison upside down")
    env.press("[data-view=top]")
    rows = env.page.eval("[...document.querySelectorAll('#diff-table tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))")
    first = rows[0]
    tap.equal((first[5], first[0], first[1], first[3]), ("alpha", "0.0100", "0.0177", "+76.7\u00a0%"), "the table begins with the largest sure change")
    memcpy = next(r for r in rows if r[5] == "memcpy")
    tap.equal(memcpy[3], "≈", "what has not changed beyond the error is said to be so")
    env.shot("compare-table")
    env.press("[data-sort=delta]")
    env.press("#swap")
    ready(env)
    tap.ok(ends(env) == a and ends(env, "af", "au") == b, "sides are swapped", env.hash())
    env.press("#compare-end")
    env.idle()
    tap.ok("cmp=" not in env.hash() and env.page.eval("document.getElementById('compare').hidden"), "and the comparison ends")
    tap.ok("sort=delta" in env.hash() and env.page.eval("document.querySelectorAll('#top-table tbody tr').length") > 3,
           "the table goes on, though the comparison was in an order that it has not", env.hash())


def daemon_merges(env, tap):
    base, new = profiles.from_tuples(BASE, env.now), profiles.known(env.now)
    env.server.diff = daemon_diff(base, new)
    env.server.diff["a"]["other_hosts"] = 1
    env.server.events = [deploy(env.now - 1200000)]
    with_line(env, "#live=0")
    env.press(".tl-event")
    tap.ok("web 1.5.0" in env.page.eval("document.querySelector('.tl-card').innerText"), "a deploy's mark tells what it is")
    env.shot("deploy")
    env.press(".tl-entry button")
    ready(env)
    q = env.last_request("/api/v1/diff")
    kind = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
    tap.equal((q["a_query"], q["b_query"]), (kind + '{service_name="web"}',) * 2, "two clicks compare its service before and after")
    tap.ok(int(q["a_until"]) == int(q["b_from"]) == env.now - 1200000 and int(q["b_until"]) > int(q["b_from"]) > int(q["a_from"]), "at the deploy", q)
    got = js(env.page, TWO_SIDES + "const {data} = await import('./main.js'); return paths(data.profile, data.profile.tree);")
    tap.ok(got == merged(base, new), "the daemon's merged answer is read")
    tap.equal(env.text("status").replace("\n", " ").count("other hosts 1 not included"), 1, "the side that leaves hosts out says so")
    for name, change in (("a side missing", lambda d: d.pop("a")), ("sums that are wrong", lambda d: d["nodes"]["total_a"].__setitem__(1, 5)),
                         ("a column too short", lambda d: d["nodes"]["significant"].pop()), ("an error below 0", lambda d: d["funcs"].update(self_se=[-1] * len(d["funcs"]["name"]))),
                         ("no limit", lambda d: d.pop("limit")), ("no verdict", lambda d: d.pop("whole")), ("nothing to compare by", lambda d: d["b"].update(per=0))):
        broken = daemon_diff(base, new)
        change(broken)
        got = js(env.page, """const {readDiff} = await import('./diff.js'); try { readDiff(args[0], {width: 'new', scale: 'cores'}); return 'taken'; }
            catch (e) { return e instanceof model.ModelError ? 'refused' : String(e); }""", broken)
        tap.equal(got, "refused", f"a comparison with {name} is refused")


SURE = """const {data} = await import('./main.js'), {invertDiff} = await import('./diff.js'), {spoken} = await import('./tooltip.js'), p = data.profile;
  const rows = [...document.querySelectorAll('#diff-table tbody tr')].map(r => r.cells[3].innerText.trim() !== '≈');
  const up = invertDiff(p), changed = (t) => [...t.aTotal.keys()].filter(i => i > 0 && t.aTotal[i] * p.scale.a !== t.bTotal[i] * p.scale.b);
  return {boxes: changed(p.tree).map(i => Boolean(p.tree.sure[i])), inverted: changed(up).map(i => Boolean(up.sure[i])), rows,
    spoken: !spoken(p, p.tree, 1).includes('no change'), verdict: !document.getElementById('verdict').innerText.includes('no change')};"""


def judging(env, tap):
    """What is chance the daemon knows: boxes, inverted ones, rows, details and the verdict say the same."""
    base, new = profiles.from_tuples(BASE, env.now), profiles.known(env.now)
    link = f"#live=0&cmp=1&view=top&af={env.now - 900000}&au={env.now - 600000}&from={env.now - 300000}&until={env.now}"
    for word, sure, se in (("nothing is", 0, 5.0), ("everything is", 1, 1e-9)):
        env.server.diff = daemon_diff(base, new, sure=sure, se=se)
        env.open(new, link)
        ready(env)
        got = js(env.page, SURE)
        want = {k: [bool(sure)] * len(v) if isinstance(v, list) else bool(sure) for k, v in got.items()}
        changed = [r for r in range(len(got["rows"])) if got["rows"][r] != bool(sure)]
        tap.ok(len(got["inverted"]) > 5 and len(got["boxes"]) > 5 and got | {"rows": []} == want | {"rows": []} and not changed,
               f"where to the daemon {word} a change, it is so everywhere", got)
    env.server.diff = daemon_diff(base, new, sure=1, se=5e-4)
    env.server.diff["funcs"]["self_se"] = [5e-3] * len(env.server.diff["funcs"]["name"])
    env.open(new, link)
    ready(env)
    got = js(env.page, """const {data} = await import('./main.js'), {judgeFunction, judgeBoxSelf, judgeBoxes} = await import('./judge.js'), {invertDiff} = await import('./diff.js'), p = data.profile;
      const f = p.names.indexOf('memcpy'), up = invertDiff(p); let top = 1; while (up.func[top] !== f) top = up.end[top];
      return [judgeFunction(p, f).self, {se: up.se[top], sure: up.sure[top] === 1}, {se: up.se[top + 1], sure: up.sure[top + 1] === 1}, judgeBoxSelf(p, up, top + 1)];""")
    tap.ok([g["se"] for g in got[:2]] == [5e-3] * 2 and got[0]["sure"] and got[1]["sure"], "upside down, a function's box is judged as its own time", got)
    tap.ok(3e-3 < got[2]["se"] < 5e-3 and not got[2]["sure"], "and a part of it spreads as it does", got)
    env.shot("judged-table")
    env.server.diff_share = daemon_diff(base, new, share=True, sure=0, se=0.5)
    asked = len(env.server.requests)
    env.press("[data-scale=share]")
    env.page.wait("import('./main.js').then(m => m.data.profile?.scale.kind === 'share')")
    env.idle()
    tap.equal([(p, q.get("by")) for p, q in env.server.requests[asked:] if p == "/api/v1/diff"], [("/api/v1/diff", "share")], "shares are asked of the daemon")
    got = js(env.page, SURE)
    tap.ok(not any(got["boxes"] + got["inverted"] + got["rows"]) and "shares" in env.text("verdict"), "and its flags of them are on show", got)
    cells = env.page.eval("[...document.querySelector('#diff-table tbody tr').cells].slice(0, 3).map(c => c.innerText.trim() + ' ' + c.title)")
    tap.ok(cells[0].endswith("% ") and re.search(r"pp ± .*pp ", cells[2]), "shares are told in percent, their differences in points", cells)
    tap.ok("by=share" in env.page.eval("document.querySelector('a[data-format=pprof]').href"), "and by share is what is downloaded")
    env.press("[data-scale=cores]")
    env.page.wait("import('./main.js').then(m => m.data.profile?.scale.kind === 'cores')")
    env.idle()
    tap.ok("by" not in env.last_request("/api/v1/diff") and any(js(env.page, SURE)["boxes"]), "back to CPUs")


def known_file(base=False, **more):
    """profiles.KNOWN, or BASE, as anyone's pprof file."""
    p = Profile(duration_ns=300_000_000_000, time_ns=1_700_000_000_000_000_000, **more)

    def walk(node, path):
        name, obj, _, own, children = node
        path = path + [(name, obj, "")]
        if own:
            p.add(path, own, own * profiles.PERIOD)
        for c in children:
            walk(c, path)

    for child in (BASE if base else profiles.KNOWN)[4]:
        walk(child, [])
    return p


DROP = """(async (name, data) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const type of ['dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: carried}));
})(%s, %s)"""


def drop(env, name, data):
    env.page.eval(DROP % (json.dumps(name), json.dumps(base64.b64encode(data).decode())))


def opened(env, name):
    env.page.wait(f"location.hash.includes({json.dumps('file=' + name)}) && document.body.getAttribute('aria-busy') === 'false'")
    env.page.settle()


def opening(env, tap):
    history = profiles.generated(300, env.now)
    env.open(history, "#live=0")
    drop(env, "known.pb.gz", gzip.compress(known_file().bytes()))
    opened(env, "known.pb.gz")
    got = js(env.page, PATHS + "const {data} = await import('./main.js'); return paths(data.profile, data.profile.tree);")
    tap.ok(got == {k: v[1] for k, v in paths_of(profiles.known(env.now)).items()}, "a dropped pprof file is read path by path")
    status = env.text("status").replace("\n", " ")
    for part in ("samples 990", "CPU time 9.90 s", "5.00 min", "lost 10", "truncated 1.01"):
        tap.ok(part in status, f"its status says {part!r}", status)
    tap.ok(env.page.eval("getComputedStyle(document.getElementById('file-bar')).display") != "none" and "known.pb.gz" in env.text("file-name"), "and that it is a file")
    env.shot("file")
    env.page.eval("(s => {s.value = 'samples'; s.dispatchEvent(new Event('change'))})(document.getElementById('file-type'))")
    env.idle()
    tap.equal(js(env.page, "const {data} = await import('./main.js'); return [data.profile.meta.unit, data.profile.tree.total[0]]"), ["count", 1000],
              "its other values can be chosen")
    env.press("[data-view=top]")
    tap.ok("type=samples" in env.hash() and "alpha" in env.text("view-top"), "tables work on it")
    env.press("[data-view=flame]")
    env.open(fragment=env.hash(), ready=False)
    env.page.wait("!document.getElementById('notice').hidden")
    tap.ok("known.pb.gz" in env.text("notice") and "opened file" in env.text("notice"), "a link names the file and asks for it", env.text("notice"))
    path = os.path.join(tempfile.mkdtemp(prefix="ringprof-file-"), "other.pb")
    with open(path, "wb") as f:
        f.write(known_file(base=True).bytes())
    node = env.page.call("DOM.querySelector", nodeId=env.page.call("DOM.getDocument")["root"]["nodeId"], selector="#file-input")
    env.page.call("DOM.setFileInputFiles", files=[path], nodeId=node["nodeId"])
    opened(env, "other.pb")
    tap.ok("retired" in js(env.page, "return (await import('./main.js')).data.profile.names"), "a file without gzip opens by the dialog")
    env.press("#compare-mode")
    env.page.settle()
    drop(env, "known.pb", known_file().bytes())
    ready(env)
    got = js(env.page, TWO_SIDES + "const {data} = await import('./main.js'); return paths(data.profile, data.profile.tree);")
    tap.ok(got == merged(profiles.known(env.now), profiles.from_tuples(BASE, env.now)), "a second file becomes the base")
    tap.ok("file=other.pb" in env.hash() and "afile=known.pb" in env.hash(), "both are named in the link", env.hash())
    env.press("#unfile-b")
    ready(env)
    tap.equal(js(env.page, "const {data} = await import('./main.js'); return [data.profile.a.meta.samples, data.profile.b.meta.samples]"), [990, history["samples"]],
              "a file is compared with the daemon's history")


def foreign(env, tap):
    """Files by others, odd and broken ones."""
    env.open(profiles.known(env.now), "#live=0")
    read = """const {readPprof, unpack, pprofProfile} = await import('./pprof.js');
      try { const raw = Uint8Array.from(atob(args[0]), (c) => c.charCodeAt(0));
        const p = pprofProfile(readPprof(await unpack(raw)), args[1]);
        const t = p.tree, out = {};
        for (let i = 1, key = ['']; i < t.n; i++) { key[i] = key[t.parent[i]] + ';' + p.names[t.func[i]]; if (t.self[i]) out[key[i]] = t.self[i]; }
        return [out, p.meta.unit, p.meta.type, p.meta.samples];
      } catch (e) { return e instanceof model.ModelError ? 'refused: ' + e.message : String(e.stack); }"""

    def result(data, kind=""):
        return js(env.page, read, base64.b64encode(data).decode(), kind)

    p = Profile(types=(("alloc_objects", "count"), ("alloc_space", "bytes")), default="alloc_space")
    p.add([("main", "app", "m.go"), ("make", "app", "m.go")], 3, 4096)
    p.add([("main", "app", "m.go")], 1, 100, pack=False)
    tap.equal(result(p.bytes()), [{";main": 100, ";main;make": 4096}, "bytes", "alloc_space", 2], "the default sample type; rows count where no samples do")
    tap.equal(result(p.bytes(), "alloc_objects")[0], {";main": 1, ";main;make": 3}, "another one by name")
    p = Profile(types=(("wall", "milliseconds"),))
    p.add([("a", "", ""), [("b", "x", ""), ("inlined", "x", "")], 0xabc], 7)
    tap.equal(result(gzip.compress(p.bytes())), [{";a;b;inlined;0xabc": 7e6}, "nanoseconds", "wall", 1], "inlined frames, addresses, milliseconds")
    p = known_file()
    good = p.bytes()
    tap.ok(result(good + varint(200 << 3 | 1) + b"12345678" + bytes_(201, b"new"))[2] == "cpu", "unknown fields are skipped")
    negative = Profile()
    negative.add([("a", "", "")], 1, -5)
    cases = {
        "text": b"hello, this is no profile", "nothing": b"", "gzip cut off": gzip.compress(good)[:-40], "cut off": good[:-3],
        "a length beyond the end": good + varint(6 << 3 | 2) + varint(1 << 40), "an endless number": good + b"\xff" * 12,
        "a group": good + varint(9 << 3 | 3), "a string that is not there": good + bytes_(1, varint(8) + varint(9999)),
        "a location that is not there": good + bytes_(2, bytes_(1, varint(99)) + bytes_(2, varint(1) + varint(1))),
        "a sample with too few values": good + bytes_(2, bytes_(1, varint(1)) + bytes_(2, varint(1))),
        "negative values": negative.bytes(), "a very deep stack": good + bytes_(2, bytes_(1, varint(1) * 5000) + bytes_(2, varint(1) + varint(1))),
    }
    for name, data in cases.items():
        got = result(data)
        tap.ok(isinstance(got, str) and got.startswith("refused: "), f"refused: {name}", got)
    drop(env, "bad.pb.gz", b"\x1f\x8bnonsense")
    env.page.wait("!document.getElementById('notice').hidden")
    tap.ok("bad.pb.gz" in env.text("notice") and not env.page.eval("document.getElementById('view-flame').hidden"),
           "what can't be read is said, and the picture stays", env.text("notice"))
    evil = Profile()
    evil.add([("<img src=x onerror=alert(1)>\u202e", "<b>", "")], 1, 5)
    drop(env, "<i>evil</i>.pb", evil.bytes())
    env.page.wait("document.getElementById('file-name').textContent.includes('evil')")
    tap.equal(env.page.eval("document.querySelectorAll('#file-bar i, #legend img, #crumbs b').length"), 0, "names of files and frames are text")
    got = js(env.page, """const {unpack} = await import('./pprof.js');
      const raw = Uint8Array.from(atob(args[0]), (c) => c.charCodeAt(0));
      try { await unpack(raw, 1 << 20); return 'taken'; } catch (e) { return e.message; }""", base64.b64encode(gzip.compress(bytes(30 << 20))).decode())
    tap.ok("1 MiB" in got, "gzip that swells beyond the limit is refused", got)


def exports(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    code = """const {topCsv, folded, speedscope, diffCsv} = await import('./export.js'), {sortedRows} = await import('./difftable.js'), {makeDiff} = await import('./diff.js');
      const p = model.readProfile(args[0]), d = makeDiff(model.readProfile(args[1]), p, {width: 'new', scale: 'cores'});
      return [topCsv(p, 'self', null), folded(p), speedscope(p, 'x'), diffCsv(d, sortedRows(d, 'self', null))];"""
    answer = profiles.from_tuples(("total", "", profiles.UNKNOWN, 0, [('=cmd|"x",1', APP, USER, 5, [("b;c", APP, USER, 3, [])])]), env.now)
    top, folded, speedscope, diff = js(env.page, code, answer, profiles.from_tuples(BASE, env.now))
    tap.equal(top.split("\r\n")[0], "self_nanoseconds,self_percent,total_nanoseconds,total_percent,function,binary,file,line", "CSV has a head")
    tap.ok('"\'=cmd|""x"",1"' in top, "quotes are doubled, and a name is no formula", top)
    tap.equal(folded, '=cmd|"x",1 50000000\n=cmd|"x",1;b:c 30000000\n', "folded stacks")
    scope = json.loads(speedscope)
    tap.equal((sum(scope["profiles"][0]["weights"]), scope["profiles"][0]["endValue"], scope["profiles"][0]["unit"]), (80_000_000, 80_000_000, "nanoseconds"),
              "speedscope's weights add up")
    tap.ok("retired" in diff and diff.startswith("self_a_cores,self_b_cores,self_delta_cores"), "a comparison as CSV", diff[:100])
    folder = tempfile.mkdtemp(prefix="ringprof-down-")
    env.page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
    env.press("#save-csv")
    for _ in range(100):
        if os.path.exists(os.path.join(folder, "top.csv")):
            break
        env.page.eval("new Promise(r => setTimeout(r, 50))")
    with open(os.path.join(folder, "top.csv")) as f:
        tap.ok("alpha" in f.read(), "the table is downloaded")
    env.page.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    env.page.call("Page.bringToFront")
    was = js(env.page, """const {pinned} = await import('./share.js'), {initialState} = await import('./state.js'), s = {...initialState(), from: '1700000000000', until: '1700000007000'};
      const p = pinned(s, {meta: {from: 1699999990000, to: 1700000010000}}, 1700000300000); return [p.from, p.until];""")
    tap.equal(was, ["1700000000000", "1700000007000"], "a range that does not move is copied as it is, whatever windows answered it")
    env.press("#copy")
    env.page.wait("document.getElementById('copied').textContent !== ''")
    text = env.page.eval("navigator.clipboard.readText()")
    tap.ok(re.search(r"from=\d{13}&until=\d{13}", text) and "tf=" in text, "the copied link pins range and time line", text, env.text("copied"))


GROUPS = [(f.__name__, f) for f in (merging, errors, comparing, daemon_merges, judging, opening, foreign, exports)]
