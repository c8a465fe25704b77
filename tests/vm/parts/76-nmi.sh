# SPDX-License-Identifier: GPL-2.0
# The sampler in NMI, by thousands of them a second that every CPU sends its
# neighbour (tests/vm/nmi), beside the timer's interrupts: into its own writes,
# with unwind rows in use, while tables are replaced, sampling starts and stops. Not
# while the module is unloaded: the module that sends them calls it by a symbol and so
# pins it, as the kernel does with every module that has users.
#   RINGPROF_NMI_US  microseconds from one to the next, about (100)
# shellcheck shell=bash disable=SC2154,SC2015
. tests/vm/nmi_lib.sh
unload
prog=$(command -v deep-rows)
root=15 # RINGPROF_END_ROOT

# FILE FLAG...: of the samples there, those taken in NMI
of_nmi() { awk 'int($4 / 4) % 2' "$1" > "$2"; }

# The NMIs come and go within the recording: all that were sampled are in its counters
nmi_record() {
	local r lines
	# room for all of it: a debug kernel's reader may be away for seconds
	ringtool record -F 499 -r 0x800000 -a -s "$tmp/s" -d 15 -- "$prog" 22 15 > "$tmp/r" 2> "$tmp/r.err" &
	r=$!
	"$prog" 22 15 &
	sampling || return 1
	echo "${RINGPROF_NMI_US:-100}" > $switch/interval_us
	# programs take their time here: one a second, or the recording ends before
	for _ in 1 2 3 4 5 6 7 8; do
		# at once: each read(2) of it writes it anew, and numbers may be longer then
		mapfile -t lines < $switch/counts
		printf "$EPOCHREALTIME %s\n" "${lines[@]}"
		sleep 1
	done > "$tmp/nmi.seconds"
	echo 0 > $switch/interval_us
	cat $switch/counts > "$tmp/nmi"
	sed 's/^/# figure: in 8 s, CPU sent taken sampled: /' "$tmp/nmi"
	wait $r || { cat "$tmp/r.err"; return 1; }
	wait
	of_nmi "$tmp/s" "$tmp/s.nmi"
}

# everything at once, NMIs all the while, into every CPU
nmi_churn() {
	local i
	cat $switch/counts > "$tmp/churn.before"
	echo "${RINGPROF_NMI_US:-100}" > $switch/interval_us
	for i in $(seq 12); do
		forkstorm 1 > /dev/null &
		ringtool start -F 4999 > /dev/null || return 1
		# shellcheck disable=SC2046
		rowtool "$prog" $(ldd "$prog" | awk '$2 == "=>" { print $3 }') > /dev/null || return 1
		ringtool table budget $((i % 2 ? 230000 : 67108864)) || return 1
		ringtool stop || return 1
	done
	echo 0 > $switch/interval_us
	cat $switch/counts > "$tmp/churn.after"
	wait
	awk 'NR == FNR { taken[$1] = $3; sampled[$1] = $4; next }
		{ t = $3 - taken[$1]; s = $4 - sampled[$1]; few += t < 1000 || s < 100
		  printf "CPU %d: %d NMIs, %d of them sampled\n", $1, t, s }
		END { exit few || !FNR }' "$tmp/churn.before" "$tmp/churn.after"
}

ok "the module that tests may call, and the one that sends NMIs" load_nmi
# shellcheck disable=SC2046
judge "rows of the program, its libraries and the vDSO" \
	rowtool "$prog" $(ldd "$prog" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }')
ok "record while NMIs come" nmi_record
judge "counters add up, nested ones too" tests/vm/check counters "$tmp/r" "nmi=$tmp/nmi" "nmi-seconds=$tmp/nmi.seconds" "nmi-samples=$tmp/s.nmi"
judge "22 frames reach the root in NMI" tests/vm/check deep "$tmp/s.nmi" "$prog" 22 main $root
judge "and with the timer's samples" tests/vm/check deep "$tmp/s" "$prog" 22 main $root
judge "start, stop and new tables while NMIs come" nmi_churn
# This build has room for 64 address spaces (kmod/mm.h), so most of a crowd is without. A tenth that was
# not in use lately goes for others; while all are in use, none goes and the rest is not even read
crowd() { # REST_MS COMMAND...; then in $tmp/crowd: address spaces read, not read, forgotten
	local st=0 rest=$1 first
	shift
	first=$(crowd_figures)
	sleepers 100 2 "$rest" > /dev/null &
	record "$tmp/r" -F 499 -s "$tmp/s" -- "$@" || st=1
	kill $!
	wait $! 2> /dev/null
	paste -d ' ' <(echo "$first") <(crowd_figures) | awk '{ print $2 - $1 }' | tr '\n' ' ' > "$tmp/crowd"
	echo "100 processes that rest for $rest ms: address spaces read, not read, forgotten: $(cat "$tmp/crowd")"
	return $st
}
crowd_figures() {
	ringtool table stats | python3 -c 'import json, sys
t = json.load(sys.stdin)
print(*(t["address spaces " + n] for n in ("read", "not read", "forgotten")), sep="\n")'
}
ringtool table budget 67108864
# shellcheck disable=SC2046
judge "rows of the program again" rowtool "$prog" $(ldd "$prog" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }')
few_read() { awk '{ print; exit !($1 > 60 && $2 > $1 && $3 < $2 / 4) }' "$tmp/crowd"; }
some_went() { awk '{ print; exit !($3 > 8) }' "$tmp/crowd"; }
judge "a crowd all in use is sampled" crowd 50 sleep 5
judge "most that ask are not read, and few thrown away" few_read
judge "a crowd that rests for seconds is sampled" crowd 2500 "$prog" 22 5
judge "those that rest go" some_went
judge "and stacks are whole" tests/vm/check deep "$tmp/s" "$prog" 22 main $root
# the calls of NMIs are no periods of the timer: counted anew
ok "both modules can go, and come" sh -c "rmmod ringprof_nmi && rmmod ringprof && insmod $RINGPROF_KO_NMI/ringprof.ko && ringtool set"
ok "a recording afterwards" record "$tmp/r" -F 499 -s "$tmp/s" -- "$prog" 22 3
judge "counters add up as ever" tests/vm/check counters "$tmp/r"
ok "the module can go" unload
