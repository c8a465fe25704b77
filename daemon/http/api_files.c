// SPDX-License-Identifier: GPL-2.0
/* /api/v1/export and import: ranges of the history as one file. Workers of the heavy lane. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/api.h"

static int read_export(struct request *req, struct store_file **ret, char *err, size_t errlen)
{
	static const char *const allowed[] = { "id", "from", "until", NULL };
	struct store *s = req->srv->env.query.store;
	uint64_t id, from, to;
	bool pin = params_get(&req->params, "id") != NULL;
	int r = params_strict(&req->params, allowed, err, errlen);

	if (!r)
		r = params_number(&req->params, "id", 0, INT64_MAX, 0, &id, err, errlen);
	if (!r && pin == (params_get(&req->params, "from") != NULL)) {
		snprintf(err, errlen, "id, from: allowed: id of a pin, or from and until");
		r = -EINVAL;
	}
	if (!r && pin)
		return store_export_pin(s, id, ret, err, errlen);
	if (!r)
		r = api_range(req, "from", "until", 300 * NSEC_PER_SEC, &from, &to, err, errlen);
	return r ? r : store_export(s, from, to, ret, err, errlen);
}

void api_export(struct request *req)
{
	struct store_file *file = NULL;
	char err[API_ERROR] = "";
	int r = read_export(req, &file, err, sizeof(err));

	if (r) {
		api_refuse_store(req, r, err);
		return;
	}
	reply_ok(req, "application/octet-stream");
	req->reply.file = file;
	reply_header(&req->reply, "Content-Disposition", "attachment; filename=\"history.rph\"");
}

void api_import(struct request *req)
{
	static const char *const none[] = { NULL };
	struct store_import *in = req->import;
	uint64_t id;
	char err[API_ERROR] = "";
	int r = params_strict(&req->params, none, err, sizeof(err));

	if (!r) {
		req->import = NULL;
		r = store_import_end(in, &id, err, sizeof(err));
	}
	if (r) {
		api_refuse_store(req, r, err);
		return;
	}
	buf_printf(&req->reply.body, "{\"id\":%" PRIu64 "}\n", id);
	api_finish(req);
}
