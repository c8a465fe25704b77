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
	# in this shell, not in a substitution's: a step may set variables for the next
	out=$(mktemp)
	if "$@" >"$out" 2>&1; then
		pass "$name"
		grep '^# ' "$out" || true
	else
		fail "$name" "$(cat "$out")"
	fi
	rm -f "$out"
}
# go_is MAJOR MINOR: the Go toolchain here is that or newer
go_is() {
	local v
	v=$(go env GOVERSION 2>/dev/null) || return 1
	v=${v#go}
	IFS=. read -r major minor _ <<<"$v"
	[ "$major" -gt "$1" ] || { [ "$major" = "$1" ] && [ "${minor%%[!0-9]*}" -ge "$2" ]; }
}
done_testing() {
	echo "1..$tap_i"
	[ "$tap_failed" = 0 ]
}
