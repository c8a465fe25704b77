// SPDX-License-Identifier: GPL-2.0
/* JSON by protobuf-c's descriptors. Pure functions. */
#include "http/pbjson.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_REPEATED 1024 /* elements of one list in a request */

ProtobufCMessage *pb_new(const ProtobufCMessageDescriptor *kind)
{
	ProtobufCMessage *m = malloc(kind->sizeof_message);

	if (m)
		kind->message_init(m);
	return m;
}

/* label_names -> labelNames */
static void camel(const char *name, char *ret, size_t len)
{
	size_t n = 0;

	for (; *name && n + 1 < len; name++) {
		bool up = *name == '_' && name[1];

		name += up;
		ret[n++] = up ? (char)toupper((unsigned char)*name) : *name;
	}
	ret[n] = '\0';
}

static const void *member(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	return (const char *)m + f->offset;
}

static size_t count_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	return *(const size_t *)((const char *)m + f->quantifier_offset);
}

/* ---- writing ---- */

static void put_value(struct buf *b, const ProtobufCFieldDescriptor *f, const void *p)
{
	double d;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		buf_json_string(b, *(char *const *)p);
		break;
	case PROTOBUF_C_TYPE_INT64:
		buf_printf(b, "\"%" PRId64 "\"", *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		d = *(const double *)p;
		buf_printf(b, "%.17g", isfinite(d) ? d : 0);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		pbjson_write(b, *(const ProtobufCMessage *const *)p);
		break;
	default:
		buf_printf(b, "%" PRId32, *(const int32_t *)p);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

static bool is_default(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	static const char zero[8];
	const char *s;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return !count_of(m, f);
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		s = *(char *const *)member(m, f);
		return !s || !*s;
	}
	return !memcmp(member(m, f), zero, size_of(f));
}

static void put_list(struct buf *b, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *p = *(char *const *)member(m, f);

	buf_putc(b, '[');
	for (size_t i = 0; i < count_of(m, f); i++) {
		if (i)
			buf_putc(b, ',');
		put_value(b, f, p + i * size_of(f));
	}
	buf_putc(b, ']');
}

void pbjson_write(struct buf *b, const ProtobufCMessage *m)
{
	const char *sep = "";
	char name[64];

	buf_putc(b, '{');
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];

		if (is_default(m, f))
			continue;
		camel(f->name, name, sizeof(name));
		buf_printf(b, "%s\"%s\":", sep, name);
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			put_list(b, m, f);
		else
			put_value(b, f, member(m, f));
		sep = ",";
	}
	buf_putc(b, '}');
}

/* ---- reading ---- */

static int take_number(const json_t *v, double *ret)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_number(v)) {
		*ret = json_number_value(v);
		return 0;
	}
	if (!s || !*s)
		return -EINVAL;
	*ret = strtod(s, &end);
	return *end ? -EINVAL : 0;
}

static int take_int(const json_t *v, int64_t *ret)
{
	const char *s = json_string_value(v);
	double d;
	char *end;

	if (json_is_integer(v)) {
		*ret = json_integer_value(v);
		return 0;
	}
	if (s && *s) {
		errno = 0;
		*ret = strtoll(s, &end, 10);
		return *end || errno ? -EINVAL : 0;
	}
	if (take_number(v, &d) || !(fabs(d) < 9e15) || d != floor(d))
		return -EINVAL;
	*ret = (int64_t)d;
	return 0;
}

static int take_value(void *p, const ProtobufCFieldDescriptor *f, const json_t *v)
{
	int64_t n;
	int r;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		if (!json_is_string(v))
			return -EINVAL;
		*(char **)p = strdup(json_string_value(v));
		return *(char **)p ? 0 : -ENOMEM;
	case PROTOBUF_C_TYPE_INT64:
		return take_int(v, p);
	case PROTOBUF_C_TYPE_DOUBLE:
		return take_number(v, p);
	case PROTOBUF_C_TYPE_INT32:
		/* an enum's name is passed over: the first value */
		r = json_is_string(v) ? 0 : take_int(v, &n);
		if (!r && json_is_number(v))
			*(int32_t *)p = (int32_t)n;
		return r;
	default:
		return -EINVAL;
	}
}

static int take_list(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const json_t *v)
{
	size_t n = json_array_size(v);
	char *list;

	if (!json_is_array(v) || n > MAX_REPEATED)
		return -EINVAL;
	list = calloc(n ? n : 1, size_of(f));
	if (!list)
		return -ENOMEM;
	*(char **)((char *)m + f->offset) = list;
	for (size_t i = 0; i < n; i++) {
		int r = take_value(list + i * size_of(f), f, json_array_get(v, i));

		if (r)
			return r;
		/* as it grows: what is there can be freed at any point */
		*(size_t *)((char *)m + f->quantifier_offset) = i + 1;
	}
	return 0;
}

static int take_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const json_t *o)
{
	char name[64];
	json_t *v;

	camel(f->name, name, sizeof(name));
	v = json_object_get(o, name);
	if (!v)
		v = json_object_get(o, f->name);
	if (!v || json_is_null(v))
		return 0;
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return take_list(m, f, v);
	return take_value((char *)m + f->offset, f, v);
}

int pbjson_read(ProtobufCMessage **ret, const ProtobufCMessageDescriptor *kind, const char *text,
		size_t len, char *err, size_t errlen)
{
	json_error_t e = { .text = "" };
	json_t *o = json_loadb(text, len, 0, &e);
	ProtobufCMessage *m = pb_new(kind);
	int r = m ? 0 : -ENOMEM;

	if (!r && !json_is_object(o)) {
		snprintf(err, errlen, "the body is no JSON object: %.160s", e.text);
		r = -EINVAL;
	}
	for (unsigned int i = 0; !r && i < kind->n_fields; i++) {
		r = take_field(m, &kind->fields[i], o);
		if (r == -EINVAL)
			snprintf(err, errlen, "%s: has a value of another kind",
				 kind->fields[i].name);
	}
	json_decref(o);
	if (r && m)
		protobuf_c_message_free_unpacked(m, NULL);
	else
		*ret = m;
	return r;
}
