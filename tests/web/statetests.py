# SPDX-License-Identifier: GPL-2.0
"""What must not be lost or go stale when the page changes: the focus, notices, controls. In groups as in pagetests."""
import json

import profiles
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


GROUPS = [(f.__name__, f) for f in (focus, notices)]
