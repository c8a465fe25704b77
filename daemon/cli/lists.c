// SPDX-License-Identifier: GPL-2.0
/*
 * services, events, annotate, pin, unpin, pins: what the history knows beside
 * profiles, and what can be told to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

const struct cli_option services_options[] = {
	{ "from", 0, "TIME", "begin: now-1h, RFC 3339 or unix time (default now-1h)" },
	{ "until", 0, "TIME", "end (default now)" },
	{ 0 },
};

const struct cli_option events_options[] = {
	{ "from", 0, "TIME", "begin (default now-24h)" },
	{ "until", 0, "TIME", "end (default now)" },
	{ 0 },
};

const struct cli_option annotate_options[] = {
	{ "service", 0, "NAME", "what was deployed" },
	{ "version", 0, "VERSION", "which one" },
	{ "git-ref", 0, "REF", "commit or tag that it was built of" },
	{ "text", 0, "TEXT", "what there is to say" },
	{ "kind", 0, "KIND", "deploy or note (default deploy, note without a service)" },
	{ "time", 0, "TIME", "when (default now)" },
	{ 0 },
};

const struct cli_option pin_options[] = {
	{ "from", 0, "TIME", "begin of what stays" },
	{ "until", 0, "TIME", "end (default now)" },
	{ 0 },
};

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void put_time(const json_t *ms)
{
	time_t t = (time_t)(json_integer_value(ms) / 1000);
	char text[40] = "-";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fputs(text, stdout);
}

/* Asks, and prints what came. */
static int show(struct cli *c, struct buf *path, void (*text)(const json_t *o))
{
	json_t *o = NULL;
	int r = client_json(c, "GET", path, NULL, CLI_QUERY_SECONDS, &o);

	buf_free(path);
	return r ? r : cli_emit(c, o, text);
}

static int show_range(struct cli *c, const char *where, void (*text)(const json_t *o))
{
	struct buf path = { 0 };

	buf_puts(&path, where);
	client_param(&path, "query", c->n_args ? c->args[0] : NULL);
	client_param(&path, "from", cli_value(c, "from"));
	client_param(&path, "until", cli_value(c, "until"));
	return show(c, &path, text);
}

/* ---- services ---- */

static void put_trend(const json_t *trend)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double max = 0;
	const json_t *v;
	size_t i;

	json_array_foreach(trend, i, v)
	{
		if (json_number_value(v) > max)
			max = json_number_value(v);
	}
	json_array_foreach(trend, i, v)
	{
		int step = max > 0 ? (int)(json_number_value(v) / max * 7 + 0.5) : 0;

		/* nothing recorded is no bar, not a low one */
		fputs(json_is_number(v) ? bars[step < 0 ? 0 : step] : " ", stdout);
	}
}

static void services_text(const json_t *o)
{
	const json_t *s, *v;
	size_t i, k;

	printf("%s%9s %7s  %-24s  %s%s\n", cli_paint(CLI_BOLD), "cores", "share", "trend",
	       "service and versions", cli_paint(CLI_PLAIN));
	json_array_foreach(o, i, s)
	{
		printf("%9.3f %6.1f%%  ", json_number_value(json_object_get(s, "cores")),
		       json_number_value(json_object_get(s, "share")) * 100);
		put_trend(json_object_get(s, "trend"));
		fputs("  ", stdout);
		fputs(*str(s, "service_name") ? str(s, "service_name") : "(none)", stdout);
		fputs(cli_paint(CLI_GREY), stdout);
		json_array_foreach(json_object_get(s, "versions"), k, v)
		{
			putchar(' ');
			fputs(str(v, "service_version"), stdout);
		}
		printf("%s\n", cli_paint(CLI_PLAIN));
	}
}

int verb_services(struct cli *c)
{
	if (c->n_args > 1)
		return cli_fail(CLI_USAGE, "services takes one selector; quote it: "
					   "'{host=\"x\"}'");
	return show_range(c, "/api/v1/services", services_text);
}

/* ---- events ---- */

static void events_text(const json_t *o)
{
	static const char *const keys[] = { "service", "version", "git_ref", "text" };
	const json_t *e;
	size_t i;

	json_array_foreach(o, i, e)
	{
		put_time(json_object_get(e, "time"));
		printf("  %-6s", str(e, "kind"));
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
			if (!*str(e, keys[k]))
				continue;
			putchar(' ');
			fputs(str(e, keys[k]), stdout);
		}
		putchar('\n');
	}
}

int verb_events(struct cli *c)
{
	return show_range(c, "/api/v1/events", events_text);
}

static void id_text(const json_t *o)
{
	printf("%lld\n", (long long)json_integer_value(json_object_get(o, "id")));
}

static json_t *event_of(const struct cli *c)
{
	static const struct {
		const char *option, *key;
	} fields[] = { { "service", "service" }, { "version", "version" }, { "git-ref", "git_ref" },
		       { "text", "text" },	 { "kind", "kind" },	   { "time", "time" } };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (cli_value(c, fields[i].option))
			json_object_set_new(o, fields[i].key,
					    json_string(cli_value(c, fields[i].option)));
	if (!cli_value(c, "kind") && !cli_value(c, "service"))
		json_object_set_new(o, "kind", json_string("note"));
	return o;
}

int verb_annotate(struct cli *c)
{
	struct buf path = { 0 };
	json_t *event = event_of(c), *o = NULL;
	char *body = json_dumps(event, JSON_COMPACT);
	int r;

	json_decref(event);
	if (!body)
		return cli_fail(CLI_FAILED, "out of memory");
	if (!cli_value(c, "service") && !cli_value(c, "text")) {
		free(body);
		return cli_fail(CLI_USAGE, "annotate: needs --service, or --text");
	}
	buf_puts(&path, "/api/v1/events");
	r = client_json(c, "POST", &path, body, CLI_QUERY_SECONDS, &o);
	buf_free(&path);
	free(body);
	return r ? r : cli_emit(c, o, id_text);
}

/* ---- pins ---- */

static void pins_text(const json_t *o)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(o, "pins"), i, p)
	{
		printf("%4lld  ", (long long)json_integer_value(json_object_get(p, "id")));
		put_time(json_object_get(p, "from_ms"));
		fputs("  ", stdout);
		put_time(json_object_get(p, "to_ms"));
		printf(" %8.1f MiB  ",
		       (double)json_integer_value(json_object_get(p, "bytes")) / 1048576);
		fputs(str(p, "name"), stdout);
		if (*str(p, "origin")) {
			printf("  %sof host ", cli_paint(CLI_GREY));
			fputs(str(p, "origin"), stdout);
			fputs(cli_paint(CLI_PLAIN), stdout);
		}
		putchar('\n');
	}
}

int verb_pins(struct cli *c)
{
	struct buf path = { 0 };

	buf_puts(&path, "/api/v1/pins");
	return show(c, &path, pins_text);
}

int verb_pin(struct cli *c)
{
	struct buf path = { 0 };
	json_t *o = NULL;
	int r;

	if (c->n_args != 1 || !cli_value(c, "from"))
		return cli_fail(CLI_USAGE, "pin: needs a name and --from");
	buf_puts(&path, "/api/v1/pins");
	client_param(&path, "name", c->args[0]);
	client_param(&path, "from", cli_value(c, "from"));
	client_param(&path, "until", cli_value(c, "until"));
	r = client_json(c, "POST", &path, NULL, CLI_QUERY_SECONDS, &o);
	buf_free(&path);
	return r ? r : cli_emit(c, o, id_text);
}

static void nothing_text(const json_t *o)
{
}

int verb_unpin(struct cli *c)
{
	struct buf path = { 0 };
	json_t *o = NULL;
	int r;

	if (c->n_args != 1)
		return cli_fail(CLI_USAGE, "unpin: needs the number of a pin; ringprof pins lists "
					   "them");
	buf_puts(&path, "/api/v1/pins");
	client_param(&path, "id", c->args[0]);
	r = client_json(c, "DELETE", &path, NULL, CLI_QUERY_SECONDS, &o);
	buf_free(&path);
	return r ? r : cli_emit(c, o, nothing_text);
}
