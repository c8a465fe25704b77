# SPDX-License-Identifier: GPL-2.0
"""What must not be lost or go stale when the page changes: the focus, notices, controls. In groups as in pagetests."""
import json
import time

import profiles
from difftests import BASE, daemon_diff, drop
from historytests import with_line
from pagetests import js

FOCUS = "(document.activeElement.title || document.activeElement.textContent)"


def again(env):
    """Another answer to the same question, as in live mode."""
    count = env.asked()
    env.press("#live")
    env.page.wait("document.body.getAttribute('aria-busy') === 'false'")
    env.page.settle()
    env.press("#live")
    return env.asked() - count


def focus(env, tap):
    """Who works by keyboard stays where he is, though what he stands on is drawn anew."""
    env.open(profiles.known(env.now), "#live=0")
    env.click_box("main", "beta", "memcpy")
    env.page.eval("document.querySelectorAll('#crumbs button')[1].focus()")
    env.page.key("Enter", text="\r", code=13)
    env.page.settle()
    tap.equal((env.page.eval(FOCUS), env.page.eval("document.activeElement.className")), ("main", "crumb"), "a crumb keeps the focus when it is followed")
    with_line(env, "#live=0")
    for box, at in (("legend", 1), ("tl-legend", 2)):
        env.page.eval(f"document.querySelectorAll('#{box} button')[{at}].focus()")
        name = env.page.eval(FOCUS)
        asked = again(env)
        tap.ok(asked >= 1 and env.page.eval(FOCUS) == name and env.page.eval(f"document.activeElement.closest('#{box}') !== null"),
               f"an entry of {box} keeps it when the next answer comes", name, env.page.eval(FOCUS), asked)
    env.open(fragment="#live=0&view=top")
    env.page.eval("document.querySelectorAll('#top-table .row-act')[2].focus()")
    again(env)
    tap.ok(env.page.eval("document.activeElement === document.querySelectorAll('#top-table .row-act')[2]"), "a row of the table does, too")


def notices(env, tap):
    """A screen reader is told once."""
    env.page.expect_http_errors = True
    env.server.mode = "503"
    env.open(ready=False)
    env.page.wait("!document.getElementById('notice').hidden")
    env.page.eval("document.querySelector('#notice strong').dataset.mark = 'same'")
    env.press("#theme")
    env.press("#theme")
    tap.equal(env.page.eval("document.querySelector('#notice strong').dataset.mark"), "same", "a notice is not told anew by what else changes")
    env.server.mode = "slow"
    env.server.profile = json.dumps(profiles.known(env.now)).encode()
    env.press("button[data-from=now-1h]")
    env.page.wait("document.getElementById('progress-time').textContent === '1 s'")
    tap.equal(env.page.eval("document.querySelector('#progress > :not([aria-hidden], button)').textContent"), "Waiting for the answer", "nor are the seconds of an answer that takes its time")
    env.server.go.set()
    env.idle()


def stale(env, tap):
    """What is said is said of what is asked now."""
    page = env.page
    page.expect_http_errors = True
    env.open(profiles.known(env.now), "#live=0")
    drop(env, "bad.pb", b"nonsense")
    page.wait("!document.getElementById('notice').hidden")
    env.press("[data-view=top]")
    tap.ok(page.eval("document.getElementById('notice').hidden"), "a file that could not be read is forgotten when the reader goes on")
    env.server.mode = "400"
    env.press("button[data-from=now-1h]")
    page.wait("!document.getElementById('notice').hidden")
    env.server.mode = "slow"
    env.press("button[data-from=now-6h]")
    tap.ok(page.eval("document.getElementById('notice').hidden"), "a refusal is not that of the next question", env.text("notice"))
    env.server.go.set()
    env.idle()
    env.open(profiles.empty(env.now), f"#from={env.now - 6 * 86400000}&until={env.now - 5 * 86400000}", ready=False)
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("No samples match" in env.text("notice") and "longer range" in env.text("notice"), "a past range without samples is not a daemon that has just begun", env.text("notice"))
    env.open(profiles.known(env.now), "#live=0&view=sandwich&fn=zzzz")
    tap.ok("function is not in this range" in env.text("notice"), "a sandwich of another function than the link's says so", env.text("notice"))
    env.press("[data-view=flame]")
    tap.ok(page.eval("document.getElementById('notice').hidden"), "there alone")
    env.open(profiles.known(env.now), "#live=0&file=gone.pb", ready=False)
    page.wait("!document.getElementById('notice').hidden")
    page.eval("document.getElementById('download').open = true")
    tap.equal(page.eval("[...document.querySelectorAll('a[data-format]')].filter(a => !a.hidden).length"), 0, "a file that is not open cannot be downloaded")
    page.eval("document.querySelector('#save-csv').focus()")
    page.key("Escape", code=27)
    page.settle()
    tap.equal(page.eval("[document.getElementById('download').open, document.activeElement.tagName]"), [False, "SUMMARY"], "Escape closes the menu")
    env.open(profiles.known(env.now), "#live=0&s=alpha")
    env.press("[data-view=top]")
    env.press("[data-view=flame]")
    page.eval("(s => {s.focus(); s.value = 'beta'; s.dispatchEvent(new Event('input'))})(document.getElementById('search'))")
    page.eval("history.back()")
    page.wait("location.hash.includes('view=top')")
    page.settle()
    tap.equal((page.eval("document.getElementById('search').value"), "s=alpha" in env.hash()), ("alpha", True), "Back brings the search back, also into its box")


def lists(env, tap):
    """The list of services is of the range that is asked for, or says that it is not."""
    page = env.page
    page.expect_http_errors = True
    with_line(env, "#live=0&view=services&from=now-1h")
    page.wait("document.querySelectorAll('#services-table tbody tr').length === 4")
    env.server.waits = {"/api/v1/services"}
    env.press("button[data-from=now-7d]")
    page.wait("document.getElementById('view-services').getAttribute('aria-busy') === 'true'")
    tap.ok(page.eval("parseFloat(getComputedStyle(document.querySelector('#services-table tbody')).opacity)") < 0.6, "a list that is awaited is dimmed")
    env.server.go.set()
    page.wait("document.getElementById('view-services').getAttribute('aria-busy') === 'false'")
    tap.equal(page.eval("getComputedStyle(document.querySelector('#services-table tbody')).opacity"), "1", "until it is there")
    env.server.waits, env.server.broken = set(), {"/api/v1/services": 503}
    js(page, "document.dispatchEvent(new Event('visibilitychange'))")
    page.wait("!document.getElementById('notice').hidden")
    tap.ok("busy" in env.text("notice") and "large" not in page.eval("document.getElementById('notice').className") and not page.eval("document.getElementById('view-services').hidden"),
           "one that can't be had anew says so, and stays", env.text("notice"))


def typing(env, tap):
    """Escape takes back a selector that is half typed."""
    for field, link in (("selector", "#live=0&q=%7Bcomm%3D%22x%22%7D"), ("a-query", f"#live=0&cmp=1&aq=%7Bcomm%3D%22x%22%7D&from={env.now - 300000}&until={env.now}&af={env.now - 600000}&au={env.now - 300000}")):
        env.server.diff = daemon_diff(profiles.from_tuples(BASE, env.now), profiles.known(env.now))
        env.open(profiles.known(env.now), link)
        before = env.hash()
        env.page.eval(f"document.getElementById('{field}').focus()")
        env.page.type("{com")
        env.page.key("Escape", code=27)
        env.page.settle()
        tap.equal((env.hash(), env.page.eval(f"document.getElementById('{field}').value"), env.page.eval("document.activeElement === document.body")),
                  (before, '{comm="x"}', True), f"{field}: Escape leaves all as it was")


def choosing(env, tap):
    """What the reader is at is not taken from under his hand, nor is his typing lost to a browser's limit."""
    page = env.page
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    with_line(env, "#live=0")
    page.wait("document.getElementById('service').options.length > 4")
    page.eval("(s => {s.focus(); s.options[2].dataset.mark = 'same'})(document.getElementById('service'))")
    count = sum(p == "/api/v1/services" for p, _ in env.server.requests)
    js(page, "document.dispatchEvent(new Event('visibilitychange'))")
    end = time.time() + 10
    while time.time() < end and sum(p == "/api/v1/services" for p, _ in env.server.requests) == count:
        time.sleep(0.05)
    page.eval("new Promise(r => setTimeout(r, 200))")
    mark = "document.getElementById('service').options[2].dataset.mark"
    tap.equal(page.eval(mark), "same", "the list of services stays as it is while somebody chooses from it")
    page.eval("document.getElementById('service').blur()")
    page.settle()
    tap.ok(page.eval(mark) is None, "and is the newest one afterwards")
    page.eval("history.replaceState = () => { throw new DOMException('too many', 'SecurityError'); }")
    page.eval("(s => {s.value = 'memcpy'; s.dispatchEvent(new Event('input'))})(document.getElementById('search'))")
    page.settle()
    tap.ok(env.text("matched").startswith("30.00"), "a browser that takes no more addresses searches all the same", env.text("matched"))
    env.press("[data-view=top]")
    tap.ok("s=memcpy" in env.hash(), "and the next address has it", env.hash())
    page.call("Emulation.setFocusEmulationEnabled", enabled=False)


def grips(env, tap):
    """A drag that the browser takes over is none."""
    with_line(env, f"#live=0&from={env.now - 1200000}&until={env.now - 900000}")
    want = env.hash()
    left = "document.querySelector('.tl-b').style.left"
    at = env.page.eval(left)
    env.page.eval("""(e => { e.setPointerCapture = () => {};
      const send = (type, x) => e.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 7, button: 0, clientX: x}));
      send('pointerdown', 300); send('pointermove', 340); send('pointercancel', 340); send('pointermove', 500); })(document.querySelector('.tl-b .tl-both'))""")
    env.page.eval("new Promise(r => setTimeout(r, 350))")
    tap.equal((env.page.eval(left), env.hash()), (at, want), "the range stays where it was, and follows the pointer no more")


def touch(env, tap):
    """A finger cannot hover."""
    env.size(400, 800, 2)
    env.open(profiles.known(env.now), "#live=0")
    x, y, _ = env.box("main", "alpha")
    env.page.eval("""(([x, y]) => { const e = document.querySelector('#flame .flame');
      for (const type of ['pointerdown', 'pointerup', 'pointerleave'])
        e.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 3, pointerType: 'touch', button: 0, clientX: x, clientY: y})); })(%s)""" % json.dumps([x, y]))
    env.page.settle()
    env.page.settle()
    tip = env.page.eval("(t => [t.hidden, t.innerText, t.getBoundingClientRect().right <= innerWidth])(document.getElementById('tooltip'))")
    tap.ok(not tip[0] and tip[1].startswith("alpha") and "70.00" in tip[1] and tip[2], "a touch zooms and shows the box's detail", tip)
    env.shot("touch-400")
    top = env.page.eval("document.getElementById('tooltip').getBoundingClientRect().top")
    env.page.eval("scrollTo(0, 60)")
    env.page.settle()
    env.page.settle()
    moved = env.page.eval("[scrollY, document.getElementById('tooltip').getBoundingClientRect().top]")
    tap.ok(moved[0] > 20 and abs(top - moved[0] - moved[1]) < 2, "which scrolls with the page", top, moved)
    env.page.key("?", text="?")
    env.page.settle()
    tap.equal(env.page.eval("[document.getElementById('help').open, document.getElementById('help').scrollTop]"), [True, 0], "help begins at its beginning on a small screen")
    env.page.key("Escape", code=27)
    env.open(profiles.chain(100, env.now), "#live=0")
    env.page.eval("document.querySelector('.flame').focus()")
    for _ in range(3):
        env.page.key("ArrowDown", code=40)
    env.page.settle()
    seen = env.page.eval("!document.getElementById('tooltip').hidden")
    env.page.eval("document.querySelector('.flame').scrollTop = 1500")
    env.page.settle()
    env.page.settle()
    tap.ok(seen and env.page.eval("document.getElementById('tooltip').hidden"), "and goes when the box is out of sight")
    env.size(1440, 900)


def honest(env, tap):
    """What was answered is not always what was asked for."""
    page = env.page
    now = env.now
    env.open(profiles.known(now), f"#live=0&from={now - 200000}&until={now - 199000}")
    tap.ok("whole windows" in env.text("status") and page.eval("document.querySelector('#status .warn[title*=\"1.00 s\"]') !== null"), "five minutes that answer a second say so", env.text("status"))
    env.open(fragment=f"#live=0&from={now - 290000}&until={now}")
    tap.ok("whole windows" not in env.text("status"), "some seconds more are no matter", env.text("status"))
    env.server.diff = daemon_diff(profiles.from_tuples(BASE, now), profiles.known(now))
    env.open(fragment=f"#live=0&cmp=1&from={now - 300000}&until={now}&af={now - 302000}&au={now - 300000}", ready=False)
    page.wait("import('./main.js').then(m => Boolean(m.data.profile?.isDiff))")
    page.settle()
    tap.equal(env.text("status").count("whole windows"), 1, "nor is the side of a comparison that has what was asked for")
    page.expect_http_errors = True
    refused = "query: position %d: a quoted text is missing"
    for fragment, at, want in (("q=%7Bx%3D%3D%22%22%7D", 43 + 4, 4), ("host=a&q=%7Bx%3D%3D%22%22%7D", 43 + 9 + 4, 4), ("", 43 + 1, 44)):
        env.server.broken = {"flamegraph": (400, refused % at)}
        env.open(fragment="#live=0&" + fragment, ready=False)
        page.wait("!document.getElementById('notice').hidden")
        tap.ok(refused % want in env.text("notice"), f"a place in a selector is counted in what was typed ({fragment})", env.text("notice"))
    names = js(page, "const {cleanName} = await import('./format.js'); return args.map(cleanName);", "a" + "\u0301" * 50 + "b", "x\u061cy", "\u0e19\u0e49\u0e33", "soft\u00adhyphen")
    tap.equal(names, ["a" + "\u0301" * 4 + "b", "x\ufffdy", "\u0e19\u0e49\u0e33", "soft\ufffdhyphen"], "marks do not grow over other rows, and what cannot be seen is")


GROUPS = [(f.__name__, f) for f in (focus, notices, stale, lists, typing, choosing, grips, touch, honest)]
