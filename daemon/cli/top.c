// SPDX-License-Identifier: GPL-2.0
/*
 * ringprof top, and the table that query prints: functions by their own time,
 * each share with its standard error. A share that is not three of these above
 * zero is grey: it may be nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "cli/cli.h"

#define HOT_PERCENT 10 /* red */

const struct cli_option top_options[] = {
	{ "delay", 'd', "TIME", "seconds between two looks (default 5s)" },
	{ "rows", 'n', "N", "functions to show (default 20)" },
	{ "once", '1', NULL, "one look, then exit" },
	{ 0 },
};

/* Bars of eighths: a row's share against the largest on show. */
static void put_bar(double share, unsigned int width)
{
	static const char *const eighths[] = { "",	 "\u258f", "\u258e", "\u258d",
					       "\u258c", "\u258b", "\u258a", "\u2589" };
	unsigned int n = (unsigned int)(share * width * 8 + 0.5);
	unsigned int used = n / 8 + (n % 8 != 0);

	for (unsigned int i = 0; i < n / 8; i++)
		fputs("\u2588", stdout);
	fputs(eighths[n % 8], stdout);
	printf("%*s", (int)(width > used ? width - used : 0), "");
}

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static enum cli_colour colour_of(const json_t *row)
{
	double self = num(row, "self_percent");

	if (self < 3 * num(row, "self_error_percent"))
		return CLI_GREY;
	return self >= HOT_PERCENT ? CLI_RED : CLI_PLAIN;
}

static void put_row(const json_t *row, double max)
{
	const char *object = json_string_value(json_object_get(row, "object"));
	const char *base = object ? strrchr(object, '/') : NULL;
	const char *name = json_string_value(json_object_get(row, "name"));
	double self = num(row, "self_percent");

	printf("%s%6.2f%% \u00b1%5.2f  ", cli_paint(colour_of(row)), self,
	       num(row, "self_error_percent"));
	put_bar(max > 0 ? self / max : 0, 10);
	printf("%s  %6.2f%%  %s", cli_paint(CLI_PLAIN), num(row, "total_percent"),
	       name ? name : "");
	if (object && *object)
		printf("  %s%s%s", cli_paint(CLI_GREY), base && base[1] ? base + 1 : object,
		       cli_paint(CLI_PLAIN));
	putchar('\n');
}

static void top_text(const json_t *o)
{
	const json_t *rows = json_object_get(o, "rows"), *row;
	double max = num(json_array_get(rows, 0), "self_percent");
	size_t i;

	cli_put_totals(o);
	printf("%s%7s %6s  %-10s  %7s  %s%s\n", cli_paint(CLI_BOLD), "self", "error", "", "total",
	       "function", cli_paint(CLI_PLAIN));
	json_array_foreach(rows, i, row) put_row(row, max);
}

int top_print(const struct buf *body)
{
	json_t *o = json_loadb(body->data ? body->data : "", body->len, 0, NULL);
	int r;

	if (!o)
		return cli_fail(CLI_FAILED, "the daemon's answer cannot be read");
	r = cli_text(o, top_text);
	json_decref(o);
	return r;
}

static int top_once(struct cli *c, uint64_t seconds, const char *rows, bool clear)
{
	struct buf path = { 0 };
	json_t *o = NULL;
	char from[48];
	int r;

	/* windows close every 10 s: a shorter look back would often see none */
	snprintf(from, sizeof(from), "now-%llus",
		 (unsigned long long)(seconds < 20 ? 20 : seconds));
	buf_puts(&path, "/api/v1/profile?format=top");
	client_param(&path, "from", from);
	client_param(&path, "max_nodes", rows ? rows : "20");
	client_param(&path, "query", c->n_args ? c->args[0] : NULL);
	r = client_json(c, "GET", &path, NULL, CLI_QUERY_SECONDS, &o);
	buf_free(&path);
	if (r)
		return r;
	if (clear)
		fputs("\033[H\033[2J", stdout);
	r = cli_emit(c, o, top_text);
	fflush(stdout);
	return r;
}

int verb_top(struct cli *c)
{
	const char *delay = cli_value(c, "delay"), *rows = cli_value(c, "rows");
	bool once = cli_value(c, "once") || c->json || !isatty(STDOUT_FILENO);
	uint64_t ns = 5000000000ULL;
	int r;

	if (delay && (parse_duration(delay, &ns) || ns < 1000000000ULL))
		return cli_fail(CLI_USAGE, "top: --delay: '%s'; allowed: 1s and more", delay);
	if (c->n_args > 1)
		return cli_fail(CLI_USAGE, "top takes one selector; quote it: '{comm=\"x\"}'");
	do {
		r = top_once(c, ns / 1000000000ULL, rows, !once);
		if (!r && !once)
			sleep((unsigned int)(ns / 1000000000ULL));
	} while (!r && !once);
	return r;
}
