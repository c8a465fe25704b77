# SPDX-License-Identifier: GPL-2.0
# What the scripts of the rig share; source it.
# shellcheck shell=bash
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${RINGPROF_CACHE:-$top/.cache}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
case $cache in *[[:space:]]*)
	echo "vm: $cache: kbuild cannot work below a path with blanks; set RINGPROF_CACHE" >&2
	exit 125
	;;
esac
export RINGPROF_CACHE=$cache

say() { echo "vm: $*" >&2; }
# 125 as from run: nothing was tried
die() { say "$*"; exit 125; }

# Two runs may want to fill the same folder of the cache: one at a time.
# lock NAME: until this process ends.
lock() {
	exec 9>"$cache/.lock-$1"
	flock 9
}
