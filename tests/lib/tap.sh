# SPDX-License-Identifier: GPL-2.0
# TAP for shell tests; source it. Plan at the end (the number is known then).
#   ok "name" command...   runs it; output goes behind '# ' when it fails
#   pass NAME, fail NAME [why], skip NAME WHY, done_testing
# shellcheck shell=bash
tap_i=0
tap_failed=0
pass() { tap_i=$((tap_i + 1)); echo "ok $tap_i - $1"; }
fail() {
	tap_i=$((tap_i + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_i - $1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}
skip() { tap_i=$((tap_i + 1)); echo "ok $tap_i - $1 # SKIP $2"; }
ok() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then pass "$name"; else fail "$name" "$out"; fi
}
done_testing() {
	echo "1..$tap_i"
	[ "$tap_failed" = 0 ]
}
