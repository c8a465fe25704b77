# SPDX-License-Identifier: GPL-2.0
# Is the host sampled while something is measured? Sourced, where `get` asks the daemon.
#
#   overflows              $calls of all CPUs' timers that the daemon knows of so far, at $at us
#   sampled WHAT HZ PART   since calls and at there were, a second and CPU, as many as are asked for, or that
#                          part (0 to 1) of them at least: a host that is kept from running has fewer. Said on stderr
# shellcheck shell=bash
overflows() {
	local said
	said=$(get /metrics) || return
	calls=$(awk '/^ringprof_samples_total/ && !/timer never fired/ { n += $NF } END { printf "%.0f\n", n }' <<< "$said")
	at=${EPOCHREALTIME/./}
}
sampled() {
	local before=$calls from=$at
	overflows || return
	awk -v what="$1" -v want="$2" -v part="$3" -v n=$((calls - before)) -v us=$((at - from)) -v cpus="$(nproc)" 'BEGIN {
		hz = n / us * 1e6 / cpus
		good = hz > want * part && hz < want * 1.2
		printf "%s: %.1f overflows a second and CPU, %d are asked for%s\n", what, hz, want,
			good ? "" : ": what was measured is something else" > "/dev/stderr"
		exit !good }'
}
