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

# apt_lists TYPE SUITE...: apt_opts for lists of these suites ("deb", or
# "deb-src"), kept in the cache. The mirror's address is read off the machine's
# sources, the archive's keyring verifies.
apt_lists() {
	local type=$1 dir main sec s keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	dir=$cache/apt/${*// /_}
	dir=${dir// /_}
	shift
	# shellcheck disable=SC2016 # apt's format, not the shell's
	s=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u)
	main=$(awk '/\/debian\/?$/ { print; exit }' <<< "$s")
	sec=$(awk '/\/debian-security\/?$/ { print; exit }' <<< "$s")
	[ -n "$main" ] || die "no Debian mirror among this machine's apt sources"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	for s in "$@"; do
		case $s in
		*-security) echo "$type [signed-by=$keyring] ${sec:-$main} $s main" ;;
		*) echo "$type [signed-by=$keyring] $main $s main" ;;
		esac
	done > "$dir/sources.list"
	# shellcheck disable=SC2034 # for who sources this
	apt_opts=(-o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		-o APT::Default-Release= -o APT::Sandbox::User=root -o Acquire::Languages=none)
	say "apt: reading $*"
	apt-get "${apt_opts[@]}" -qq update >&2
}

# chroot_run DIR FOLDER... -- COMMAND...: in the chroot DIR, with /proc and these
# folders of ours at their own paths, in a mount name space that ends with it.
# For who needs nothing afterwards: it does not return.
chroot_run() {
	local dir=$1 folders=''
	shift
	while [ "$1" != -- ]; do
		mkdir -p "$dir$1"
		folders+=" $1"
		shift
	done
	shift
	# shellcheck disable=SC2016
	dir=$dir folders=$folders exec unshare -m sh -ec '
		mount --make-rprivate /
		for f in $folders; do
			mount --bind "$f" "$dir$f"
		done
		mount -t proc proc "$dir/proc"
		exec chroot "$dir" "$@"
	' sh "$@"
}
