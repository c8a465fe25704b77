// SPDX-License-Identifier: GPL-2.0
/*
 * Bodies that go to a file as they come, so that no memory bounds them: the
 * store counts their bytes in its budget. What fails in the middle is read on
 * and thrown away, for an answer is read only by who has sent everything.
 * Listener's thread; it writes to the page cache.
 */
#include <errno.h>

#include "base/clock.h"
#include "http/api.h"

void upload_begin(struct request *req)
{
	char err[API_ERROR];
	int r = store_import_begin(req->srv->env.query.store, req->body_announced, &req->import,
				   err, sizeof(err));

	if (!r) {
		req->uploads = true;
		client_deadline(req, TRANSFER_S(req->body_announced) * NSEC_PER_SEC);
		return;
	}
	api_refuse_store(req, r, err);
	req->refused = true;
	if (req->body_announced > MAX_DRAIN)
		reply_header(&req->reply, "Connection", "close");
}

void upload_write(struct request *req, const char *data, size_t n)
{
	char err[API_ERROR];
	int r = req->import ? store_import_write(req->import, data, n, err, sizeof(err)) : 0;

	if (!r)
		return;
	store_import_drop(req->import);
	req->import = NULL;
	api_refuse_store(req, r, err);
	req->refused = true;
}
