// SPDX-License-Identifier: GPL-2.0
/*
 * /api/v1/labels, /api/v1/label/NAME/values, /api/v1/series: which label sets
 * the history has, in the envelope that Prometheus' clients read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/api.h"

#define DEFAULT_RANGE_NS (24 * 3600 * NSEC_PER_SEC)
#define VALUES_PREFIX	 "/api/v1/label/"
#define VALUES_SUFFIX	 "/values"
#define MAX_MATCHES	 16

/* match[] is the one parameter that may come several times */
static int check_names(struct request *req, char *err, size_t errlen)
{
	static const char *const allowed[] = { "from", "until", "start", "end", "match[]", NULL };
	struct url_params once = req->params;
	uint32_t matches = 0;
	size_t n = 0;

	for (size_t i = 0; i < req->params.n; i++) {
		bool match = !strcmp(req->params.p[i].key, "match[]");

		matches += match;
		if (!match || matches == 1)
			once.p[n++] = req->params.p[i];
	}
	once.n = n;
	if (params_strict(&once, allowed, err, errlen))
		return -EINVAL;
	if (matches > MAX_MATCHES) {
		snprintf(err, errlen, "match[]: given more than %d times", MAX_MATCHES);
		return -EINVAL;
	}
	return 0;
}

static int read_range(struct request *req, uint64_t *from, uint64_t *to, char *err, size_t errlen)
{
	bool start = params_get(&req->params, "start"), end = params_get(&req->params, "end");

	if ((start && params_get(&req->params, "from")) || (end && params_get(&req->params, "unti"
											    "l"))) {
		snprintf(err, errlen, "%s: the same as %s; allowed: one of them",
			 start ? "start" : "end", start ? "from" : "until");
		return -EINVAL;
	}
	return api_range(req, start ? "start" : "from", end ? "end" : "until", DEFAULT_RANGE_NS,
			 from, to, err, errlen);
}

static int read_matches(struct request *req, struct selector **sel, uint32_t *n, char *err,
			size_t errlen)
{
	char cause[256] = "";

	for (size_t i = 0; i < req->params.n; i++) {
		int r;

		if (strcmp(req->params.p[i].key, "match[]"))
			continue;
		r = selector_parse(&sel[*n], req->params.p[i].value, cause, sizeof(cause));
		if (r) {
			snprintf(err, errlen, "match[]: %s", cause);
			return r;
		}
		(*n)++;
	}
	return 0;
}

/* key: the label whose values are asked for, NULL: none */
static int read_sets(struct request *req, const char *key, struct label_sets **ret, char *err,
		     size_t errlen)
{
	const struct query_limits lim = api_limits(req);
	struct selector *sel[MAX_MATCHES] = { NULL };
	struct label_ask ask = { .sel = sel, .all_hosts = label_is_host(key) };
	int r = check_names(req, err, errlen);

	if (!r)
		r = read_range(req, &ask.from, &ask.to, err, errlen);
	if (!r)
		r = read_matches(req, sel, &ask.n_sel, err, errlen);
	if (!r)
		r = query_label_sets(&req->srv->env.query, &ask, &lim, ret);
	for (uint32_t i = 0; i < ask.n_sel; i++)
		selector_free(sel[i]);
	return r;
}

static void begin(struct buf *b)
{
	buf_puts(b, "{\"status\":\"success\",\"data\":[");
}

static void end(struct request *req, const struct label_sets *s)
{
	struct buf *b = &req->reply.body;

	buf_puts(b, "]");
	if (s->cut)
		buf_printf(b, ",\"warnings\":[\"there are more than %d label sets\"]",
			   LABEL_SETS_MAX);
	buf_puts(b, "}\n");
	api_finish(req);
}

/* key NULL: keys; else its values */
static void answer_words(struct request *req, const char *key)
{
	struct label_sets *s = NULL;
	cleanup_free const char **words = NULL;
	struct buf *b = &req->reply.body;
	char err[API_ERROR] = "";
	uint32_t n = 0;
	int r = read_sets(req, key, &s, err, sizeof(err));

	if (!r)
		r = label_sets_words(s, key, &words, &n);
	if (r) {
		api_refuse(req, r, err);
	} else {
		begin(b);
		for (uint32_t i = 0; i < n; i++) {
			if (i)
				buf_putc(b, ',');
			buf_json_string(b, words[i]);
		}
		end(req, s);
	}
	label_sets_free(s);
}

void api_label_names(struct request *req)
{
	answer_words(req, NULL);
}

/* NAME of /api/v1/label/NAME/values, percent-decoded, to free; NULL: another path, or no memory */
static char *label_of_path(const char *path)
{
	const char *name = path + strlen(VALUES_PREFIX);
	size_t n = strlen(name), tail = strlen(VALUES_SUFFIX);
	struct url_params p = { 0 };
	cleanup_free char *pair = NULL;
	char *ret = NULL;

	if (n <= tail || strcmp(name + n - tail, VALUES_SUFFIX) != 0 ||
	    asprintf(&pair, "n=%.*s", (int)(n - tail), name) < 0)
		return NULL;
	if (!params_parse(&p, pair) && p.n == 1 && *p.p[0].value && !strchr(p.p[0].value, '/'))
		ret = strdup(label_alias(p.p[0].value));
	params_free(&p);
	return ret;
}

void api_label_values(struct request *req)
{
	cleanup_free char *name = label_of_path(req->path);
	char err[API_ERROR];
	int r;

	if (!name) {
		api_unknown(req);
		return;
	}
	r = api_known_label(req, "label", name, err, sizeof(err));
	if (r)
		api_refuse(req, r, err);
	else
		answer_words(req, name);
}

void api_series(struct request *req)
{
	struct label_sets *s = NULL;
	struct buf *b = &req->reply.body;
	char err[API_ERROR] = "";
	int r = read_sets(req, NULL, &s, err, sizeof(err));

	if (r) {
		api_refuse(req, r, err);
		return;
	}
	begin(b);
	for (uint32_t i = 0; i < s->n; i++) {
		buf_puts(b, i ? ",\n{\"__name__\":\"process_cpu\""
			      : "\n{\"__name__\":\"process_cpu\"");
		for (uint32_t k = 0; k < s->set[i].n; k++) {
			buf_putc(b, ',');
			buf_json_string(b, s->set[i].labels[k].key);
			buf_putc(b, ':');
			buf_json_string(b, s->set[i].labels[k].value);
		}
		buf_putc(b, '}');
	}
	end(req, s);
	label_sets_free(s);
}
