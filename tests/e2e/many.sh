#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Many processes, short ones, and a daemon killed in the middle of it.
. "$(dirname "$0")/lib.sh"

metric() { get /metrics | awk -v m="$1" '$1 == m { print $2 }'; }
rss() { awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }

# 10,000 children that sleep: no libc, so that one costs the host some 100 KiB
cat >"$dir/crowd.c" <<'C'
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static void stop(int s) { kill(0, SIGKILL); }
int main(int c, char **v)
{
	int n = atoi(v[1]), made = 0;
	setpgid(0, 0);
	for (; made < n; made++) {
		pid_t p = fork();
		if (p < 0)
			break;
		if (!p) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	signal(SIGTERM, stop);
	printf("%d\n", made);
	fflush(stdout);
	pause();
}
C
gcc -O1 -static -o "$dir/crowd" "$dir/crowd.c"
ok "the daemon starts" start_daemon
before=$(rss)
limit=$(cat /proc/sys/kernel/pid_max)
want=10000
[ "$limit" -gt 20000 ] || want=$((limit / 3))
"$dir/crowd" $want >"$dir/made" &
pids+=($!)
for _ in $(seq 300); do [ -s "$dir/made" ] && break; sleep 0.1; done
made=$(cat "$dir/made")
known() {
	for _ in $(seq 50); do
		[ "$(metric ringprof_processes)" -ge "$made" ] && break
		sleep 0.2
	done
	echo "# $made children: $(metric ringprof_processes) processes known, $(metric ringprof_process_table_bytes) bytes of table, RssAnon $before -> $(rss) KiB"
	[ "$made" -ge $((want * 9 / 10)) ] && [ "$(metric ringprof_processes)" -ge "$made" ] &&
		[ $(($(rss) - before)) -lt 131072 ] && [ "$(metric ringprof_process_limit_total)" = 0 ]
}
ok "10,000 processes are known" known
quiet() {
	local a b
	a=$(ticks)
	sleep 5
	b=$(ticks)
	echo "# $((b - a)) ticks of CPU in 5 s"
	[ $((b - a)) -lt 100 ]
}
ok "and cost nothing while they sleep" quiet
restarted() { stop_daemon && start_daemon && echo "# $(metric ringprof_processes) known at once" && [ "$(metric ringprof_processes)" -ge "$made" ]; }
ok "a daemon started among them finds them all" restarted
kill "${pids[0]}"
wait "${pids[0]}" 2>/dev/null
pids=()
forgotten() {
	# so many exits at once overflow the side band: who is still there is looked up
	# once a name is 10 s old, and kept for 10 s more, every 10 s
	for _ in $(seq 80); do
		[ "$(metric ringprof_processes)" -lt 3000 ] && break
		sleep 0.5
	done
	echo "# $(metric ringprof_processes) processes known, RssAnon $(rss) KiB"
	[ "$(metric ringprof_processes)" -lt 3000 ]
}
ok "ended ones are forgotten" forgotten
stop_daemon

# --- processes of some milliseconds ---
ok "a daemon at 1999 Hz" start_daemon --frequency=1999
cat >"$dir/brief.c" <<'C'
#include <time.h>
static volatile unsigned long n;
__attribute__((noinline)) static void brief_work(void) { for (int i = 0; i < 100000; i++) n++; }
int main(void)
{
	struct timespec t;
	do {
		brief_work();
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while (t.tv_nsec < 5000000);
	return 0;
}
C
gcc -O1 -fno-omit-frame-pointer -o "$dir/brief" "$dir/brief.c"
storm() {
	local i
	for i in $(seq 600); do "$dir/brief"; done
	recorded "$(date +%s%3N)" || return 1
	get /api/v1/profile -G --data-urlencode 'query={comm="brief"}' -d format=folded -d from=now-1m -o "$dir/brief.folded"
	# callers may be wrong where code keeps no frame pointer; where it is, never
	awk -F'[; ]' '{ n += $NF } /brief_work/ { hit += $NF } $(NF - 1) ~ /brief\+0x|\[unknown\]/ { bare += $NF }
	     END { printf "# %d samples of 600 processes of 5 ms, %d in brief_work, %d without a name\n", n, hit, bare; exit !(n > 600 && hit > n * 0.5 && bare < n * 0.01) }' "$dir/brief.folded" ||
		{ sort -t' ' -k2 -n "$dir/brief.folded" | tail -5; return 1; }
}
ok "processes of 5 ms have their names and functions" storm

# --- killed in the middle of everything, started again at once ---
killed() {
	local i
	(while :; do "$dir/brief"; done) >/dev/null 2>&1 &
	pids+=($!)
	for i in 1 2 3 4 5; do
		curl -s -m 20 -o /dev/null -u "x:$token" "http://127.0.0.1:$port/debug/pprof/profile?seconds=10" &
		sleep 0.$i
		kill -9 "$daemon_pid"
		wait "$daemon_pid" 2>/dev/null
		start_daemon --frequency=499 || return 1
	done
	sleep 1
	get "/debug/pprof/profile?seconds=1" -o "$dir/after.pb.gz" && go tool pprof -raw "$dir/after.pb.gz" >/dev/null 2>&1
}
ok "killed -9 five times under load, each time another one takes its place" killed
kill "${pids[0]}"
ok "SIGTERM ends the last" stop_daemon
done_testing
