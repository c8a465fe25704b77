// SPDX-License-Identifier: GPL-2.0
/*
 * ringprof flame: a flame graph in text, the root on top. A row is a depth, a
 * box is as wide as its share of the terminal; what is narrower than two
 * columns is left out, as nobody could read it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "cli/cli.h"

#define MAX_NODES     "20000"
#define MAX_ROWS      400
#define MIN_WIDTH     20
#define MAX_WIDTH     1000
#define DEFAULT_WIDTH 100

const struct cli_option flame_options[] = {
	{ "from", 0, "TIME", "begin: now-1h, RFC 3339 or unix time (default now-5m)" },
	{ "until", 0, "TIME", "end (default now)" },
	{ "invert", 0, NULL, "leaves on top: what burned, and who called it" },
	{ "focus", 0, "REGEX", "only stacks with a frame that matches" },
	{ "merge", 0, "WHAT", "boxes by function, line, binary or category" },
	{ "group-by", 0, "LABELS", "outermost boxes by these labels: service_name" },
	{ "width", 'w', "COLUMNS", "width (default the terminal's)" },
	{ 0 },
};

struct row {
	struct buf text;
	unsigned int column; /* next one that is free */
};

struct picture {
	struct row *rows;
	unsigned int width, n_rows;
	bool colour;
};

static unsigned int columns; /* for the text function, which gets the object alone */

static const char *column_text(const json_t *o, const char *list, size_t i)
{
	const json_t *funcs = json_object_get(o, "funcs");
	const json_t *s = json_array_get(json_object_get(funcs, list), i);
	const char *text = json_string_value(
		json_array_get(json_object_get(o, "strings"), (size_t)json_integer_value(s)));

	return text ? text : "";
}

/* Bytes of at most max characters of s. */
static size_t cut_at(const char *s, unsigned int max, unsigned int *ret)
{
	size_t n = 0;

	for (*ret = 0; s[n] && *ret < max; ++*ret) {
		size_t step = utf8_seq(s + n);

		n += step ? step : 1;
	}
	return n;
}

static const char *kind_colour(int kind)
{
	/* by enum frame_kind: user, kernel, vdso, JIT, unknown, mark; black on these */
	static const char *const codes[] = { "\033[30;48;5;222m", "\033[30;48;5;117m",
					     "\033[30;48;5;153m", "\033[30;48;5;150m",
					     "\033[30;48;5;252m", "\033[30;48;5;250m" };

	return codes[kind >= 0 && kind < 6 ? kind : 4];
}

static void put_box(struct picture *p, struct row *r, unsigned int from, unsigned int to,
		    const char *name, int kind)
{
	unsigned int room = to - from - 1, chars;
	size_t n = cut_at(name, room, &chars);

	for (; r->column < from; r->column++)
		buf_putc(&r->text, ' ');
	buf_printf(&r->text, "%s|%.*s%*s%s", p->colour ? kind_colour(kind) : "", (int)n, name,
		   (int)(room - chars), "", p->colour ? "\033[0m" : "");
	r->column = to;
}

struct place {		   /* of a node */
	double from, next; /* 0..1; next: where its next child begins */
	unsigned int depth;
};

/* The node's place, of its parent's; nodes come in pre-order. False: the answer is broken. */
static bool place_node(const json_t *nodes, size_t i, double whole, struct place *places)
{
	size_t up = (size_t)json_integer_value(json_array_get(json_object_get(nodes, "parent"), i));
	double share =
		json_number_value(json_array_get(json_object_get(nodes, "total"), i)) / whole;

	if (i && up >= i)
		return false;
	places[i].depth = i ? places[up].depth + 1 : 0;
	places[i].from = places[i].next = i ? places[up].next : 0;
	if (i)
		places[up].next += share;
	return true;
}

static void draw_node(struct picture *p, const json_t *o, size_t i, const struct place *at,
		      double share)
{
	const json_t *nodes = json_object_get(o, "nodes");
	size_t func = (size_t)json_integer_value(json_array_get(json_object_get(nodes, "func"), i));
	const json_t *kinds = json_object_get(json_object_get(o, "funcs"), "kind");
	unsigned int from = (unsigned int)(at->from * p->width + 0.5);
	unsigned int to = (unsigned int)((at->from + share) * p->width + 0.5);

	if (to > p->width)
		to = p->width;
	if (at->depth >= MAX_ROWS || to < from + 2 || from < p->rows[at->depth].column)
		return;
	put_box(p, &p->rows[at->depth], from, to, column_text(o, "name", func),
		(int)json_integer_value(json_array_get(kinds, func)));
	if (at->depth >= p->n_rows)
		p->n_rows = at->depth + 1;
}

static void draw(struct picture *p, const json_t *o)
{
	const json_t *nodes = json_object_get(o, "nodes"), *total = json_object_get(nodes, "total");
	size_t n = json_array_size(total);
	double whole = json_number_value(json_array_get(total, 0));
	cleanup_free struct place *places = calloc(n + 1, sizeof(*places));

	if (!places || !(whole > 0))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!place_node(nodes, i, whole, places))
			return;
		draw_node(p, o, i, &places[i], json_number_value(json_array_get(total, i)) / whole);
	}
}

static unsigned int terminal_width(void)
{
	const char *env = getenv("COLUMNS");
	struct winsize w;
	unsigned int n = DEFAULT_WIDTH;

	if (env && atoi(env) > 0)
		n = (unsigned int)atoi(env);
	else if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col)
		n = w.ws_col;
	return n < MIN_WIDTH ? MIN_WIDTH : n > MAX_WIDTH ? MAX_WIDTH : n;
}

static void flame_text(const json_t *o)
{
	struct picture p = { .width = columns, .colour = cli_colour() };

	cli_put_totals(o);
	p.rows = calloc(MAX_ROWS, sizeof(*p.rows));
	if (!p.rows)
		return;
	draw(&p, o);
	for (unsigned int i = 0; i < p.n_rows; i++)
		printf("%s%s\n", p.rows[i].text.data ? p.rows[i].text.data : "",
		       p.colour ? "" : "|");
	for (unsigned int i = 0; i < MAX_ROWS; i++)
		buf_free(&p.rows[i].text);
	free(p.rows);
}

static int read_width(const struct cli *c)
{
	const char *s = cli_value(c, "width");
	char *end;
	long v;

	columns = terminal_width();
	if (!s)
		return 0;
	v = strtol(s, &end, 10);
	if (*end || v < MIN_WIDTH || v > MAX_WIDTH)
		return cli_fail(CLI_USAGE, "flame: --width: '%s'; allowed: %d to %d", s, MIN_WIDTH,
				MAX_WIDTH);
	columns = (unsigned int)v;
	return 0;
}

int verb_flame(struct cli *c)
{
	struct buf path = { 0 };
	json_t *o = NULL;
	int r = read_width(c);

	if (!r && c->n_args > 1)
		r = cli_fail(CLI_USAGE, "flame takes one selector; quote it: "
					"'{service_name=\"x\"}'");
	if (r)
		return r;
	buf_puts(&path, "/api/v1/profile?format=flamegraph&max_nodes=" MAX_NODES);
	client_param(&path, "query", c->n_args ? c->args[0] : NULL);
	client_param(&path, "from", cli_value(c, "from"));
	client_param(&path, "until", cli_value(c, "until"));
	client_param(&path, "focus", cli_value(c, "focus"));
	client_param(&path, "merge", cli_value(c, "merge"));
	client_param(&path, "group_by", cli_value(c, "group-by"));
	client_param(&path, "invert", cli_value(c, "invert") ? "1" : NULL);
	r = client_json(c, "GET", &path, NULL, CLI_QUERY_SECONDS, &o);
	buf_free(&path);
	return r ? r : cli_emit(c, o, flame_text);
}
