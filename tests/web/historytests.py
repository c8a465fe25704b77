# SPDX-License-Identifier: GPL-2.0
"""Tests of what the page does with a history: time line, services, clock. In groups as in pagetests."""
import re
import time

import history
import profiles
from pagetests import js

PLOT = "(() => {const r = document.getElementById('tl-plot').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]})()"


def plot_point(env, share, down=0.4):
    left, top, width, height = env.page.eval(PLOT)
    return left + share * width, top + down * height


def drag(env, a, b, down=0.4):
    x0, y = plot_point(env, a, down)
    x1, _ = plot_point(env, b, down)
    env.page.mouse("mouseMoved", x0, y)
    env.page.mouse("mousePressed", x0, y, button="left", buttons=1, clickCount=1)
    for k in (0.3, 0.7, 1):
        env.page.mouse("mouseMoved", x0 + (x1 - x0) * k, y, button="left", buttons=1)
    env.page.mouse("mouseReleased", x1, y, button="left", clickCount=1)
    env.page.settle()


def ends(env, a="from", b="until"):
    m = re.search(rf"[#&]{a}=(\d{{13}})&{b}=(\d{{13}})", env.hash())
    return tuple(int(v) for v in m.groups()) if m else (0, 0)


def view(env):
    return js(env.page, "const {timeline: t} = await import('./main.js'); return [t.scene.from, t.scene.to, t.scene.series.step];")


def deploy(ms, **more):
    return {"id": 1, "time_ms": ms, "kind": "deploy", "service": "web", "version": "1.5.0", "git_ref": "abc123", "text": ""} | more


def with_line(env, fragment, answer=None):
    env.open(answer or profiles.known(env.now), fragment)
    env.page.wait("document.getElementById('timeline').getAttribute('aria-busy') === 'false' && !document.getElementById('timeline').hidden")
    env.page.settle()


def timeline(env, tap):
    env.server.events = [deploy(env.now - 1200000), deploy(env.now - 900000, kind="note", text="incident", version="")]
    with_line(env, "#live=0")
    asked = env.last_request(form="series")
    tap.equal((asked["from"], asked["until"], asked["group_by"]), ("now-1h", "now", "service_name"), "the time line shows some time around the range")
    tap.equal(sorted(env.text("tl-legend").split("\n")), sorted(history.SERVICES), "a group per service")
    lo, hi, step = view(env)
    drag(env, 0.5, 0.6)
    env.idle()
    a, b = ends(env)
    want = lo + 0.5 * (hi - lo), lo + 0.6 * (hi - lo)
    tap.ok(abs(a - want[0]) <= step and abs(b - want[1]) <= step and (b - a) % step == 0, "dragging selects whole steps of time", (a, b), want)
    q = env.last_request()
    tap.equal((q["from"], q["until"]), (str(a), str(b)), "and asks again for just that")
    tap.equal(view(env)[:2][1] - view(env)[0], hi - lo, "the time line itself stays")
    env.page.eval("history.back()")
    env.page.wait("!location.hash.includes('until=')")
    env.idle()
    tap.equal(env.last_request()["until"], "now", "Back asks for what was before")
    env.page.eval("history.forward()")
    env.page.wait("location.hash.includes('until=')")
    link = env.hash()
    with_line(env, link)
    tap.equal((env.last_request()["from"], env.last_request()["until"]), (str(a), str(b)), "the link brings the range back")
    band = env.page.eval("(() => {const r = document.querySelector('.tl-band.tl-b').getBoundingClientRect(); return [r.left, r.right]})()")
    left, _, width, _ = env.page.eval(PLOT)
    lo, hi, step = view(env)
    at = [lo + (x - left) / width * (hi - lo) for x in band]
    tap.ok(abs(at[0] - a) < step and abs(at[1] - b) < step, "and its band on the time line", at, (a, b))
    env.page.eval("document.querySelector('.tl-b .tl-until').focus()")
    env.page.key("ArrowLeft", code=37)
    env.page.key("ArrowLeft", code=37)
    env.page.wait(f"!location.hash.includes('until={b}')")
    env.idle()
    tap.equal(ends(env), (a, b - 2 * step), "arrow keys move an end of the range, and the last one asks")
    tap.equal(env.last_request()["until"], str(b - 2 * int(step)), "for what they moved to")
    env.page.eval("document.querySelector('.tl-b .tl-both').focus()")
    env.page.key("PageDown", code=34)
    env.page.wait(f"!location.hash.includes('from={a}')")
    env.idle()
    tap.equal(ends(env), (a - 10 * step, b - 12 * step), "the grip moves both")
    words = env.page.eval("[...document.querySelectorAll('.tl-b [role=slider]')].map(e => [e.getAttribute('aria-label'), e.getAttribute('aria-valuetext')])")
    tap.ok(all(w and t for w, t in words), "sliders have names and say their time", words)
    x, y = plot_point(env, 0.2)
    env.page.mouse("mouseMoved", x, y)
    env.page.settle()
    tap.ok("CPUs" in env.text("tl-read") and "web" in env.text("tl-read"), "the step under the pointer is told", env.text("tl-read"))
    lo, hi, _ = view(env)
    env.press("#tl-in")
    env.page.wait("location.hash.includes('tf=')")
    env.page.wait("document.getElementById('timeline').getAttribute('aria-busy') === 'false'")
    lo2, hi2, _ = view(env)
    tap.ok(abs((hi2 - lo2) / (hi - lo) - 0.5) < 0.02, "zooming in halves the time line", (hi - lo, hi2 - lo2))
    env.press("#tl-fit")
    env.page.wait("!location.hash.includes('tf=')")
    tap.ok(True, "Fit follows the range again")
    env.page.eval("document.getElementById('tl-in').click(); document.getElementById('tl-fit').click(); new Promise(r => setTimeout(r, 400))")
    tap.ok("tf=" not in env.hash(), "right after a zoom, too", env.hash())


def asking(env, tap):
    """The time line asks when its question has changed, and says what came of it."""
    now = int(time.time() * 1000)
    with_line(env, f"#live=0&from={now - 310000}&until={now - 10000}")
    count = env.asked("series")
    for text in "alph":
        env.page.eval("(t => {const s = document.getElementById('search'); s.value += t; s.dispatchEvent(new Event('input'));})('%s')" % text)
        env.page.eval("new Promise(r => setTimeout(r, 60))")
    env.idle()
    tap.equal(env.asked("series"), count, "a search asks nothing of a time line that ends about now")
    env.page.expect_http_errors = True
    for status, word in ((500, "failed to answer"), (400, "broken with 400"), (503, "no answer yet")):
        env.server.broken = {"series": status}
        env.open(profiles.known(env.now), f"#live=0&from=now-1h&by=x{status}")
        env.page.wait("document.getElementById('timeline').getAttribute('aria-busy') === 'false'")
        env.page.settle()
        tap.ok(not env.page.eval("document.getElementById('timeline').hidden") and word in env.text("tl-failed"), f"series that fail with {status}: said in the line", env.text("tl-failed"))
    env.server.broken = {}
    with_line(env, "#live=0&from=now-1h")
    env.server.broken = {"series": 500}
    env.press("button[data-from=now-7d]")
    env.page.wait("document.getElementById('tl-failed').textContent !== ''")
    tap.ok(js(env.page, "return (await import('./main.js')).timeline.scene.series === null"), "and those of the range before are gone")


def chart(env, tap):
    with_line(env, "#live=0")
    grab = "document.querySelector('#tl-plot canvas').toDataURL()"
    area = env.page.eval(grab)
    env.press("[data-chart=heat]")
    tap.ok(env.page.eval(grab) != area and "chart=heat" in env.hash(), "heat: a row per group, in the link", env.hash())
    env.press("[data-chart=area]")
    series = js(env.page, "const {timeline: t} = await import('./main.js'); const s = t.scene.series; return [s.from, s.to, [...s.total].map(v => Number.isNaN(v) ? null : v)];")
    gap = series[2].index(None)
    tap.ok(gap > 0 and abs(gap / len(series[2]) - history.GAP[0]) < 0.01, "what was not recorded is a gap, not zero", gap, len(series[2]))
    want = sum(history.cores(s, series[0]) for s in history.SERVICES)
    tap.ok(abs(series[2][0] - want) < 1e-9, "the total is the daemon's", series[2][0], want)
    env.page.eval("(s => {s.value = 'comm'; s.dispatchEvent(new Event('change'))})(document.getElementById('tl-by'))")
    env.page.wait("document.getElementById('tl-legend').innerText.includes('comm-web')")
    tap.equal((env.last_request(form="series")["group_by"], "by=comm" in env.hash()), ("comm", True), "stacked by another label, in the link")
    env.page.eval("(s => {s.value = 'total'; s.dispatchEvent(new Event('change'))})(document.getElementById('tl-by'))")
    env.page.wait("location.hash.includes('by=total') && document.getElementById('timeline').getAttribute('aria-busy') === 'false'")
    tap.ok("group_by" not in env.last_request(form="series"), "or by nothing", env.last_request(form="series"))
    with_line(env, "#live=0")
    env.press("#tl-legend button")
    env.idle()
    tap.equal(env.last_request()["query"].split("{")[1], 'service_name="web"}', "a group of the legend becomes the selection")
    with_line(env, "#live=0&by=comm&q=%7Bnamespace%3D%22x%22%7D")
    env.press("#tl-legend button")
    env.idle()
    tap.equal(env.last_request()["query"].split("{")[1], 'namespace="x",comm="comm-web"}', "a group of a selection is the part of it that its legend says")
    env.press("#tl-legend button")
    env.idle()
    tap.equal(env.last_request()["query"].split("{")[1], 'namespace="x",comm="comm-web"}', "and is the same when chosen twice")
    broken = js(env.page, """const {readSeries} = await import('./series.js'); return args[0].map(j => {
        try { readSeries(j); return 'taken'; } catch (e) { return e instanceof model.ModelError ? 'refused' : String(e); } });""",
                [{}, {"version": 1, "from_ms": 0, "to_ms": 1e15, "step_ms": 1}, {"version": 1, "from_ms": 5, "to_ms": 1, "step_ms": 1},
                 {"version": 1, "from_ms": 0, "to_ms": 10, "step_ms": 0}, {"version": 1, "from_ms": 0, "to_ms": 10, "step_ms": 1, "groups": [{"values": "x"}]}])
    tap.equal(broken, ["refused"] * 5, "series that make no sense are refused")


def links(env, tap):
    """Every part of the state survives its link, and what a link says wrongly does not."""
    env.open(profiles.known(env.now), "#live=0")
    odd = js(env.page, """const {initialState, readState, writeState} = await import('./state.js');
      const want = {...initialState(), from: '1700000000000', until: '1700000300000', query: '{a=~"b&c#d"}', host: 'h&1', view: 'top', inverted: true, flame: true,
        zoom: [1, 4294967295], window: [0.25, 0.5], search: '/x/', sort: '-delta', focus: 7, theme: 'dark', live: false, spanFrom: 'now-7d',
        spanUntil: '1700000400000', by: 'comm', chart: 'heat', zone: 'utc', compare: true, aQuery: '', aFrom: '1690000000000', aUntil: 'now-1h',
        merge: 'line', width: 'sides', scale: 'share', file: 'a b.pb', aFile: 'c=d', type: 'alloc_space'};
      const got = readState(writeState(want)), plain = initialState();
      const same = Object.keys(want).filter((k) => JSON.stringify(want[k]) === JSON.stringify(plain[k]));
      return [Object.keys(want).filter((k) => JSON.stringify(got[k]) !== JSON.stringify(want[k])), same];""")
    tap.equal(odd, [[], []], "every part of the state is in the link")
    bad = js(env.page, """const {initialState, readState} = await import('./state.js'); const plain = initialState();
      const got = readState('#tf=x&tu=now-5y&by=a-b&chart=pie&tz=mars&cmp=yes&af=-1&w=all&scale=log&sort=magic&view=none');
      return Object.keys(plain).filter((k) => JSON.stringify(got[k]) !== JSON.stringify(plain[k]));""")
    tap.equal(bad, [], "nonsense in a link is left at its default")
    times = js(env.page, """const {timeMs, spanOf, initialState} = await import('./state.js'), n = 1.7e12, s = initialState();
      return [['now', 'now-90s', 'now-2d', '1700000000', '1700000000123', '1700000000123456', '1700000000123456789'].map((t) => timeMs(t, n)),
        ['now-5m', 'now-1h', 'now-1d', 'now-30d'].map((from) => spanOf({...s, from}, n).from), spanOf({...s, from: '1699999000000', until: '1699999100000'}, n)];""")
    tap.equal([round(t) for t in times[0]], [1700000000000, 1699999910000, 1699827200000, 1700000000000] + [1700000000123] * 3, "times are read in s, ms, us and ns")
    tap.equal(times[1:], [["now-1h", "now-6h", "now-7d", "now-90d"], {"from": "1699998800000", "until": "1699999300000"}], "the time line is several times the range")


def clock(env, tap):
    env.page.call("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    with_line(env, f"#live=0&from={env.now - 600000}&until={env.now - 300000}&tz=local")
    local = env.text("status")
    hour = int(time.strftime("%H", time.gmtime((env.now - 300000) / 1000)))
    env.press("#zone")
    utc = env.text("status")
    tap.ok("UTC" in utc and "UTC" not in local and "tz=utc" in env.hash(), "UTC is chosen, said, and in the link", utc)
    tap.ok(f"{hour:02d}:" in utc, "times are UTC's", utc)
    tap.ok(f"{(hour + 9) % 24:02d}:" in local, "and local ones the zone's", local)
    env.server.events = [deploy(env.now - 450000)]
    with_line(env, f"#live=0&view=services&from={env.now - 600000}&until={env.now - 300000}&tz=local")
    titles = "['.tl-event', '.chip'].map(s => document.querySelector(s).title.includes('UTC'))"
    before = env.page.eval(titles)
    env.press("#zone")
    tap.equal((before, env.page.eval(titles)), ([False, False], [True, True]), "so do marks and versions that stood there before")
    env.press("[data-view=flame]")
    env.press("#range-custom")
    env.page.eval("document.getElementById('range-from').value = '2026-01-02T03:04:05'; document.getElementById('range-until').value = '2026-01-02T03:05:05'")
    env.page.eval("document.querySelector('#range-form button[value=ok]').click()")
    env.page.wait("location.hash.includes('from=17673')")
    tap.equal(ends(env), (1767323045000, 1767323105000), "and reads it")
    env.page.eval("localStorage.clear()")
    env.page.call("Emulation.setTimezoneOverride", timezoneId="")


def clocks(env, tap):
    """The daemon's host has a clock of its own; what is now is for that one to say."""
    for ahead, word in ((0, "as"), (90000, "before"), (-90000, "behind")):
        env.server.ahead = ahead
        with_line(env, "#live=0&from=now-15m")
        lo, hi, _ = view(env)
        js(env.page, "const {timeline: t} = await import('./main.js'); t.zoom(0.5, t.scene.to);")
        env.page.wait("location.hash.includes('tf=')")
        env.page.wait("document.getElementById('timeline').getAttribute('aria-busy') === 'false'")
        env.page.settle()
        got = re.search(r"tf=now-(\d+)s", env.hash())
        tap.ok(got and abs(int(got[1]) - (hi - lo) / 2000) < 25 and abs(view(env)[1] - hi) < 25000, f"a clock that goes {word} the browser's: the time line ends at now and goes on", env.hash(), hi - view(env)[1])


def picker(env, tap):
    """A range of one's own: what is not touched stays as it is, to the millisecond, whatever the clock does."""
    env.page.call("Emulation.setTimezoneOverride", timezoneId="Europe/Berlin")

    def show(a, b, **values):
        with_line(env, f"#live=0&from={a}&until={b}&tz=local")
        env.press("#range-custom")
        for end, v in values.items():
            env.page.eval(f"document.getElementById('range-{end}').value = '{v}'")
        env.page.eval("document.querySelector('#range-form button[value=ok]').click()")
        env.idle()
        return ends(env)

    a = env.now - 600000 + 7
    tap.equal(show(a, a + 250), (a, a + 250), "a range of 250 ms is one in the picker")
    tap.ok("Berlin" in env.page.eval("document.getElementById('range-title').textContent"), "which says whose clock it shows")
    twice = 1792891800000  # 2026-10-25 02:30 for the second time
    tap.equal(show(twice, twice + 120000), (twice, twice + 120000), "the hour that comes twice stays the second one")
    tap.equal(show(twice, twice + 120000, until="2026-10-25T04:00:00"), (twice, 1792897200000), "also when the other end is changed")
    with_line(env, f"#live=0&from={a}&until={a + 2000}&tz=local")
    env.press("#range-custom")
    env.page.eval("document.getElementById('range-until').value = '2027-01-02T03:04:05'; document.getElementById('range-until').focus()")
    env.page.key("Enter", text="\r", code=13)
    env.page.wait("!document.getElementById('range-dialog').open")
    tap.ok("until=1798855445000" in env.hash(), "Enter shows what was typed", env.hash())
    show(a, a + 1000, **{"from": ""})
    tap.ok("need a day" in env.text("range-error"), "an end that is empty is said to be", env.text("range-error"))
    env.page.eval("document.querySelector('#range-cancel').click()")
    env.page.expect_http_errors = True
    env.server.mode = "503"
    env.open(fragment=f"#live=0&from={a}&until={a + 60000}&tz=local", ready=False)
    env.page.wait("!document.getElementById('notice').hidden")
    tap.ok(re.search(r"\d\d:\d\d:\d\d – \d\d:\d\d:\d\d", env.text("range-custom")), "without an answer the range asked for is on show all the same", env.text("range-custom"))
    env.press("#range-custom")
    tap.ok(env.page.eval("Date.parse(document.getElementById('range-from').value)") // 1000 == a // 1000, "and goes into the picker")
    env.page.eval("document.querySelector('#range-cancel').click()")
    env.server.mode = "ok"
    got = js(env.page, """const {ticks} = await import('./clock.js'), h = 3600000;
      return [[Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 30), 12], [Date.UTC(2026, 2, 28, 12), Date.UTC(2026, 2, 29, 12), 8], [Date.UTC(2026, 9, 25), Date.UTC(2026, 9, 25, 3), 4]]
        .map(a => ticks(...a).map(t => t.text + '@' + new Date(t.at).getHours()));""")
    tap.equal(got[0], [f"{d} Oct@0" for d in range(21, 31)], "days on the time line begin at midnight, before and after the clock is changed")
    tap.equal(got[1], ["15:00@15", "18:00@18", "21:00@21", "29 Mar@0", "03:00@3", "06:00@6", "09:00@9", "12:00@12"], "and hours stay round")
    tap.equal(got[2], ["02:00@2", "02:00@2", "03:00@3", "04:00@4"], "the hour that comes twice has two marks")
    env.page.call("Emulation.setTimezoneOverride", timezoneId="")


def services(env, tap):
    with_line(env, "#live=0&view=services&from=now-1h")
    env.page.wait("document.querySelectorAll('#services-table tbody tr').length === 4")
    order = js(env.page, "const {readServices} = await import('./services.js'); return readServices([{service_name: 'a', share: 0.1}, {service_name: 'b', share: 0.9}]).map(s => s.name)")
    tap.equal(order, ["b", "a"], "where a daemon does not tell CPUs, services by their share")
    rows = env.page.eval("[...document.querySelectorAll('#services-table tbody tr')].map(r => [...r.cells].slice(0, 3).map(c => c.innerText.trim()))")
    want = history.services({"from": "now-1h", "until": "now"}, int(time.time() * 1000))
    want = sorted(want, key=lambda r: -r["cores"])
    tap.equal([r[0] for r in rows], [w["service_name"] for w in want], "services by CPU")
    tap.ok(all(abs(float(r[2].split("\u00a0")[0]) - 100 * w["share"]) < 2 for r, w in zip(rows, want)), "with their share", rows)
    tap.equal(env.page.eval("document.querySelectorAll('.spark path').length"), 4, "and a line of their trend")
    env.shot("services")
    chips = "[...document.querySelectorAll('.chip')].find(c => c.innerText === '%s').click()"
    env.page.eval(chips % "1.4.0")
    env.page.settle()
    tap.ok("1.4.0 is the base" in env.text("services-note"), "a first version is picked", env.text("services-note"))
    env.server.diff = None
    env.server.missing = {"/api/v1/diff"}
    env.page.expect_http_errors = True
    env.page.eval(chips % "1.5.0")
    env.idle()
    asked = [q["query"].split("{")[1] for p, q in env.server.requests if p == "/api/v1/profile" and q["format"] == "flamegraph"][-2:]
    tap.equal(sorted(asked), ['service_name="web",service_version="1.4.0"}', 'service_name="web",service_version="1.5.0"}'],
              "the second click compares the two")
    tap.ok("cmp=1" in env.hash() and "1.4.0" in env.hash(), "in the link", env.hash())
    with_line(env, "#live=0&view=services")
    env.page.wait("document.querySelectorAll('#services-table tbody tr').length === 4")
    env.press("#services-table .link")
    env.idle()
    tap.equal(env.last_request()["query"].split("{")[1], 'service_name="web"}', "a service leads to its flame graph")
    tap.ok(not env.page.eval("document.getElementById('view-flame').hidden"), "which is on show")


def moments(env, tap):
    """Where single samples are kept the time line goes on below a window, and so do ranges chosen on it."""
    js_span = "const {timeline: t} = await import('./main.js'); return [t.scene.to - t.scene.from, t.scene.series.step, t.scene.series.raw];"
    at = f"#live=0&from={env.now - 60000}&until={env.now - 50000}&tf={env.now - 70000}&tu={env.now - 40000}"
    with_line(env, at)
    for _ in range(6):
        env.press("#tl-in")
    waits = "import('./main.js').then(({timeline: t}) => t.scene.to - t.scene.from < 11000 && document.getElementById('timeline').getAttribute('aria-busy') === 'false')"
    env.page.wait(waits)
    tap.equal(js(env.page, js_span)[0], 10000, "of windows the time line shows ten seconds at least")
    tap.ok(env.page.eval("[...document.getElementById('tl-by').options].filter(o => o.disabled).map(o => o.value).join()") == "cpu,pid,tid", "and no CPUs and threads")
    env.server.raw = True
    with_line(env, at)
    for _ in range(12):
        env.press("#tl-in")
    env.page.wait("location.hash.includes('tf=') && import('./main.js').then(({timeline: t}) => t.scene.to - t.scene.from < 200 && t.scene.series.step < 5)")
    length, step, raw = js(env.page, js_span)
    tap.equal((length, step, raw), (100, 1, True), "of single samples a tenth of a second, a millisecond a step")
    env.press("[data-chart=heat]")
    env.page.eval("(s => {s.value = 'cpu'; s.dispatchEvent(new Event('change'))})(document.getElementById('tl-by'))")
    env.page.wait("document.getElementById('tl-legend').innerText.includes('cpu-web')")
    env.idle()
    asked = env.last_request(form="series")
    tap.equal((int(asked["until"]) - int(asked["from"]), asked["group_by"]), (100, "cpu"), "as asked of the daemon, by CPU")
    x, y, w, h = env.page.eval(PLOT)
    env.page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + w / 2, y=y + h / 2)
    env.page.settle()
    tap.ok(re.match(r"\d\d:\d\d:\d\d\.\d{3}( UTC)? · ", env.text("tl-read")), "the pointer reads milliseconds", env.text("tl-read"))
    env.shot("moments")
    drag(env, 0.25, 0.75)
    env.idle()
    asked = env.last_request()
    begin = int(asked["from"]) - js(env.page, "const {timeline: t} = await import('./main.js'); return t.scene.from;")
    tap.ok(abs(int(asked["until"]) - int(asked["from"]) - 50) <= 2 and abs(begin - 25) <= 2, "a range of 50 ms is dragged, and asked for", asked)
    tap.equal(js(env.page, js_span)[0], 100, "and the time line stays where it was")
    for _ in range(3):
        env.press("#tl-out")
    env.page.wait("import('./main.js').then(({timeline: t}) => t.scene.to - t.scene.from === 800)")
    tap.ok(True, "and zooms out again")


def hosts(env, tap):
    """Ranges of other hosts are no part of this one's numbers; a person sees that they are there, and chooses."""
    pin = {"id": 1, "name": "incident", "origin": 'db"1', "from_ms": env.now - 7200000, "to_ms": env.now - 6600000, "bytes": 1}
    with_line(env, "#live=0")
    tap.ok(env.page.eval("document.getElementById('host-choice').hidden"), "no choice of hosts while there is one")
    env.server.pins = [pin, {**pin, "id": 2, "origin": "", "name": "own"}]
    env.open(profiles.known(env.now, other_hosts=1), "#live=0&q=" + "%7Bcomm%3D%22x%22%7D")
    env.page.wait("!document.getElementById('host-choice').hidden")
    tap.equal(env.page.eval("[...document.getElementById('host-choice').options].map(o => o.text)"), ["This host", 'db"1', "All hosts"], "an imported range's host can be chosen")
    tap.equal(env.last_request()["query"].split("{")[1], 'comm="x"}', "unasked, nothing is said of a host")
    tap.ok("other hosts 1 not included" in env.text("status").replace("\n", " "), "and the status line tells of the others", env.text("status"))
    env.shot("hosts")
    choose = "(s => {s.value = %r; s.dispatchEvent(new Event('change'))})(document.getElementById('host-choice'))"
    env.page.eval(choose % 'db"1')
    env.idle()
    asked = env.last_request()
    tap.equal(asked["query"].split("{")[1], 'host="db\\"1",comm="x"}', "a host goes into the selector")
    tap.equal((int(asked["from"]), int(asked["until"])), (pin["from_ms"], pin["to_ms"]), "and the range to what there is of it")
    tap.ok("host=db%221" in env.hash(), "in the link", env.hash())
    tap.equal([env.last_request(p)["query"].split("{")[1] for p in ("/api/v1/services",)], ['host="db\\"1"}'], "the list of services is that host's")
    tap.ok(env.last_request(form="series")["query"].endswith('{host="db\\"1",comm="x"}'), "and so is the time line")
    tap.ok("host%3D" in env.page.eval("document.querySelector('a[data-format=pprof]').href"), "and what is downloaded")
    env.page.eval(choose % "*")
    env.idle()
    tap.equal(env.last_request()["query"].split("{")[1], 'host=~".+",comm="x"}', "or all of them")
    out = js(env.page, "const {withHost} = await import('./api.js'); return [['', 'a'], ['{}', 'a'], ['{ }', '*'], ['{host!=\"b\"}', 'a'], ['{ghost=\"b\"}', 'a'], ['{x=\"y\"}', '']].map(a => withHost(...a));")
    names = js(env.page, "const {selectedService, serviceSelector} = await import('./api.js'); return args[0].map(n => selectedService(serviceSelector(n)));",
               ["web", 'we"ird', "C:\\new", "a\nb", "a\\\\n"])
    tap.equal(names, ["web", 'we"ird', "C:\\new", "a\nb", "a\\\\n"], "a service's name comes back out of its selector")
    env.open(profiles.known(env.now), '#live=0&host=a&q=comm%3D%22x%22')
    tap.equal(env.last_request()["query"].split("{")[1], 'host="a",comm="x"}', "a link's selector without braces is one all the same")
    got = js(env.page, "const {braced} = await import('./state.js'); return ['', ' comm=\"x\" ', '{}', 'a=~\"b{2}\"', 'cpu:x{a=\"b\"}'].map(braced);")
    tap.equal(got, ["", '{comm="x"}', "{}", '{a=~"b{2}"}', 'cpu:x{a="b"}'], "whatever is in it")
    tap.equal(out, ['{host="a"}', '{host="a"}', '{host=~".+"}', '{host!="b"}', '{host="a",ghost="b"}', '{x="y"}'], "a selector that names a host stays as it is")


GROUPS = [(f.__name__, f) for f in (timeline, asking, chart, links, clock, clocks, picker, services, moments, hosts)]
