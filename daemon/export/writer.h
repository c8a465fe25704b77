/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text and bytes on their way to a sink, gathered into larger writes. The
 * first error stays and later writes do nothing: check once, at writer_end.
 */
#ifndef RINGPROF_EXPORT_WRITER_H
#define RINGPROF_EXPORT_WRITER_H

#include <protobuf-c/protobuf-c.h>

#include "export/export.h"

#define WRITER_CHUNK 65536

struct writer {
	struct sink out;
	struct buf b; /* append here, then call writer_flow */
	int err;
};

/* Hands on what has gathered if it is a chunk; call after each row. */
void writer_flow(struct writer *w);
/* Hands on the rest and frees; 0 or the first error. */
int writer_end(struct writer *w);

/*
 * A decimal number, with a comma before it unless it is the first: printf is
 * most of the time of a large answer.
 */
void writer_number(struct buf *b, uint64_t v, bool first);
/* Protobuf's variable-length number. */
void writer_varint(struct buf *b, uint64_t v);
/* Field `field` of a message, which is m; flows. */
void writer_message(struct writer *w, unsigned int field, const ProtobufCMessage *m);

/* The totals all JSON answers begin with, "type" to "files_refused", no braces. */
void writer_json_totals(struct writer *w, const struct tree *t);

#endif
