// SPDX-License-Identifier: GPL-2.0
/*
 * What unwind rows of files cost. Usage: rows_of FILE...: a line each of rows,
 * their bytes in the daemon's memory with the index, what the module takes for
 * them, opaque rows, functions left out as wrong, and the time to make them
 * (best of 3).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ringprof/row_check.h"
#include "unwind/rows.h"

static uint64_t bytes_of(const struct rows *r)
{
	uint32_t last = r->n ? r->rows[r->n - 1].pc : 0;
	uint64_t index = r->n ? ringprof_index_size(last, ringprof_index_shift(r->n, last)) : 0;

	return r->n * sizeof(*r->rows) + index * sizeof(uint32_t);
}

/* kmod/table_fill.c's table_bytes(): the index is of the size that always does */
static uint64_t module_bytes(const struct rows *r)
{
	uint64_t index = r->n / 8 > 16 ? r->n / 8 : 16, table = 768;

	return r->n ? table + r->n * sizeof(*r->rows) + index * sizeof(uint32_t) : 0;
}

static int show(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t best = UINT64_MAX;
	struct rows r = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		perror(path);
		return 1;
	}
	for (int i = 0; i < 3; i++) {
		uint64_t start = mono_now();
		int err;

		rows_free(&r);
		err = rows_of_fd(&r, fd, NULL);
		if (err) {
			fprintf(stderr, "%s: %s\n", path, strerror(-err));
			return 1;
		}
		if (mono_now() - start < best)
			best = mono_now() - start;
	}
	printf("%-52s %8.1f %9u %9.1f %9.1f %7.2f %6u %8.1f  %s\n", path, (double)st.st_size / 1e6,
	       r.n, (double)bytes_of(&r) / 1024, (double)module_bytes(&r) / 1024,
	       r.n ? 100.0 * r.n_opaque / r.n : 0.0, r.n_bad_fdes, (double)best / 1e6, r.origin);
	rows_free(&r);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	printf("%-52s %8s %9s %9s %9s %7s %6s %8s  %s\n", "file", "MB", "rows", "KiB", "module",
	       "opaque%", "bad", "ms", "from");
	for (int i = 1; i < argc; i++)
		bad |= show(argv[i]);
	return bad;
}
