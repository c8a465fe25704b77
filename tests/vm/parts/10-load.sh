# SPDX-License-Identifier: GPL-2.0
# Loading, rights, the one reader's place, mappings that must be refused.
# shellcheck shell=bash disable=SC2154,SC2015
unload
ok "it loads with off=1, which nobody can change then" sh -c "insmod $RINGPROF_KO off=1 &&
	cd /sys/module/ringprof/parameters && grep -qx Y off && [ \"\$(stat -c %a off)\" = 444 ]"
says() { # STATUS TEXT command...
	local want=$1 text=$2
	shift 2
	exits "$want" "$@" > "$tmp/says" 2>&1 && grep -q -- "$text" "$tmp/says" || { cat "$tmp/says"; return 1; }
}
ok "START is refused and says why" says 1 'switched off by ringprof.off=1[;:] boot without it' ringprof start
ok "status says so" says 0 '^module .*switched off by ringprof.off=1' ringprof status
ok "doctor says how to switch it on" says 0 'modprobe ringprof off=0' ringprof doctor
ok "perf takes over and says why" says 0 'source perf (no module: the ringprof module is switched off' \
	ringprof record --source auto -d 1 -o "$tmp/off.folded"
ok "the module alone is refused" says 1 'switched off by ringprof.off=1' \
	ringprof record --source kmod -d 1 -o "$tmp/off.folded"
ok "it unloads" rmmod ringprof

ok "the module loads" load
ok "nothing samples before start" sh -c 'ringtool info | grep -q "\"state\":0"'
ok "the device is there" test -c /dev/ringprof
judge "info answers" ringtool info

ringtool open 20 &
holder=$!
sleep 0.5
ok "a second reader gets EBUSY" exits 16 ringtool open
ok "info names the holder" sh -c "ringtool info | grep -q '\"reader\":$holder,'"
ok "unload with an open device is refused" exits 1 rmmod ringprof
kill -9 $holder
wait $holder 2> /dev/null
ok "the place is free when the holder is dead" ringtool open

ok "the file's mode would let anybody" chmod 666 /dev/ringprof
ok "setpriv gives a user without rights" works nobody 65534
verbs=(open info start stop set "table list" "table stats" "table del 1" "table budget 1048576")
for verb in "${verbs[@]}"; do
	# shellcheck disable=SC2086 # words
	ok "a user without rights is refused: $verb" refused nobody ringtool $verb
done
# hears HOW: it may not listen or, where kernels (before 6.7, some of their stable series too) have no
# right for that, it hears of state and rate alone
hears() {
	local p
	# shellcheck disable=SC2016 # the inner shell's
	"$1" sh -c 'echo $$; exec ringtool events' > "$tmp/heard" 2> "$tmp/refused" &
	for _ in $(seq 50); do
		! grep -q '^listening' "$tmp/heard" && [ ! -s "$tmp/refused" ] || break
		sleep 0.1
	done
	ringtool start && ringtool stop && sleep 1
	read -r p < "$tmp/heard"
	kill "$p" 2> /dev/null
	wait $!
	sed -i 1d "$tmp/heard"
	cat "$tmp/heard" "$tmp/refused"
	if [ ! -s "$tmp/heard" ]; then
		grep -q '^ringtool: events: .*permi' "$tmp/refused"
	else
		[ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" != 6.7 ] && grep -q '^event "user" ' "$tmp/heard" &&
			! grep -vxE 'listening|event "[a-z ]+" state [0-9]+ hz [0-9]+ period [0-9]+ unit [0-9]+' "$tmp/heard"
	fi
}
judge "a user without rights hears of state and rate, or nothing" hears nobody
if unshare -Ur true; then
	judge "so does root of a user name space" hears foreign_root
	ok "unshare gives root of a user name space" works foreign_root 0
	for verb in "${verbs[@]}"; do
		# shellcheck disable=SC2086 # words
		ok "root of a user name space is refused: $verb" refused foreign_root ringtool $verb
	done
else
	skip "root of a user name space is refused" "no user name spaces in this kernel"
fi
chmod 600 /dev/ringprof

ok "start" ringtool start
ok "a second start changes nothing or is refused politely" sh -c 'ringtool start || [ $? = 114 ] || [ $? = 16 ]'
judge "mappings that are no mappings are refused" ringtool rules
ok "stop" ringtool stop
ok "out of range: a rate of 0 Hz" sh -c '! ringtool start -F 0'
ok "out of range: a rate of 10001 Hz" sh -c '! ringtool start -F 10001'
ok "a CPU that cannot be" sh -c '! ringtool start -c 9999'
ok "a CPU list that is none" sh -c '! ringtool start -c 0-,x'
ok "flags that nobody knows" sh -c '! ringtool start -f 0x8000'
ok "stopped again after all that" sh -c 'ringtool stop; ringtool info | grep -q "\"state\":0"'
