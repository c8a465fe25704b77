// SPDX-License-Identifier: GPL-2.0
/* query, status, version: what the daemon knows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/disabled.h"
#include "cli/cli.h"
#include "source/control.h"

const struct cli_option query_options[] = {
	{ "from", 0, "TIME", "begin: now-1h, RFC 3339 or unix time (default now-5m)" },
	{ "until", 0, "TIME", "end (default now)" },
	{ "output", 'o', "FORMAT",
	  "top, folded, flamegraph, speedscope, pprof, series or perf-script (default top)" },
	{ "max-nodes", 0, "N", "cut the tree to its N heaviest nodes" },
	{ "group-by", 0, "LABELS", "outermost frames, or lines of a series, by these labels" },
	{ "focus", 0, "REGEX", "only stacks with a frame that matches" },
	{ "ignore", 0, "REGEX", "no stacks with a frame that matches" },
	{ "hide", 0, "REGEX", "leave frames that match out of their stacks" },
	{ "invert", 0, NULL, "stacks upside down: leaves outermost" },
	{ "merge", 0, "WHAT", "frames by function, line, address, binary or category" },
	{ "busiest", 0, "PERCENT", "only the busiest windows: 10%" },
	{ "step", 0, "TIME", "of a series (default auto)" },
	{ 0 },
};

/* what is shown of the stacks */
static void add_shape(struct cli *c, struct buf *path)
{
	static const char *const same[] = { "focus", "ignore", "hide", "merge", "busiest", "step" };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		client_param(path, same[i], cli_value(c, same[i]));
	client_param(path, "group_by", cli_value(c, "group-by"));
	client_param(path, "invert", cli_value(c, "invert") ? "1" : NULL);
}

int verb_query(struct cli *c)
{
	const char *format = cli_value(c, "output");
	struct buf path = { 0 }, body = { 0 };
	int r;

	if (c->n_args > 1)
		return cli_fail(CLI_USAGE, "query takes one selector; quote it: "
					   "'{service_name=\"x\"}'");
	if (!format)
		format = c->json ? "flamegraph" : "top";
	buf_puts(&path, "/api/v1/profile");
	client_param(&path, "query", c->n_args ? c->args[0] : NULL);
	client_param(&path, "from", cli_value(c, "from"));
	client_param(&path, "until", cli_value(c, "until"));
	client_param(&path, "max_nodes", cli_value(c, "max-nodes"));
	client_param(&path, "format", format);
	add_shape(c, &path);
	if (path.err)
		return cli_fail(CLI_FAILED, "out of memory");
	if (!strcmp(format, "pprof") && isatty(STDOUT_FILENO))
		return cli_fail(CLI_USAGE, "query: pprof is binary; send it to a file: > "
					   "cpu.pb.gz");
	r = client_get(c, path.data, &body, CLI_QUERY_SECONDS, false);
	if (!r && !strcmp(format, "top") && !c->json)
		r = top_print(&body);
	else if (!r && fwrite(body.data ? body.data : "", 1, body.len, stdout) != body.len)
		r = cli_fail(CLI_FAILED, "writing: %s", strerror(errno));
	buf_free(&path);
	buf_free(&body);
	return r;
}

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static long long num(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void status_unwind_text(const json_t *u)
{
	long long rows = num(u, "row_frames"), fp = num(u, "fp_frames");

	printf("\nstacks   %s; %lld bytes a sample\n", str(u, "how"), num(u, "bytes_per_sample"));
	if (rows + fp)
		printf("frames   %.1f%% by unwind rows, the rest by frame pointers\n",
		       100.0 * (double)rows / (double)(rows + fp));
	printf("rows     of %lld files, %.1f MiB, %lld files waiting; module: %lld sent, %lld "
	       "refused, %lld without room there\n",
	       num(u, "tables"), (double)num(u, "table_bytes") / 1048576.0, num(u, "tables_queued"),
	       num(u, "sent_tables"), num(u, "refused_tables"), num(u, "absent_tables"));
	if (*str(u, "trouble"))
		printf("trouble  %s\n", str(u, "trouble"));
}

/* The processes that read files, where there is something to say of them. */
static void status_readers_text(const json_t *readers)
{
	const json_t *r, *path;
	size_t i, j;

	json_array_foreach(readers, i, r)
	{
		if (num(r, "deaths"))
			printf("trouble  the process rp-%s, which reads what programs bring "
			       "along, ended %lld times%s\n",
			       str(r, "reads"), num(r, "deaths"),
			       num(r, "pid") ? "" : ", and is not there now");
		json_array_foreach(json_object_get(r, "refused"), j, path)
			printf("trouble  %s is not read any more: rp-%s ended at it\n",
			       json_string_value(path), str(r, "reads"));
	}
}

static void status_daemon_text(const json_t *d)
{
	const json_t *src = json_object_get(d, "source"), *s = json_object_get(d, "samples");
	const json_t *h = json_object_get(d, "history"), *v;
	static const char *const skipped[] = { "filtered", "throttled", "nested" };
	const char *name;
	size_t i;

	printf("daemon   %s, up %lld s, pid %lld\n", str(d, "version"), num(d, "uptime_seconds"),
	       num(d, "pid"));
	printf("source   %s (%s): %lld Hz on %lld CPUs%s\n", str(src, "name"), str(src, "why"),
	       num(src, "hz"), num(src, "cpus"),
	       json_is_true(json_object_get(src, "running")) ? "" : ", NOT RUNNING");
	if (*str(src, "trouble"))
		printf("trouble  %s\n", str(src, "trouble"));
	/* rounds are a second apart, and may take one */
	if (num(src, "behind_ms") > 5000)
		printf("trouble  the record ends %lld s ago: the daemon gets too little CPU\n",
		       num(src, "behind_ms") / 1000);
	printf("samples  %lld, idle %lld", num(s, "emitted"), num(s, "idle"));
	for (i = 0; i < ARRAY_SIZE(skipped); i++)
		if (num(s, skipped[i]))
			printf(", %s %lld", skipped[i], num(s, skipped[i]));
	json_object_foreach(json_object_get((json_t *)s, "lost"), name,
			    v) if (json_integer_value(v))
		printf(", lost: %s %lld", name, (long long)json_integer_value(v));
	status_unwind_text(json_object_get(d, "unwind"));
	status_readers_text(json_object_get(d, "readers"));
	json_array_foreach(json_object_get(d, "truncated"), i, v)
	{
		if (i < 3)
			printf("%-8s %lld stacks end in %s (mostly: %s)\n", i ? "" : "cut off",
			       num(v, "stacks"), str(v, "binary"), str(v, "mostly"));
	}
	printf("history  %lld windows, %.1f MiB, %lld s back\n", num(h, "windows"),
	       (double)num(h, "bytes") / 1048576.0, num(h, "seconds"));
	printf("watching %lld processes\n", num(d, "processes"));
	if (*str(d, "url"))
		printf("url      %s%s%s%s\n", str(d, "url"),
		       *str(d, "token_file") ? "  (any user, password: the line in " : "",
		       str(d, "token_file"), *str(d, "token_file") ? ")" : "");
}

static void status_text(const json_t *o)
{
	const json_t *d = json_object_get(o, "daemon"), *m = json_object_get(o, "module");

	if (json_is_object(d))
		status_daemon_text(d);
	else
		printf("daemon   %s\n",
		       *str(o, "daemon_error") ? str(o, "daemon_error") : "not running");
	if (!json_is_object(m)) {
		printf("module   %s\n", str(o, "module_error"));
		return;
	}
	printf("module   %s, ABI %lld.%lld, %s at %lld Hz on CPUs %s\n", str(m, "version"),
	       num(m, "abi_major"), num(m, "abi_minor"), str(m, "state"), num(m, "hz"),
	       str(m, "cpus_active"));
	if (num(m, "reader_pid"))
		printf("reader   %s, pid %lld\n", str(m, "reader_comm"), num(m, "reader_pid"));
}

/* The module's own word, or JSON null with *why. */
static json_t *module_json(char *why, size_t len)
{
	static struct control_config cfg;
	struct control_info info;
	struct control *ctl = NULL;
	json_t *o;

	if (control_open(&ctl, why, len))
		return json_null();
	if (control_info(ctl, &info) || control_get(ctl, &cfg)) {
		snprintf(why, len, "%s", control_error(ctl));
		control_close(ctl);
		return json_null();
	}
	control_close(ctl);
	o = json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:s, s:s, s:I, s:s, s:I}", "version",
		      info.version, "abi_major", (json_int_t)info.abi_major, "abi_minor",
		      (json_int_t)info.abi_minor, "state", control_state_name(info.state), "hz",
		      (json_int_t)cfg.hz, "period", (json_int_t)cfg.period, "cpus", cfg.cpus,
		      "cpus_active", cfg.cpus_active, "reader_pid", (json_int_t)info.reader_pid,
		      "reader_comm", info.reader_comm, "memory", (json_int_t)info.memory);
	return o ? o : json_null();
}

static json_t *daemon_json(const struct cli *c, int *status)
{
	struct buf b = { 0 };
	json_t *o = NULL;

	*status = client_get(c, "/api/v1/status", &b, 10, true);
	if (*status == CLI_OK)
		o = json_loadb(b.data ? b.data : "", b.len, 0, NULL);
	buf_free(&b);
	return o ? o : json_null();
}

/* Why there is no word of the daemon; NULL: it does not run. */
static json_t *daemon_error(const struct cli *c, int status)
{
	char off[512];

	if (status == CLI_DENIED)
		return json_string("not for you to ask");
	/* what is switched off or runs on another host is not for us to say */
	if (status == CLI_ABSENT && c->url)
		return json_string(client_trouble());
	if (status == CLI_ABSENT)
		return disabled_check(off, sizeof(off)) ? json_string(off) : NULL;
	return status ? json_sprintf("does not answer: %s", client_trouble()) : NULL;
}

int verb_status(struct cli *c)
{
	char why[512] = "";
	int daemon_status, r;
	json_t *o = json_object(), *error;
	bool module;

	json_object_set_new(o, "daemon", daemon_json(c, &daemon_status));
	error = daemon_error(c, daemon_status);
	json_object_set_new(o, "module", module_json(why, sizeof(why)));
	module = json_is_object(json_object_get(o, "module"));
	if (error)
		json_object_set_new(o, "daemon_error", error);
	if (!module)
		json_object_set_new(o, "module_error", json_string(why));
	r = cli_emit(c, o, status_text);
	if (daemon_status == CLI_DENIED)
		return cli_fail(CLI_DENIED, "be root or in the group ringprof to ask the daemon");
	if (r || (daemon_status && daemon_status != CLI_ABSENT))
		return r ? r : daemon_status;
	return daemon_status == CLI_OK || module ? CLI_OK : CLI_ABSENT;
}

static void version_text(const json_t *o)
{
	printf("command  %s\ndaemon   %s\nmodule   %s\n", str(o, "command"),
	       *str(o, "daemon")	 ? str(o, "daemon")
	       : *str(o, "daemon_error") ? str(o, "daemon_error")
					 : "not running",
	       *str(o, "module") ? str(o, "module") : "not loaded");
	printf("ABI      %lld.%lld\n", num(o, "abi_major"), num(o, "abi_minor"));
}

int verb_version(struct cli *c)
{
	char why[512];
	int status;
	json_t *d = daemon_json(c, &status), *m = module_json(why, sizeof(why));
	json_t *error = daemon_error(c, status);
	json_t *o = json_pack("{s:s, s:I, s:I, s:O?, s:O?}", "command", RINGPROF_VERSION,
			      "abi_major", (json_int_t)RINGPROF_ABI_MAJOR, "abi_minor",
			      (json_int_t)RINGPROF_ABI_MINOR, "daemon",
			      json_object_get(d, "version"), "module",
			      json_object_get(m, "version"));

	json_decref(d);
	json_decref(m);
	if (error)
		json_object_set_new(o, "daemon_error", error);
	return cli_emit(c, o, version_text);
}
