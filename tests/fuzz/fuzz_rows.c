// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of a hostile ELF file. Whatever it says: what comes out is a table that
 * the module takes, within the limits that were given.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "ringprof/row_check.h"
#include "unwind/rows.h"

#define MAX_ROWS 20000

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rows_limits lim = { .max_rows = MAX_ROWS, .max_bytes = 4 << 20 };
	struct rows r;

	if (rows_of_mem(&r, data, size, &lim)) {
		require(!r.n && !r.rows);
		return 0;
	}
	require(r.n <= MAX_ROWS && r.n_segments <= RINGPROF_MAX_SEGMENTS);
	require(ringprof_rows_ok(r.rows, r.n, 0) == r.n);
	require(!r.n || r.rows[r.n - 1].rule == RINGPROF_CFA_GAP);
	require(!r.n || r.rows[0].rule != RINGPROF_CFA_GAP);
	for (uint32_t i = 1; i < r.n; i++)
		require(r.rows[i].rule != r.rows[i - 1].rule);
	rows_free(&r);
	return 0;
}
