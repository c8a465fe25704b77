# SPDX-License-Identifier: GPL-2.0
# Whole stacks by the daemon and the module together: programs without frame
# pointers that ran before the daemon came, and such that began later; on
# alternate stacks, in signal handlers, in coroutines; copies of one program, which
# have one key and several inodes; a file whose ctime changed. Asked of the daemon's own profiles.
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/daemon_lib.sh
corpus=build/corpus/gcc-O2

ok "the module" load
cp build/workloads/deep-rows "$tmp/deep-early"
cp build/workloads/deep-rows "$tmp/deep-late"
run "$tmp/deep-early" 120 1000
ok "the daemon takes it" daemon_start rows-daemon
sleep 9
run "$tmp/deep-late" 400 1000
# the same inode, in another state from now on
ln "$tmp/deep-early" "$tmp/deep-linked"
run "$tmp/deep-linked" 120 1000
for p in altstack signals coroutines; do
	[ ! -x "$corpus/$p" ] || run "$corpus/$p" 1000
done
sleep 1
ok "the module has all rows" settled
# a window of 10 s is answered whole: the one around `from` begins now at the earliest
from=$(($(date +%s%3N) + 10000))
sleep 22
until=$(date +%s%3N)
ok "the daemon has got so far" recorded "$until"
ok "a profile" look "$tmp/early" "$from" "$until" deep-early
judge "120 frames of a copy that ran before the daemon" whole "$tmp/early" 120
ok "a profile" look "$tmp/late" "$from" "$until" deep-late
judge "400 frames of another that came later" whole "$tmp/late" 400
ok "a profile" look "$tmp/linked" "$from" "$until" deep-linked
judge "120 frames of the first one, its file linked meanwhile" whole "$tmp/linked" 120
for p in altstack signals coroutines; do
	if [ -x "$corpus/$p" ]; then
		ok "a profile" look "$tmp/$p" "$from" "$until" "$p"
		judge "$p reaches its roots" whole "$tmp/$p"
	else
		skip "$p" "not built (make corpus)"
	fi
done
ringtool table stats | sed 's/^/# figure: /'
daemon_end
unload
