#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The processes that read strangers' files: what they may, what becomes of names
# when they are killed, and of a file that they die of.
. "$(dirname "$0")/lib.sh"

cat >"$dir/spin.c" <<'END_C'
#include <stdlib.h>
#include <time.h>
volatile unsigned long sink;
__attribute__((noinline)) void NAME(void)
{
	for (int i = 0; i < 1000000; i++)
		sink = sink * 31 + i;
}
int main(int argc, char **argv)
{
	time_t end = time(NULL) + atoi(argv[1]);

	while (time(NULL) < end)
		NAME();
	return 0;
}
END_C
# spinner PROGRAM FUNCTION [OPTION]: its symbol is mangled
spinner() { cc -x c++ -O2 -g -fno-omit-frame-pointer -DNAME="$2" ${3:+"$3"} -o "$dir/$1" "$dir/spin.c"; }
status() { get /api/v1/status | jq -r "$1"; }
# reader NAME FIELD, of the status
reader() { status ".readers[] | select(.reads == \"$1\") | .$2"; }
metric() { curl -fsS "http://127.0.0.1:$port/metrics" | sed -n "s/^$1 //p"; }
# named COMM FUNCTION: that many samples' function has its name, soon
named() {
	for _ in $(seq 40); do
		get "/api/v1/profile?format=folded&lines=1&from=now-5m&query=comm%3D%22$1%22" >"$dir/folded" &&
			grep -q "main [^;]*spin.c:[0-9]*;$2 [^;]*/spin.c:[0-9]* [1-9]" "$dir/folded" && return
		sleep 0.25
	done
	cat "$dir/folded"
	return 1
}
cc -O2 -D_GNU_SOURCE -fno-omit-frame-pointer -o "$dir/jitter" tests/workloads/jit.c || exit 1
mkdir "$dir/dumps"
maps=()
trap 'cleanup; rm -f "${maps[@]}"' EXIT
# jits NAME SECONDS: code that a perf map names, in the background
jits() {
	"$dir/jitter" map "$1" "$2" >/dev/null &
	maps+=("/tmp/perf-$!.map")
}
# jitted NAME: its last function is named, soon. A map has no times: of functions that were at
# one address between two readings, a second apart, the last one stands for all.
jitted() {
	for _ in $(seq 80); do
		get "/api/v1/profile?format=folded&from=now-5m&query=comm%3D%22jitter%22" >"$dir/folded" &&
			grep -q "phase_$1"3 "$dir/folded" && return
		sleep 0.25
	done
	cat "$dir/folded"
	return 1
}
spinner first the_first && spinner second the_second && spinner third the_third && spinner whole the_whole &&
	spinner good the_good && spinner tame the_tame && spinner wild ringprof_crash -g0 || exit 1

port=$(free_port)
ok "starts" start_daemon
"$dir/first" 2
ok "a program's functions and lines have their names" named first the_first
jits f 1
ok "so has code that one made itself" jitted f

# --- what they may ---
readers='names lines rows jit mangled'
each_has() { # PATTERN of /proc/PID/status
	local r
	for r in $readers; do
		grep -qE "$1" "/proc/$(reader "$r" pid)/status" ||
			{ echo "$r:"; cat "/proc/$(reader "$r" pid)/status"; return 1; }
	done
}
ok "they have no capability" each_has '^CapEff:	0+$'
ok "and can get none" each_has '^CapPrm:	0+$'
ok "no new rights" each_has '^NoNewPrivs:	1$'
ok "a filter of system calls" each_has '^Seccomp:	2$'
ok "a user of their own" each_has '^Uid:	([1-9][0-9]*)	\1	\1	\1$'
ok "a group of their own, and no other" each_has '^Gid:	([1-9][0-9]*)	\1	\1	\1$'
ok "no further group" each_has '^Groups:	 *$'
own_fds() {
	local r fds
	for r in $readers; do
		fds=$(find "/proc/$(reader "$r" pid)/fd" -type l -printf '%f %l\n' | sed 's/\[.*//' | sort -n | tr '\n' ' ')
		[ "$fds" = "0 /dev/null 1 /dev/null 2 /dev/null 3 socket: " ] || { echo "$r holds $fds"; return 1; }
	done
}
ok "they hold one socket" own_fds
no_environment() {
	local r
	for r in $readers; do
		# a file there has no size
		[ "$(wc -c <"/proc/$(reader "$r" pid)/environ")" = 0 ] || return 1
	done
}
ok "and no environment" no_environment
limits() {
	local r
	for r in $readers; do
		grep -qE '^Max core file size +0 +0 ' "/proc/$(reader "$r" pid)/limits" &&
			grep -qE '^Max file size +0 +0 ' "/proc/$(reader "$r" pid)/limits" &&
			grep -qE '^Max address space +[0-9]+ +[0-9]+ ' "/proc/$(reader "$r" pid)/limits" || return 1
	done
}
ok "no core, no file written, bounded memory" limits

# --- killed ---
get '/debug/pprof/profile?seconds=8' -o "$dir/scrape.pb.gz" &
scrape=$!
killed=0
kill_all() { # READER...
	local r
	for r; do
		kill -9 "$(reader "$r" pid)" && killed=$((killed + 1))
	done
}
"$dir/second" 6 &
pids+=($!)
# beyond the second time: what was asked for last, when nobody was there to read, is not asked for again
jits s 6
sleep 1
# shellcheck disable=SC2086 # a list
ok "all are killed while a scrape runs" kill_all $readers
sleep 2
# not that of rows: a large file that both hit would be blamed
ok "and once more" kill_all names lines jit
wait "$scrape"
scraped() { go tool pprof -raw "$dir/scrape.pb.gz" 2>/dev/null | grep -qw 'the_second'; }
ok "the scrape has its names" scraped
ok "so has the profile" named second the_second
ok "and code that was made meanwhile" jitted s
counted() {
	local n
	n=$(curl -fsS "http://127.0.0.1:$port/metrics" | sed -n 's/^ringprof_reader_deaths_total{.*} //p' | paste -sd+ | bc)
	echo "# figure: $killed killed, $n deaths counted"
	[ "$n" = "$killed" ] && [ "$killed" = 8 ]
}
ok "each death is counted" counted
for r in $readers; do
	ok "$r: it is there again" test "$(metric "ringprof_reader_up{reads=\"$r\"}")" = 1
	ok "$r: no file is blamed" test -z "$(reader "$r" 'refused[]')"
done
ok "the log says so" sh -c "for _ in \$(seq 20); do grep -q 'rp-names, which reads .*, ended; it is started again' '$dir/log' && exit; sleep 0.5; done; exit 1"
third() { "$dir/third" 2 && named third the_third; }
ok "new programs are named as before" third
pids_of() { for r in $readers; do reader "$r" pid; done; }
old=$(pids_of)
ok "stops" stop_daemon
gone() { for p in $old; do ! kill -0 "$p" 2>/dev/null || return 1; done; }
ok "and they with it" gone

# --- a file that they die of ---
# with_section NAME PROGRAM NEW
with_section() {
	objcopy --add-section "$1=/dev/null" --set-section-flags "$1=noload,readonly" "$dir/$2" "$dir/$3" 2>"$dir/objcopy" ||
		{ cat "$dir/objcopy"; return 1; }
}
with_section .ringprof_crash whole bad && with_section .ringprof_open tame curious || exit 1
crashing() {
	"$top/build/tests/ringprofd-crash" --state-dir="$dir" --cache-dir="$dir/cache2" --token-file="$dir/token" --source=perf \
		--unix-socket="$dir/sock" --listen="127.0.0.1:$port" >"$dir/log" 2>&1 &
	daemon_pid=$!
	for _ in $(seq 100); do
		curl -fso /dev/null --unix-socket "$dir/sock" http://localhost/-/ready && return
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}
mkdir "$dir/cache2"
port=$(free_port)
ok "a daemon whose readers crash at a section starts" crashing
"$dir/bad" 3 &
pids+=($!)
(cd "$dir/dumps" && exec "$dir/jitter" dump .ringprof_crash 2 >/dev/null) &
dump=$dir/dumps/jit-$!.dump
jits w 2
"$dir/good" 3
ok "another program is named" named good the_good
# the rows of a file are asked for again after 10 s
unnamed() { get "/api/v1/profile?format=folded&from=now-5m&query=comm%3D%22bad%22" -o "$dir/folded" && grep -q 'bad+0x' "$dir/folded"; }
ok "the bad one's samples are there, without names" unnamed
refused() {
	local r
	for r in names rows; do
		for _ in $(seq 40); do
			[ "$(reader $r 'refused[]')" = "$dir/bad" ] && break
			sleep 0.25
		done
		[ "$(reader $r 'refused[]')" = "$dir/bad" ] || { status .readers; return 1; }
		[ "$(metric "ringprof_reader_files_refused_total{reads=\"$r\",reason=\"crashed\"}")" = 1 ] || return 1
		[ "$(reader $r deaths)" = 1 ] || { echo "$r died $(reader $r deaths) times"; return 1; }
	done
}
ok "it is refused by name, counted, and was read once" refused
ok "code of one that does no harm is named" jitted w
dump_refused() {
	[ "$(reader jit 'refused[]')" = "$dump" ] && [ "$(reader jit deaths)" = 1 ] &&
		[ "$(metric 'ringprof_reader_files_refused_total{reads="jit",reason="crashed"}')" = 1 ] &&
		[ "$(metric 'ringprof_jit_files_refused_total{reason="unreadable"}')" = 1 ] || { status .readers; return 1; }
}
ok "so is a jitdump" dump_refused
jits .ringprof_crash 1
map=${maps[-1]}
wait "$!"
map_refused() {
	status .readers >"$dir/status"
	[ "$(reader jit 'refused[1]')" = "$map" ] && [ "$(reader jit deaths)" = 2 ]
}
ok "and a perf map" until_true 20 map_refused
"$dir/bad" 2
ok "seen again, it is not read again" refused
ok "ringprof status names it" sh -c "build/ringprof status --socket '$dir/sock' | grep -q '$dir/bad is not read any more: rp-names'"
ok "the log names it" sh -c "for _ in \$(seq 20); do grep -q '$dir/bad: rp-names ended in \"crashed\"' '$dir/log' && exit; sleep 0.5; done; cat '$dir/log'; exit 1"
# a name that they die of
"$dir/wild" 3
crashing_name() {
	for _ in $(seq 40); do
		get "/api/v1/profile?format=folded&from=now-5m&query=comm%3D%22wild%22" >"$dir/folded" &&
			grep -q 'main;_Z14ringprof_crashv [1-9]' "$dir/folded" &&
			[ "$(reader mangled 'refused[]')" = _Z14ringprof_crashv ] &&
			[ "$(reader mangled deaths)" = 1 ] && return
		sleep 0.25
	done
	cat "$dir/folded"
	status .readers
	return 1
}
ok "a name that the demangler crashes at stands as it is, and is not tried again" crashing_name
# had one of them been let out, the file would have been read to its end
"$dir/curious" 3
kept_in() {
	local r
	for r in names rows; do
		for _ in $(seq 40); do
			reader $r 'refused[]' | grep -qxF "$dir/curious" && continue 2
			sleep 0.25
		done
		status .readers
		return 1
	done
}
ok "made to open /etc/passwd and a socket, a reader gets neither" kept_in
"$dir/third" 2
ok "the rest goes on" named third the_third
ok "the daemon stops as it should" stop_daemon

# --- a daemon that is not root: a manager starts keepers for its readers ---
# as ringprofd.service and ringprof-reader.socket have it
apart=$dir/apart
chmod 711 "$dir"
install -d -o 4199 -g 4199 "$apart"
install "$top/build/tests/ringprofd-crash" "$apart/ringprofd"
cat >"$apart/daemon" <<END_S
#!/bin/sh
caps=+perfmon,+sys_ptrace,+dac_read_search,+syslog,+checkpoint_restore,+sys_admin
exec setpriv --reuid=4199 --regid=4199 --clear-groups --inh-caps=-all,\$caps --ambient-caps=-all,\$caps "$apart/ringprofd" "\$@"
END_S
chmod +x "$apart/daemon"
daemon=$apart/daemon
dir_before=$dir
dir=$apart
"$dir/ringprofd" --token-file="$dir/token" --make-credential && chown 4199 "$dir/token"
listener=
listen() {
	# shellcheck disable=SC2016 # the inner shell's
	systemd-socket-activate --accept --inetd -l "$dir/readers.sock" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all bash --norc -c 'exec -a ringprof-keeper "$0"' "$dir/ringprofd" >"$dir/listen.log" 2>&1 &
	listener=$!
	pids+=("$listener")
	for _ in $(seq 50); do
		[ -S "$dir/readers.sock" ] && chown 4199 "$dir/readers.sock" && return
		sleep 0.1
	done
	cat "$dir/listen.log"
	return 1
}
ok "a manager listens for it" listen
port=$(free_port)
ok "a daemon with a user of its own starts" start_daemon
cp "$dir_before"/{first,second,third,bad,jitter} "$dir/"
"$dir/first" 2
ok "kept: functions and lines have their names" named first the_first
jits f 1
ok "kept: so has code that one made itself" jitted f
kept_by() { # UID COMMAND of who made each of them
	local r s
	for r in $readers; do
		s=/proc/$(reader "$r" pid)
		grep -qE "^Uid:	$1	" "$s/status" && tr '\0' ' ' <"/proc/$(sed -n 's/^PPid:	//p' "$s/status")/cmdline" | grep -q "^$2 " ||
			{ echo "$r:"; cat "$s/status"; return 1; }
	done
}
ok "kept: the readers' user is another one" kept_by 65534 ringprof-keeper
ok "kept: no capability" each_has '^CapPrm:	0+$'
ok "kept: a filter of system calls" each_has '^Seccomp:	2$'
ok "kept: they hold one socket" own_fds
old=$(pids_of)
# shellcheck disable=SC2086 # a list
ok "kept: all are killed" kill_all $readers
second() { jits s 1 && "$dir/second" 2 && named second the_second && jitted s; }
ok "kept: new programs are named as before" second
again() { # what started them again is told
	local r
	for r in $readers; do
		[ "$(reader "$r" deaths)" = 1 ] && [ -z "$(reader "$r" 'refused[]')" ] || { status .readers; return 1; }
	done
}
ok "kept: each death is counted, no file is blamed" again
"$dir/bad" 3
blamed() {
	for _ in $(seq 40); do
		[ "$(reader names 'refused[]')" = "$dir/bad" ] && break
		sleep 0.25
	done
	[ "$(reader names 'refused[]')" = "$dir/bad" ] && [ "$(metric 'ringprof_reader_files_refused_total{reads="names",reason="crashed"}')" = 1 ] ||
		{ status .readers; return 1; }
}
ok "kept: a file that they die of is refused by name, as one that crashed them" blamed
old=$(pids_of)
ok "kept: the daemon stops" stop_daemon
gone_soon() { for _ in $(seq 50); do gone && return; sleep 0.1; done; gone; }
ok "kept: and they with it" gone_soon
kill "$listener"
wait "$listener" 2>/dev/null
rm -f "$dir/readers.sock"
ok "without a manager it starts" start_daemon
"$dir/third" 2
ok "and names programs by readers under its own user" named third the_third
jits l 1
ok "and code that one made itself" jitted l
ok "which is theirs" kept_by 4199 "$dir/ringprofd"
ok "without a capability" each_has '^CapPrm:	0+$'
ok "it stops" stop_daemon
dir=$dir_before
done_testing
