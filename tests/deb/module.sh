#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The module of kernel 6.1 in the hands of scripts/sign and dkms: signed with a
# key of one's own, passed over where the kernel lacks what it needs. Nothing of
# this machine's keys and dkms is touched. TAP.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/vm/common.sh
version=$(sed -n 's/^VERSION *:= *//p' Makefile)
kdir=$(tests/vm/kernel 6.1) && module=$(tests/vm/module "$kdir") || exit 1
release='' headers=''
# shellcheck disable=SC1091
. "$kdir/env"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# --- signed by hand ---
export KERNELDIR=$headers
signer() { modinfo -F signer "$dir/ringprof.ko"; }
signed_by() { [ "$(signer)" = "$1" ] || { echo "signer: $(signer)"; return 1; }; }
# with_key NAME: scripts/sign signs a fresh copy of the module with the key in that folder
with_key() { cp "$module" "$dir/ringprof.ko" && MOK_KEY=$dir/$1/key MOK_CERT=$dir/$1/cert scripts/sign "$dir/ringprof.ko"; }
mkdir "$dir/own"
cp "$module" "$dir/ringprof.ko"
ok "as it is built, nobody has signed it" signed_by ''
ok "a key" openssl req -new -x509 -nodes -newkey rsa:2048 -subj "/CN=a key of this test" -keyout "$dir/own/key" \
	-outform DER -out "$dir/own/cert"
ok "scripts/sign takes that of MOK_KEY and MOK_CERT" with_key own
ok "and it is the signer" signed_by "a key of this test"
ok "a key that is not there is made" with_key new
ok "as dkms makes it" signed_by "DKMS module signing key"
ok "for root alone" test "$(stat -c %a "$dir/new/key")" = 600

# --- what the kernel must have ---
# dkms_on HEADERS: has dkms build it for them, in trees of its own; its answer is in $dir/out
dkms_on() {
	local flags=(-m ringprof -v "$version" --dkmstree "$dir/tree" --sourcetree "$dir/src")
	rm -rf "$dir/tree" && mkdir "$dir/tree" && dkms add "${flags[@]}" >"$dir/out" 2>&1 &&
		dkms build "${flags[@]}" -k "$release" --kernelsourcedir "$1" >"$dir/out" 2>&1
}
# 77: dkms looks at the next kernel, and that is no failure of the package
passed_over() { # OPTION
	rm -rf "$dir/headers" && cp -as "$headers" "$dir/headers" && rm "$dir/headers/.config" &&
		sed "s/^$1=y$/# $1 is not set/" "$headers/.config" >"$dir/headers/.config" || return 1
	! cmp -s "$headers/.config" "$dir/headers/.config" || { echo "$1 is not in $headers/.config"; return 1; }
	dkms_on "$dir/headers"
	[ $? = 77 ] && grep -q 'BUILD_EXCLUSIVE directive which does not match' "$dir/out" || { cat "$dir/out"; return 1; }
}
built() { dkms_on "$headers" && dkms status -m ringprof --dkmstree "$dir/tree" | grep -q ": built" || { cat "$dir/out"; return 1; }; }
if command -v dkms >/dev/null; then
	ok "dkms has its sources" make -s dkms-tree DKMS_TREE="$dir/src/ringprof-$version"
	for option in CONFIG_PERF_EVENTS CONFIG_X86_64 CONFIG_KALLSYMS; do
		ok "dkms passes over a kernel without $option, and says so" passed_over $option
	done
	ok "and builds for the same with it" built
else
	skip "dkms passes over a kernel without CONFIG_PERF_EVENTS" "no dkms here: apt-get install dkms"
fi
done_testing
