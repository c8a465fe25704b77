# SPDX-License-Identifier: GPL-2.0
# spent DAEMON: ns on a CPU of the daemon and the processes that it started to
# read files: all, of its collector, of its history's writer, of the readers.
# Sourced.
# shellcheck shell=bash
spent() {
	local pid files=()
	for pid in "$1" $(pgrep -P "$1"); do
		files+=(/proc/"$pid"/task/*/{comm,schedstat})
	done
	awk '
		{ split(FILENAME, path, "/") }
		path[6] == "comm" { name[path[5]] = $0; next }
		{ all += $1; of[name[path[5]] ~ /^rp-/ ? "readers" : name[path[5]]] += $1 }
		END { printf "%.0f %.0f %.0f %.0f\n", all, of["collector"], of["history"], of["readers"] }' "${files[@]}"
}
