# SPDX-License-Identifier: GPL-2.0
"""The tests of the page, in groups; each takes (env, tap), see run."""
import json
import math
import re
import time

import profiles
import truth

MODULES = "const model = await import('./model.js'), regroup = await import('./regroup.js'), tree = await import('./tree.js');"


def js(page, body, *args):
    """Runs body, an async function's, in the page with the modules at hand."""
    return page.eval("(async (...args) => {%s %s})(...%s)" % (MODULES, body, json.dumps(list(args))))


# a tree as {path: total}, in the form of truth.py
PATHS = """const paths = (p, t) => {
  const key = [''], out = {};
  for (let i = 1; i < t.n; i++) {
    key[i] = key[t.parent[i]] + ';' + p.objects[t.func[i]] + '|' + p.names[t.func[i]];
    out[key[i]] = t.total[i];
  }
  return out;
};"""


def percent(x):
    return f"{100 * x:.2f}\u00a0%"


def loading(env, tap):
    answer = profiles.known(env.now)
    env.open(answer)
    tap.equal(js(env.page, "return (await import('./main.js')).data.profile.tree.n"), len(answer["nodes"]["parent"]),
              "every node of the answer is in the page's tree")
    tap.equal(env.page.eval("import('./main.js').then(m => m.flame.boxes)"), len(answer["nodes"]["parent"]),
              "every box is drawn")
    want = {"query": "process_cpu:cpu:nanoseconds:cpu:nanoseconds{}", "from": "now-5m", "until": "now",
            "format": "flamegraph", "max_nodes": "100000"}
    tap.equal(env.last_request(), want, "asks for the whole host's last 5 minutes")
    status = env.text("status").replace("\n", " ")
    for part in ("samples 990", "CPU time 9.90 s", "windows 30", "lost 10 (1.00\u00a0%)", "truncated 1.01\u00a0%",
                 "sampling error ≤ ±1.59\u00a0%", "of 2 CPUs"):
        tap.ok(part in status, f"status line says {part!r}", status)
    legend = env.text("legend")
    for part in ("app 60.00", "libc.so.6 30.00", "JIT 4.00", "kernel 4.00"):
        tap.ok(part.split()[0] in legend and part.split()[1] in legend, f"legend says {part!r}", legend)
    big = profiles.generated(100_000, env.now)
    env.open(big)
    tap.equal(js(env.page, "return (await import('./main.js')).data.profile.tree.n"), 100_000, "100,000 nodes are read")


def zoom(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    whole = env.picture()
    env.click_box("main", "beta")
    tap.ok("zoom=" in env.hash(), "a click on a box puts the zoom into the URL", env.hash())
    crumbs = env.text("crumbs").replace("\n", " ")
    tap.ok(re.search(r"total.*main.*beta.*20\.00", crumbs), "the breadcrumb names the path and its share", crumbs)
    tap.ok(abs(env.box("main", "beta")[2] - env.page.eval("document.querySelector('.flame').clientWidth")) < 1,
           "the zoomed box takes the whole width")
    zoomed, link = env.picture(), env.hash()
    tap.ok(zoomed != whole, "the picture changes")
    env.open(fragment=link)
    tap.ok(env.picture() == zoomed, "the URL opened afresh shows the same picture")
    tap.equal(env.text("crumbs").replace("\n", " "), crumbs, "and the same breadcrumb")
    env.open(fragment="#live=0")
    env.click_box("main", "beta")
    env.page.eval("history.back()")
    env.page.wait("!location.hash.includes('zoom')")
    env.page.settle()
    tap.ok(env.picture() == whole_now(env), "Back zooms out")
    env.click_box("main", "beta")
    env.page.key("Escape", code=27)
    env.page.settle()
    tap.ok("zoom=" not in env.hash(), "Escape zooms out", env.hash())
    env.click_box("main", "beta")
    env.click_box("main")
    tap.ok(re.search(r"main.*98\.00", env.text("crumbs").replace("\n", " ")), "a click on a caller zooms to it")
    env.page.eval("document.querySelector('#crumbs button').click()")
    env.page.settle()
    tap.ok("zoom=" not in env.hash(), "the first crumb leads back to all", env.hash())
    env.open(fragment="#live=0&zoom=abc.def")
    tap.ok("not in this range" in env.text("notice"), "a path that is not there is said to be missing", env.text("notice"))


def whole_now(env):
    """The picture without a zoom, without the pointer's outline (which is not in the canvas)."""
    return env.page.eval("import('./main.js').then(m => { m.flame.painter.draw(m.flame.scene); return m.flame.canvas.toDataURL(); })")


def windowing(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    x, y, _ = env.box("main", "alpha")
    for _ in range(4):
        env.page.wheel(x, y, dy=-60, ctrl=True)
    env.page.wait("location.hash.includes('win=')", what="Ctrl+wheel puts the window into the URL")
    a, b = (float(v) for v in re.search(r"win=([\d.]+)-([\d.]+)", env.hash()).groups())
    tap.ok(0 < a < b < 1 and abs((b - a) - math.exp(-4 * 60 * 0.006)) < 0.01, "Ctrl+wheel scales about the pointer", env.hash())
    picture = env.picture()
    env.open(fragment=env.hash())
    tap.ok(env.picture() == picture, "the window's URL shows the same picture")
    page = env.page
    page.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    for i in range(1, 6):
        page.mouse("mouseMoved", x + 20 * i, y, button="left", buttons=1)
    page.mouse("mouseReleased", x + 100, y, button="left", clickCount=1)
    page.settle()
    a2, b2 = (float(v) for v in re.search(r"win=([\d.]+)-([\d.]+)", env.hash()).groups())
    tap.ok(a2 < a and abs((b2 - a2) - (b - a)) < 1e-6, "dragging to the right pans to the left", env.hash())
    tap.ok("zoom=" not in env.hash(), "dragging is not a click", env.hash())
    env.page.key("Escape", code=27)
    env.page.settle()
    tap.ok("win=" not in env.hash(), "Escape shows all again", env.hash())


def search(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    cases = [("memcpy", 0.3), ("alpha", 0.73), ("/^(alpha|gamma)$/", 0.75), ("ALPHA", 0.0), ("/ALPHA/i", 0.73),
             ("object:libc", 0.3), ('object:="[kernel.kallsyms]"', 0.04), ('="gamma"', 0.05), ("total", 0.0), ("a", 0.99)]
    for text, share in cases:
        env.page.eval("(t => {const s = document.getElementById('search'); s.value = t; s.dispatchEvent(new Event('input'));})(%s)"
                      % json.dumps(text))
        env.page.settle()
        tap.equal(env.text("matched"), f"{percent(share)} matched", f"search {text!r} matches {100 * share:.2f} %")
    env.page.key("/", text="/")
    tap.equal(env.page.eval("document.activeElement.id"), "search", "/ goes to the search box")
    env.page.type("beta")
    env.page.settle()
    tap.equal(env.text("matched"), f"{percent(0.2)} matched", "typing replaces the search")
    tap.ok("s=beta" in env.hash(), "the search is in the URL", env.hash())
    env.open(fragment=env.hash())
    tap.equal((env.page.eval("document.getElementById('search').value"), env.text("matched")),
              ("beta", f"{percent(0.2)} matched"), "the URL brings the search back")
    env.page.key("Escape", code=27)
    env.page.settle()
    tap.equal((env.hash().count("s="), env.text("matched")), (0, ""), "Escape clears the search")
    env.open(fragment="#live=0&s=" + "%2F%28%2F")
    tap.equal(env.page.eval("document.getElementById('search').getAttribute('aria-invalid')"), "true",
              "a broken regular expression is marked")
    tap.ok(env.text("matched") != "", "and told why")


def regrouping(env, tap):
    env.open(profiles.known(env.now))
    for answer, name in ((profiles.known(env.now), "known"), (profiles.generated(6000, env.now, seed=3), "generated")):
        got = js(env.page, PATHS + "const p = model.readProfile(args[0]); return paths(p, regroup.bottomUp(p.tree, p.nFuncs));", answer)
        tap.ok(got == truth.bottom_up(answer), f"{name}: the inverted tree adds up path by path")
        got = js(env.page, "const p = model.readProfile(args[0]); return p.names.map((n, i) => [p.objects[i] + '|' + n, p.totals.self[i], p.totals.total[i]]);", answer)
        want = truth.totals(answer)
        got = {k: [s, t] for k, s, t in got if k != "|total"}
        tap.ok(got == {k: want[k] for k in got} and set(want) == set(got), f"{name}: self and total per function, recursion once")
        funcs = range(1, len(answer["funcs"]["name"]), max(1, len(answer["funcs"]["name"]) // 40))
        for kind, slow in (("callersOf", truth.callers), ("calleesOf", truth.callees)):
            got = js(env.page, PATHS + f"const p = model.readProfile(args[0]); return args[1].map(f => paths(p, regroup.{kind}(p.tree, p.nFuncs, f)));",
                     answer, list(funcs))
            bad = [f for f, g in zip(funcs, got) if g != slow(answer, f)]
            tap.equal(bad, [], f"{name}: {kind} adds up path by path for {len(funcs)} functions")
    order = js(env.page, """const p = model.readProfile(args[0]), t = regroup.bottomUp(p.tree, p.nFuncs);
        for (let i = 0; i < t.n; i++) {
          let last = Infinity, sum = t.self[i];
          for (let c = i + 1; c < t.end[i]; c = t.end[c]) { if (t.total[c] > last) return 'order ' + i; last = t.total[c]; sum += last; }
          if (Math.abs(sum - t.total[i]) > 1) return 'sum ' + i;
        } return 'fine';""", profiles.generated(6000, env.now, seed=4))
    tap.equal(order, "fine", "children stand heaviest first and add up, with self, to their parent")
    env.open(profiles.known(env.now), "#live=0&inv=1")
    _, _, width = env.box("memcpy")
    full = env.page.eval("document.querySelector('.flame').clientWidth")
    tap.ok(abs(width / full - 0.3) < 0.002, "inverted, memcpy's box is 30 % wide", width, full)
    best = min(js(env.page, """const p = model.readProfile(args[0]); const out = [];
        for (let i = 0; i < 3; i++) { const a = performance.now(); regroup.bottomUp(p.tree, p.nFuncs); out.push(performance.now() - a); }
        return out;""", profiles.generated(100_000, env.now)))
    tap.note(f"inverting 100,000 nodes: {best:.0f} ms")
    tap.ok(best < 300, "100,000 nodes are inverted in less than 300 ms", best)


def wording(env, tap):
    env.open(profiles.known(env.now))
    for name, want in (
            ("std::vector<int, std::allocator<int>>::push_back(int&&)", "std::vector::push_back"),
            ("ns::f(std::function<void (int)>) const", "ns::f"), ("(anonymous namespace)::g(int) [clone .cold]", "(anonymous namespace)::g"),
            ("net/http.(*conn).serve", "net/http.(*conn).serve"), ("<alloc::vec::Vec<T> as core::iter::Iterator>::next", "next"),
            ("core::ops::function::FnOnce::call_once{{vtable.shim}}", "core::ops::function::FnOnce::call_once{{vtable.shim}}"),
            ("Foo::operator<(Foo const&)", "Foo::operator<(Foo const&)"), ("[lost: ring full]", "[lost: ring full]"),
            ("a<b", "a<b"), ("main", "main"), ("LazyCompile:~f /a b.js:3", "LazyCompile:~f /a b.js:3")):
        got = env.page.eval(f"import('./format.js').then(m => m.shortName({json.dumps(name)}))")
        tap.equal(got, want, f"short form of {name!r}")
    for call, want in (("cpuTime(0)", "0 s"), ("cpuTime(1.5e3)", "1.50 µs"), ("cpuTime(38.24e6)", "38.2 ms"), ("cpuTime(59.96e9)", "60.0 s"),
                       ("cpuTime(3725e9)", "1 h 02 min"), ("percent(0)", "0.00\u00a0%"), ("percent(0.00001)", "< 0.01\u00a0%"),
                       ("percent(0.12345)", "12.35\u00a0%"), ("standardError(0.5, 100)", 0.05), ("standardError(0.5, 0)", 0),
                       ("digits3(999.6)", "1,000"), ("digits3(0.0001)", "< 0.001"), ("digits3(9.996)", "10.0")):
        tap.equal(env.page.eval(f"import('./format.js').then(m => m.{call})"), want, call)


def rejecting(env, tap):
    env.open(profiles.known(env.now))

    def broken(change):
        answer = profiles.known(env.now)
        change(answer)
        return js(env.page, "try { model.readProfile(args[0]); return 'taken'; } catch (e) { return e instanceof model.ModelError ? 'refused' : String(e); }", answer)

    def put(column, i, v, table="nodes"):
        return lambda a: a[table][column].__setitem__(i, v)

    for name, change in [
            ("a parent after its child", put("parent", 2, 7)), ("a node out of pre-order", put("parent", 9, 2)),
            ("a function that is not there", put("func", 3, 99)), ("a string that is not there", put("name", 1, 999, "funcs")),
            ("a negative weight", put("self", 3, -1)), ("totals that do not add up", put("total", 1, 5)),
            ("a column too short", lambda a: a["nodes"]["self"].pop()), ("no nodes", lambda a: a.update(nodes={})),
            ("another version", lambda a: a.update(version=2))]:
        tap.equal(broken(change), "refused", f"an answer with {name} is refused")


def rows(env):
    return env.page.eval("[...document.querySelectorAll('#top-table tbody tr')].map(r => [r.querySelector('.link').textContent, r.cells[0].innerText.trim(), r.cells[2].innerText.trim()])")


def top(env, tap):
    env.open(profiles.known(env.now), "#live=0&view=top")
    got = rows(env)
    tap.equal([(n, s) for n, s, _ in got][:5],
              [("alpha", percent(.53)), ("memcpy", percent(.3)), ("beta", percent(.05)), ("loop~", percent(.04)), ("copy_page", percent(.04))],
              "by self")
    env.press("button[data-sort=total]")
    tap.equal([(n, t) for n, _, t in rows(env)][:4],
              [("main", percent(.98)), ("alpha", percent(.73)), ("memcpy", percent(.3)), ("beta", percent(.2))], "by total")
    tap.ok("sort=total" in env.hash(), "the order is in the URL", env.hash())
    env.press("button[data-sort=name]")
    names = [r[0] for r in rows(env)]
    tap.equal(names, sorted(names), "by name")
    env.press("button[data-sort=name]")
    tap.equal([r[0] for r in rows(env)], names[::-1], "a second click turns the order round")
    tap.equal(env.page.eval("document.querySelector('button[data-sort=name]').closest('th').getAttribute('aria-sort')"), "descending",
              "and tells screen readers")
    env.press("#top-table tbody .link")
    tap.ok("view=top" not in env.hash() and "s=" in env.hash(), "a function leads to its boxes", env.hash())
    env.open(profiles.generated(20_000, env.now), "#view=top&live=0&s=object%3Alibssl")
    tap.ok(all("libssl" in t for t in env.page.eval("[...document.querySelectorAll('#top-table .obj')].map(e => e.title)")),
           "a search keeps only matching rows")
    env.open(fragment="#view=top&live=0")
    before = len(rows(env))
    env.press("#top-more")
    tap.equal((before, len(rows(env))), (200, 400), "rows come 200 at a time")


def sandwich(env, tap):
    env.open(profiles.known(env.now), "#live=0&view=sandwich")
    tap.equal(env.text("sandwich-name"), "alpha", "begins with the heaviest function")
    tap.ok(f"total {percent(.73)}" in env.text("sandwich-figures"), "and its share", env.text("sandwich-figures"))
    env.open(fragment="#live=0&view=top")
    env.page.eval("[...document.querySelectorAll('.row-act')][1].click()")
    env.page.settle()
    tap.ok(env.text("sandwich-name") == "memcpy" and "fn=" in env.hash(), "opens from the table, and the URL holds it", env.hash())
    link = env.hash()
    env.open(fragment=link)
    tap.equal(env.text("sandwich-name"), "memcpy", "the URL brings it back")
    env.open(fragment="#live=0")
    env.page.eval("document.querySelector('.flame').focus()")
    for key, code in (("ArrowDown", 40), ("ArrowDown", 40), ("ArrowDown", 40), ("ArrowRight", 39), ("s", 83)):
        env.page.key(key, text=key if len(key) == 1 else None, code=code)
    env.page.settle()
    tap.equal(env.text("sandwich-name"), "beta", "s opens that of the box chosen by keyboard")
    got = js(env.page, """const {Sandwich} = await import('./sandwich.js'); const kinds = [[4, 5, 0, 1], [4, 5, 5, 5]];
        return kinds.map((k) => Sandwich.heaviest({tree: {func: [0]}, nFuncs: 4, kinds: k, totals: {self: [0, 9, 4, 3]}}));""")
    tap.equal(got, [2, 1], "a remark of the profiler is the heaviest only where there is no code")


def detail(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    x, y, _ = env.box("main", "alpha")
    env.page.mouse("mouseMoved", x, y)
    env.page.settle()
    tip = env.text("tooltip")
    for part in ("alpha", "/usr/bin/app", percent(.7), "± 1.46\u00a0%", "7.00 s", "0.023 CPUs", percent(.5), "700 samples", percent(.73)):
        tap.ok(part in tip, f"the detail of a box says {part!r}", tip)
    env.page.mouse("mouseMoved", x, 880)
    env.page.settle()
    tap.ok(env.page.eval("document.getElementById('tooltip').hidden"), "it goes when the pointer leaves")
    answer = profiles.known(env.now, tiers={"memory": 2, "10s": 0, "1m": 28}, files_refused=1, duration_ms=100_000)
    answer["nodes"]["error_ppm"] = [40_000 if i == 2 else 10 for i in range(len(answer["nodes"]["parent"]))]
    answer["funcs"] = answer["funcs"] | {"self_error_ppm": [30_000] * len(answer["funcs"]["name"]), "total_error_ppm": [50_000] * len(answer["funcs"]["name"])}
    env.open(answer, "#live=0")
    env.page.mouse("mouseMoved", *env.box("main", "alpha")[:2])
    env.page.settle()
    tip, status = env.text("tooltip"), env.text("status").replace("\n", " ")
    tap.ok("± 4.00\u00a0%" in tip and "0.070 CPUs" in tip, "errors are those between windows, CPUs those of the time recorded", tip)
    got = dict(line.split("\t")[0:3:2] for line in tip.split("\n") if line.count("\t") >= 2)
    tap.equal((got["function overall"], got["function self"]), (f"± {percent(.05)}", f"± {percent(.03)}"), "so are those of the whole function")
    binomial = math.sqrt(.5 * .5 / 990) / math.sqrt(.53 * .47 / 990)
    tap.equal(got["self"], f"± {percent(.03 * binomial)}", "and a part of its own time spreads as that does")
    errors = js(env.page, """const {data} = await import('./main.js'), {boxErrors} = await import('./errors.js'), {leavesOf} = await import('./tree.js'), p = data.profile;
        const up = regroup.bottomUp(p.tree, p.nFuncs); up.leaf = leavesOf(up); const down = Object.assign(regroup.calleesOf(p.tree, p.nFuncs, p.names.indexOf('main')), {middle: p.names.indexOf('main')});
        return [boxErrors(p, up, 1).total, boxErrors(p, down, 0).total];""")
    tap.ok(abs(errors[0] - .03) < 1e-6 and abs(errors[1] - .05) < 1e-6, "upside down and in the sandwich, too", errors)
    tap.ok("≤ ±4.00" in status and "memory, 1m" in status and "1 unreadable" in status, "so is the status line's, which names steps and what is unreadable", status)
    env.press("[data-view=top]")
    tap.equal(env.page.eval("document.querySelector('#top-table .share').title"), f"± {percent(.03)} (one standard error)", "and the table's")
    env.press("[data-view=flame]")
    env.page.eval("document.querySelector('.flame').focus()")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        env.page.key(key, code={"ArrowDown": 40, "ArrowRight": 39}[key])
    env.page.settle()
    tap.ok(env.text("announce").startswith("beta, /usr/bin/app"), "arrow keys walk the tree and say where", env.text("announce"))
    tip = env.text("tooltip")
    below = env.page.eval("document.getElementById('tooltip').getBoundingClientRect().top - document.querySelector('#flame .flame-select').getBoundingClientRect().bottom")
    tap.ok(tip.startswith("beta") and percent(.2) in tip and -2 <= below < 20, "and show the detail beside the box, wherever the pointer is", tip, below)
    tap.equal(env.page.eval("(s => [s.content, s.borderTopWidth, s.position])(getComputedStyle(document.getElementById('flame'), '::after'))"), ['""', "2px", "absolute"],
              "and the graph that has the focus is framed, over its canvas")
    env.shot("keyboard")
    env.page.mouse("mouseMoved", x, y)
    env.page.settle()
    tap.ok(env.text("tooltip").startswith("alpha"), "until the pointer moves", env.text("tooltip"))
    env.page.key("ArrowLeft", code=37)
    env.page.key("ArrowRight", code=39)
    env.page.settle()
    env.page.key("Enter", code=13)
    env.page.settle()
    tap.ok(re.search(r"beta.*20\.00", env.text("crumbs").replace("\n", " ")), "Enter zooms")
    env.page.key("Backspace", code=8)
    env.page.settle()
    tap.ok(re.search(r"main.*98\.00", env.text("crumbs").replace("\n", " ")), "Backspace goes one level out")


def hostile(env, tap):
    env.open(profiles.hostile(env.now), "#live=0")
    images = env.page.eval("document.images.length")
    r = env.page.eval("(() => {const r = document.querySelector('.flame').getBoundingClientRect(); return [r.left + 100, r.top + 28]})()")
    env.page.click(*r)
    env.page.settle()
    tap.ok("<img src=x" in env.text("tooltip"), "a name of markup is shown as it is written", env.text("tooltip"))
    tap.equal(env.page.eval("document.querySelectorAll('#tooltip img, #crumbs img, #legend img').length"), 0, "and makes no element")
    env.open(fragment="#live=0&view=top")
    tap.equal(env.page.eval("[document.images.length, document.scripts.length, document.querySelectorAll('#top-table b').length]"),
              [images, 1, 0], "names are text, never markup")
    text = env.page.eval("document.body.textContent")
    tap.ok(not re.search("[\u202e\0]", text), "direction and control characters are replaced")
    tap.ok(len(text) < 60_000, "endless names are cut", len(text))
    env.open(profiles.chain(700, env.now), "#live=0")
    height = env.page.eval("document.querySelector('#flame canvas').height")
    tap.ok(height <= 900, "700 levels: the canvas stays as tall as the view", height)
    env.page.eval("document.querySelector('.flame').scrollTop = 1e6")
    env.page.settle()
    x = env.page.eval("import('./main.js').then(m => m.flame.scene.contentHeight)")
    tap.ok(abs(x - 701 * 19) < 10, "and all levels can be scrolled to", x)
    env.page.mouse("mouseMoved", 300, env.page.eval("(() => {const r = document.querySelector('.flame').getBoundingClientRect(); return r.bottom - 14})()"))
    env.page.settle()
    tap.ok("leaf" in env.text("tooltip"), "down to the leaf", env.text("tooltip"))
    env.open(fragment="#live=0&up=1")
    env.page.mouse("mouseMoved", 300, env.page.eval("document.querySelector('.flame').getBoundingClientRect().bottom - 12"))
    env.page.settle()
    tap.ok("everything" in env.text("tooltip"), "root at the bottom: the view begins at the root", env.text("tooltip"))


def controls(env, tap):
    env.page.expect_http_errors = True
    env.server.missing = {"/api/v1/services", "series"}
    env.open(profiles.known(env.now), "#live=0")
    env.page.wait("document.getElementById('service').options.length > 3")
    tap.equal(env.page.eval("[...document.getElementById('service').options].map(o => o.text)"),
              ["All processes", f"nginx · {percent(.75)}", f'we"ird\\one · {percent(.25)}', "Selector…"],
              "the services by CPU time, processes of one added up where the daemon has no list")

    def choose(value):
        env.page.eval("(v => {const s = document.getElementById('service'); s.value = v; s.dispatchEvent(new Event('change'));})(%s)" % json.dumps(value))
        env.page.wait("document.body.getAttribute('aria-busy') === 'false'")
        return env.last_request()["query"]

    kind = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
    tap.equal(choose("nginx"), kind + '{service_name="nginx"}', "a service becomes a selector")
    tap.equal(choose('we"ird\\one'), kind + r'{service_name="we\"ird\\one"}', "with quotes and backslashes escaped")
    link = env.hash()
    env.open(fragment=link)
    tap.equal(env.page.eval("document.getElementById('service').value"), 'we"ird\\one', "the URL brings the service back")
    typing = """(() => {const i = document.getElementById('selector');
        return !i.hidden && i.value === '{comm="c' && document.activeElement === i;})()"""
    env.page.eval("""(s => {s.selectedIndex = s.options.length - 1; s.dispatchEvent(new Event('change'));
        const i = document.getElementById('selector'); i.value = '{comm="c'; i.dispatchEvent(new Event('input'));})(document.getElementById('service'))""")
    tap.ok(env.page.eval(typing), "a selector is typed")
    env.press("#theme")
    tap.ok(env.page.eval(typing), "what else changes meanwhile takes nothing of it away")
    env.press("#theme")
    env.press("#theme")
    tap.ok(env.page.eval(typing), "whatever it is")
    env.page.eval("document.getElementById('selector').blur()")
    env.open(fragment="#live=0&q=%7Bcomm%3D~%22cc.*%22%7D")
    tap.equal((env.last_request()["query"], env.page.eval("document.getElementById('selector').value")),
              (kind + '{comm=~"cc.*"}', '{comm=~"cc.*"}'), "a selector of one's own")
    env.press("button[data-from=now-1h]")
    env.page.wait("document.body.getAttribute('aria-busy') === 'false'")
    tap.equal((env.last_request()["from"], env.last_request()["until"]), ("now-1h", "now"), "the last hour")
    tap.ok("from=now-1h" in env.hash(), "in the URL", env.hash())
    env.open(fragment=f"#from={env.now - 60000}&until={env.now}")
    tap.equal((env.last_request()["from"], env.last_request()["until"]), (str(env.now - 60000), str(env.now)), "a fixed range")
    tap.ok(env.page.eval("document.getElementById('live').disabled"), "a fixed range is not live")
    env.open(fragment="#from=now-5m%26format%3Dpprof&until=%3Cb%3E&view=nonsense&zoom=!!&win=9-1")
    tap.equal(env.last_request()["from"], "now-5m", "what a link says wrongly is ignored")
    links = env.page.eval("[...document.querySelectorAll('a[data-format]')].map(a => a.href)")
    tap.equal(len(links), 3, "three downloads")
    tap.ok(env.page.eval("document.getElementById('timeline').hidden"), "an older daemon without series: no time line")
    for fmt, link in zip(("pprof", "folded", "speedscope"), links):
        tap.ok(f"format={fmt}" in link and re.search(r"from=\d{13}&until=\d{13}", link), f"{fmt} of exactly the range on show", link)
    env.page.key("?", text="?")
    tap.ok(env.page.eval("document.getElementById('help').open"), "? opens the help")
    env.page.key("Escape", code=27)
    env.page.wait("!document.getElementById('help').open")
    env.page.key("i", text="i")
    env.page.settle()
    tap.ok("inv=1" in env.hash(), "i inverts", env.hash())
    env.page.eval("(s => {s.value = 'category'; s.dispatchEvent(new Event('change'));})(document.getElementById('merge'))")
    env.idle()
    tap.equal(env.last_request().get("merge"), "category", "boxes by kind of work are asked for")
    merged = env.page.eval("Object.fromEntries([...document.querySelectorAll('a[data-format]')].map(a => [a.dataset.format, a.href.includes('merge=category')]))")
    tap.equal(merged, {"pprof": False, "folded": True, "speedscope": True}, "downloads are what is on show, pprof as it is recorded")
    tap.ok("merge=category" in env.hash(), "and the link says it", env.hash())
    names = "kernel syscall gc lock allocator serialization compression crypto business".split()
    colours = js(env.page, """const {slotsOf, familyOf} = await import('./color.js');
        const n = args[0].length + 1, zero = () => new Array(n).fill(0);
        const slots = slotsOf({nFuncs: n, names: ['total', ...args[0]], kinds: zero(), objects: zero().map(() => ''), keys: zero(), tree: {func: [0]}, byCategory: true});
        return [...slots].slice(1);""", names)
    tap.equal(len(set(colours)), len(names), "each of the daemon's categories has a colour of its own")
    tap.ok("alpha" in env.text("legend") and "JIT" not in env.text("legend"), "the legend names what the boxes are", env.text("legend"))
    env.page.eval("document.getElementById('range-custom').click()")
    env.page.eval("document.getElementById('range-from').value = '2026-01-02T03:04:05'")
    env.page.eval("document.getElementById('range-until').value = '2026-01-02T03:00:00'")
    env.page.eval("document.querySelector('#range-form button[value=ok]').click()")
    tap.ok("after the beginning" in env.text("range-error"), "a range that ends before it begins is refused in words")
    env.page.eval("document.getElementById('range-until').value = '2026-01-02T03:05:05'")
    env.page.eval("document.querySelector('#range-form button[value=ok]').click()")
    env.page.wait("location.hash.includes('until=')")
    tap.ok(re.search(r"from=\d{13}&until=\d{13}", env.hash()), "a range of one's own", env.hash())
    unnamed = env.page.eval("""[...document.querySelectorAll('button, input, select, a[href]')].filter(e => !e.closest('[hidden]') &&
        !(e.innerText || e.textContent || '').trim() && !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).map(e => e.outerHTML)""")
    tap.equal(unnamed, [], "every control has a name")


def live(env, tap):
    env.open(profiles.known(env.now))
    env.click_box("main", "beta")
    env.page.eval("document.querySelector('.flame').focus()")
    env.page.key("ArrowDown", code=40)
    env.page.key("ArrowDown", code=40)
    selected = "import('./main.js').then(m => m.data.profile.names[m.flame.scene.tree.func[m.flame.selected]])"
    tap.equal(env.page.eval(selected), "memcpy", "a box is chosen by keyboard")
    count = env.asked()
    end = time.time() + 15
    while time.time() < end and env.asked() == count:
        time.sleep(0.2)
    env.page.wait("document.body.getAttribute('aria-busy') === 'false'")
    env.page.settle()
    tap.equal(env.asked(), count + 1, "live: asks again after a window")
    tap.ok(re.search(r"beta.*20\.00", env.text("crumbs").replace("\n", " ")), "and stays zoomed")
    tap.equal(env.page.eval(selected), "memcpy", "and the chosen box stays chosen")


def failures(env, tap):
    page = env.page
    page.expect_http_errors = True
    for mode, word in (("401", "credential"), ("400", "refused the question"), ("503", "busy"), ("down", "does not answer"), ("garbage", "can’t be read")):
        env.server.mode = mode
        env.server.profile = json.dumps(profiles.known(env.now)).encode()
        env.open(ready=False)
        page.wait("!document.getElementById('notice').hidden")
        tap.ok(word in env.text("notice"), f"{mode}: said in words", env.text("notice"))
        if mode in ("400", "503"):
            tap.ok(f"refused with {mode}" in env.text("notice"), f"{mode}: with the daemon's reason", env.text("notice"))
    env.open(profiles.empty(env.now), ready=False)
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("No samples yet" in env.text("notice"), "no samples: said in words", env.text("notice"))
    env.open(fragment="#q=%7Bcomm%3D%22x%22%7D", ready=False)
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("No samples match" in env.text("notice"), "a selection without samples is told from a host without", env.text("notice"))
    env.open(profiles.known(env.now))
    env.server.mode = "down"
    env.press("#live")
    env.press("#live")
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("does not answer" in env.text("notice") and not page.eval("document.getElementById('view-flame').hidden"),
           "the daemon goes away: said, and the last picture stays")
    env.server.mode = "ok"
    page.wait("document.getElementById('notice').hidden", timeout=15)
    tap.ok(True, "the daemon comes back: the page finds it by itself")
    env.server.mode = "503"
    env.press("button[data-from=now-1h]")
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("busy" in env.text("notice") and page.eval("document.getElementById('view-flame').hidden"),
           "another question is refused: the picture of the one before goes")
    env.open(fragment="#view=services", ready=False)
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("busy" in env.text("notice") and page.eval("document.getElementById('view-services').hidden"),
           "a list of services that is refused is not made up of processes")
    env.server.mode = "ok"
    weeks = profiles.known(env.now)
    for k in ("self", "total"):
        weeks["nodes"][k] = [v * 10 ** 8 for v in weeks["nodes"][k]]
    weeks["total"] *= 10 ** 8
    env.open(weeks, "#live=0")
    tap.ok(page.eval("document.getElementById('notice').hidden"), "31 years of CPU time are shown", env.text("notice"))
    env.open(profiles.known(env.now, duration_ms=60_000), "#live=0")
    tap.ok("recorded 60.0 s of 5.00 min" in env.text("status").replace("\n", " "), "a range with holes says how much was recorded", env.text("status"))


def credentials(env, tap):
    env.page.expect_http_errors = True
    env.server.auth = True
    host = env.server.url.replace("http://", "")
    env.open(profiles.known(env.now), "#live=0", base=f"http://ringprof:sesame@{host}")
    tap.ok(env.last_request() is not None, "http://user:token@host/ opens the page and its requests are let in")
    links = env.page.eval("[...document.querySelectorAll('a[data-format]')].map(a => a.href).join()")
    tap.ok("sesame" not in links and "sesame" not in env.page.eval("location.href"), "the credential is in no link")


def luminance(rgb):
    def lin(v):
        v /= 255
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
    r, g, b = (lin(v) for v in rgb)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    x, y = sorted((luminance(a), luminance(b)), reverse=True)
    return (x + 0.05) / (y + 0.05)


def rgb(css):
    if css.startswith("#"):
        return [int(css[i:i + 2], 16) for i in (1, 3, 5)]
    return [float(v) for v in re.findall(r"[\d.]+", css)[:3]]


def themes(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    tap.equal(env.page.eval("document.documentElement.dataset.theme"), "light", "light where the system is light")
    env.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    env.page.settle()
    tap.equal(env.page.eval("document.documentElement.dataset.theme"), "dark", "dark where the system is dark, at once")
    dark = env.picture()
    env.open(fragment="#live=0&theme=light")
    tap.equal(env.page.eval("document.documentElement.dataset.theme"), "light", "the URL's theme wins")
    tap.ok(env.picture() != dark, "the canvas follows the theme")
    for theme in ("light", "dark"):
        p = env.page.eval(f"import('./color.js').then(m => m.palette('{theme}'))")
        worst = min([contrast(rgb(p["text"]), rgb(c)) for c in p["fill"]] + [contrast(rgb(p["matchText"]), rgb(p["match"]))])
        tap.ok(worst >= 4.5, f"{theme}: labels have a contrast of 4.5 or more ({worst:.1f})")
        quiet = min([contrast(rgb(p["fadedText"]), rgb(c)) for c in p["faded"]] + [contrast(rgb(p["idleText"]), rgb(p["idle"]))])
        tap.ok(quiet >= 4.5, f"{theme}: so have labels of faded boxes ({quiet:.1f})")
        env.open(fragment=f"#live=0&theme={theme}")
        pairs = env.page.eval("""(() => { const out = [], s = getComputedStyle(document.documentElement);
          for (const [a, b] of [['text','panel'],['muted','panel'],['muted','bg'],['muted','raised'],['press-text','press'],['accent-text','accent'],['warn','warn-bg']])
            out.push([a, b, s.getPropertyValue('--' + a).trim(), s.getPropertyValue('--' + b).trim()]);
          return out; })()""")
        low = [(a, b, round(contrast(rgb(x), rgb(y)), 2)) for a, b, x, y in pairs if contrast(rgb(x), rgb(y)) < 4.5]
        tap.equal(low, [], f"{theme}: text of the page has a contrast of 4.5 or more")
    kinds = env.page.eval("""(async () => { const {palette, slotsOf, familyOf} = await import('./color.js'); const {data} = await import('./main.js');
      const s = slotsOf(data.profile); return data.profile.names.map((n, i) => [n, familyOf(s[i])]); })()""")
    kinds = dict(kinds)
    tap.equal([kinds[n] for n in ("alpha", "copy_page", "loop~", "[lost: ring full]")], ["user", "kernel", "jit", "mark"],
              "kernel, JIT, user code and remarks have colour families of their own")


def exercise(env):
    """What a reader does with the pointer and keys, by real input events; returns the frame times."""
    page = env.page
    page.eval("import('./frame.js').then(m => m.forgetFrameTimes())")
    r = page.eval("(() => {const r = document.querySelector('.flame').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]})()")
    at = lambda fx, fy: (r[0] + r[2] * fx, r[1] + r[3] * fy)  # noqa: E731
    for i in range(60):  # hover
        page.mouse("mouseMoved", *at((i * 0.37) % 1, (i * 0.11) % 1))
    for i in range(20):  # scroll
        page.wheel(*at(0.4, 0.5), dy=60 if i < 12 else -90)
    for fx, fy in ((0.2, 0.2), (0.5, 0.15), (0.8, 0.25), (0.35, 0.1)):  # zoom in, glide, zoom out
        page.click(*at(fx, fy))
        time.sleep(0.25)
        page.key("Escape", code=27)
        time.sleep(0.25)
    for i in range(24):  # scale
        page.wheel(*at(0.3, 0.3), dy=-40 if i < 18 else 40, ctrl=True)
    page.mouse("mousePressed", *at(0.5, 0.5), button="left", buttons=1, clickCount=1)
    for i in range(40):  # pan
        page.mouse("mouseMoved", *at(0.5 + 0.4 * math.sin(i / 5), 0.5), button="left", buttons=1)
    page.mouse("mouseReleased", *at(0.5, 0.5), button="left", clickCount=1)
    page.key("Escape", code=27)
    page.key("/", text="/")
    page.type("alloc_node")  # search
    page.key("Escape", code=27)
    return page.eval("import('./frame.js').then(m => m.frameTimes())")


def frames(env, tap):
    env.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "no-preference"}])
    big = profiles.generated(100_000, env.now)
    best = None
    for fragment, name in (("#live=0", "callees"), ("#live=0&inv=1", "inverted")):
        for attempt in range(3):
            env.open(big, fragment)
            times = sorted(exercise(env))
            p95 = times[int(len(times) * 0.95)]
            tap.note(f"{name}, 100,000 nodes, {len(times)} frames: median {times[len(times) // 2]:.1f} ms, p95 {p95:.1f} ms, worst {times[-1]:.1f} ms")
            best = p95 if attempt == 0 else min(best, p95)
            if best <= 16:
                break
        tap.ok(len(times) >= 150, f"{name}: frames were measured ({len(times)})")
        tap.ok(best <= 16, f"{name}: script and draw of 95 % of frames take 16 ms or less on 100,000 nodes ({best:.1f} ms)")


def raster(env, tap):
    """The same frames with the rasterizer waited for: what a frame costs until its pixels exist."""
    env.open(profiles.generated(100_000, env.now), "#live=0")
    def measure():
        return sorted(js(env.page, """const {flame} = await import('./main.js'); const out = [];
        const s = flame.scene, all = s.tree.total[0];
        for (let i = 0; i < 60; i++) {
          s.lo = all * 0.4 * (i / 60); s.hi = all - s.lo;
          const a = performance.now(); flame.painter.draw(s); flame.painter.ctx.getImageData(0, 0, 1, 1); out.push(performance.now() - a);
        } return out;"""))
    times = min((measure() for _ in range(3)), key=lambda t: t[57])
    tap.note(f"draw with pixels waited for (software raster): median {times[30]:.1f} ms, p95 {times[57]:.1f} ms")
    tap.ok(times[57] <= 16, "and so they do with a software rasterizer waited for", times[-5:])
    env.page.problems = [p for p in env.page.problems if "willReadFrequently" not in p]  # of the measurement itself


def shots(env, tap):
    huge, big = profiles.generated(100_000, env.now), profiles.generated(20_000, env.now)
    for name, answer, fragment in (
            ("light", profiles.known(env.now), "#theme=light"), ("dark", big, "#theme=dark"), ("100k", huge, "#theme=light"),
            ("inverted", big, "#theme=light&inv=1"), ("top", big, "#theme=light&view=top"), ("sandwich", big, "#theme=dark&view=sandwich"),
            ("search", big, "#theme=light&s=object%3Alibc"), ("bottom", big, "#theme=dark&up=1")):
        env.open(answer, fragment)
        if name in ("100k", "dark"):
            env.page.mouse("mouseMoved", 420, 320)
            env.page.settle()
        env.shot(name)
    env.size(800, 700, 2)
    env.open(big, "#theme=light")
    env.shot("narrow-2x")
    width, css = env.page.eval("[document.querySelector('#flame canvas').width, document.querySelector('.flame').clientWidth]")
    tap.equal(width, css * 2, "a dense screen gets dense pixels")
    tap.ok(env.page.eval("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out at 800 pixels")


GROUPS = [(f.__name__, f) for f in (
    loading, zoom, windowing, search, regrouping, wording, rejecting, top, sandwich, detail, hostile, controls, live,
    failures, credentials, themes, frames, raster, shots)]
