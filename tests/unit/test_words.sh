#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The same verbs, options and keys in the programs, the man pages, the
# completion and the sample settings.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
programs=${RINGPROF_BUILD:-build}

# man text without markup: mdoc's "Fl F , Fl -frequency" means -F, --frequency
man_text() { MANWIDTH=200 mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g'; }

in_man() {
	local missing=0 word
	man_text scripts/man/ringprof.1 >"$tmp/man"
	while read -r verb opt; do
		word=${opt:-$verb}
		[ "$verb" = '*' ] || grep -qE "^ +$verb( |\$)" "$tmp/man" || { echo "verb $verb"; missing=1; }
		grep -qE -- "(^|[ ,])$word([ ,=]|\$)" "$tmp/man" || { echo "$verb $word"; missing=1; }
	done <"$tmp/list"
	return $missing
}

in_completion() {
	local missing=0
	# shellcheck source=/dev/null
	. scripts/ringprof.bash
	while read -r verb opt; do
		COMP_WORDS=(ringprof "$verb" '')
		COMP_CWORD=2
		if [ "$verb" = '*' ] || [ -z "$opt" ]; then
			COMP_WORDS=(ringprof '')
			COMP_CWORD=1
		fi
		COMPREPLY=()
		_ringprof
		printf '%s\n' "${COMPREPLY[@]}" | grep -qxF -- "${opt:-$verb}" || {
			echo "completion of '$verb' lacks '${opt:-$verb}'"
			missing=1
		}
	done <"$tmp/list"
	return $missing
}

help_matches() {
	local missing=0
	while read -r verb opt; do
		[ "$verb" != '*' ] || continue
		if [ -z "$opt" ]; then
			"$programs/ringprof" --help | grep -qE "^  $verb " || { echo "$verb"; missing=1; }
		else
			"$programs/ringprof" "$verb" --help | grep -qE -- "(^| )$opt(,| |\$)" ||
				{ echo "$verb $opt"; missing=1; }
		fi
	done <"$tmp/list"
	return $missing
}

# nothing in the man page that the program does not know
man_has_no_more() {
	local missing=0 o
	grep -oE -- '--[a-z-]+' "$tmp/man" | sort -u >"$tmp/man_options"
	while read -r o; do
		grep -qE -- " $o\$" "$tmp/list" || { echo "ringprof.1 names $o"; missing=1; }
	done <"$tmp/man_options"
	return $missing
}

daemon_keys() {
	local missing=0 k
	man_text scripts/man/ringprofd.8 >"$tmp/man8"
	man_text scripts/man/ringprofd.conf.5 >"$tmp/man5"
	"$programs/ringprofd" --help | grep -oE -- '--[a-z0-9-]+' | sort -u | sed 's/^--//' >"$tmp/keys"
	while read -r k; do
		case $k in help | usage | version) continue ;; esac
		grep -q -- "--$k" "$tmp/man8" || { echo "ringprofd.8 lacks --$k"; missing=1; }
		case $k in config | check-config | make-credential) continue ;; esac
		grep -qE "(^ +|, )$k( |,|\$)" "$tmp/man5" || { echo "ringprofd.conf.5 lacks $k"; missing=1; }
	done <"$tmp/keys"
	[ "$(wc -l <"$tmp/keys")" -gt 15 ] || { echo "only $(wc -l <"$tmp/keys") keys"; missing=1; }
	return $missing
}

sample_is_valid() {
	sed 's/^# \([a-z_-]* = \)/\1/; s/^# \[/[/' scripts/ringprofd.conf >"$tmp/all.conf"
	"$programs/ringprofd" --config="$tmp/all.conf" --check-config
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$programs/ringprof" --list >"$tmp/list"
ok "the program lists more than 40 words" test "$(wc -l <"$tmp/list")" -gt 40
ok "ringprof.1 names every verb and option" in_man
ok "ringprof.1 names no other option" man_has_no_more
ok "--help names every verb and option" help_matches
ok "the completion offers every verb and option" in_completion
ok "ringprofd.8 and ringprofd.conf.5 name every key" daemon_keys
ok "the sample settings hold, uncommented" sample_is_valid
for page in scripts/man/*; do
	ok "mandoc finds nothing in ${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
