// SPDX-License-Identifier: GPL-2.0
/*
 * Connect's unary protocol: the path names the call, Content-Type the encoding
 * of both sides, an error is a status and {"code","message"}. Worker of the
 * heavy lane.
 */
#include "http/querier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "export/pprof_read.h"

#define DEFAULT_RANGE_NS (24 * 3600 * NSEC_PER_SEC)
#define MAX_UNPACKED	 (1 << 20) /* bytes of a request */

static const struct call {
	const char *name;
	const ProtobufCMessageDescriptor *in, *out;
	querier_fn fn;
} calls[] = {
	{ "ProfileTypes", &ringprof__pprof__querier_types_request__descriptor,
	  &ringprof__pprof__querier_types_response__descriptor, querier_types },
	{ "LabelNames", &ringprof__pprof__querier_names_request__descriptor,
	  &ringprof__pprof__querier_names_response__descriptor, querier_names },
	{ "LabelValues", &ringprof__pprof__querier_values_request__descriptor,
	  &ringprof__pprof__querier_names_response__descriptor, querier_values },
	{ "Series", &ringprof__pprof__querier_series_request__descriptor,
	  &ringprof__pprof__querier_series_response__descriptor, querier_series },
	{ "SelectMergeStacktraces", &ringprof__pprof__querier_merge_request__descriptor,
	  &ringprof__pprof__querier_merge_response__descriptor, querier_stacktraces },
	{ "SelectSeries", &ringprof__pprof__querier_points_request__descriptor,
	  &ringprof__pprof__querier_points_response__descriptor, querier_points },
	{ "SelectMergeProfile", &ringprof__pprof__querier_merge_request__descriptor, NULL, NULL },
};

int querier_range(int64_t start, int64_t end, uint64_t *from, uint64_t *to, char *err,
		  size_t errlen)
{
	const int64_t max = INT64_MAX / (int64_t)NSEC_PER_MSEC;

	*to = wall_now();
	*from = *to - DEFAULT_RANGE_NS;
	if (!start && !end)
		return 0;
	if (start < 0 || end <= start || end > max) {
		snprintf(err, errlen,
			 "start, end: allowed: a range in ms since 1970 that begins "
			 "before it ends");
		return -EINVAL;
	}
	*from = (uint64_t)start * NSEC_PER_MSEC;
	*to = (uint64_t)end * NSEC_PER_MSEC;
	return 0;
}

Ringprof__Pprof__QuerierLabelPair *querier_pair(const char *name, const char *value)
{
	Ringprof__Pprof__QuerierLabelPair *p =
		(void *)pb_new(&ringprof__pprof__querier_label_pair__descriptor);

	if (!p)
		return NULL;
	p->name = strdup(name);
	p->value = strdup(value);
	if (p->name && p->value)
		return p;
	free(p->name);
	free(p->value);
	free(p);
	return NULL;
}

/* Clients of Connect may pack what they send. */
static int unpack_body(struct request *req, char *err, size_t errlen)
{
	const char *encoding = request_header(req, "Content-Encoding");
	struct buf raw = { 0 };
	int r;

	if (!encoding || !strcasecmp(encoding, "identity"))
		return 0;
	r = strcasecmp(encoding, "gzip") != 0 ? -EINVAL
					      : pprof_unzip(req->body.data ? req->body.data : "",
							    req->body.len, MAX_UNPACKED, &raw);
	if (r) {
		snprintf(err, errlen,
			 "Content-Encoding: '%.32s'; allowed: identity, or gzip of up to %d bytes",
			 encoding, MAX_UNPACKED);
		buf_free(&raw);
		return r == -ENOMEM ? r : -EINVAL;
	}
	buf_free(&req->body);
	req->body = raw;
	return 0;
}

static int read_body(struct request *req, bool json, const struct call *c, ProtobufCMessage **ret,
		     char *err, size_t errlen)
{
	const char *text = req->body.data ? req->body.data : "";

	if (json)
		return pbjson_read(ret, c->in, text, req->body.len, err, errlen);
	*ret = protobuf_c_message_unpack(c->in, NULL, req->body.len, (const uint8_t *)text);
	if (*ret)
		return 0;
	snprintf(err, errlen, "the body is no message of %s", c->name);
	return -EINVAL;
}

static void send_message(struct request *req, bool json, const ProtobufCMessage *m)
{
	struct buf *b = &req->reply.body;
	size_t n;

	if (json) {
		pbjson_write(b, m);
	} else {
		n = protobuf_c_message_get_packed_size(m);
		if (!buf_reserve(b, n + 1))
			b->len += protobuf_c_message_pack(m, (uint8_t *)b->data + b->len);
	}
	reply_ok(req, json ? "application/json" : "application/proto");
	if (req->reply.status == 200)
		reply_compress(req);
}

static int answer(struct request *req, const struct call *c, bool json, const ProtobufCMessage *in,
		  char *err, size_t errlen)
{
	ProtobufCMessage *out;
	int r;

	if (!c->fn) {
		r = querier_profile(req, in, err, errlen);
		if (!r)
			reply_ok(req, "application/proto");
		return r;
	}
	out = pb_new(c->out);
	r = out ? c->fn(req, in, out, err, errlen) : -ENOMEM;
	if (!r)
		send_message(req, json, out);
	if (out)
		protobuf_c_message_free_unpacked(out, NULL);
	return r;
}

static void run(struct request *req, const struct call *c, bool json)
{
	ProtobufCMessage *in = NULL;
	char err[API_ERROR] = "";
	int r;

	if (json && !c->fn) {
		reply_error(req, 501, "%s is answered as application/proto only", c->name);
		return;
	}
	r = unpack_body(req, err, sizeof(err));
	if (!r)
		r = read_body(req, json, c, &in, err, sizeof(err));
	if (!r)
		r = answer(req, c, json, in, err, sizeof(err));
	if (r)
		api_refuse(req, r, err);
	if (in)
		protobuf_c_message_free_unpacked(in, NULL);
}

static bool type_is(const char *type, const char *name)
{
	size_t n = strlen(name);

	return !strncasecmp(type, name, n) && (!type[n] || strchr("; \t", type[n]));
}

void querier_handler(struct request *req)
{
	const char *name = req->path + strlen(QUERIER_PATH);
	const char *type = request_header(req, "Content-Type");
	bool json = type && type_is(type, "application/json");

	if (!json && !(type && type_is(type, "application/proto"))) {
		reply_error(req, 415, "Content-Type: allowed: application/proto, application/json");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!strcmp(calls[i].name, name)) {
			run(req, &calls[i], json);
			return;
		}
	}
	reply_error(req, 501, "there is no such call");
}
