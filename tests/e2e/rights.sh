#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Who gets what: another user, root of a user namespace, another site's page; and
# what the daemon itself needs of what its unit leaves it.
. "$(dirname "$0")/lib.sh"

unit=$dir/ringprofd.service
# for other users to pass through
chmod 711 "$dir"
# as it stands in the unit; the path of the program is nobody's here
sed 's|@SBINDIR@|/usr/sbin|; s|@SYSCONFDIR@|/etc|' scripts/ringprofd.service.in >"$unit"
setting() { sed -n "s/^$1=//p" "$unit" | tr '\n' ' '; }

# --- the unit ---
MAX_EXPOSURE=2.4
MAX_READER_EXPOSURE=0.5
exposure() { # UNIT MAX
	local is
	is=$(systemd-analyze security --offline=yes "$1" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\).*/\1/p')
	echo "# figure: systemd-analyze security: exposure of ${1##*/} $is"
	python3 -c "import sys; sys.exit(not 0 < float('$is') <= $2)"
}
ok "exposure of the unit is at most $MAX_EXPOSURE" exposure "$unit" $MAX_EXPOSURE
sed 's|@SBINDIR@|/usr/sbin|' scripts/ringprof-reader@.service.in >"$dir/ringprof-reader@.service"
ok "of the readers' at most $MAX_READER_EXPOSURE" exposure "$dir/ringprof-reader@.service" $MAX_READER_EXPOSURE

# crosses UNIT: each that systemd still sees has its reason in the unit's comment, and no other has
crosses() {
	# shellcheck disable=SC2016 # Python's own
	systemd-analyze security --offline=yes --json=short "$1" | python3 -c '
import json, re, sys
names = set()
for x in json.load(sys.stdin):
    if x["set"] is False:
        key, _, value = x["name"].partition("=")
        value = value.lstrip("~")
        inner = re.fullmatch(r"(CAP|AF)_\(?(.*?)\)?", value)
        names.add(key + "=" if not inner and not value.startswith("@") else value)
text = re.search(r"# What `systemd-analyze security` still crosses.*\n((?:#   .*\n)+)", open(sys.argv[1]).read())[1]
named = set()
for line in text.splitlines():
    if line[4:5] != " ":
        named.update(w.strip() for w in re.split(r"  +", line[4:])[0].split(",") if w.strip())
known = {"CAP_SYS_PTRACE": "SYS_PTRACE", "CAP_(DAC_*|FOWNER|IPC_OWNER)": "DAC_READ_SEARCH",
         "CAP_SYS_ADMIN": "SYS_ADMIN", "AF_(INET|INET6)": "AF_INET", "ProtectHome=": "ProtectHome=read-only"}
names = {known.get(n, n) for n in names}
if names != named:
    sys.exit(f"without a reason: {sorted(names - named)}; crossed no more: {sorted(named - names)}")
' "$1"
}
ok "each cross of the unit has its reason there" crosses "$unit"
ok "each of the readers'" crosses "$dir/ringprof-reader@.service"

users() { # the names of those that systemd-sysusers makes
	mkdir -p "$dir/sys/etc" && systemd-sysusers --root="$dir/sys" "$top/scripts/ringprof.sysusers" &&
		[ "$(cut -d: -f1 "$dir/sys/etc/passwd" | grep ringprof | sort | tr '\n' ' ')" = "ringprof ringprof-reader " ] &&
		grep -q '^ringprof:' "$dir/sys/etc/group"
}
ok "both users can be made" users
installed_user() { grep -qx "u $(setting User | tr -d ' ') - .*" scripts/ringprof.sysusers; }
ok "the unit's is one of them" installed_user

# every setting of the drop-in for old systems is one that systemd knows; it must say so of one that is none
complaints() { # [LINE]: about the drop-in, with that line behind it
	mkdir -p "$unit.d" && { cat scripts/examples/ringprofd-el7.conf; echo "${1:-}"; } >"$unit.d/el7.conf"
	systemd-analyze verify "$unit" 2>&1 | grep el7.conf
	rm -r "$unit.d"
}
old_systems() {
	[[ $(complaints NoSuch=1) == *"Unknown key"*NoSuch* ]] || { echo "no setting is looked at: $(systemd-analyze verify "$unit" 2>&1)"; return 1; }
	[ -z "$(complaints)" ] || { complaints; return 1; }
}
ok "the drop-in for el7 is understood" old_systems

# The names of a filter's words: groups are taken apart
calls_of() {
	local word
	for word; do
		case $word in
		@*) # shellcheck disable=SC2046 # a list
			calls_of $(systemd-analyze syscall-filter --no-pager "$word" | sed -n '/^ *#/d; s/^    *//p') ;;
		*) echo "$word" ;;
		esac
	done
}
filter() {
	local yes no
	yes=$(setting SystemCallFilter | tr ' ' '\n' | sed '/^~/,$d')
	no=$(setting SystemCallFilter | tr ' ' '\n' | sed '1,/^~/{/^~/!d}; s/^~//')
	# shellcheck disable=SC2086 # lists
	comm -23 <(calls_of $yes | LC_ALL=C sort -u) <(calls_of $no | LC_ALL=C sort -u)
}

cp build/ringprof "$dir/rp"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"; }
member() { setpriv --reuid=65534 --regid=65534 --groups=4199 --inh-caps=-all "$@"; } # of the group ringprof

# caps SETTING [CAPABILITY]: for setpriv, without that one
caps() {
	local c out=-all
	for c in $(setting "$1"); do
		[ "$c" = "${2:-}" ] || out+=,+${c#CAP_}
	done
	echo "${out,,}"
}
# as_service CAPABILITY COMMAND...: a daemon with the rights that the unit leaves, but that one (-: none),
# by that command. User and group are there, directories (below $own) and credential as systemd and
# root make them, /proc/kallsyms can only be read where it was opened, and perf_event_paranoid is Debian's.
as_service() {
	local bounding ambient
	bounding=$(caps CapabilityBoundingSet "$1")
	ambient=$(caps AmbientCapabilities "$1")
	shift
	{ cat /etc/group; echo ringprof:x:4199:; } >"$dir/group"
	{ cat /etc/passwd; echo ringprof:x:4199:4199::/:/bin/false; } >"$dir/passwd"
	echo 3 >"$dir/paranoid"
	install -d -o 4199 -g 4199 "$own" "$own/run" "$own/cache" "$own/history"
	unshare -m sh -c "mount --bind '$dir/group' /etc/group && mount --bind '$dir/passwd' /etc/passwd &&
		mount --bind /dev/null /proc/kallsyms && mount --bind '$dir/paranoid' /proc/sys/kernel/perf_event_paranoid && build/ringprofd --token-file='$dir/token' --make-credential &&
		exec setpriv --reuid=4199 --regid=4199 --clear-groups --bounding-set=$bounding --inh-caps=$ambient \
		--ambient-caps=$ambient $* build/ringprofd --state-dir='$own/run' --cache-dir='$own/cache' \
		--history-dir='$own/history' --history-size=64MiB --token-file='$dir/token' --source=perf \
		--listen=127.0.0.1:$port --unix-socket='$own/run/sock'" </proc/kallsyms >"$dir/log" 2>&1 &
	pids+=($!)
	for _ in $(seq 200); do
		curl -fso /dev/null --unix-socket "$own/run/sock" http://localhost/-/ready && token=$(cat "$dir/token") && return
		kill -0 "${pids[-1]}" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}
# what runs it by strace ends with it
service_ends() { kill "$(cat "$own/run/ringprofd.lock")" && wait "${pids[-1]}"; }

# Every call of it written down: start, scrape, questions, history, end.
traced() {
	local status
	own=$dir/own
	as_service - strace -f -qq -o "$own/trace" || return 1
	traced_asked
	status=$?
	service_ends && return $status
}
traced_asked() {
	get '/debug/pprof/profile?seconds=2' -o "$dir/traced.pb.gz" && get /api/v1/status -o "$dir/status.json" &&
		get '/api/v1/profile?format=top&from=now-1m' -o /dev/null && get /metrics -o "$dir/metrics" || return 1
	awk '/^ringprof_kernel_symbols / { n = $2 } END { print "# " n " kernel symbols"; exit !(n > 1000) }' "$dir/metrics" || return 1
	stat -c '%a %g %n' "$own/run/sock" "$dir/token"
	[ "$(stat -c '%a %g' "$own/run/sock")" = "660 4199" ] && [ "$(stat -c '%a %g' "$dir/token")" = "640 4199" ] || return 1
	member "$dir/rp" query --socket "$own/run/sock" --from now-1m >"$dir/member" && [ -s "$dir/member" ] &&
		[ "$(member cat "$dir/token")" = "$token" ] || { echo "a member of the group is refused"; return 1; }
	! nobody "$dir/rp" query --socket "$own/run/sock" >/dev/null 2>&1 || { echo "another user is not"; return 1; }
}
can_trace() { strace -o /dev/null true 2>/dev/null; }
if can_trace; then
	ok "with the capabilities of the unit it profiles, the group's members may ask, and nobody else" traced
else
	skip "what the daemon needs of its unit" "no process may be traced here"
fi
made() { sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$own/trace" | LC_ALL=C sort -u; }
allowed() {
	local denied
	[ "$(made | wc -l)" -gt 40 ] || { echo "the trace holds $(made | wc -l) system calls"; return 1; }
	# the one that it goes on without: the unit says why
	denied=$(comm -23 <(made | grep -vx setpriority) <(filter | LC_ALL=C sort -u))
	echo "# figure: $(made | wc -l) system calls made, $(filter | wc -l) allowed by the unit"
	[ -z "$denied" ] || { echo "denied by the unit: $denied"; return 1; }
}
if can_trace; then
	ok "it makes no system call that the unit denies" allowed
	ok "no memory that is written and executed" sh -c "! grep -E '(mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC' '$own/trace'"
	ok "sets no set-group-ID bit, which the unit forbids" sh -c "! grep -E 'chmod\(.*0?[2467][0-7]{3}\)' '$own/trace'"
fi

# --- each capability of the unit ---
# known SELECTOR [FRAME]: there are samples with it
known() { get /api/v1/profile -G --data-urlencode "query={$1}" -d format=folded -d from=now-1m -o "$dir/known" && grep -q -- "${2:-.}" "$dir/known"; }
# Sets $missing to what does not work
nothing_missing() {
	missing=
	get /api/v1/status -o "$dir/status.json" || return 1
	if [ $((0x$(awk '/^CapEff/ { print $2 }' "/proc/$(jq .pid "$dir/status.json")/status") >> 21 & 1)) = 1 ]; then
		missing+="SYS_ADMIN is in force all the time; "
	elif ! jq -e '.source.running and .source.reopens > 0' "$dir/status.json" >"$dir/out" ||
		! grep -q 'capset(.*{effective=[^,]*CAP_SYS_ADMIN' "$dir/trace.${own##*.}"; then
		missing+="an event that Debian's kernels ask SYS_ADMIN for is not opened; "
	fi
	known "exe=\"$dir/private\"" || missing+="another user's program is not known; "
	known 'comm="private"' ';main;' || missing+="a program that its owner alone may read has no names; "
	known 'comm="gone"' ';main;' || missing+="a program that was deleted has no names; "
	[ -z "$missing" ]
}
# without CAPABILITY (-: with all): nothing is missing with all, something without any of them. Events are
# opened anew for a reload, and the first is refused as Debian's kernels do: it takes SYS_ADMIN then.
without() {
	local pid tracer
	own=$dir/without.$1
	as_service "$1" >"$dir/said" || {
		missing=$(grep 'perf_event_open: not permitted' "$dir/said") && [ "$1" != - ] || { cat "$dir/said"; return 1; }
		echo "# figure: without $1: ${missing#*: }"
		return
	}
	until_true 30 known 'comm="control"' ';main;' || return 1
	get /api/v1/status -o "$dir/status.json" && pid=$(jq .pid "$dir/status.json") || return 1
	strace -f -qq -p "$pid" -e trace=capset,perf_event_open -e inject=perf_event_open:error=EACCES:when=1 -o "$dir/trace.$1" &
	tracer=$!
	until_true 10 grep -q '^TracerPid:	[1-9]' "/proc/$pid/task/$pid/status" && kill -HUP "$pid" || return 1
	if until_true 5 nothing_missing >"$dir/said"; then
		[ "$1" = - ] || echo "nothing is missing without it"
	else
		echo "# figure: without $1: ${missing%; }"
	fi
	kill "$tracer" && wait "$tracer"
	service_ends && if [ "$1" = - ]; then [ -z "$missing" ]; else [ -n "$missing" ]; fi
}
if can_trace; then
	run_as() { # UID MODE NAME
		install -m "$2" -o "$1" build/workloads/steady "$dir/$3"
		setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all "$dir/$3" 1000 >/dev/null &
		loads+=($!)
	}
	loads=()
	run_as 4199 755 control
	run_as 65534 700 private
	run_as 65534 755 gone
	pids+=("${loads[@]}")
	until_true 5 sh -c "[ \"\$(cat /proc/${loads[2]}/comm)\" = gone ]" && rm "$dir/gone"
	ok "with all capabilities of the unit nothing is missing" without -
	for c in $(setting CapabilityBoundingSet); do
		ok "$c is needed" without "$c"
	done
	kill "${loads[@]}"
fi

# --- users ---
ok "the daemon starts" start_daemon --history-dir="$dir/kept" --history-size=64MiB --cache-dir="$dir/cache2"
# root within, nobody outside
namespace_root() { nobody unshare --user --map-root-user "$@"; }
if namespace_root true 2>/dev/null; then
	who=(nobody namespace_root)
else
	skip "root of a user namespace" "no user namespaces for users here"
	who=(nobody)
fi
# refused WHO COMMAND...: it fails, and prints nothing on stdout
refused() {
	local out
	out=$("$@" 2>/dev/null) && { echo "it succeeded"; return 1; }
	[ -z "$out" ] || { echo "it says: ${out:0:200}"; return 1; }
}
stranger() { # WHO
	# what it is refused is no lack of the means to ask
	"$1" cat "$unit" >"$dir/out" && "$1" "$dir/rp" version --json >"$dir/out" &&
		"$1" curl -fs "http://127.0.0.1:$port/-/healthy" >"$dir/out" || { echo "it can do nothing at all"; return 1; }
	refused "$1" cat "$dir/token" && refused "$1" ls "$dir/kept" && refused "$1" ls "$dir/cache2" || return 1
	refused "$1" curl -fs --unix-socket "$dir/sock" http://localhost/-/healthy || return 1
	refused "$1" "$dir/rp" query --socket "$dir/sock" || return 1
	refused "$1" "$dir/rp" query --url "http://127.0.0.1:$port" || return 1
	# what others' profiles are made of
	refused "$1" "$dir/rp" record --source=perf -a -d 1 -o /dev/stdout
}
for w in "${who[@]}"; do
	ok "$w gets no file, no socket, no profile" stranger "$w"
done
modes() {
	stat -c '%a %n' "$dir/sock" "$dir/token" "$dir/kept" "$dir/cache2"
	[ "$(stat -c %a "$dir/sock" "$dir/token" "$dir/kept" | tr '\n' ' ')" = "660 640 750 " ] &&
		[ -z "$(find "$dir/cache2" -maxdepth 0 -perm /077)" ]
}
ok "socket, credential, history and cache are closed to others" modes

# --- HTTP ---
# every path that the server knows
paths() { sed -n 's/^	{ "\(\/[^"]*\)", \(M_[A-Z| M_]*\), \(true\|false\),.*/\3 \1/p' daemon/http/route.c; }
services_told() { get /metrics -o "$dir/named" && grep -q 'service_name=' "$dir/named"; }
doors() {
	local open path status n=0
	while read -r open path; do
		status=$(curl -s -o "$dir/body" -w '%{http_code}' "http://127.0.0.1:$port$path")
		[ "$open" = true ] && continue
		n=$((n + 1))
		# who may not know does not learn which methods there are, either
		[ "$status" = 401 ] && [ "$(wc -c <"$dir/body")" -lt 400 ] || { echo "$path: $status"; cat "$dir/body"; return 1; }
	done < <(paths)
	echo "# figure: $n paths closed without a credential, open: $(paths | sed -n 's/^true //p' | tr '\n' ' ')"
	[ "$n" -gt 15 ] && [ "$(paths | grep -c '^true')" = 3 ] || return 1
	# and the open ones name no service and no program; the daemon's first samples come a second after its start
	until_true 20 services_told && curl -s "http://127.0.0.1:$port/metrics" >"$dir/body" &&
		grep -q '^ringprof_samples_total' "$dir/body" && ! grep -e 'service_name=' -e 'binary=' "$dir/body"
}
ok "without a credential every path but /-/* and /metrics is closed" doors
rebinding() {
	local host
	for host in evil.example 127.0.0.1.evil.example localhost.evil.example evil.example:$port "[::1].evil" \
		127.0.0.1@evil.example evil.example.localhost. 0x7f000001 2130706433 '' '*'; do
		for path in /api/v1/status /metrics / /-/healthy; do
			[ "$(code "$path" -u "x:$token" -H "Host: $host")" = 403 ] || { echo "Host '$host' is let in to $path"; return 1; }
		done
	done
	for host in localhost "localhost:$port" 127.0.0.1 127.9.9.9:80 '[::1]' "[::1]:$port" LOCALHOST; do
		[ "$(code /api/v1/status -u "x:$token" -H "Host: $host")" = 200 ] || { echo "Host '$host' is refused"; return 1; }
	done
}
ok "a name that is not ours is refused on every path, so rebinding it is of no use" rebinding
cross() {
	local path
	for path in /api/v1/status /api/v1/profile /metrics / /debug/pprof/; do
		curl -s -D "$dir/head" -o /dev/null -u "x:$token" -H 'Origin: http://evil.example' "http://127.0.0.1:$port$path"
		grep -q '^HTTP/1.1 200' "$dir/head" || { echo "$path"; cat "$dir/head"; return 1; }
		! grep -i '^access-control-allow' "$dir/head" || { echo "$path may be read by others' pages"; return 1; }
	done
	curl -s -X OPTIONS -D "$dir/head" -o /dev/null -H 'Origin: http://evil.example' \
		-H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: authorization' \
		"http://127.0.0.1:$port/api/v1/status"
	grep -q '^HTTP/1.1 ' "$dir/head" && ! grep -i '^access-control-allow' "$dir/head" || return 1
	for path in /api/v1/status /api/v1/profile /debug/pprof/profile; do
		[ "$(code "$path" -u "x:$token" -H 'Sec-Fetch-Site: cross-site')" = 403 ] || { echo "$path"; return 1; }
	done
}
ok "no other site's page may read an answer" cross
ok "it stops" stop_daemon

# --- where the kernel lies ---
# Many a test machine's kernel is not moved at random, so the daemon is told that
# it is: every place that is sampled then lies where no answer may say so.
moved="import re, sys
for l in sys.stdin: print(re.sub('^[0-9a-f]+', lambda m: '%016x' % (int(m[0], 16) + 0x10000000), l), end='')"
in_moved() {
	unshare -m sh -c "mount --bind '$dir/kallsyms' /proc/kallsyms && exec '$top/build/ringprofd' --state-dir='$dir' \
		--cache-dir='$dir/cache2' --token-file='$dir/token' --source=perf --frequency=999 --unix-socket='$dir/sock' \
		--listen=127.0.0.1:$port --kernel-addresses=$1" >"$dir/log" 2>&1 &
	pids+=($!)
	for _ in $(seq 200); do
		curl -fso /dev/null --unix-socket "$dir/sock" http://localhost/-/ready && token=$(cat "$dir/token") && return
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}
# told: how many kernel addresses as they are in all answers about a second of system calls
told() {
	local format
	timeout 3 sh -c 'while :; do cat /proc/self/maps; done' >/dev/null &
	pids+=($!)
	get '/debug/pprof/profile?seconds=2' -o "$dir/k.pb.gz" || return 1
	for format in folded flamegraph top speedscope; do
		get "/api/v1/profile?format=$format&merge=address&from=now-1m" -o "$dir/k.$format" || return 1
	done
	get '/api/v1/profile?format=perf-script&from=now-1m' -o "$dir/k.script" || return 1
	for format in table flamegraph; do
		get "/api/v1/diff?format=$format&a_from=now-2m&a_until=now-1m&b_from=now-1m" -o "$dir/k.diff-$format" || return 1
	done
	python3 - "$dir" <<'P'
import glob, gzip, re, sys
sys.path.insert(0, "tests/lib")
import pprof
d, n = sys.argv[1], 0
for tag, v in pprof.fields(gzip.open(f"{d}/k.pb.gz").read()):
    if tag in (3, 4):  # mappings' starts and ends, locations
        n += sum(t in (2, 3) and w >= 1 << 63 for t, w in pprof.fields(v))
for path in glob.glob(f"{glob.escape(d)}/k.[a-z]*"):
    if not path.endswith(".gz"):
        n += len(re.findall(r"ffff[0-9a-f]{12}", open(path).read(), re.I))
print(n)
P
}
hides() {
	local n
	python3 -c "$moved" </proc/kallsyms >"$dir/kallsyms" && in_moved "$1" && n=$(told) || return 1
	echo "# figure: kernel-addresses=$1: $n addresses of kernel code in answers"
	hidden_until=${hidden_until:-$(date +%s)}
	kill "$(cat "$dir/ringprofd.lock")" && wait "${pids[-2]}" "${pids[-1]}" 2>/dev/null
	if [ "$1" = on ]; then [ "$n" -gt 0 ]; else [ "$n" = 0 ]; fi
}
ok "no answer tells where the kernel lies" hides off
ok "unless that is allowed" hides on
# A file of the history may go anywhere: what was written while it was hidden does not tell, to whoever may see the rest.
kept() {
	local told named
	in_moved on && get "/api/v1/export?from=now-10m&until=$hidden_until" -o "$dir/out.rph" || return 1
	kill "$(cat "$dir/ringprofd.lock")" && wait "${pids[-1]}" 2>/dev/null
	rm -r "$dir/history" && in_moved on && get /api/v1/import --data-binary "@$dir/out.rph" -o "$dir/said" &&
		get /api/v1/profile -G --data-urlencode 'query={host=~".+"}' -d "format=perf-script&from=now-10m&until=$hidden_until" -o "$dir/k4" ||
		return 1
	told=$(grep -cE 'ffff[0-9a-f]{12}' "$dir/k4")
	named=$(grep -cF '[kernel' "$dir/k4")
	echo "# figure: $told addresses of kernel code among $named kernel frames of an exported history"
	[ "$told" = 0 ] && [ "$named" -gt 0 ]
}
ok "nor does what is exported" kept
done_testing
