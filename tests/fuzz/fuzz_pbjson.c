// SPDX-License-Identifier: GPL-2.0
/*
 * Bodies of Grafana's requests, as JSON and as protobuf (the first byte's lowest
 * bit), read as the kind of message that its other bits say. What was read can
 * be written as JSON, and read and written again comes to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "http/pbjson.h"
#include "profile.pb-c.h"

static const ProtobufCMessageDescriptor *const kinds[] = {
	&ringprof__pprof__querier_types_request__descriptor,
	&ringprof__pprof__querier_names_request__descriptor,
	&ringprof__pprof__querier_values_request__descriptor,
	&ringprof__pprof__querier_series_request__descriptor,
	&ringprof__pprof__querier_merge_request__descriptor,
	&ringprof__pprof__querier_points_request__descriptor,
};

/* m as JSON in out, and what is read of that; NULL: not to be read */
static ProtobufCMessage *through(const ProtobufCMessage *m, struct buf *out)
{
	ProtobufCMessage *ret = NULL;
	char err[256];

	pbjson_write(out, m);
	if (out->err || pbjson_read(&ret, m->descriptor, out->data, out->len, err, sizeof(err)))
		return NULL;
	return ret;
}

/* JSON knows no infinite numbers and no broken texts: from the first reading on all is the same */
static void again(const ProtobufCMessage *m)
{
	struct buf text[3] = { 0 };
	ProtobufCMessage *once = through(m, &text[0]);
	ProtobufCMessage *twice = once ? through(once, &text[1]) : NULL;

	if (twice) {
		pbjson_write(&text[2], twice);
		if (text[1].len != text[2].len || memcmp(text[1].data, text[2].data, text[1].len))
			abort();
		protobuf_c_message_free_unpacked(twice, NULL);
	}
	if (once)
		protobuf_c_message_free_unpacked(once, NULL);
	for (int i = 0; i < 3; i++)
		buf_free(&text[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *kind;
	ProtobufCMessage *m = NULL;
	char err[256] = "";

	if (!size)
		return 0;
	kind = kinds[data[0] / 2 % ARRAY_SIZE(kinds)];
	if (data[0] & 1)
		m = protobuf_c_message_unpack(kind, NULL, size - 1, data + 1);
	else if (pbjson_read(&m, kind, (const char *)data + 1, size - 1, err, sizeof(err)) && !*err)
		abort();
	if (m) {
		again(m);
		protobuf_c_message_free_unpacked(m, NULL);
	}
	return 0;
}
