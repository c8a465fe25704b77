// SPDX-License-Identifier: GPL-2.0
/*
 * Where exporters write to: the reply's body, with gzip in front if wanted.
 * An answer stands in memory compressed before its status line goes out, so
 * that an error in the middle is still an error to the client. Workers.
 */
#include <errno.h>

#include "http/internal.h"

static int write_body(void *arg, const void *p, size_t n)
{
	struct request *req = arg;
	struct buf *b = &req->reply.body;

	if (__atomic_load_n(&req->cancelled, __ATOMIC_RELAXED))
		return -ECANCELED;
	if (n > MAX_ANSWER - b->len)
		return -EFBIG;
	buf_append(b, p, n);
	return b->err;
}

int answer_begin(struct answer *a, struct request *req, bool gzip)
{
	*a = (struct answer){ .req = req, .sink = { write_body, req } };
	req->reply.compressed = false;
	if (!gzip)
		return 0;
	a->gz = gzip_sink_new(a->sink);
	if (!a->gz)
		return -ENOMEM;
	a->sink = gzip_sink_sink(a->gz);
	req->reply.compressed = true;
	return 0;
}

int answer_end(struct answer *a, int r)
{
	if (a->gz && !r)
		r = gzip_sink_finish(a->gz);
	gzip_sink_free(a->gz);
	a->gz = NULL;
	return r;
}
