// SPDX-License-Identifier: GPL-2.0
/* Reading parameters and answering, for all handlers of /api/v1. Workers. */
#include "http/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* the open window is closed for a query that reaches into it, this often at most */
#define FRESH_EVERY_NS NSEC_PER_SEC
#define FRESH_WAIT_NS  (250 * NSEC_PER_MSEC)
#define FUTURE_NS      (60 * NSEC_PER_SEC) /* other machines' clocks may be ahead of ours */

int api_time(const struct request *req, const char *key, uint64_t now, uint64_t *ret, char *err,
	     size_t errlen)
{
	const char *s = params_get(&req->params, key);

	if (!s || !query_time_parse(s, now, ret))
		return 0;
	snprintf(err, errlen,
		 "%s: '%.64s' is not a time; allowed: RFC 3339, unix time in s, ms, us or ns, now, "
		 "now-30s",
		 key, s);
	return -EINVAL;
}

int api_range(const struct request *req, const char *from_key, const char *until_key,
	      uint64_t range, uint64_t *from, uint64_t *to, char *err, size_t errlen)
{
	uint64_t now = wall_now();
	bool has_from = params_get(&req->params, from_key) != NULL;
	int r;

	*to = now;
	r = api_time(req, until_key, now, to, err, errlen);
	*from = *to > range ? *to - range : 0;
	if (!r)
		r = api_time(req, from_key, now, from, err, errlen);
	if (r)
		return r;
	if (*from >= *to) {
		snprintf(err, errlen,
			 "%s: is not before %s; allowed: a range that begins before it ends",
			 from_key, until_key);
		return -EINVAL;
	}
	if (*from > now + FUTURE_NS) {
		snprintf(err, errlen, "%s: lies in the future; allowed: up to now",
			 has_from ? from_key : until_key);
		return -EINVAL;
	}
	return 0;
}

struct query_limits api_limits(const struct request *req)
{
	return (struct query_limits){ .max_ns = QUERY_NS,
				      .line_ns = LINE_NS,
				      .cancelled = &req->cancelled };
}

/* ---- labels ---- */

int api_known_label(struct request *req, const char *what, const char *label, char *err,
		    size_t errlen)
{
	const struct query_limits lim = api_limits(req);
	char near[128] = "";
	int r;

	if (label_is_standard(label))
		return 0;
	r = query_label_known(&req->srv->env.query, label, &lim, near, sizeof(near));
	if (r < 0)
		return r;
	if (r)
		return 0;
	snprintf(err, errlen,
		 "%s: no label '%.64s' in the history%s%s%s; allowed: what /api/v1/labels tells",
		 what, label, *near ? "; did you mean '" : "", near, *near ? "'?" : "");
	return -EINVAL;
}

int api_selector(struct request *req, const char *key, struct selector **ret, char *err,
		 size_t errlen)
{
	const char *text = params_get(&req->params, key);
	const char *labels[SELECTOR_LABELS_MAX];
	char cause[256] = "out of memory";
	int r = selector_parse(ret, text ? text : "", cause, sizeof(cause));
	uint32_t n;

	if (r) {
		snprintf(err, errlen, "%s: %s", key, cause);
		return r;
	}
	n = selector_labels(*ret, labels, SELECTOR_LABELS_MAX);
	for (uint32_t i = 0; !r && i < n; i++)
		r = api_known_label(req, key, labels[i], err, errlen);
	if (r) {
		selector_free(*ret);
		*ret = NULL;
	}
	return r;
}

int api_labels(struct request *req, const char *key, struct api_words *ret, char *err,
	       size_t errlen)
{
	const char *text = params_get(&req->params, key);
	char *rest, *word;
	int r = 0;

	*ret = (struct api_words){ 0 };
	if (!text)
		return 0;
	rest = ret->text = strdup(text);
	if (!rest)
		return -ENOMEM;
	while (!r && (word = strsep(&rest, ","))) {
		if (!*word || ret->n == API_MAX_WORDS) {
			snprintf(err, errlen, "%s: allowed: 1 to %d label names, separated by ','",
				 key, API_MAX_WORDS);
			r = -EINVAL;
		} else {
			ret->word[ret->n++] = label_alias(word);
			r = api_known_label(req, key, ret->word[ret->n - 1], err, errlen);
		}
	}
	return r;
}

/* ---- answers ---- */

void api_freshen(const struct request *req, uint64_t to)
{
	struct http_server *s = req->srv;
	struct agg *agg = s->env.agg;
	uint64_t now = mono_now();
	uint64_t closed_wall = agg_closed(agg) + (uint64_t)wall_offset();
	bool due;

	if (to <= closed_wall)
		return;
	pthread_mutex_lock(&s->lock);
	due = now - s->fresh >= FRESH_EVERY_NS;
	if (due)
		s->fresh = now;
	pthread_mutex_unlock(&s->lock);
	if (!due || agg_cut(agg, now))
		return;
	s->env.kick(s->env.arg);
	/* a late collector only means that the answer ends a little earlier, which it says */
	agg_wait(agg, now, FRESH_WAIT_NS);
}

void api_refuse(struct request *req, int r, const char *err)
{
	if (r == -EINVAL)
		reply_error(req, 400, "%s", err);
	else
		reply_failed(req, r);
}

/* The store's refusals are the asker's matter, but for a disk that fails. */
void api_refuse_store(struct request *req, int r, const char *err)
{
	switch (r) {
	case -EINVAL:
	case -ENODATA:
	case -EBADMSG:
		reply_error(req, 400, "%s", err);
		break;
	case -ENOENT:
		reply_error(req, 404, "%s", err);
		break;
	case -ENOTSUP:
	case -ENOSPC:
		reply_error(req, 409, "%s", err);
		break;
	default:
		reply_failed(req, r);
	}
}

void api_finish(struct request *req)
{
	reply_ok(req, "application/json");
	if (req->reply.status == 200)
		reply_compress(req);
}

void api_key_text(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	buf_json_string(b, value ? value : "");
}
