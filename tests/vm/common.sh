# SPDX-License-Identifier: GPL-2.0
# What the scripts of the rig share; source it.
# shellcheck shell=bash
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${RINGPROF_CACHE:-$top/.cache}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export RINGPROF_CACHE=$cache

say() { echo "vm: $*" >&2; }
die() { say "$*"; exit 1; }

# Two runs may want to fill the same folder of the cache: one at a time.
# lock NAME: until this process ends.
lock() {
	exec 9>"$cache/.lock-$1"
	flock 9
}
