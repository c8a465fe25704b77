#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Files that record, export and symbolize make: whose they are, who may read
# them, and that a device stays one.
. "$(dirname "$0")/lib.sh"

umask 022
is() { # FILE "MODE UID GID"
	local got
	got=$(stat -c '%a %u %g' "$1")
	[ "$got" = "$2" ] || { echo "${1##*/}: $got, not $2"; return 1; }
}
record() { rp record --socket /nonexistent --source perf -d 0.3 "$@" 2>"$dir/err" || { cat "$dir/err"; return 1; }; }
# as sudo leaves it
sudo_by() { SUDO_UID=$1 SUDO_GID=$2 "${@:3}"; }
made="600 0 0"
ok "a recording is its owner's alone" record -o "$dir/a.pb.gz"
ok "a recording's mode" is "$dir/a.pb.gz" "$made"
ok "symbolize into a new file" rp symbolize -o "$dir/b.pb.gz" "$dir/a.pb.gz"
ok "is as closed" is "$dir/b.pb.gz" "$made"
over() {
	chmod 640 "$dir/b.pb.gz" && chown 4199:4198 "$dir/b.pb.gz" && sudo_by 4197 4197 rp symbolize "$dir/b.pb.gz" &&
		is "$dir/b.pb.gz" "640 4199 4198"
}
ok "over an old file keeps mode and owner, under sudo too" over
link() {
	ln -s b.pb.gz "$dir/link.pb.gz" && rp symbolize "$dir/link.pb.gz" && [ -L "$dir/link.pb.gz" ] &&
		is "$dir/b.pb.gz" "640 4199 4198"
}
ok "a link stays a link to it" link
device() { # a device of our own: the host's would be gone
	mknod -m 666 "$dir/null" c 1 3 && rp symbolize -o "$dir/null" "$dir/a.pb.gz" && [ -c "$dir/null" ] || { ls -l "$dir/null"; return 1; }
}
ok "a device stays one" device
piped() { # /dev/stdout is a link to such a pipe
	mkfifo "$dir/fifo"
	timeout 10 cat "$dir/fifo" >"$dir/through.pb.gz" &
	timeout 10 build/ringprof symbolize -o "$dir/fifo" "$dir/a.pb.gz" && wait $! && [ -p "$dir/fifo" ] &&
		go tool pprof -raw "$dir/through.pb.gz" >"$dir/raw" || { ls -l "$dir/fifo"; return 1; }
}
ok "a pipe gets the profile" piped
full() {
	ln -s /dev/full "$dir/full" && ! rp symbolize -o "$dir/full" "$dir/a.pb.gz" 2>"$dir/err" && [ -c /dev/full ] &&
		[ -L "$dir/full" ]
}
ok "a full one fails" full

ok "the daemon starts" start_daemon
under_sudo() { # WANT UID GID: what all three make
	local f
	rm -f "$dir"/s.*
	sudo_by "$2" "$3" record -o "$dir/s.pb.gz" && sudo_by "$2" "$3" rp symbolize -o "$dir/s.named" "$dir/s.pb.gz" &&
		sudo_by "$2" "$3" rp export --socket "$dir/sock" --from now-1m "$dir/s.rph" || return 1
	for f in s.pb.gz s.named s.rph; do is "$dir/$f" "$1" || return 1; done
}
for _ in $(seq 30); do # an export needs a window
	rp export --socket "$dir/sock" --from now-1m "$dir/s.rph" >/dev/null 2>&1 && break
	sleep 0.5
done
ok "an export is its owner's alone" is "$dir/s.rph" "$made"
ok "under sudo they belong to who ran that" under_sudo "600 4199 4198" 4199 4198
ok "numbers that are none give nothing away" under_sudo "$made" 4199x 4198
ok "nor does fchown's word for unchanged" under_sudo "$made" 4294967295 4198
ok "nor one number alone" under_sudo "$made" 4199 ''
theirs() { # what is there already is nobody's to give
	echo old >"$dir/old.pb.gz" && chmod 644 "$dir/old.pb.gz" && sudo_by 4199 4198 record -o "$dir/old.pb.gz" && is "$dir/old.pb.gz" "644 0 0"
}
ok "an old file changes no owner" theirs
dangling() {
	ln -s "$dir/elsewhere" "$dir/dangling" && ! sudo_by 4199 4198 record -o "$dir/dangling" && [ ! -e "$dir/elsewhere" ]
}
ok "a link to nowhere makes no file there" dangling
done_testing
