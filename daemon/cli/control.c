// SPDX-License-Identifier: GPL-2.0
/* start, stop, set, stats: straight to the module by netlink. */
#include "source/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config.h"
#include "base/disabled.h"
#include "cli/cli.h"

#define MAX_CPUS 4096

const struct cli_option set_options[] = {
	{ "frequency", 'F', "HZ", "samples a second and CPU, 1 to 10000" },
	{ "cpus", 0, "LIST", "CPUs to sample, like 0-3,8; empty: default" },
	{ "event", 'e', "NAME", "cpu-clock or cycles" },
	{ "pids", 'p', "LIST", "only these processes, comma separated; empty: all" },
	{ "cgroup", 'G', "PATH", "only this cgroup and below it; empty: all" },
	{ "unit", 'u', "NAME", "only this systemd unit" },
	{ "only", 0, "MODE", "user, kernel or both" },
	{ "user-stacks", 0, "YESNO", "walk user stacks: yes or no" },
	{ "ring-size", 0, "BYTES", "ring of each CPU, 0: by the frequency" },
	{ "max-depth", 0, "N", "user frames of a stack" },
	{ "budget", 0, "PERCENT", "CPU share the sampler may take, 0: no limit" },
	{ 0 },
};

const struct cli_option stats_options[] = {
	{ "cpu", 0, NULL, "one row a CPU" },
	{ 0 },
};

/* Opens the control; NULL after a message, and *status. */
static struct control *open_control(int *status)
{
	struct control *ctl = NULL;
	char err[512] = "";
	int r = control_open(&ctl, err, sizeof(err));

	if (!r)
		return ctl;
	*status = cli_fail(cli_status_of(r), "%s", err);
	return NULL;
}

static int result(struct control *ctl, int r)
{
	int status = r ? cli_fail(cli_status_of(r), "%s", control_error(ctl)) : CLI_OK;

	control_close(ctl);
	return status;
}

int verb_start(struct cli *c)
{
	struct control *ctl;
	int status = CLI_OK;
	char why[512];

	if (disabled_check(why, sizeof(why)))
		return cli_fail(CLI_FAILED, "start: %s", why);
	ctl = open_control(&status);
	return ctl ? result(ctl, control_start(ctl)) : status;
}

/* The module is told, whether the daemon hangs or not; what samples by perf events ends. */
int verb_stop(struct cli *c)
{
	struct control *ctl = NULL;
	char err[512] = "";
	int r = control_open(&ctl, err, sizeof(err));
	int status = ctl ? result(ctl, control_stop(ctl)) : CLI_OK;
	int ended = stop_daemons(c);

	if (ended != CLI_ABSENT)
		return status ? status : ended;
	return ctl ? status
		   : cli_fail(cli_status_of(r), "%s; and no daemon samples by perf events here",
			      err);
}

static int bad(const char *key, const char *value, const char *allowed)
{
	return cli_fail(CLI_USAGE, "set: --%s: '%s'; allowed: %s", key, value, allowed);
}

static int number(const struct cli *c, const char *key, uint64_t max, uint32_t *to, bool *set)
{
	const char *v = cli_value(c, key);
	uint64_t n;

	if (!v)
		return 0;
	if (parse_bytes(v, &n) || n > max)
		return bad(key, v, "a number in range");
	*to = (uint32_t)n;
	*set = true;
	return 0;
}

static int set_pids(const struct cli *c, struct control_config *cfg)
{
	const char *v = cli_value(c, "pids");
	char *end;

	if (!v)
		return 0;
	cfg->set_tgids = true;
	for (const char *p = v; *p; p = *end ? end + 1 : end) {
		unsigned long n = strtoul(p, &end, 10);

		if (end == p || (*end && *end != ',') || !n || n > INT32_MAX ||
		    cfg->n_tgids >= sizeof(cfg->tgids) / sizeof(cfg->tgids[0]))
			return bad("pids", v, "up to 256 process ids, comma separated");
		cfg->tgids[cfg->n_tgids++] = (uint32_t)n;
	}
	return 0;
}

/* The cgroup of a systemd unit: where systemd puts services, scopes and slices. */
static int find_unit(const char *unit, char *out, size_t outlen)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					     "/sys/fs/cgroup/systemd" };
	static const char *const slices[] = { "/system.slice", "", "/user.slice",
					      "/machine.slice" };
	char dotted[300], path[1024];
	struct stat st;

	snprintf(dotted, sizeof(dotted), "%s%s", unit, strchr(unit, '.') ? "" : ".service");
	for (size_t r = 0; r < 3; r++)
		for (size_t s = 0; s < 4; s++) {
			snprintf(path, sizeof(path), "%s%s/%s", roots[r], slices[s], dotted);
			if (stat(path, &st) || !S_ISDIR(st.st_mode))
				continue;
			snprintf(out, outlen, "%s/%s", slices[s], dotted);
			return 0;
		}
	return cli_fail(CLI_FAILED,
			"set: --unit: no cgroup of %s; is it running? (systemctl status %s)",
			dotted, dotted);
}

static int set_cgroup(const struct cli *c, struct control_config *cfg)
{
	const char *unit = cli_value(c, "unit"), *path = cli_value(c, "cgroup");

	if (unit && path)
		return cli_fail(CLI_USAGE, "set: --unit or --cgroup, not both");
	cfg->set_cgroup = unit || path;
	if (unit)
		return find_unit(unit, cfg->cgroup, sizeof(cfg->cgroup));
	if (path)
		snprintf(cfg->cgroup, sizeof(cfg->cgroup), "%s", path);
	return 0;
}

static int set_flags(const struct cli *c, const struct control_config *now,
		     struct control_config *cfg)
{
	const char *only = cli_value(c, "only"), *stacks = cli_value(c, "user-stacks");

	cfg->flags = now->flags;
	cfg->set_flags = only || stacks;
	if (only && strcmp(only, "user") && strcmp(only, "kernel") && strcmp(only, "both"))
		return bad("only", only, "user, kernel, both");
	if (stacks && strcmp(stacks, "yes") && strcmp(stacks, "no"))
		return bad("user-stacks", stacks, "yes, no");
	if (only) {
		cfg->flags &= ~(RINGPROF_F_NO_KERNEL | RINGPROF_F_NO_USER);
		cfg->flags |= !strcmp(only, "user")	? RINGPROF_F_NO_KERNEL
			      : !strcmp(only, "kernel") ? RINGPROF_F_NO_USER
							: 0;
	}
	if (stacks) {
		cfg->flags &= ~RINGPROF_F_NO_USER_STACK;
		cfg->flags |= *stacks == 'n' ? RINGPROF_F_NO_USER_STACK : 0;
	}
	return 0;
}

static int set_event(const struct cli *c, struct control_config *cfg)
{
	const char *v = cli_value(c, "event");

	if (!v)
		return 0;
	if (strcmp(v, "cpu-clock") && strcmp(v, "cycles"))
		return bad("event", v, "cpu-clock, cycles");
	cfg->set_event = true;
	cfg->event = !strcmp(v, "cycles") ? RINGPROF_EVENT_CYCLES : RINGPROF_EVENT_CPU_CLOCK;
	return 0;
}

static int set_budget(const struct cli *c, struct control_config *cfg)
{
	const char *v = cli_value(c, "budget");
	char *end;
	double d;

	if (!v)
		return 0;
	d = strtod(v, &end);
	if (end == v || (*end && strcmp(end, "%")) || !(d >= 0 && d <= 100))
		return bad("budget", v, "0 to 100 percent of a CPU");
	cfg->set_budget = true;
	cfg->budget = (uint32_t)(d * 100 + 0.5);
	return 0;
}

static int fill(const struct cli *c, const struct control_config *now, struct control_config *cfg)
{
	const char *cpus = cli_value(c, "cpus");
	int r = number(c, "frequency", 10000, &cfg->hz, &cfg->set_hz);

	if (!r)
		r = number(c, "ring-size", 64 << 20, &cfg->ring_size, &cfg->set_ring_size);
	if (!r)
		r = number(c, "max-depth", RINGPROF_DEPTH_LIMIT, &cfg->max_depth,
			   &cfg->set_max_depth);
	if (!r)
		r = set_pids(c, cfg);
	if (!r)
		r = set_cgroup(c, cfg);
	if (!r)
		r = set_flags(c, now, cfg);
	if (!r)
		r = set_event(c, cfg);
	if (!r)
		r = set_budget(c, cfg);
	cfg->set_cpus = cpus != NULL;
	if (cpus)
		snprintf(cfg->cpus, sizeof(cfg->cpus), "%s", cpus);
	return r;
}

int verb_set(struct cli *c)
{
	static struct control_config now, cfg;
	int status = CLI_OK, r;
	struct control *ctl = open_control(&status);

	if (!ctl)
		return status;
	r = control_get(ctl, &now);
	if (r)
		return result(ctl, r);
	status = fill(c, &now, &cfg);
	if (status) {
		control_close(ctl);
		return status;
	}
	return result(ctl, control_set(ctl, &cfg));
}

static json_t *stats_row(const struct control_stats *s)
{
	json_t *o = json_object(), *out = json_object();

	json_object_set_new(o, "cpu", s->cpu < 0 ? json_string("all") : json_integer(s->cpu));
	json_object_set_new(o, "calls", json_integer((json_int_t)s->calls));
	for (uint32_t i = 0; i < s->n_outcomes && i < 16; i++)
		json_object_set_new(out, control_outcome_name(i),
				    json_integer((json_int_t)s->outcomes[i]));
	json_object_set_new(o, "outcomes", out);
#define FIELD(f) json_object_set_new(o, #f, json_integer((json_int_t)s->f))
	FIELD(missed);
	FIELD(event_count);
	FIELD(elapsed);
	FIELD(chain_hits);
	FIELD(nodes);
	FIELD(bytes);
	FIELD(frames);
	FIELD(epoch);
	FIELD(handler_ns);
	FIELD(node_limit_hits);
#undef FIELD
	return o;
}

static json_int_t get_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void stats_row_text(const json_t *row)
{
	const json_t *cpu = json_object_get(row, "cpu");
	json_int_t emitted = get_int(json_object_get(row, "outcomes"), "emitted");
	const char *name;
	json_t *v;

	if (json_is_integer(cpu))
		printf("CPU %lld\n", (long long)json_integer_value(cpu));
	printf("  overflows          %12lld\n", (long long)get_int(row, "calls"));
	json_object_foreach(json_object_get(row, "outcomes"), name, v)
	{
		if (json_integer_value(v) || !strcmp(name, "emitted"))
			printf("    %-16s %12lld\n", name, (long long)json_integer_value(v));
	}
	printf("  timer never fired  %12lld\n", (long long)get_int(row, "missed"));
	if (!emitted)
		return;
	printf("  bytes a sample     %12.1f\n", (double)get_int(row, "bytes") / (double)emitted);
	printf("  frames a sample    %12.1f\n", (double)get_int(row, "frames") / (double)emitted);
	printf("  chains known       %11.1f%%\n",
	       100.0 * (double)get_int(row, "chain_hits") / (double)emitted);
}

static void stats_text(const json_t *o)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(o, "stats"), i, row) stats_row_text(row);
}

int verb_stats(struct cli *c)
{
	static struct control_stats rows[MAX_CPUS];
	int status = CLI_OK, n = 1;
	struct control *ctl = open_control(&status);
	json_t *list, *obj;

	if (!ctl)
		return status;
	if (cli_value(c, "cpu"))
		n = control_stats_cpus(ctl, rows, MAX_CPUS);
	else
		status = control_stats(ctl, &rows[0]);
	if (n < 0 || status)
		return result(ctl, n < 0 ? n : status);
	control_close(ctl);
	list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(list, stats_row(&rows[i]));
	obj = json_object();
	json_object_set_new(obj, "stats", list);
	return cli_emit(c, obj, stats_text);
}
