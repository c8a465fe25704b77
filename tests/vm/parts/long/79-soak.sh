# SPDX-License-Identifier: GPL-2.0
# Module and daemon for a long time under everything that hosts do to them, by
# turns: hostile stacks, processes, cgroups, CPUs, scrapes, stop and start. After
# each round the counters add up; memory, the kernel's and the daemon's, is flat
# over the second half (windows may hold 8 MiB, which an emulated machine reaches in
# the first). At the end, without the daemon, samples are right and all memory is
# back. The console is looked at when the guest has ended.
#   RINGPROF_SOAK  minutes (20)
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/abuse_lib.sh
. tests/vm/daemon_lib.sh
soak_end=$((SECONDS + ${RINGPROF_SOAK:-20} * 60))

# what the daemon says of its memory, KiB
parts() {
	api /metrics | awk '/^ringprof_[a-z_]*_bytes / && !/disk|limit|pinned|raw/ {
		gsub(/^ringprof_|_bytes$/, "", $1); printf "%s\"%s\":%.0f", sep, $1, $2 / 1024; sep = "," }'
}
# figures of this moment, a JSON object in a line
soak_look() {
	local daemon
	daemon=$(awk '$1 == "RssAnon:" { print $2 }' /proc/"$(pgrep -x ringprofd)"/status)
	printf '{"kernel_kib":%s,"daemon_kib":%s,"parts":{%s},"cpus":%s}\n' "$(kernel_kib)" "$daemon" "$(parts)" \
		"$(ringprof stats --cpu --json | tr -d '\n')" >> "$tmp/soak"
}
# An emulated CPU that lies keep busy may not get through in time: then the answer
# says so (503), and that is counted; any other is a profile.
soak_scrapes() {
	local i code
	for i in 1 2 3; do
		code=$(api "/debug/pprof/profile?seconds=$((i * 2))" --no-fail-with-body -o "$tmp/scrape" -w '%{http_code}') || return 1
		echo "scrape $code" | tee -a "$tmp/scrapes"
		[ "$code" = 503 ] || pprof -raw "$tmp/scrape" > /dev/null 2>&1 ||
			{ head -c 400 "$tmp/scrape"; return 1; }
	done
}
soak_round() {
	local scrapes
	seed=$((seed + 2))
	soak_scrapes & scrapes=$!
	stack_lies && cgroup_churn && forkstorm "$seconds" > /dev/null &&
		{ [ ! -w /sys/devices/system/cpu/cpu1/online ] || hotplug_storm; } &&
		wait $scrapes && ringprof stop && ringprof start && soak_look
}
soak() {
	local n=0
	while [ $SECONDS -lt $soak_end ]; do
		n=$((n + 1))
		soak_round > "$tmp/round" 2>&1 || { echo "round $n:"; cat "$tmp/round"; return 1; }
	done
}

echo "# figure: seed $seed"
load
memory=$(kernel_kib)
ok "the daemon takes the module" daemon_start soak-daemon --memory=8MiB
ok "${RINGPROF_SOAK:-20} minutes of rounds" soak
judge "in each of them counters added up, memory is flat" tests/vm/check soak "$tmp/soak"
# shellcheck disable=SC2016 # awk's
ok "most scrapes were answered" awk '{ n[$2]++ } END { print n[200], "of", NR; exit n[200] * 2 < NR }' "$tmp/scrapes"
daemon_end
after "the soak"
unload
echo "# figure: kernel memory $memory KiB before, $(kernel_kib) KiB after"
ok "the memory came back (4 MiB)" test $(($(kernel_kib) - memory)) -lt 4096
