#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What doctor says of modules that must be signed. In a mount name space: what
# the firmware tells and what dkms keeps is ours there.
[ -n "${DOCTOR_TEST:-}" ] || DOCTOR_TEST=1 exec unshare -m "$0"
. "$(dirname "$0")/lib.sh"

mkdir -p /var/lib/dkms
mount -t tmpfs none /var/lib/dkms
finding() { # NAME STATE TEXT [option...]
	rp doctor --json "${@:4}" >"$dir/doctor"
	jq -r --arg n "$1" '.checks[] | select(.name == $n) | .state + ": " + .text + " -> " + .fix' "$dir/doctor" >"$dir/out"
	grep -q "^$2: .*$3" "$dir/out" || { cat "$dir/out"; return 1; }
}
vars=/sys/firmware/efi/efivars
mount -t tmpfs none /sys/firmware
mount -t tmpfs none /sys/kernel
mkdir -p $vars /sys/kernel/security
ok "no EFI: Secure Boot is off" finding 'Secure Boot' ok off
secure=$vars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
printf '\006\000\000\000\000' >$secure
ok "EFI with Secure Boot off" finding 'Secure Boot' ok off
printf '\006\000\000\000\001' >$secure
ok "on, and dkms has no key" finding 'Secure Boot' warning 'dkms has no key yet'
openssl req -new -x509 -nodes -newkey rsa:2048 -subj /CN=test -keyout "$dir/key" -outform DER -out /var/lib/dkms/mok.pub 2>/dev/null
ok "on, and the key is not enrolled" finding 'Secure Boot' warning \
	'not trust /var/lib/dkms/mok.pub.*mokutil --import /var/lib/dkms/mok.pub'
{
	printf 'another certificate'
	cat /var/lib/dkms/mok.pub
	printf 'and more'
} >$vars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23
ok "on, and it is" finding 'Secure Boot' ok 'is enrolled'
echo 'none [integrity] confidentiality' >/sys/kernel/security/lockdown
ok "lockdown for integrity asks for the same" finding lockdown ok 'integrity: .* is enrolled'
rm $vars/MokListRT-*
ok "and misses it" finding lockdown warning 'integrity: .*not trust'
echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown
ok "for confidentiality nothing helps" finding lockdown bad confidentiality

# --- a kernel with a known bug ---
gcc -shared -fPIC -o "$dir/uname.so" -xc - <<-'END'
	#include <string.h>
	#include <sys/utsname.h>
	int uname(struct utsname *u)
	{
		memset(u, 0, sizeof(*u));
		strcpy(u->sysname, "Linux");
		strcpy(u->release, "6.11.0-19-generic");
		strcpy(u->version, "#19~24.04.1-Ubuntu SMP PREEMPT_DYNAMIC");
		strcpy(u->machine, "x86_64");
		return 0;
	}
END
on_bad() { LD_PRELOAD=$dir/uname.so build/ringprof "$@"; }
refused() {
	! on_bad record --source perf --unwind fp -d 1 -o "$dir/bad.folded" 2>"$dir/err" &&
		grep -q 'perf: kernel 6.11.0-19-generic: its perf_callchain_user() .*use unwind = rows' "$dir/err" || { cat "$dir/err"; return 1; }
}
ok "perf's own walk of user stacks is refused by the kernel's name" refused
ok "unwind rows are not" on_bad record --source perf -d 1 -o "$dir/good.folded"
ok "doctor says so" sh -c "LD_PRELOAD='$dir/uname.so' build/ringprof doctor | grep -q '^warning kernel .*6.11.0-19-generic: .*frame pointers is refused'"

# --- who asks, and what of it is for him to know ---
chmod 711 "$dir"
cp build/ringprof "$dir/rp"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$dir/rp" doctor --json "$@" >"$dir/doctor"; }
told() { # NAME STATE TEXT: of what is in the file; no advice may take the service's rights from it
	jq -r --arg n "$1" '.checks[] | select(.name == $n) | .state + ": " + .text + " -> " + .fix' "$dir/doctor" >"$dir/out"
	grep -q "^$2: .*$3" "$dir/out" && ! grep setcap "$dir/doctor" || { cat "$dir/out"; return 1; }
}
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	stranger() {
		nobody --socket /nonexistent
		[ $? = 4 ] && told 'perf source' warning 'asked as an ordinary user.*sudo ringprof doctor' &&
			[ "$(jq -r .best_source "$dir/doctor")" = unknown ] || { jq .best_source "$dir/doctor"; return 1; }
	}
	ok "what an ordinary user cannot know is not called bad" stranger
else
	skip "what an ordinary user cannot know" "everybody may sample here"
fi
powerless() { # root without its capabilities, as in a container
	setpriv --bounding-set=-all --inh-caps=-all build/ringprof doctor --json --socket /nonexistent >"$dir/doctor"
	[ $? = 1 ] && told 'perf source' bad "$1"
}
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
	ok "a container's root is told of its capabilities and seccomp" powerless 'seccomp setting.*docker run --cap-add PERFMON'
	debian() {
		echo 3 >"$dir/paranoid" && mount --bind "$dir/paranoid" /proc/sys/kernel/perf_event_paranoid &&
			powerless 'perf_event_paranoid 3: .*Debian.*CAP_SYS_ADMIN.*--cap-add SYS_ADMIN'
	}
	ok "where the kernel is as strict as Debian's, of CAP_SYS_ADMIN" debian
else
	skip "a container's root" "everybody may sample here"
fi

# --- a daemon that does not answer ---
ok "the daemon starts" start_daemon
ok "one that answers" finding daemon ok running --socket "$dir/sock"
kill -STOP "$daemon_pid"
hung() {
	rp status --socket "$dir/sock" >"$dir/out" 2>"$dir/err"
	[ $? = 1 ] && grep -q "^daemon   does not answer: $dir/sock: Timeout" "$dir/out" && [ ! -s "$dir/err" ] || { cat "$dir/out" "$dir/err"; return 1; }
}
ok "one that hangs is not called absent by status" hung
ok "nor by doctor" finding daemon bad 'does not answer: .*Timeout.*journalctl' --socket "$dir/sock"
kill -CONT "$daemon_pid"
unreached() { # a port that takes no connection in
	python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
full = [socket.socket() for _ in range(4)]
for c in full:
    c.setblocking(False); c.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True); time.sleep(60)' >"$dir/port" &
	pids+=($!)
	for _ in $(seq 50); do [ -s "$dir/port" ] && break; sleep 0.1; done
	sleep 0.2
	rp query --url "http://127.0.0.1:$(cat "$dir/port")" 2>"$dir/err"
	[ $? = 3 ] && grep -q 'no daemon at' "$dir/err" || { cat "$dir/err"; return 1; }
	rp status --url "http://127.0.0.1:$(cat "$dir/port")" >"$dir/out"
	[ $? = 3 ] && grep -q '^daemon   no daemon at .*Timeout' "$dir/out" || { cat "$dir/out"; return 1; }
}
ok "a host that cannot be reached is not there" unreached

# what dkms left of a module that is not there: tests/vm/parts/80-dkms.sh
[ -e /proc/modules ] || ok "a kernel without modules is told" finding module warning 'this kernel loads no modules'
done_testing
