#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/vm/kernel-src takes no debug kernel that lost what makes it one. Its make is
# played: it keeps what it is given but for $drop, is of $version, and builds nothing.
# shellcheck source=tests/lib/tap.sh disable=SC2016
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/tree"
touch "$dir/tree/Kbuild"
cat > "$dir/bin/make" <<'END'
#!/bin/bash
for a; do
	case $a in O=*) obj=${a#O=} ;; esac
done
case $* in
*allnoconfig*) : > "$obj/.config" ;;
*olddefconfig*) sed -i "/^CONFIG_\($drop\)=/d" "$obj/.config" ;;
*kernelversion*) echo "$version" ;;
*) echo "build of $obj begins"; exit 1 ;;
esac
END
chmod +x "$dir/bin/make"

# gives DROP LINE [VERSION]: what it ends with
gives() {
	rm -rf "$dir/cache"
	! drop=$1 version=${3:-6.1.4} PATH=$dir/bin:$PATH RINGPROF_CACHE=$dir/cache KERNEL_DEBUG=1 \
		tests/vm/kernel-src "$dir/tree" > "$dir/out" 2>&1 || { echo "it was taken"; return 1; }
	grep -q "$2" "$dir/out" || { cat "$dir/out"; return 1; }
}
begins='^build of .*debug/obj begins$'

ok "the whole of it: the build begins" gives none "$begins"
ok "without lockdep: refused, by name" gives PROVE_LOCKING \
	'^vm: this tree.s debug configuration lost CONFIG_PROVE_LOCKING$'
ok "each that is missing is named" gives 'UBSAN\|FAILSLAB' 'lost CONFIG_UBSAN CONFIG_FAILSLAB$'
ok "an old tree's, with the reason in config.debug: let pass" gives KASAN_VMALLOC "$begins" 4.18.0
ok "one of just that version's is refused" gives KASAN_VMALLOC 'lost CONFIG_KASAN_VMALLOC$' 5.5.0
ok "any other of an old tree's too" gives PROVE_LOCKING 'lost CONFIG_PROVE_LOCKING$' 4.18.0
ok "what tests cannot do without, as ever" gives OVERLAY_FS 'configuration lost CONFIG_OVERLAY_FS$'
done_testing
