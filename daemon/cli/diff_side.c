// SPDX-License-Identifier: GPL-2.0
/*
 * Where the sides of a diff come from. A range of the history is asked for
 * twice: as pprof for its stacks, as top for the errors that the daemon has
 * measured between stretches of the range, which a file cannot carry.
 */
#include "cli/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "base/cleanup.h"

#define MAX_FILE (1UL << 30)
#define TIMEOUT	 60
#define STORE	 "store:"

struct store_range {
	char *selector;
	uint64_t from, to;
};

static uint64_t text_hash(const char *name, const char *object)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (const char *s = name; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	for (const char *s = object; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h;
}

static void take_error(struct tree *t, const struct hmap *index, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *object = json_string_value(json_object_get(row, "object"));
	uint32_t i;

	if (!name || !object)
		return;
	HMAP_FOR_EACH (index, text_hash(name, object), it, i)
		if (!strcmp(t->funcs[i].name, name) && !strcmp(t->funcs[i].object, object))
			t->funcs[i].total_se = json_number_value(json_object_get(row, "total_error_"
										      "percent")) /
					       100;
}

/* The measured errors of the answer o onto the tree's functions; 0 or -ENOMEM. */
static int take_errors(struct tree *t, const json_t *o)
{
	json_int_t stretches = json_integer_value(json_object_get(o, "stretches"));
	struct hmap index = { 0 };
	const json_t *row;
	size_t k;
	int r = 0;

	for (uint32_t i = 0; !r && i < t->n_funcs; i++)
		r = hmap_insert(&index, text_hash(t->funcs[i].name, t->funcs[i].object), i);
	json_array_foreach(json_object_get(o, "rows"), k, row) if (!r) take_error(t, &index, row);
	hmap_free(&index);
	t->errors = !r;
	t->stretches = stretches > 0 && stretches < 1000 ? (uint32_t)stretches : 0;
	return r;
}

static void store_path(struct buf *path, const struct store_range *s, const char *format)
{
	char number[24];

	buf_puts(path, "/api/v1/profile");
	client_param(path, "query", s->selector);
	snprintf(number, sizeof(number), "%" PRIu64, s->from);
	client_param(path, "from", number);
	snprintf(number, sizeof(number), "%" PRIu64, s->to);
	client_param(path, "until", number);
	client_param(path, "format", format);
	client_param(path, "max_nodes", "0");
}

static int ask_store(const struct cli *c, const struct store_range *s, const char *format,
		     struct buf *b)
{
	struct buf path = { 0 };
	int r;

	store_path(&path, s, format);
	r = path.err ? cli_fail(DIFF_ERROR, "out of memory")
		     : client_get(c, path.data, b, TIMEOUT, false);
	buf_free(&path);
	return r ? DIFF_ERROR : 0;
}

/* Losses are the host's; what a selector takes has its share of them, nobody knows which. */
static double lost_part(const json_t *o)
{
	double time = json_number_value(json_object_get(o, "duration_ms")) * 1e6 *
		      json_number_value(json_object_get(o, "cpus"));

	return time > 0 ? json_number_value(json_object_get(o, "lost")) / time : 0;
}

static int ask_errors(const struct cli *c, const struct store_range *s, struct side *side)
{
	struct buf b = { 0 };
	json_t *o = NULL;
	int r = ask_store(c, s, "top", &b);

	if (!r)
		o = json_loadb(b.data ? b.data : "", b.len, 0, NULL);
	if (!r && (!o || take_errors(side->tree, o)))
		r = cli_fail(DIFF_ERROR, "the daemon's answer cannot be read");
	side->host_lost = lost_part(o);
	json_decref(o);
	buf_free(&b);
	return r;
}

/* "SELECTOR@FROM..UNTIL"; the selector may hold an @ of its own. */
static int parse_range(const char *arg, struct store_range *s)
{
	uint64_t now = wall_now();
	char *at, *dots;

	s->selector = strdup(arg + strlen(STORE));
	if (!s->selector)
		return cli_fail(DIFF_ERROR, "out of memory");
	at = strrchr(s->selector, '@');
	dots = at ? strstr(at, "..") : NULL;
	if (!dots)
		return cli_fail(DIFF_ERROR,
				"%s: no range; allowed: "
				"store:SELECTOR@FROM..UNTIL, like "
				"'store:{service_name=\"web\"}@now-2h..now-1h'",
				arg);
	*at = *dots = '\0';
	if (query_time_parse(at + 1, now, &s->from) || query_time_parse(dots + 2, now, &s->to) ||
	    s->from >= s->to)
		return cli_fail(DIFF_ERROR,
				"%s: '%s' to '%s' is no range; allowed: RFC 3339, unix time, now, "
				"now-1h30m, the first before the second",
				arg, at + 1, dots + 2);
	return 0;
}

static int read_bytes(const struct buf *b, const char *type, struct side *ret)
{
	const struct pprof_read_options opt = { .sample_type = type };
	char err[512];

	if (!pprof_read(b->data ? b->data : "", b->len, &opt, &ret->tree, &ret->info, err,
			sizeof(err)))
		return 0;
	return cli_fail(DIFF_ERROR, "%s: %s", ret->name, err);
}

static int load_store(const struct cli *c, const char *type, struct side *ret)
{
	struct store_range s = { 0 };
	struct buf b = { 0 };
	int r = parse_range(ret->name, &s);

	if (!r)
		r = ask_store(c, &s, "pprof", &b);
	if (!r)
		r = read_bytes(&b, type, ret);
	if (!r)
		r = ask_errors(c, &s, ret);
	free(s.selector);
	buf_free(&b);
	return r;
}

static int load_bytes(const char *type, struct side *ret)
{
	bool url = !strncmp(ret->name, "http://", 7) || !strncmp(ret->name, "https://", 8);
	struct buf b = { 0 };
	int r;

	if (url) {
		r = client_fetch(ret->name, &b, TIMEOUT) ? DIFF_ERROR : 0;
	} else {
		r = buf_read_file(&b, ret->name, MAX_FILE);
		if (r)
			r = cli_fail(DIFF_ERROR, "%s: %s", ret->name, strerror(-r));
	}
	if (!r)
		r = read_bytes(&b, type, ret);
	buf_free(&b);
	return r;
}

int side_load(const struct cli *c, const char *arg, const char *sample_type, struct side *ret)
{
	int r;

	*ret = (struct side){ .name = arg };
	r = strncmp(arg, STORE, strlen(STORE)) ? load_bytes(sample_type, ret)
					       : load_store(c, sample_type, ret);
	if (r) {
		tree_free(ret->tree);
		ret->tree = NULL;
	}
	return r;
}
