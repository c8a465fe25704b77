# SPDX-License-Identifier: GPL-2.0
# Loading, rights, the one reader's place, mappings that must be refused.
# shellcheck shell=bash disable=SC2154,SC2015
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

# even where the file's mode would let them
nobody() { chmod 666 /dev/ringprof; setpriv --reuid 65534 --clear-groups "$@"; }
refused() {
	local r=0
	nobody "$@" || r=$?
	[ $r = 1 ] || [ $r = 13 ] || { echo "exit status $r, not EPERM or EACCES"; return 1; }
}
ok "a user without rights cannot open the device" refused ringtool open
ok "a user without rights is told nothing" refused ringtool info
ok "a user without rights cannot start it" refused ringtool start
ok "a user without rights cannot stop it" refused ringtool stop
ok "root of a user name space cannot open it" \
	sh -c 'chmod 666 /dev/ringprof; ! unshare -Ur ringtool open'
ok "root of a user name space cannot start it" sh -c '! unshare -Ur ringtool start'
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
