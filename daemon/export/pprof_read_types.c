// SPDX-License-Identifier: GPL-2.0
/*
 * Which column of the samples' values is read, in which unit, and how many
 * samples stand behind a value. The last decides how sure a comparison can be,
 * so it is never guessed upwards: a file that does not tell has few samples.
 */
#include "export/pprof_read_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name, *base;
	uint64_t factor;
};

static const struct unit units[] = {
	{ "ns", "nanoseconds", 1 },
	{ "nanosecond", "nanoseconds", 1 },
	{ "us", "nanoseconds", 1000 },
	{ "microseconds", "nanoseconds", 1000 },
	{ "microsecond", "nanoseconds", 1000 },
	{ "ms", "nanoseconds", 1000000 },
	{ "milliseconds", "nanoseconds", 1000000 },
	{ "millisecond", "nanoseconds", 1000000 },
	{ "s", "nanoseconds", 1000000000 },
	{ "sec", "nanoseconds", 1000000000 },
	{ "seconds", "nanoseconds", 1000000000 },
	{ "second", "nanoseconds", 1000000000 },
	{ "b", "bytes", 1 },
	{ "byte", "bytes", 1 },
	{ "kb", "bytes", 1024 },
	{ "kilobytes", "bytes", 1024 },
	{ "mb", "bytes", 1048576 },
	{ "megabytes", "bytes", 1048576 },
	{ "gb", "bytes", 1073741824 },
	{ "gigabytes", "bytes", 1073741824 },
};

static void base_unit(const char *name, const char **base, uint64_t *factor)
{
	*base = name;
	*factor = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(name, units[i].name)) {
			*base = units[i].base;
			*factor = units[i].factor;
			return;
		}
	}
}

static const char *type_at(const struct pprof_reader *rd, size_t i)
{
	return pprof_text(rd->p, rd->p->sample_type[i]->type);
}

static const char *unit_at(const struct pprof_reader *rd, size_t i)
{
	return pprof_text(rd->p, rd->p->sample_type[i]->unit);
}

/* Is column i what "TYPE" or "TYPE/UNIT" names? */
static bool is_named(const struct pprof_reader *rd, size_t i, const char *wanted)
{
	const char *type = type_at(rd, i);
	size_t n = strlen(type);

	if (strncmp(wanted, type, n) != 0)
		return false;
	return !wanted[n] || (wanted[n] == '/' && !strcmp(wanted + n + 1, unit_at(rd, i)));
}

static int no_such_type(struct pprof_reader *rd, const char *wanted)
{
	struct buf b = { 0 };
	int r;

	for (size_t i = 0; i < rd->p->n_sample_type; i++) {
		buf_puts(&b, i ? ", " : "");
		buf_utf8(&b, type_at(rd, i));
		buf_putc(&b, '/');
		buf_utf8(&b, unit_at(rd, i));
	}
	r = pprof_refuse(rd, -EINVAL, "it has no sample type '%.64s'; it has: %.300s", wanted,
			 b.data ? b.data : "");
	buf_free(&b);
	return r;
}

static int find_column(struct pprof_reader *rd, const char *wanted)
{
	const char *def = pprof_text(rd->p, rd->p->default_sample_type);
	const char *name = wanted ? wanted : def;

	rd->column = rd->p->n_sample_type - 1;
	if (!*name)
		return 0;
	for (size_t i = 0; i < rd->p->n_sample_type; i++) {
		if (is_named(rd, i, name)) {
			rd->column = i;
			return 0;
		}
	}
	/* a default that is not there is passed over, as pprof does */
	return wanted ? no_such_type(rd, wanted) : 0;
}

/* Column of type `type`, n bytes of it significant; n_sample_type: none. */
static size_t column_of(const struct pprof_reader *rd, const char *type, size_t n, const char *unit)
{
	size_t i;

	for (i = 0; i < rd->p->n_sample_type; i++)
		if (!strncmp(type_at(rd, i), type, n) && !strcmp(unit_at(rd, i), unit))
			break;
	return i;
}

/* The period counts values of its own unit: the column itself, or alloc_space beside alloc_objects. */
static bool count_by_period(struct pprof_reader *rd)
{
	const Ringprof__Pprof__ValueType *t = rd->p->period_type;
	const char *unit = t ? pprof_text(rd->p, t->unit) : "", *type = type_at(rd, rd->column);
	size_t prefix = strcspn(type, "_") + 1, n = rd->p->n_sample_type, i = n;

	if (!*unit || rd->p->period <= 1)
		return false;
	if (!strcmp(unit_at(rd, rd->column), unit))
		i = rd->column;
	else if (prefix <= strlen(type))
		i = column_of(rd, type, prefix, unit);
	if (i == n)
		return false;
	rd->count_column = i;
	rd->period = (uint64_t)rd->p->period;
	rd->info->counts = PPROF_PERIOD;
	return true;
}

/* "samples", or perf's "cycles_sample" */
static size_t samples_column(const struct pprof_reader *rd)
{
	size_t i;

	for (i = 0; i < rd->p->n_sample_type; i++) {
		const char *type = type_at(rd, i), *tail = strrchr(type, '_');

		if (!strcmp(unit_at(rd, i), "count") &&
		    (!strcmp(type, "samples") || (tail && !strcmp(tail, "_sample"))))
			break;
	}
	return i;
}

/* other counts (objects, contentions) are often estimates, scaled up: they count nothing */
static void choose_counts(struct pprof_reader *rd)
{
	rd->count_column = samples_column(rd);
	if (rd->count_column < rd->p->n_sample_type)
		rd->info->counts = PPROF_COUNTED;
	else if (!count_by_period(rd))
		rd->info->counts = PPROF_ROWS;
}

uint64_t pprof_row_samples(const struct pprof_reader *rd, const int64_t *values)
{
	uint64_t v;

	if (!values[rd->column])
		return 0;
	if (rd->count_column >= rd->p->n_sample_type)
		return 1;
	v = (uint64_t)values[rd->count_column];
	if (rd->info->counts == PPROF_PERIOD)
		v = v / rd->period + (v % rd->period >= rd->period / 2 + rd->period % 2);
	return v ? v : 1;
}

int pprof_choose_type(struct pprof_reader *rd, const char *wanted)
{
	const pprof_profile *p = rd->p;
	const char *base;
	int r;

	if (!p->n_sample_type || p->n_sample_type > PPROF_MAX_TYPES)
		return pprof_refuse(rd, -EBADMSG, "it has %zu sample types; allowed: 1 to %d",
				    p->n_sample_type, PPROF_MAX_TYPES);
	r = find_column(rd, wanted);
	if (r)
		return r;
	choose_counts(rd);
	base_unit(unit_at(rd, rd->column), &base, &rd->factor);
	snprintf(rd->info->type, sizeof(rd->info->type), "%s", type_at(rd, rd->column));
	snprintf(rd->info->unit, sizeof(rd->info->unit), "%s", base);
	return 0;
}
