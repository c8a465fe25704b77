# SPDX-License-Identifier: GPL-2.0
"""Waiting, sizes and first paint. In groups as in pagetests."""

import profiles
from difftests import BASE, daemon_diff
from historytests import deploy, with_line
from pagetests import js


def waiting(env, tap):
    env.open(profiles.known(env.now), "#live=0")
    tap.ok(env.page.eval("document.getElementById('progress').hidden"), "an answer that comes at once shows no progress")
    env.server.mode = "slow"
    env.press("button[data-from=now-1h]")
    env.page.wait("!document.getElementById('progress').hidden", timeout=5)
    tap.ok("Waiting" in env.text("progress"), "one that takes its time is said to", env.text("progress"))
    env.press("#cancel")
    env.page.wait("!document.getElementById('notice').hidden && document.getElementById('progress').hidden")
    tap.ok("Stopped" in env.text("notice"), "and can be stopped", env.text("notice"))
    asked = env.asked()
    env.server.go.set()
    env.press("button[data-from=now-15m]")
    env.idle()
    tap.ok(env.asked() == asked + 1 and env.page.eval("document.getElementById('notice').hidden"), "the next question goes on")
    late = js(env.page, """const {Progress} = await import('./progress.js'); const p = new Progress(() => {});
      const box = document.getElementById('progress'), seen = []; p.show(true);
      const begin = performance.now();
      while (box.hidden && performance.now() - begin < 5000) await new Promise((r) => setTimeout(r, 5));
      const after = performance.now() - begin; p.show(false); return [after, box.hidden];""")
    tap.ok(late[0] >= 295 and late[1], "progress waits 300 ms before it shows", late)


STICKS_OUT = """[...document.querySelectorAll('body *')].filter(e => { const r = e.getBoundingClientRect();
  return r.width && r.height && r.right > innerWidth + 1 && getComputedStyle(e).visibility !== 'hidden' && !e.closest('.tl-events, .tl-band, #legend, #tl-legend, #crumbs, svg, .sr, #tooltip');
}).map(e => e.tagName + '#' + e.id + '.' + e.className)"""


def sizes(env, tap):
    big = profiles.generated(20_000, env.now)
    env.server.diff = daemon_diff(profiles.from_tuples(BASE, env.now), profiles.known(env.now))
    env.server.events = [deploy(env.now - 1200000)]
    compare = f"cmp=1&af={env.now - 900000}&au={env.now - 600000}&from={env.now - 300000}&until={env.now}"
    for name, (width, height, scale), theme in (("400", (400, 800, 2), "light"), ("400-dark", (400, 800, 2), "dark"), ("1280", (1280, 800, 1), "dark"),
                                                ("4k", (3840, 2160, 1), "light")):
        env.size(width, height, scale)
        for view, fragment in (("flame", ""), ("compare", compare), ("services", "view=services"), ("top", "view=top"), ("table", compare + "&view=top")):
            if name != "400" and view not in ("flame", "compare"):
                continue
            with_line(env, f"#live=0&theme={theme}&{fragment}", big)
            env.shot(f"{view}-{name}")
            out = env.page.eval(STICKS_OUT)
            tap.ok(not out and env.page.eval("document.documentElement.scrollWidth <= innerWidth"), f"{view} at {name}: nothing sticks out", out[:5])
            if name == "400":
                env.page.eval("document.getElementById('service').append(new Option('a service with a very long name '.repeat(4)))")
                tap.ok(env.page.eval("document.documentElement.scrollWidth <= innerWidth"), f"{view} at 400: nor does a long list of services")
            if view == "top":
                columns = env.page.eval("""(() => { const [head] = document.querySelectorAll('#top-table thead tr'), [row] = document.querySelectorAll('#top-table tbody tr');
                  const name = [...head.cells].find(c => c.innerText.trim() === 'Function'), fn = row.querySelector('.fn');
                  return [name.getBoundingClientRect().left - fn.getBoundingClientRect().left, innerWidth - fn.getBoundingClientRect().right]; })()""")
                tap.ok(abs(columns[0]) < 2 and 0 <= columns[1] < 30, "the table's heads stand over their columns, which take the width", columns)
            if name == "400":
                env.press("button[data-from=now-1m]")
                tap.ok(env.page.eval("document.querySelector('#ranges [aria-pressed=true]').offsetWidth") > 20, f"{view} at 400: the range chosen is on show")
                env.idle()
            if view in ("flame", "compare"):
                room = env.page.eval("document.querySelector('.flame').clientHeight / innerHeight")
                tap.ok(room >= 0.3, f"{view} at {name}: the picture has 30 % of the height or more ({100 * room:.0f} %)")
        if name == "4k":
            size = env.page.eval("parseFloat(getComputedStyle(document.body).fontSize)")
            row = env.page.eval("import('./draw.js').then(m => m.ROW)")
            tap.ok(size >= 16 and row >= 24, "at 4k text and rows are larger", size, row)
    env.size(1440, 900)


def paint(env, tap):
    """From the navigation to the first picture of 100,000 nodes, all loading included."""
    env.server.serve(profiles.generated(100_000, env.now))
    times = []
    for _ in range(4):
        env.page.goto(env.server.url + "#live=0")
        env.page.wait("performance.getEntriesByName('picture').length > 0")
        times.append(env.page.eval("performance.getEntriesByName('picture')[0].startTime"))
        if times[-1] < 900:
            break
    tap.note("first picture of 100,000 nodes after " + ", ".join(f"{t:.0f}" for t in times) + " ms")
    tap.ok(min(times) < 1000, "100,000 nodes are on show within a second", times)


def reach(env, tap):
    """What can be reached and done by keyboard, and what it is called."""
    env.server.events = [deploy(env.now - 1200000)]
    with_line(env, "#live=0")
    seen = []
    for _ in range(80):
        env.page.key("Tab", code=9)
        what = env.page.eval("""(() => {const e = document.activeElement; if (e === document.body) return null;
          const s = getComputedStyle(e); const name = e.getAttribute('aria-label') || e.innerText || e.title || (e.labels && e.labels[0] && e.labels[0].innerText);
          return [e.id || e.className || e.tagName, (name || '').trim() !== '', s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; })()""")
        if what is None or (seen and what == seen[0]):
            break
        seen.append(what)
    names = [s[0] for s in seen]
    for part in ("service", "search", "compare-mode", "tl-by", "tl-event", "flame"):
        tap.ok(part in names, f"Tab reaches {part}", names)
    tap.ok(sum("tl-grip" in n for n in names) == 3, "and the three parts of the range on the time line", names)
    tap.equal([s for s in seen if not s[1]], [], "what has the focus has a name")
    tap.equal([s for s in seen if not s[2]], [], "and is outlined")
    env.page.key("c", text="c")
    env.page.wait("location.hash.includes('cmp=1')")
    env.page.key("v", text="v")
    env.page.wait("location.hash.includes('view=services')")
    env.page.key("u", text="u")
    env.page.wait("location.hash.includes('tz=utc')")
    tap.ok(True, "c compares, v lists services, u is UTC")
    env.page.eval("localStorage.clear()")
    roles = env.page.eval("['timeline', 'compare', 'view-services', 'progress', 'notice'].map(i => {const e = document.getElementById(i); return e.getAttribute('role') || e.tagName})")
    tap.equal(roles, ["SECTION", "group", "SECTION", "status", "alert"], "parts have roles")


GROUPS = [(f.__name__, f) for f in (waiting, sizes, paint, reach)]
