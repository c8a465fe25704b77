#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Allocations and I/O that fail in the daemon's start and while it is asked:
# for a few seconds each, make check-faults has all of them.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

for step in start scrape; do
	for kind in alloc io; do
		ok "$step: whatever $kind fails" tests/faults/nth.py "$step" "$kind" "${FAULT_SECONDS:-3}"
	done
done
done_testing
