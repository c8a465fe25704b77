#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# make style finds nothing, and would find what it looks for.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
# formatters of other versions want other blanks: Debian 12's is the one
version=14

why=
git rev-parse --git-dir >/dev/null 2>&1 || why="no git repository"
command -v shellcheck >/dev/null || why="no shellcheck"
clang-format --version 2>/dev/null | grep -q "version $version\." || why="no clang-format $version"
if [ -n "$why" ]; then
	skip "make style" "$why"
	skip "a breach is found" "$why"
	done_testing
	exit
fi
ok "make style" scripts/style

# a tree of its own with one breach of each kind
breaches() {
	mkdir -p "$tmp/scripts" "$tmp/daemon" || return 1
	cp scripts/style "$tmp/scripts/" && cp .clang-format "$tmp/" || return 1
	cd "$tmp" || return 1
	printf 'int  a;\n' >daemon/a.c
	{ echo '// SPDX-License-Identifier: GPL-2.0'; yes 'int b;' | head -500; } >daemon/b.c
	{ echo '// SPDX-License-Identifier: GPL-2.0'; printf 'int c(void)\n{\n'; yes '	c();' | head -101; echo '}'; } >daemon/c.c
	# in two words here, or this file would be a breach itself
	printf '// SPDX-License-Identifier: GPL-2.0\n/* %s%s */\n' TO DO >daemon/d.c
	# shellcheck disable=SC2016 # unquoted in the script that is written
	printf '#!/bin/sh\necho $1\n' >scripts/e
	# shellcheck disable=SC2016
	printf '# shellcheck shell=bash\necho $1\n' >scripts/taken-in.bash
	mkdir other && echo >other/f
	git init -q . && git add . && git -c user.name=t -c user.email=t@t commit -qm t || return 1
	scripts/style >out 2>&1 && { echo "it finds nothing"; return 1; }
	local w
	for w in 'a.c: clang-format' 'a.c: no SPDX' 'b.c: 501 lines' 'c.c:3: function of 101' \
		'left open' 'shellcheck' 'In scripts/e line 2' 'In scripts/taken-in.bash line 2' 'more than was agreed: other'; do
		grep -qF "$w" out || { echo "not found: $w"; cat out; return 1; }
	done
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
found() { (breaches); }
ok "a breach is found" found
done_testing
