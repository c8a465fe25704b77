/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Protobuf messages as JSON, by their descriptors: field names in lower camel
 * case, 64-bit integers as texts, as the protobuf documents say. Knows the
 * kinds of fields that ringprof's messages have: strings, int32, int64,
 * double, messages, repeated or not.
 */
#ifndef RINGPROF_HTTP_PBJSON_H
#define RINGPROF_HTTP_PBJSON_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

/* Appends m; errors stay in the buf. Fields with their default value are left out. */
void pbjson_write(struct buf *b, const ProtobufCMessage *m);
/*
 * A message of that kind out of a JSON object, no nested ones in it. Unknown
 * members are passed over, as protobuf's readers do. Free with
 * protobuf_c_message_free_unpacked. 0, -ENOMEM, or -EINVAL with err.
 */
int pbjson_read(ProtobufCMessage **ret, const ProtobufCMessageDescriptor *kind, const char *text,
		size_t len, char *err, size_t errlen);
/* A zeroed message, as unpacking makes them; NULL: no memory. */
ProtobufCMessage *pb_new(const ProtobufCMessageDescriptor *kind);

#endif
