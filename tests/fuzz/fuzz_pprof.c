// SPDX-License-Identifier: GPL-2.0
/*
 * A profile of anyone's, plain or gzip. What is read is a tree: parents before
 * children, totals that hold what is below, texts that end; what is refused is
 * refused in words.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "export/pprof_read.h"
#include "fuzz.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void see(const struct tree *t, const struct pprof_info *info)
{
	must(strlen(info->type) < sizeof(info->type) && strlen(info->unit) < sizeof(info->unit));
	for (uint32_t i = 1; i < t->n_nodes; i++) {
		must(t->nodes[i].parent < i);
		must(t->nodes[i].self <= t->nodes[i].total);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pprof_read_options opt = { .max_raw = 8 << 20,
						.max_bytes = 16 << 20,
						.max_ns = 5 * NSEC_PER_SEC };
	struct pprof_info info;
	struct tree *t = NULL;
	char err[256] = "";
	int r = pprof_read(data, size, &opt, &t, &info, err, sizeof(err));

	must(r ? !t && *err : !!t);
	if (t)
		see(t, &info);
	tree_free(t);
	return 0;
}
