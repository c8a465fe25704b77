// SPDX-License-Identifier: GPL-2.0
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>

static int buf_write(void *arg, const void *p, size_t n)
{
	struct buf *b = arg;

	buf_append(b, p, n);
	return b->err;
}

struct sink sink_buf(struct buf *b)
{
	return (struct sink){ .write = buf_write, .arg = b };
}

static void flush(struct writer *w)
{
	if (!w->err)
		w->err = w->b.err;
	if (!w->err && w->b.len)
		w->err = w->out.write(w->out.arg, w->b.data, w->b.len);
	buf_reset(&w->b);
}

void writer_flow(struct writer *w)
{
	if (w->b.len >= WRITER_CHUNK)
		flush(w);
}

int writer_end(struct writer *w)
{
	flush(w);
	buf_free(&w->b);
	return w->err;
}

void writer_json_totals(struct writer *w, const struct tree *t)
{
	static const char *const tiers[TIER_MAX] = { "memory", "10s", "1m", "10m", "1h" };
	const uint64_t ms = 1000000;

	buf_printf(&w->b, "\"type\":\"%s\",\"unit\":\"%s\",\"period\":%" PRIu64,
		   t->in_samples ? QUERY_TYPE_SAMPLES : QUERY_TYPE_CPU,
		   t->in_samples ? "count" : "nanoseconds", t->period);
	buf_printf(&w->b, ",\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 ",\"total\":%" PRIu64,
		   t->wall_from / ms, t->wall_to / ms, t->total);
	buf_printf(&w->b, ",\"samples\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"lost_samples\":%" PRIu64,
		   t->samples, t->lost, t->lost_samples);
	buf_printf(&w->b,
		   ",\"truncated\":%" PRIu64 ",\"left_out\":%" PRIu64 ",\"duration_ms\":%" PRIu64,
		   t->truncated, t->left_out, t->duration / ms);
	buf_printf(&w->b,
		   ",\"cpus\":%" PRIu32 ",\"windows\":%" PRIu32 ",\"stretches\":%" PRIu32 ",\"tiers"
		   "\":{",
		   t->cpus, t->windows, t->stretches);
	for (int i = 0; i < TIER_MAX; i++)
		buf_printf(&w->b, "%s\"%s\":%" PRIu32, i ? "," : "", tiers[i], t->used.windows[i]);
	buf_printf(&w->b, ",\"raw\":%" PRIu32, t->used.raw);
	buf_printf(&w->b, "},\"files_refused\":%" PRIu32 ",\"other_hosts\":%" PRIu32,
		   t->used.files_refused, t->used.other_hosts);
}

void writer_number(struct buf *b, uint64_t v, bool first)
{
	char room[24], *p = room + sizeof(room);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (!first)
		*--p = ',';
	buf_append(b, p, (size_t)(room + sizeof(room) - p));
}

void writer_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(b, (char)(v | 0x80));
	buf_putc(b, (char)v);
}

void writer_message(struct writer *w, unsigned int field, const ProtobufCMessage *m)
{
	struct buf *b = &w->b;
	size_t n = protobuf_c_message_get_packed_size(m);

	writer_varint(b, field << 3 | 2);
	writer_varint(b, n);
	if (!buf_reserve(b, n))
		b->len += protobuf_c_message_pack(m, (uint8_t *)b->data + b->len);
	writer_flow(w);
}
