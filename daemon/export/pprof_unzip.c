// SPDX-License-Identifier: GPL-2.0
/* gzip -> bytes under a limit: a kilobyte may say that it is a gigabyte. */
#include "export/pprof_read.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define CHUNK	    65536
#define GZIP_WINDOW (15 + 16) /* largest window, gzip header and trailer only */

static bool is_gzip(const unsigned char *p, size_t n)
{
	return n >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* One call of inflate into out; Z_OK, Z_STREAM_END, or -errno. */
static int step(z_stream *z, size_t max, struct buf *out)
{
	size_t room = max - out->len < CHUNK ? max - out->len + 1 : CHUNK;
	int r;

	if (buf_reserve(out, room))
		return -ENOMEM;
	z->next_out = (unsigned char *)out->data + out->len;
	z->avail_out = (unsigned int)room;
	r = inflate(z, Z_NO_FLUSH);
	out->len += room - z->avail_out;
	out->data[out->len] = '\0';
	if (out->len > max)
		return -EFBIG;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	/* Z_BUF_ERROR: it wants more input than there is */
	return r == Z_OK || r == Z_STREAM_END ? r : -EBADMSG;
}

static int inflate_all(z_stream *z, size_t max, struct buf *out)
{
	for (;;) {
		int r = step(z, max, out);

		if (r == Z_STREAM_END && !z->avail_in)
			return 0;
		if (r == Z_STREAM_END)
			r = is_gzip(z->next_in, z->avail_in) && inflateReset(z) == Z_OK ? Z_OK
											: -EBADMSG;
		if (r < 0)
			return r;
	}
}

int pprof_unzip(const void *data, size_t n, size_t max, struct buf *out)
{
	z_stream z = { .next_in = (unsigned char *)data, .avail_in = (unsigned int)n };
	int r;

	if (n > UINT_MAX)
		return -EFBIG;
	if (!is_gzip(data, n)) {
		if (n > max)
			return -EFBIG;
		buf_append(out, data, n);
		return out->err;
	}
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	r = inflate_all(&z, max, out);
	inflateEnd(&z);
	return r;
}
