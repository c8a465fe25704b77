// SPDX-License-Identifier: GPL-2.0
/*
 * The report of a diff for people: coloured text, and Markdown for a pull
 * request. Both are made of the JSON alone, so they cannot tell more.
 */
#include "cli/diff.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_SAME    10 /* rows of those within the error */
#define MAX_CHANGED 40

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

struct scale {
	const char *name;
	double factor;
};

/* v in the largest step that it fills */
static void steps_text(char *ret, size_t len, double v, const struct scale *s)
{
	while (s[1].name && fabs(v) < s->factor)
		s++;
	snprintf(ret, len, "%.3g%s", v / s->factor, s->name);
}

/* A value in the unit that the report o compares in. */
static const char *value_text(char *ret, size_t len, const json_t *o, double v)
{
	static const struct scale times[] = {
		{ "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 }, { NULL, 0 }
	};
	static const struct scale sizes[] = {
		{ "GiB", 1073741824 }, { "MiB", 1048576 }, { "KiB", 1024 }, { "B", 1 }, { NULL, 0 }
	};
	const char *mode = str(o, "mode");

	if (!strcmp(mode, "share"))
		snprintf(ret, len, "%.2f%%", v * 100);
	else if (!strcmp(mode, "work") && !strcmp(str(o, "unit"), "nanoseconds"))
		steps_text(ret, len, v, times);
	else if (!strcmp(str(o, "unit"), "bytes"))
		steps_text(ret, len, v, sizes);
	else
		snprintf(ret, len, "%.4g", v);
	return ret;
}

static const char *change_text(char *ret, size_t len, const json_t *row)
{
	const json_t *ratio = json_object_get(row, "ratio");

	if (json_is_number(ratio))
		snprintf(ret, len, "%+.1f%%", json_number_value(ratio) * 100);
	else
		snprintf(ret, len, "new");
	return ret;
}

/* The error as a part of the base, like the change that it stands beside. */
static const char *error_text(char *ret, size_t len, const json_t *row)
{
	double a = num(row, "a");

	if (a > 0)
		snprintf(ret, len, "%.1f%%", num(row, "se") / a * 100);
	else
		snprintf(ret, len, "-");
	return ret;
}

static enum cli_colour colour_of(const char *state)
{
	if (!strcmp(state, "regressed"))
		return CLI_RED;
	if (!strcmp(state, "fell") || !strcmp(state, "gone"))
		return CLI_BLUE;
	return strcmp(state, "same") ? CLI_PLAIN : CLI_GREY;
}

static const char *state_words(const char *state)
{
	return strcmp(state, "same") ? state : "within the error";
}

static void side_text(const json_t *o, const char *key, bool markdown)
{
	const json_t *s = json_object_get(o, key);
	char value[48];

	printf(markdown ? "- %s: `%s`, %lld samples" : "%-10s %s, %lld samples", key,
	       str(s, "name"), (long long)num(s, "samples"));
	if (num(s, "duration_seconds") > 0)
		printf(", %.1f s", num(s, "duration_seconds"));
	if (strcmp(str(o, "mode"), "share") != 0)
		printf(", %s %s", value_text(value, sizeof(value), o, num(s, "value")),
		       str(o, "compared"));
	putchar('\n');
}

static void row_text(const json_t *o, const json_t *row)
{
	char a[48], b[48], change[32], error[32], own[48];
	const char *object = strrchr(str(row, "object"), '/'), *state = str(row, "state");

	printf("%s%10s %10s %9s %7s %10s  %-16s %s  %s%s\n", cli_paint(colour_of(state)),
	       value_text(a, sizeof(a), o, num(row, "a")),
	       value_text(b, sizeof(b), o, num(row, "b")), change_text(change, sizeof(change), row),
	       error_text(error, sizeof(error), row),
	       value_text(own, sizeof(own), o, num(row, "self_delta")), state_words(state),
	       str(row, "name"), object ? object + 1 : str(row, "object"), cli_paint(CLI_PLAIN));
}

/* Rows that are shown: what changed, and the largest of what did not. */
static bool is_shown(const json_t *row, unsigned int *changed, unsigned int *same)
{
	bool is_same = !strcmp(str(row, "state"), "same");

	return is_same ? (*same)++ < MAX_SAME : (*changed)++ < MAX_CHANGED;
}

static void rows_text(const json_t *o)
{
	const json_t *row, *whole = json_object_get(o, "whole");
	unsigned int changed = 0, same = 0;
	size_t i;

	printf("\n%s%10s %10s %9s %7s %10s  %-16s %s%s\n", cli_paint(CLI_BOLD), "base", "head",
	       "change", "+-", "own", "", "function", cli_paint(CLI_PLAIN));
	if (whole)
		row_text(o, whole);
	json_array_foreach(json_object_get(o, "rows"), i, row)
	{
		if (is_shown(row, &changed, &same))
			row_text(o, row);
	}
	if (changed > MAX_CHANGED || same > MAX_SAME)
		printf("%sand %u more; --json has them%s\n", cli_paint(CLI_GREY),
		       (changed > MAX_CHANGED ? changed - MAX_CHANGED : 0) +
			       (same > MAX_SAME ? same - MAX_SAME : 0),
		       cli_paint(CLI_PLAIN));
}

static const char *headline(const json_t *o)
{
	if (!strcmp(str(o, "verdict"), "regressed"))
		return "REGRESSED";
	return strcmp(str(o, "verdict"), "fine") ? "INCONCLUSIVE" : "FINE";
}

void report_text(const json_t *o)
{
	const char *h = headline(o);
	const json_t *note;
	size_t i;

	printf("%s%s%s  %s\n",
	       cli_paint(*h == 'R'   ? CLI_RED
			 : *h == 'F' ? CLI_GREEN
				     : CLI_BOLD),
	       h, cli_paint(CLI_PLAIN), str(o, "why"));
	printf("compared   %s (%s in %s)\n", str(o, "compared"), str(o, "type"), str(o, "unit"));
	side_text(o, "base", false);
	side_text(o, "head", false);
	json_array_foreach(json_object_get(o, "notes"), i, note)
		printf("note       %s\n", json_string_value(note));
	rows_text(o);
}

/* A name inside a table's cell: C++ has '|' and '`' nowhere, others may. */
static void cell(const char *s)
{
	putchar('`');
	for (; *s; s++) {
		if (*s == '|')
			fputs("\\|", stdout);
		else
			putchar(*s == '`' ? '\'' : *s);
	}
	putchar('`');
}

static void row_markdown(const json_t *o, const json_t *row)
{
	char a[48], b[48], change[32], error[32];
	const char *state = str(row, "state");
	bool bold = !strcmp(state, "regressed");

	printf("| ");
	cell(str(row, "name"));
	printf(" | %s | %s | %s%s%s | %s | %s |\n", value_text(a, sizeof(a), o, num(row, "a")),
	       value_text(b, sizeof(b), o, num(row, "b")), bold ? "**" : "",
	       change_text(change, sizeof(change), row), bold ? "**" : "",
	       error_text(error, sizeof(error), row), state_words(state));
}

void report_markdown(const json_t *o)
{
	const json_t *row, *whole = json_object_get(o, "whole");
	unsigned int changed = 0, same = 0;
	size_t i;

	printf("### ringprof: %s\n\n%s.\n\n", str(o, "verdict"), str(o, "why"));
	side_text(o, "base", true);
	side_text(o, "head", true);
	printf("- compared: %s (%s in %s)\n", str(o, "compared"), str(o, "type"), str(o, "unit"));
	json_array_foreach(json_object_get(o, "notes"), i, row)
		printf("- note: %s\n", json_string_value(row));
	printf("\n| function | base | head | change | ± | |\n|---|--:|--:|--:|--:|---|\n");
	if (whole)
		row_markdown(o, whole);
	json_array_foreach(json_object_get(o, "rows"), i, row)
	{
		if (is_shown(row, &changed, &same))
			row_markdown(o, row);
	}
}
