/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers to Grafana's data source for profiles: the unary calls of
 * querier.v1.QuerierService as Connect carries them over HTTP/1.1, protobuf or
 * JSON. querier.c reads and sends, querier_labels.c and querier_select.c answer.
 */
#ifndef RINGPROF_HTTP_QUERIER_H
#define RINGPROF_HTTP_QUERIER_H

#include "http/api.h"
#include "http/pbjson.h"
#include "query/series.h"
#include "profile.pb-c.h"

#define QUERIER_PATH "/querier.v1.QuerierService/"

/*
 * in: the request; out: the response, zeroed, what is put in is allocated with
 * malloc (protobuf_c_message_free_unpacked frees it, also after an error).
 * 0; -EINVAL with err; or as query_tree.
 */
typedef int (*querier_fn)(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
			  char *err, size_t errlen);

int querier_types(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out, char *err,
		  size_t errlen);
int querier_names(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out, char *err,
		  size_t errlen);
int querier_values(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen);
int querier_series(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen);
int querier_stacktraces(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
			char *err, size_t errlen);
int querier_points(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen);
/* The profile itself is the response: fills reply.body, as export_pprof. */
int querier_profile(struct request *req, const ProtobufCMessage *in, char *err, size_t errlen);

/* ms -> wall ns; both 0: the last day. 0, or -EINVAL with err. */
int querier_range(int64_t start, int64_t end, uint64_t *from, uint64_t *to, char *err,
		  size_t errlen);
/* A pair for a list; NULL: no memory. */
Ringprof__Pprof__QuerierLabelPair *querier_pair(const char *name, const char *value);

#endif
