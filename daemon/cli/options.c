// SPDX-License-Identifier: GPL-2.0
/* Options by table, messages, and the one way out for results. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/plain.h"
#include "cli/cli.h"

int cli_fail(int status, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	plain_text(line);
	fprintf(stderr, "ringprof: %s\n", line);
	return status;
}

int cli_status_of(int err)
{
	switch (err < 0 ? -err : err) {
	case 0:
		return CLI_OK;
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ECONNREFUSED:
		return CLI_ABSENT;
	case EPERM:
	case EACCES:
		return CLI_DENIED;
	case EINVAL:
		return CLI_USAGE;
	default:
		return CLI_FAILED;
	}
}

static void print_option(const struct cli_option *o)
{
	char left[64], letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
		 o->arg ? o->arg : "");
	printf("  %-26s %s\n", left, o->help);
}

void cli_help_verb(const struct verb *v)
{
	printf("Usage: ringprof %s [OPTION...]%s%s\n\n%s\n\nOptions:\n", v->name,
	       *v->usage ? " " : "", v->usage, v->help);
	for (const struct cli_option *o = v->options; o->name; o++)
		print_option(o);
	for (const struct cli_option *o = global_options; o->name; o++)
		print_option(o);
}

const char *cli_value(const struct cli *c, const char *name)
{
	for (size_t i = 0; c->verb->options[i].name; i++)
		if (!strcmp(c->verb->options[i].name, name))
			return c->values[i];
	return NULL;
}

static bool names(const struct cli_option *o, const char *arg, size_t n)
{
	if (arg[1] != '-')
		return o->letter && arg[1] == o->letter;
	return strlen(o->name) == n - 2 && !strncmp(o->name, arg + 2, n - 2);
}

static int set_global(struct cli *c, const char *name, const char *value, bool *help)
{
	if (!strcmp(name, "json"))
		c->json = true;
	else if (!strcmp(name, "socket"))
		c->socket = value;
	else if (!strcmp(name, "url"))
		c->url = value;
	else if (!strcmp(name, "config"))
		c->config_file = value;
	else
		*help = true;
	return 0;
}

/* The option that arg names: row of `table`, or NULL; n = length of its name part. */
static const struct cli_option *find(const struct cli_option *table, const char *arg, size_t n)
{
	for (; table->name; table++)
		if (names(table, arg, n))
			return table;
	return NULL;
}

/* Takes one option at argv[i] (and its value); gives how many words it took, or -1. */
static int take(struct cli *c, int argc, char **argv, int i, bool *help)
{
	const char *arg = argv[i], *value = NULL;
	size_t n = arg[1] == '-' ? strcspn(arg, "=") : 2;
	const struct cli_option *own = find(c->verb->options, arg, n);
	const struct cli_option *o = own ? own : find(global_options, arg, n);
	int used = 1;

	if (!o || (!o->arg && arg[n])) {
		cli_fail(0, "%s: unknown option '%s'; ringprof %s --help lists them", c->verb->name,
			 arg, c->verb->name);
		return -1;
	}
	if (arg[n])
		value = arg + n + (arg[n] == '=');
	else if (o->arg && i + 1 < argc)
		value = argv[i + used++];
	if (o->arg && !value) {
		cli_fail(0, "%s: %s needs a value: %s", c->verb->name, arg, o->arg);
		return -1;
	}
	if (own)
		c->values[own - c->verb->options] = value ? value : "";
	else
		set_global(c, o->name, value, help);
	return used;
}

int cli_parse(struct cli *c, int argc, char **argv, bool *help)
{
	c->args = argv;
	for (int i = 0; i < argc;) {
		int used;

		if (!strcmp(argv[i], "--")) {
			/* what follows belongs to somebody else */
			for (i++; i < argc; i++)
				c->args[c->n_args++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			c->args[c->n_args++] = argv[i++];
			continue;
		}
		used = take(c, argc, argv, i, help);
		if (used < 0)
			return CLI_USAGE;
		i += used;
	}
	/* a command's arguments end there; what stands behind was read already */
	c->args[c->n_args] = NULL;
	if (c->n_args && !*c->verb->usage && !*help)
		return cli_fail(CLI_USAGE, "%s takes no argument '%s'", c->verb->name, c->args[0]);
	return 0;
}

/* Strings of the answer name what strangers named; its keys are the daemon's own. */
static int make_plain(json_t *o)
{
	const char *key;
	json_t *v;
	size_t i;
	void *next;
	int r = 0;

	if (json_is_string(o)) {
		cleanup_free char *s = strdup(json_string_value(o));

		if (!s)
			return -1;
		plain_text(s);
		return json_string_set(o, s);
	}
	json_array_foreach(o, i, v) r |= make_plain(v);
	json_object_foreach_safe(o, next, key, v) r |= make_plain(v);
	return r;
}

int cli_text(json_t *obj, void (*text)(const json_t *obj))
{
	if (make_plain(obj))
		return cli_fail(CLI_FAILED, "out of memory");
	text(obj);
	return CLI_OK;
}

int cli_emit(const struct cli *c, json_t *obj, void (*text)(const json_t *obj))
{
	int r = CLI_OK;

	if (!obj)
		return cli_fail(CLI_FAILED, "out of memory");
	if (c->json) {
		json_dumpf(obj, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		r = cli_text(obj, text);
	}
	json_decref(obj);
	return r;
}

static void put_part(const json_t *o, const char *key, const char *name)
{
	double whole = json_number_value(json_object_get(o, "total"));
	double part = json_number_value(json_object_get(o, key));

	if (part > 0 && whole > 0)
		printf(", %s%s %.2g%%%s", cli_paint(CLI_GREY), name, part / whole * 100,
		       cli_paint(CLI_PLAIN));
}

static void put_hosts(json_int_t n)
{
	if (n)
		printf("%simported ranges of %lld other host%s are not in it; "
		       "{host=\"NAME\"} asks for one, {host=~\".+\"} for all%s\n",
		       cli_paint(CLI_GREY), (long long)n, n > 1 ? "s" : "", cli_paint(CLI_PLAIN));
}

void cli_put_totals(const json_t *o)
{
	double seconds = json_number_value(json_object_get(o, "duration_ms")) / 1000;
	double total = json_number_value(json_object_get(o, "total"));

	printf("%lld samples", (long long)json_integer_value(json_object_get(o, "samples")));
	if (seconds > 0)
		printf(seconds < 10 ? ", %.3g cores for %.3g s" : ", %.3g cores for %.0f s",
		       total / 1e9 / seconds, seconds);
	put_part(o, "lost", "lost");
	put_part(o, "truncated", "truncated");
	putchar('\n');
	put_hosts(json_integer_value(json_object_get(o, "other_hosts")));
}

bool cli_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

const char *cli_paint(enum cli_colour c)
{
	static const char *const codes[] = {
		[CLI_PLAIN] = "\033[0m", [CLI_RED] = "\033[31m",   [CLI_BLUE] = "\033[34m",
		[CLI_GREY] = "\033[90m", [CLI_GREEN] = "\033[32m", [CLI_BOLD] = "\033[1m"
	};

	return cli_colour() ? codes[c] : "";
}
