# SPDX-License-Identifier: GPL-2.0
# The module that tests may call and the one that calls it (tests/vm/nmi). Sourced after suite_lib.sh.
#
#   $switch    the parameters of the latter
#   load_nmi   both, none is loaded yet
#   sampling   waits until somebody samples
# shellcheck shell=bash disable=SC2154,SC2015
# shellcheck disable=SC2034 # its users'
switch=/sys/module/ringprof_nmi/parameters

load_nmi() {
	[ -n "${RINGPROF_KO_NMI:-}" ] || { echo "run with --nmi"; return 1; }
	insmod "$RINGPROF_KO_NMI/ringprof.ko" && ringtool set && insmod "$RINGPROF_KO_NMI/ringprof_nmi.ko"
}
# it may take some seconds until an emulated CPU of a busy host has begun
sampling() {
	for _ in $(seq 300); do
		! ringtool info | grep -q '"state":1' || return 0
		sleep 0.1
	done
	echo "nothing samples"
	return 1
}
