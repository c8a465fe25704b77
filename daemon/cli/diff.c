// SPDX-License-Identifier: GPL-2.0
/*
 * ringprof diff: has the head regressed? For a person at a terminal and for a
 * gate in CI: the exit status is the verdict.
 */
#include "cli/diff.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option diff_options[] = {
	{ "base", 'a', "SIDE", "what was: a pprof FILE, a URL, or store:SELECTOR@FROM..UNTIL" },
	{ "head", 'b', "SIDE", "what is" },
	{ "max-regress", 0, "GROWTH",
	  "growth allowed: 2% of each, or 2pp of the whole (default 2%)" },
	{ "min-share", 0, "PERCENT", "functions below are not looked at (default 0.5%)" },
	{ "per-base", 0, "N", "units of work that the base did: requests, builds" },
	{ "per-head", 0, "N", "units of work that the head did" },
	{ "shares", 0, NULL, "compare shares alone, not the whole" },
	{ "confidence", 0, "PERCENT", "that there is no false alarm (default 99%)" },
	{ "sample-type", 0, "TYPE", "of the profiles: cpu, alloc_space, ... (default the file's)" },
	{ "inconclusive", 0, "VERDICT", "pass or fail: what too few samples count as" },
	{ "markdown", 0, NULL, "print a report for a pull request" },
	{ 0 },
};

struct task {
	const char *base, *head, *type, *inconclusive;
	const char *max_regress;
	struct gate_limits limits;
	double per_base, per_head;
	bool shares;
};

/* A number >= 0 with one of two endings; 0, or -EINVAL. *second: it was the second one. */
static int parse_with(const char *s, const char *one, const char *two, double *ret, bool *second)
{
	char *end;

	/* nothing else that strtod knows: no sign, no exponent, no inf */
	if (!*s || !strspn(s, "0123456789.") || strspn(s, "0123456789.%p") != strlen(s))
		return -EINVAL;
	*ret = strtod(s, &end);
	*second = two && !strcmp(end, two);
	return end != s && (*second || !strcmp(end, one)) && *ret >= 0 && *ret <= 1e6 ? 0 : -EINVAL;
}

static int read_percent(const struct cli *c, const char *name, double min, double max, double def,
			double *ret)
{
	const char *s = cli_value(c, name);
	bool second;

	*ret = def;
	if (s && (parse_with(s, "%", NULL, ret, &second) || *ret < min || *ret > max))
		return cli_fail(DIFF_ERROR, "diff: --%s: '%s'; allowed: %g%% to %g%%", name, s, min,
				max);
	*ret /= 100;
	return 0;
}

static int read_work(const struct cli *c, const char *name, double *ret)
{
	const char *s = cli_value(c, name);

	if (!diff_read_work(s, ret) && s)
		return cli_fail(DIFF_ERROR, "diff: --%s: '%s'; allowed: " DIFF_WORK_ALLOWED, name,
				s);
	return 0;
}

static int read_limits(const struct cli *c, struct task *t)
{
	int r = read_percent(c, "min-share", 0, 100, 0.5, &t->limits.min_share);

	if (!r)
		r = read_percent(c, "confidence", 50, 99.9999, 99, &t->limits.confidence);
	if (!r)
		r = read_work(c, "per-base", &t->per_base);
	if (!r)
		r = read_work(c, "per-head", &t->per_head);
	if (r)
		return r;
	t->max_regress = cli_value(c, "max-regress") ? cli_value(c, "max-regress") : "2%";
	if (parse_with(t->max_regress, "%", "pp", &t->limits.max_regress, &t->limits.points))
		return cli_fail(DIFF_ERROR,
				"diff: --max-regress: '%s'; allowed: growth of each, like 2%%, or "
				"in points of the whole, like 2pp",
				t->max_regress);
	t->limits.max_regress /= 100;
	return 0;
}

static int read_task(const struct cli *c, struct task *t)
{
	int r = read_limits(c, t);

	if (r)
		return r;
	t->base = cli_value(c, "base");
	t->head = cli_value(c, "head");
	t->type = cli_value(c, "sample-type");
	t->inconclusive = cli_value(c, "inconclusive");
	t->shares = cli_value(c, "shares") != NULL;
	if (!t->base || !t->head)
		return cli_fail(DIFF_ERROR, "diff: needs --base and --head");
	if (!t->per_base != !t->per_head || (t->per_base > 0 && t->shares))
		return cli_fail(DIFF_ERROR, "diff: --per-base and --per-head: allowed: both, "
					    "without --shares");
	if (t->inconclusive && strcmp(t->inconclusive, "pass") && strcmp(t->inconclusive, "fail"))
		return cli_fail(DIFF_ERROR, "diff: --inconclusive: '%s'; allowed: pass, fail",
				t->inconclusive);
	if (c->json && cli_value(c, "markdown"))
		return cli_fail(DIFF_ERROR, "diff: --json or --markdown, not both");
	return 0;
}

static int status_of(const struct task *t, enum gate_verdict v)
{
	if (v == GATE_FINE)
		return DIFF_FINE;
	if (v == GATE_REGRESSED)
		return DIFF_REGRESSED;
	if (!t->inconclusive)
		return DIFF_INCONCLUSIVE;
	return strcmp(t->inconclusive, "pass") ? DIFF_REGRESSED : DIFF_FINE;
}

static int tell(const struct cli *c, const struct task *t, const struct side *base,
		const struct side *head, const struct diff *d)
{
	struct report rep = { .base = base,
			      .head = head,
			      .diff = d,
			      .limits = &t->limits,
			      .max_regress = t->max_regress };
	struct gate *g = NULL;
	int status;

	if (gate_judge(d, &t->limits, &g))
		return cli_fail(DIFF_ERROR, "out of memory");
	rep.gate = g;
	status = status_of(t, g->verdict);
	if (cli_emit(c, report_json(&rep),
		     cli_value(c, "markdown") ? report_markdown : report_text))
		status = DIFF_ERROR;
	gate_free(g);
	/* a report that did not arrive is no verdict */
	if (fflush(stdout) || ferror(stdout))
		status = cli_fail(DIFF_ERROR, "writing: %s", strerror(errno));
	return status;
}

static int compare(const struct cli *c, const struct task *t, const struct side *base,
		   const struct side *head)
{
	struct diff_scale scale = { .mode = DIFF_WORK,
				    .a_work = t->per_base,
				    .b_work = t->per_head,
				    .confidence = t->limits.confidence };
	bool time = !strcmp(base->info.unit, "nanoseconds");
	struct diff *d = NULL;
	int r;

	if (strcmp(base->info.type, head->info.type) || strcmp(base->info.unit, head->info.unit))
		return cli_fail(DIFF_ERROR,
				"the base is %s in %s, the head %s in %s; choose one with "
				"--sample-type",
				base->info.type, base->info.unit, head->info.type, head->info.unit);
	if (!(t->per_base > 0))
		scale.mode = t->shares ? DIFF_SHARE : diff_mode_for(base->tree, head->tree, time);
	if (diff_trees(base->tree, head->tree, &scale, &d))
		return cli_fail(DIFF_ERROR, "out of memory");
	snprintf(d->type, sizeof(d->type), "%s", base->info.type);
	snprintf(d->unit, sizeof(d->unit), "%s", base->info.unit);
	r = tell(c, t, base, head, d);
	diff_free(d);
	return r;
}

int verb_diff(struct cli *c)
{
	struct side base = { 0 }, head = { 0 };
	struct task t = { 0 };
	int r = read_task(c, &t);

	if (!r)
		r = side_load(c, t.base, t.type, &base);
	if (!r)
		r = side_load(c, t.head, t.type, &head);
	if (!r)
		r = compare(c, &t, &base, &head);
	tree_free(base.tree);
	tree_free(head.tree);
	return r;
}
