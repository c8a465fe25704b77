// SPDX-License-Identifier: GPL-2.0
/*
 * gzip in front of a sink. The fastest level: a profile's varints shrink to
 * about a third there, and a scrape should not cost CPU that the profile then
 * shows. zlib's state is some 270 KiB whatever the profile's size.
 */
#include "export/export.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define OUT_SIZE  65536
#define GZIP_WRAP (15 + 16) /* largest window, gzip header and trailer */

struct gzip_sink {
	struct sink out;
	z_stream z;
	int err; /* of the sink behind: it has failed for good */
	unsigned char buf[OUT_SIZE];
};

struct gzip_sink *gzip_sink_new(struct sink out)
{
	struct gzip_sink *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->out = out;
	if (deflateInit2(&g->z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WRAP, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK) {
		free(g);
		return NULL;
	}
	return g;
}

/* Runs deflate until it has eaten its input (or, finishing, has given all). */
static int pump(struct gzip_sink *g, int flush)
{
	int z;

	do {
		size_t n;

		g->z.next_out = g->buf;
		g->z.avail_out = OUT_SIZE;
		z = deflate(&g->z, flush);
		n = OUT_SIZE - g->z.avail_out;
		if (z == Z_STREAM_ERROR)
			g->err = -EIO;
		else if (n)
			g->err = g->out.write(g->out.arg, g->buf, n);
	} while (!g->err && !g->z.avail_out && z != Z_STREAM_END);
	return g->err;
}

static int gzip_write(void *arg, const void *p, size_t n)
{
	struct gzip_sink *g = arg;
	const unsigned char *from = p;

	while (n && !g->err) {
		unsigned int part = n > 1U << 30 ? 1U << 30 : (unsigned int)n;

		g->z.next_in = (unsigned char *)from;
		g->z.avail_in = part;
		pump(g, Z_NO_FLUSH);
		from += part;
		n -= part;
	}
	return g->err;
}

struct sink gzip_sink_sink(struct gzip_sink *g)
{
	return (struct sink){ .write = gzip_write, .arg = g };
}

int gzip_sink_finish(struct gzip_sink *g)
{
	g->z.next_in = NULL;
	g->z.avail_in = 0;
	return g->err ? g->err : pump(g, Z_FINISH);
}

void gzip_sink_free(struct gzip_sink *g)
{
	if (!g)
		return;
	deflateEnd(&g->z);
	free(g);
}
