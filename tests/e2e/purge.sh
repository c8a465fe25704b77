#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the package's purge leaves, with the history on a file system of its own.
# Its directories are below one of ours here.
[ -n "${PURGE_TEST:-}" ] || PURGE_TEST=1 exec unshare -m "$0"
. "$(dirname "$0")/lib.sh"

sed "s,/[a-z/]*/ringprof,$dir&,g" dkms/debian/ringprof.postrm >"$dir/postrm"
# never those of this machine
if [ "$(grep -o "[^ ]*/ringprof" "$dir/postrm" | grep -c "^$dir/[a-z]*/")" != 4 ]; then
	fail "the package's directories" "$(cat "$dir/postrm")"
	exit 1
fi
mkdir -p "$dir"/{var/lib,var/cache,etc,run}/ringprof/below
purge() { sh "$dir/postrm" purge >"$dir/out" 2>&1 || { cat "$dir/out"; return 1; }; }
ok "another step leaves everything" sh "$dir/postrm" upgrade 1.0
ok "as it was" test -d "$dir/etc/ringprof/below"
mount -t tmpfs none "$dir/var/lib/ringprof"
touch "$dir/var/lib/ringprof/10s-1.rph"
ok "a mounted file system does not fail the purge" purge
ok "and is emptied" test -z "$(ls -A "$dir/var/lib/ringprof")"
ok "the rest is gone" test ! -e "$dir/var/cache/ringprof" -a ! -e "$dir/etc/ringprof" -a ! -e "$dir/run/ringprof"
ok "what is left is named" grep -q "$dir/var/lib/ringprof.*busy" "$dir/out"
umount "$dir/var/lib/ringprof"
ok "without it nothing is left to tell" purge
ok "nor of it" test ! -e "$dir/var/lib/ringprof" -a ! -s "$dir/out"
done_testing
