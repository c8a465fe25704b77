// SPDX-License-Identifier: GPL-2.0
/* The reader's side of jit_ask.c: what stands in perf maps and jitdumps, as records. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sym/jit.h"
#include "sym/jit_msg.h"
#include "sym/reader.h"

ssize_t jit_input_read(const struct jit_input *in, uint64_t off, void *dst, size_t len)
{
	ssize_t n;

	if (in->fd < 0) {
		if (off >= in->size)
			return 0;
		if (len > in->size - off)
			len = in->size - off;
		memcpy(dst, in->mem + off, len);
		return (ssize_t)len;
	}
	if (off > INT64_MAX)
		return 0;
	do
		n = pread(in->fd, dst, len, (off_t)off);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void jit_put_code(struct jit_out *o, uint64_t start, uint64_t size, uint64_t time, const char *name,
		  size_t len)
{
	struct jit_record r = { .kind = JIT_CODE, .start = start, .size = size, .time = time };

	r.len = (uint32_t)strnlen(name, len < JIT_NAME_MAX ? len : JIT_NAME_MAX - 1);
	buf_append(o->b, &r, sizeof(r));
	buf_append(o->b, name, r.len);
}

void jit_put_move(struct jit_out *o, uint64_t old, uint64_t start, uint64_t size, uint64_t time)
{
	const struct jit_record r = {
		.kind = JIT_MOVE, .start = start, .size = size, .old = old, .time = time
	};

	buf_append(o->b, &r, sizeof(r));
}

void jit_put_lines(struct jit_out *o, uint64_t start, const struct jit_line *lines, uint32_t n,
		   const struct buf *texts)
{
	struct jit_record r = { .kind = JIT_LINES, .start = start, .size = n };

	r.len = n ? (uint32_t)texts->len : 0;
	buf_append(o->b, &r, sizeof(r));
	if (!n)
		return;
	buf_append(o->b, lines, n * sizeof(*lines));
	buf_append(o->b, texts->data, texts->len);
}

bool jit_enough(const struct jit_out *o, uint64_t begun, uint64_t off)
{
	return off - begun >= JIT_BATCH_BYTES || o->b->len >= JIT_BATCH_ANSWER;
}

void jit_read_batch(const struct jit_input *in, const struct jit_question *q, struct buf *ret)
{
	struct jit_answer a = { .at = q->at };
	struct jit_out o = { .b = ret };

	buf_append(ret, &a, sizeof(a));
	a.status = q->is_map ? perfmap_parse(in, &a.at, &o) : jitdump_parse(in, &a.at, &o);
	a.taken = o.taken;
	a.bad = o.bad;
	if (!ret->err)
		memcpy(ret->data, &a, sizeof(a));
}

int jit_serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	const struct jit_input in = { .fd = q->fds[0] };
	struct jit_question x;

	if (q->len != sizeof(x) || in.fd < 0)
		return -EINVAL;
	memcpy(&x, q->data, sizeof(x));
	jit_read_batch(&in, &x, ret);
	return 0;
}
