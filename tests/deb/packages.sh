#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The packages of `make deb` and of a next version (make check-deb makes both) in
# a Debian 12: installed, profiled with, upgraded, removed, purged, the module's
# build failing; between, the same system boots in a VM (booted.sh).
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/vm/common.sh
version=$(sed -n 's/^VERSION *:= *//p' Makefile)
kdir=$(tests/vm/kernel 6.1)
release=$(basename "$kdir")
dir=$(mktemp -d "$cache/deb.XXXXXX")
root=$dir/root
trap 'rm -rf "$dir"' EXIT

# A small Debian 12 with the headers that dkms wants, from this machine's sources
make_base() {
	local base=$cache/deb-$release.tar
	[ -e "$base" ] || mmdebstrap --quiet --variant=minbase --format=tar --include="systemd-sysv,kmod,procps,curl,dkms,linux-headers-$release" \
		bookworm "$base.tmp" /etc/apt/sources.list.d/debian.sources && mv "$base.tmp" "$base"
	mkdir "$root" && tar -C "$root" -xf "$base"
}

# COMMAND... while it has proc, sys, dev and run
mounted() {
	# shellcheck disable=SC2016
	unshare -m sh -ec 'mount --make-rprivate /
		mount -t proc proc "$0/proc"
		mount -t tmpfs tmpfs "$0/run"
		mount --rbind /sys "$0/sys"
		mount --rbind /dev "$0/dev"
		exec "$@"' "$root" "$@"
}
# in_root COMMAND...: no service manager there, so nothing is started by itself
in_root() {
	mounted chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
debs() { printf '/root/debs/%s ' "ringprof_$1_amd64.deb" "ringprof-dkms_$1_all.deb"; }
# shellcheck disable=SC2046
apt_install() { in_root apt-get install -y -q -o Dpkg::Options::=--force-confdef $(debs "$1"); }
# what is there, but what apt and dpkg write about themselves
inventory() { (cd "$root" && find . -xdev \( -path ./var/log -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./proc -o -path ./sys -o -path ./dev \) -prune -o -print | sort); }
# shellcheck disable=SC2016
state() { in_root dpkg-query -W -f '${db:Status-Abbrev} ' "$1"; }

ok "a Debian 12 for it" make_base
ok "with apt's lists" in_root apt-get update -q
mkdir "$root/root/debs"
cp build/deb/ringprof*_"$version"_*.deb build/deb/ringprof*_"$version"+next_*.deb tests/lib/tap.sh tests/deb/booted.sh tests/deb/rights.sh \
	dkms/debian/tests/profile "$root/root/debs/" || exit 1
rm -f "$root"/root/debs/*dbgsym*
# there is no compiler for programs there
for program in late again; do
	gcc -static -O1 -fno-omit-frame-pointer -Wl,--build-id=uuid -o "$root/root/debs/$program" tests/workloads/late.c || exit 1
done
clean() {
	lintian --info --display-info --fail-on info build/deb/ringprof_"$version"_amd64.changes >"$dir/lintian" 2>&1 &&
		! grep '^[EWI]:' "$dir/lintian" || { cat "$dir/lintian"; return 1; }
}
ok "lintian is content" clean
# the packages that ours need are no part of what must go again
dpkg-deb -f "build/deb/ringprof_${version}_amd64.deb" Depends | tr ',' '\n' | awk '{ print $1 }' >"$dir/needs"
# shellcheck disable=SC2046
ok "what they depend on is in Debian 12" in_root apt-get install -y -q $(cat "$dir/needs")
inventory >"$dir/before"

# --- the module's build fails ---
gcc=$root/usr/bin/$(basename "$(readlink -f "$root/usr/bin/gcc")")
chmod -x "$gcc"
broken() {
	apt_install "$version" >"$dir/out" 2>&1 || { cat "$dir/out"; return 1; }
	grep -q 'ringprof-dkms: no module for this kernel; ringprofd samples through perf events' "$dir/out" &&
		[ "$(state ringprof)$(state ringprof-dkms)" = "ii  ii  " ] || { cat "$dir/out"; return 1; }
}
ok "a module that cannot be built keeps no package from being installed" broken
ok "and its log is where the message says" test -s "$root/var/lib/dkms/ringprof/$version/build/make.log"
ok "the host is profiled all the same" in_root /root/debs/profile
# as apt has it run when a kernel or its headers are installed
kernel_comes() { in_root run-parts --exit-on-error --arg="$release" "/etc/kernel/$1.d" >"$dir/out" 2>&1; }
told() { kernel_comes "$1" && grep -q "ringprof-dkms: no module for $release" "$dir/out" || { cat "$dir/out"; return 1; }; }
ok "nor a kernel" told postinst
ok "nor its headers" told header_postinst
chmod +x "$gcc"
again() {
	kernel_comes header_postinst && in_root dkms status -m ringprof -k "$release" | grep -q ': installed' || { cat "$dir/out"; return 1; }
	in_root dkms uninstall "ringprof/$version" -k "$release" >"$dir/out" 2>&1
}
ok "whose coming builds it when it can be" again
ok "dpkg-reconfigure builds it when it can be" in_root dpkg-reconfigure ringprof-dkms

# --- installed ---
built() {
	in_root dkms status -m ringprof | grep -q "^ringprof/$1, $release, x86_64: installed" &&
		[ "$(in_root dkms status -m ringprof | wc -l)" = 1 ] || { in_root dkms status; return 1; }
}
ok "dkms has built and installed the module" built "$version"
ok "signed with the machine owner's key" sh -c \
	"modinfo -F signer '$root/lib/modules/$release/updates/dkms/ringprof.ko' | grep -q 'DKMS module signing key'"
ok "the group is made" grep -q '^ringprof:' "$root/etc/group"
ok "the service will start at boot" test -L "$root/etc/systemd/system/multi-user.target.wants/ringprofd.service"
complete() {
	local f
	for f in usr/share/man/man{1/ringprof.1,4/ringprof.4,5/ringprofd.conf.5,8/ringprofd.8}.gz \
		usr/share/bash-completion/completions/ringprof lib/udev/rules.d/60-ringprof.rules \
		usr/lib/sysusers.d/ringprof.conf etc/ringprof/ringprofd.conf \
		lib/systemd/system/ringprof{d.service,-reader.socket,-reader@.service}; do
		[ -e "$root/$f" ] || { echo "no $f"; return 1; }
	done
}
ok "man pages, completion, rule, group and settings are there" complete

# --- the same system, booted ---
vm() { tests/vm/run --no-module --boot "$root" --timeout 1000 --out "$dir/vm" -- bash /root/debs/booted.sh "$version" >"$dir/vm.tap" 2>"$dir/vm.err"; }
vm
vm_status=$?
while read -r line; do
	case $line in
	ok\ *) pass "booted: ${line#ok *- }" ;;
	not\ ok\ *) fail "booted: ${line#not ok *- }" ;;
	\#*) echo "$line" ;;
	esac
done <"$dir/vm.tap"
if [ $vm_status = 0 ] && grep -q '^1\.\.[1-9]' "$dir/vm.tap"; then
	pass "booted: all of it"
else
	fail "booted: all of it" "status $vm_status
$(tail -n 60 "$dir/vm.tap" "$dir/vm.err")"
fi

# --- upgrade, remove, purge ---
# shellcheck disable=SC2016
with_history() { # runs the daemon until windows are on disk
	in_root sh -c 'ringprofd & p=$!; trap "kill $p; wait $p" EXIT; timeout 25 sh -c "while :; do :; done"
		ringprof status && ls -l /var/lib/ringprof/history'
}
ok "a history is made" with_history
(cd "$root/var/lib/ringprof/history" && find . -type f | sort) >"$dir/history"
ok "of files" test -s "$dir/history"
until=$(date +%s)
printf '\nfrequency = 199\n' >>"$root/etc/ringprof/ringprofd.conf"
cp "$root/etc/ringprof/token" "$dir/token"
ok "the next version installs over it" apt_install "$version+next"
ok "its module takes the old one's place" built "$version+next"
ok "settings and credential stay" sh -c "grep -q '^frequency = 199' '$root/etc/ringprof/ringprofd.conf' &&
	cmp '$root/etc/ringprof/token' '$dir/token'"
still() { (cd "$root/var/lib/ringprof/history" && find . -type f | sort) | comm -23 "$dir/history" - | tee "$dir/gone" && [ -s "$dir/history" ] && [ ! -s "$dir/gone" ]; }
ok "and the history" still
answers() {
	in_root sh -c "ringprofd & p=\$!; trap 'kill \$p; wait \$p' EXIT; sleep 4; ringprof version; ringprof query --from now-10m --until $until" >"$dir/out" 2>&1
	grep -q "^daemon   $version+next" "$dir/out" && grep -qE '^ *[0-9]' "$dir/out" || { cat "$dir/out"; return 1; }
	cat "$dir/out"
}
ok "which the next version answers from" answers
ok "removed" in_root apt-get remove -y -q ringprof ringprof-dkms
left() { find "$root"/lib/modules "$root"/usr/src "$root"/var/lib/dkms "$root"/usr/bin "$root"/usr/sbin "$root"/lib/systemd -name '*ringprof*' | grep .; }
ok "no program, no module, no source is left" sh -c "! $(declare -f left); root='$root'; ! left"
ok "history, settings and credential are" sh -c "test -s '$root/etc/ringprof/token' && grep -q 199 '$root/etc/ringprof/ringprofd.conf'"
ok "all of the history" still
ok "purged" in_root apt-get purge -y -q ringprof ringprof-dkms
gone() {
	# the key that dkms made signs what other packages have it build; depmod's lists are the kernel's
	inventory | comm -13 "$dir/before" - | grep -vE '^\./var/lib/dkms/mok\.(key|pub)$|^\./root/debs|/modules\.[a-z.]*$' >"$dir/more"
	[ ! -s "$dir/more" ] || { cat "$dir/more"; return 1; }
}
ok "nothing is left that was not there before" gone

# as Debian does it: it installs them itself, and builds for the headers that are there
debian_tests() {
	local tree=build/deb/ringprof-$version status=0
	make -s deb-tree &&
		mounted autopkgtest --no-built-binaries build/deb/ringprof_"$version"_amd64.deb \
			build/deb/ringprof-dkms_"$version"_all.deb "$tree/" -- chroot "$root" || status=$?
	rm -rf "$tree"
	return $status
}
ok "autopkgtest is content" debian_tests
done_testing
