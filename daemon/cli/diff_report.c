// SPDX-License-Identifier: GPL-2.0
/* What a diff is told as: one JSON object; see diff_print.c for people. */
#include "cli/diff.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_ROWS 1000

static const char *const state_names[] = {
	[GATE_SMALL] = "small",	     [GATE_SAME] = "same", [GATE_GREW] = "grew",
	[GATE_FELL] = "fell",	     [GATE_NEW] = "new",   [GATE_GONE] = "gone",
	[GATE_BEYOND] = "regressed",
};

/* null where JSON has no number */
static json_t *real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* A URL without the credential in it. */
static json_t *name_json(const char *name)
{
	const char *host = strstr(name, "://"), *at;
	json_t *whole;

	if (strncmp(name, "http", 4) != 0 || !host)
		return json_string(name);
	host += 3;
	at = memchr(host, '@', strcspn(host, "/?#"));
	whole = at ? json_sprintf("%.*s%s", (int)(host - name), name, at + 1) : json_string(name);
	return whole;
}

static json_t *side_json(const struct side *s, const struct diff_side *d)
{
	double all = (double)d->total + (double)d->lost;

	return json_pack("{s:o, s:I, s:I, s:f, s:o, s:f, s:b}", "name", name_json(s->name), "total",
			 (json_int_t)d->total, "samples", (json_int_t)d->samples,
			 "duration_seconds", (double)d->duration / 1e9, "value",
			 real((double)d->total / d->per), "lost_share",
			 all > 0 ? (double)d->lost / all : 0.0, "errors_measured", d->df > 0);
}

static json_t *row_json(const struct diff *d, const struct gate_row *row)
{
	const struct diff_row *r = &row->r;
	bool whole = r->func == UINT32_MAX;
	const struct tree_func *f = whole ? NULL : &d->funcs[r->func].f;
	double a = (double)d->a.total, b = (double)d->b.total;
	json_t *o = json_pack("{s:s, s:s, s:s}", "name", whole ? "(whole)" : f->name, "object",
			      whole ? "" : f->object, "state", state_names[row->state]);

	json_object_set_new(o, "a", real(r->a));
	json_object_set_new(o, "b", real(r->b));
	json_object_set_new(o, "delta", real(r->delta));
	json_object_set_new(o, "ratio", real(diff_ratio(r->a, r->b)));
	json_object_set_new(o, "se", real(r->se));
	json_object_set_new(o, "p", real(row->p));
	json_object_set_new(o, "self_delta", real(whole ? r->delta : r->self_delta));
	json_object_set_new(o, "share_a", real(a > 0 ? (double)r->a_total / a : 0));
	json_object_set_new(o, "share_b", real(b > 0 ? (double)r->b_total / b : 0));
	json_object_set_new(o, "samples_a", json_integer((json_int_t)r->a_samples));
	json_object_set_new(o, "samples_b", json_integer((json_int_t)r->b_samples));
	return o;
}

static json_t *rows_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->gate->n_rows && json_array_size(list) < MAX_ROWS; i++)
		if (r->gate->rows[i].state != GATE_SMALL)
			json_array_append_new(list, row_json(r->diff, &r->gate->rows[i]));
	return list;
}

static void note(json_t *list, const char *text)
{
	json_array_append_new(list, json_string(text));
}

static void side_notes(json_t *list, const char *which, const struct side *s,
		       const struct diff_side *d)
{
	double lost = (double)d->lost / ((double)d->total + (double)d->lost);

	if (d->lost && lost > 0.01)
		json_array_append_new(list, json_sprintf("of the %s %.1f%% were lost; its values "
							 "are too small by that",
							 which, lost * 100));
	else if (s->host_lost > 0.01)
		json_array_append_new(list, json_sprintf("in the time of the %s %.1f%% of the "
							 "host's CPU time was lost; its values may "
							 "be too small by that and more",
							 which, s->host_lost * 100));
	if (s->info.counts == PPROF_ROWS)
		json_array_append_new(list, json_sprintf("the %s does not tell how many samples it "
							 "has: a row counts as one",
							 which));
}

static json_t *notes_json(const struct report *r)
{
	const struct diff *d = r->diff;
	json_t *list = json_array();

	if (d->mode == DIFF_SHARE)
		note(list, "shares alone are compared: that the whole grew is not seen; give "
			   "--per-base and --per-head, or profiles of CPU time that tell their "
			   "duration");
	if (!d->a.df || !d->b.df)
		note(list, "errors are those of sampling: what differs from run to run anyway is "
			   "not known and not in them");
	side_notes(list, "base", r->base, &d->a);
	side_notes(list, "head", r->head, &d->b);
	return list;
}

static json_t *why_json(const struct report *r)
{
	const struct gate *g = r->gate;
	bool whole = g->whole.state == GATE_BEYOND;
	double confidence = r->limits->confidence * 100;

	if (g->verdict == GATE_FINE)
		return json_sprintf("no growth beyond %s, at %.6g %% confidence", r->max_regress,
				    confidence);
	if (g->verdict == GATE_INCONCLUSIVE && isinf(g->resolution))
		return json_sprintf("a side has no samples");
	if (g->verdict == GATE_INCONCLUSIVE)
		return json_sprintf("too few samples: growth below %.1f %% cannot be told from "
				    "chance; about %llu on each side would do",
				    g->resolution * 100, (unsigned long long)g->need);
	if (!g->n_beyond)
		return json_sprintf("the whole grew beyond %s, at %.6g %% confidence",
				    r->max_regress, confidence);
	return json_sprintf("%s%u of %u functions grew beyond %s, at %.6g %% confidence",
			    whole ? "the whole and " : "", g->n_beyond, g->n_tested, r->max_regress,
			    confidence);
}

json_t *report_json(const struct report *r)
{
	static const char *const verdicts[] = {
		[GATE_FINE] = "fine", [GATE_REGRESSED] = "regressed", [GATE_INCONCLUSIVE] = "inconclusive"
	};
	static const char *const modes[] = {
		[DIFF_RATE] = "rate", [DIFF_WORK] = "work", [DIFF_SHARE] = "share"
	};
	const struct diff *d = r->diff;
	const struct gate *g = r->gate;
	json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:f, s:s, s:f}", "verdict",
			      verdicts[g->verdict], "why", why_json(r), "mode", modes[d->mode],
			      "compared", diff_unit_name(d), "type", d->type, "unit", d->unit,
			      "confidence", r->limits->confidence, "max_regress", r->max_regress,
			      "min_share", r->limits->min_share);

	json_object_set_new(o, "base", side_json(r->base, &d->a));
	json_object_set_new(o, "head", side_json(r->head, &d->b));
	if (d->mode != DIFF_SHARE)
		json_object_set_new(o, "whole", row_json(d, &g->whole));
	json_object_set_new(o, "tested", json_integer(g->n_tested));
	json_object_set_new(o, "beyond", json_integer(g->n_beyond));
	json_object_set_new(o, "resolution", real(g->resolution));
	json_object_set_new(o, "samples_needed", json_integer((json_int_t)g->need));
	json_object_set_new(o, "notes", notes_json(r));
	json_object_set_new(o, "rows", rows_json(r));
	return o;
}
