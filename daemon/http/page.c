// SPDX-License-Identifier: GPL-2.0
/*
 * The page's files, built into the program, and the two answers for those who
 * only ask whether we live. Listener's thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "http/internal.h"
#include "ui/assets.h"

static const struct ui_asset *find_asset(const char *path)
{
	const char *name = *path == '/' ? path + 1 : path;

	if (!*name)
		name = "index.html";
	for (const struct ui_asset *a = ui_assets; a->name; a++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

void page_handler(struct request *req)
{
	const struct ui_asset *a = find_asset(req->path);
	const char *seen = request_header(req, "If-None-Match");
	struct reply *r = &req->reply;
	char tag[32];
	bool gz;

	if (!a) {
		reply_error(req, 404,
			    "there is nothing here; the page is at /, profiles are at "
			    "/debug/pprof/, the API is below /api/v1/");
		return;
	}
	gz = req->gzip && a->gz_len;
	/* the two forms are two entities: a cache must not mix them up */
	snprintf(tag, sizeof(tag), "\"%016" PRIx64 "%s\"",
		 (uint64_t)XXH3_64bits(a->plain, a->plain_len), gz ? "-gz" : "");
	reply_header(r, "ETag", "%s", tag);
	r->type = a->type;
	r->page = true;
	r->vary = true;
	if (seen && strstr(seen, tag)) {
		r->status = 304;
		return;
	}
	r->status = 200;
	r->compressed = gz;
	r->fixed = gz ? a->gz : a->plain;
	r->fixed_len = gz ? a->gz_len : a->plain_len;
}

void healthy_handler(struct request *req)
{
	buf_puts(&req->reply.body, "ok\n");
	reply_ok(req, "text/plain; charset=utf-8");
}

void ready_handler(struct request *req)
{
	const struct http_env *env = &req->srv->env;
	const char *why = env->not_ready ? env->not_ready(env->arg) : NULL;

	if (why) {
		reply_error(req, 503, "not ready: %s", why);
		return;
	}
	buf_puts(&req->reply.body, "ready\n");
	reply_ok(req, "text/plain; charset=utf-8");
}
