// SPDX-License-Identifier: GPL-2.0
#include "unwind/rows_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ringprof/row_check.h"

struct question {
	uint64_t max_bytes;
	uint32_t max_rows, without;
};

/* The rows follow. */
struct answer {
	uint64_t base;
	uint32_t n, n_segments;
	uint32_t n_fdes, n_opaque, n_bad_fdes;
	uint32_t n_by[ROWS_ORIGINS];
	uint32_t origin; /* enum rows_origin */
	uint32_t reserved;
	struct ringprof_segment segments[RINGPROF_MAX_SEGMENTS];
};

#define MAX_ANSWER (sizeof(struct answer) + RINGPROF_MAX_ROWS * sizeof(struct ringprof_row))

static uint32_t number_of(const char *origin)
{
	uint32_t i = 0;

	while (i < ROWS_ORIGINS - 1 && strcmp(origin, rows_origin_name(i)))
		i++;
	return i;
}

int rows_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct rows_limits lim = { 0 };
	struct answer a = { 0 };
	struct question x;
	struct rows rows;
	int r;

	if (q->len != sizeof(x) || q->fds[0] < 0)
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	lim.max_rows = x.max_rows;
	lim.max_bytes = x.max_bytes;
	lim.without = x.without;
	r = rows_of_fd(&rows, q->fds[0], &lim);
	if (r)
		return r;
	a.base = rows.base;
	a.n = rows.n;
	a.n_segments = rows.n_segments;
	a.n_fdes = rows.n_fdes;
	a.n_opaque = rows.n_opaque;
	a.n_bad_fdes = rows.n_bad_fdes;
	memcpy(a.n_by, rows.n_by, sizeof(a.n_by));
	a.origin = number_of(rows.origin);
	memcpy(a.segments, rows.segments, rows.n_segments * sizeof(a.segments[0]));
	buf_append(ret, &a, sizeof(a));
	buf_append(ret, rows.rows, rows.n * sizeof(*rows.rows));
	rows_free(&rows);
	return 0;
}

static bool answer_ok(const struct answer *a, size_t len)
{
	return a->n <= RINGPROF_MAX_ROWS && a->n_segments <= RINGPROF_MAX_SEGMENTS &&
	       a->origin < ROWS_ORIGINS && len == sizeof(*a) + a->n * sizeof(struct ringprof_row);
}

int rows_parse(const void *data, size_t len, struct rows *ret)
{
	struct ringprof_row *rows = NULL;
	struct answer a;

	if (len < sizeof(a))
		return -EINVAL;
	memcpy(&a, data, sizeof(a));
	if (!answer_ok(&a, len))
		return -EINVAL;
	if (a.n) {
		rows = malloc(a.n * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		memcpy(rows, (const char *)data + sizeof(a), a.n * sizeof(*rows));
		if (ringprof_rows_ok(rows, a.n, 0) != a.n) {
			free(rows);
			return -EINVAL;
		}
	}
	*ret = (struct rows){ .rows = rows,
			      .n = a.n,
			      .base = a.base,
			      .n_segments = a.n_segments,
			      .n_fdes = a.n_fdes,
			      .n_opaque = a.n_opaque,
			      .n_bad_fdes = a.n_bad_fdes,
			      .origin = rows_origin_name(a.origin) };
	memcpy(ret->n_by, a.n_by, sizeof(a.n_by));
	memcpy(ret->segments, a.segments, a.n_segments * sizeof(a.segments[0]));
	return 0;
}

int rows_read_by(struct reader *r, struct file *file, int fd, const struct rows_limits *lim,
		 struct rows *ret)
{
	const struct question x = { lim->max_bytes, lim->max_rows, lim->without };
	const struct reader_question q = { .op = READER_ROWS,
					   .file = file,
					   .args = &x,
					   .len = sizeof(x),
					   .fds = { fd },
					   .n_fds = 1,
					   .max_answer = MAX_ANSWER };
	struct reader_answer a;
	int err;

	if (!r)
		return rows_of_fd(ret, fd, lim);
	memset(ret, 0, sizeof(*ret));
	err = reader_ask(r, &q, &a);
	if (err >= 0)
		err = rows_parse(a.data, a.len, ret);
	free(a.data);
	return err;
}
