#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which kernel tests/vm/kernel takes, of what an archive that is played has.
# shellcheck source=tests/lib/tap.sh disable=SC2016
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# archive HEADERS IMAGES: releases; nothing can be downloaded from it
archive() {
	cat > "$dir/apt-cache" <<-END
		#!/bin/bash
		case "\$*" in
		*pkgnames*) printf 'linux-headers-%s-amd64\n' $1 ;;
		*show*) for r in $2; do [ "\${@: -1}" != linux-image-\$r-amd64 ] || echo "Package: \${@: -1}"; done ;;
		esac
	END
	printf '#!/bin/bash\nexit 1\n' > "$dir/apt-get"
	chmod +x "$dir/apt-cache" "$dir/apt-get"
}
# takes VERSION RELEASE
takes() {
	rm -rf "$dir/cache"
	PATH=$dir:$PATH RINGPROF_CACHE=$dir/cache tests/vm/kernel "$1" 2> "$dir/err"
	grep -qx "vm: downloading $2-amd64" "$dir/err" || { cat "$dir/err"; return 1; }
}

archive "6.1.0-9 6.1.0-56 6.1.0-10 6.12.9" "6.1.0-9 6.1.0-10 6.1.0-56 6.12.9"
ok "the newest of the series" takes 6.1 6.1.0-56
ok "one that is named" takes 6.1.0-9 6.1.0-9
archive "6.1.0-55 6.1.0-56 6.1.0-57" "6.1.0-55 6.1.0-56"
ok "headers whose image is not published yet are passed over" takes 6.1 6.1.0-56
archive "6.1.0-56 6.1.0-57-rt 6.1.0-55-rt" "6.1.0-56 6.1.0-55-rt"
ok "and of a flavour" takes 6.1-rt 6.1.0-55-rt
done_testing
