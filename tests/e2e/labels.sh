#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Labels of real processes, one for each source of a label, and relabel rules.
. "$(dirname "$0")/lib.sh"

cat >"$dir/spin.c" <<'C'
static volatile unsigned long n;
__attribute__((noinline)) static void spin(void) { for (int i = 0; i < 1000000; i++) n++; }
int main(void) { for (;;) spin(); }
C
build() { gcc -O1 -fno-omit-frame-pointer -Wl,--build-id -o "$dir/$1" "$dir/spin.c" "${@:2}"; }
for name in plain named attrs environ_less unit contained dropped renamed; do build l_$name; done
build l_packaged -Xlinker --package-metadata='{"type":"deb","name":"x","version":"9.9-1"}'

cat >"$dir/daemon.conf" <<'C'
deployment-environment = lab
[external_labels]
region = eu
[relabel out]
source_labels = comm
regex = l_drop.*
action = drop
[relabel team]
source_labels = comm, region
regex = l_(renamed);(.*)
target_label = team
replacement = ${2}-$1
C
ok "the daemon starts" start_daemon --frequency=499 --config="$dir/daemon.conf"

run() { "$@" >/dev/null 2>&1 & pids+=($!); }
run "$dir/l_plain"
run env OTEL_SERVICE_NAME=said OTEL_RESOURCE_ATTRIBUTES=service.name=no,service.version=2 "$dir/l_named"
run env OTEL_RESOURCE_ATTRIBUTES=service.name=my%20shop,service.version=1.2,deployment.environment.name=prod "$dir/l_attrs"
run env -i "$dir/l_environ_less"
run "$dir/l_packaged"
run "$dir/l_dropped"
run "$dir/l_renamed"
run perl -e 'while (1) { $n++ }'

# --- cgroups of our own, where the kernel lets us make some ---
hierarchy=
for d in /sys/fs/cgroup/unified /sys/fs/cgroup; do
	[ -e "$d/cgroup.procs" ] && hierarchy=$d && break
done
id=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
groups=()
made=
bundle=/var/lib/docker/containers/$id
in_cgroup() { # PATH PROGRAM
	mkdir -p "$hierarchy$1" || return 1
	groups+=("$hierarchy$1")
	# shellcheck disable=SC2016 # the inner shell's
	run sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1"' "$hierarchy$1" "$dir/$2"
}
clean() {
	local i
	[ -z "$made" ] || rm -rf "$bundle"
	[ "${#pids[@]}" = 0 ] || kill "${pids[@]}" 2>/dev/null
	pids=()
	wait_gone
	for ((i = ${#groups[@]} - 1; i >= 0; i--)); do rmdir "${groups[i]}" "${groups[i]%/*}" 2>/dev/null; done
	cleanup
}
wait_gone() { sleep 0.3; }
trap clean EXIT
cgroups() {
	[ -n "$hierarchy" ] && in_cgroup "/rp-$$.slice/rp-$$.service" l_unit &&
		mkdir -p "$bundle" && made=1 &&
		echo '{"Name":"/rp_happy","Config":{"Labels":{"io.kubernetes.pod.name":"pod-0","io.kubernetes.pod.namespace":"space","io.kubernetes.container.name":"rp_happy"}}}' >"$bundle/config.v2.json" &&
		in_cgroup "/rp-$$.slice/docker-$id.scope" l_contained
}
have_cgroups=
[ "$(id -u)" != 0 ] || ! cgroups 2>/dev/null || have_cgroups=1

sleep 9
# is COMM LABEL=VALUE...: nine of ten samples of that name have all these labels
is() {
	local comm=$1 sel='' all with end l
	shift
	for l in "$@"; do sel+=",${l%%=*}=\"${l#*=}\""; done
	end=$(($(date +%s) - 2)) # the same for both
	recorded "${end}000" || return 1
	count() { get /api/v1/profile -G --data-urlencode "query={$1}" -d format=folded -d from=$((end - 30)) -d until="$end" | awk '{ n += $NF } END { print n + 0 }'; }
	# while the history's writer is behind, whole windows answer, later the same range to the millisecond
	for _ in 1 2 3 4 5; do
		all=$(count "comm=\"$comm\"")
		with=$(count "comm=\"$comm\"$sel")
		[ "$(count "comm=\"$comm\"")" != "$all" ] || break
		sleep 1
	done
	echo "# $comm: $with of $all with $*"
	[ "$all" -ge 20 ] && [ $((with * 10)) -ge $((all * 9)) ]
}
id_of() { readelf -n "$1" | awk '/Build ID/ { print $3 }'; }
ok "name and build-id stand in where nothing is said" is l_environ_less service_name=l_environ_less \
	service_version="$(id_of "$dir/l_environ_less")" build_id="$(id_of "$dir/l_environ_less")" \
	deployment_environment=lab region=eu exe="$dir/l_environ_less" user="$(id -un)"
ok "OTEL_SERVICE_NAME wins" is l_named service_name=said service_version=2 deployment_environment=lab
ok "OTEL_RESOURCE_ATTRIBUTES" is l_attrs service_name="my shop" service_version=1.2 deployment_environment=prod
ok "the aliases in selectors" is l_attrs service="my shop" version=1.2 env=prod
ok "a package note" is l_packaged service_version=9.9-1
perl_version() { is perl service_version="$(dpkg-query -W -f '${Version}' perl-base)"; }
if dpkg-query -W perl-base >/dev/null 2>&1 && [ "$(readlink -f "$(command -v perl)")" = /usr/bin/perl ]; then
	ok "the owning Debian package" perl_version
else
	skip "the owning Debian package" "no perl of a package here"
fi
if [ -n "$have_cgroups" ]; then
	ok "a systemd unit" is l_unit unit="rp-$$.service" service_name="rp-$$.service"
	ok "a container and its pod" is l_contained container_id="$id" container=rp_happy pod=pod-0 \
		namespace=space service_name=rp_happy
else
	skip "a systemd unit" "no cgroup can be made here"
	skip "a container and its pod" "no cgroup can be made here"
fi
ok "a rule made a label" is l_renamed team=eu-renamed
dropped() {
	local n
	n=$(get /metrics | awk '$1 == "ringprof_relabel_dropped_samples_total" { print $2 }')
	echo "# $n samples dropped by the rule"
	get /api/v1/profile -G --data-urlencode 'query={comm="l_dropped"}' -d format=folded -d from=now-30s -o "$dir/dropped.folded" &&
		[ "$n" -ge 20 ] && [ ! -s "$dir/dropped.folded" ] || { cat "$dir/dropped.folded"; return 1; }
}
ok "a rule dropped a process, and says how much" dropped
kill "${pids[@]}" 2>/dev/null
pids=()

# --- processes that are gone before anybody looks ---
cat >"$dir/brief.c" <<'C'
#include <time.h>
static volatile unsigned long n;
int main(void)
{
	struct timespec t;
	do {
		for (int i = 0; i < 100000; i++) n++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while (t.tv_nsec < 5000000);
	return 0;
}
C
gcc -O1 -Wl,--build-id -o "$dir/l_brief" "$dir/brief.c"
storm() {
	local group=''
	if [ -n "$have_cgroups" ]; then
		group=$hierarchy/rp-$$.slice/storm.service
		mkdir -p "$group" && groups+=("$group")
	fi
	# shellcheck disable=SC2016 # the inner shell's
	OTEL_SERVICE_NAME=storm sh -c '[ -z "$1" ] || echo $$ >"$1/cgroup.procs"; for i in $(seq 400); do "$0"; done' "$dir/l_brief" "$group"
	sleep 4
	is l_brief exe="$dir/l_brief" service_name=storm build_id="$(id_of "$dir/l_brief")" ${group:+unit=storm.service}
}
ok "processes of 5 ms have their program, service and cgroup" storm
# a cgroup of its own each time, gone with its only program: the side band has told its name (Linux 5.7)
jobs_gone() {
	local group=$hierarchy/rp-$$.slice/job.service
	cp "$dir/l_brief" "$dir/l_gone"
	for _ in $(seq 100); do
		mkdir "$group" || return 1
		# shellcheck disable=SC2016 # the inner shell's
		sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1"' "$group" "$dir/l_gone"
		rmdir "$group" || return 1
	done
	sleep 4
	is l_gone unit=job.service
}
if [ -n "$have_cgroups" ]; then
	ok "the cgroups of jobs that are gone with them" jobs_gone
else
	skip "the cgroups of jobs that are gone with them" "no cgroup can be made here"
fi
ok "the daemon is well" get /-/healthy
bad_rules() {
	printf '[relabel x]\nregex = (\n' >"$dir/bad.conf"
	"$top/build/ringprofd" --config="$dir/bad.conf" --check-config 2>&1 | tee /dev/stderr | grep -q "bad.conf:2: regex: '('" &&
		printf '\n[relabel x]\nregex = a\n' >"$dir/bad.conf" &&
		"$top/build/ringprofd" --config="$dir/bad.conf" --check-config 2>&1 | tee /dev/stderr | grep -q 'bad.conf:3: \[relabel x\]: action replace needs target_label'
}
ok "wrong rules are named by file and line" bad_rules
done_testing
