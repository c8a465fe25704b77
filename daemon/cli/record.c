// SPDX-License-Identifier: GPL-2.0
/*
 * record: a profile into a file.
 *
 * A whole-host recording with nothing special asked for comes from a running
 * daemon (it samples anyway). Everything else, and every host without a
 * daemon, samples itself: the same collector, a store of its own, gone at the
 * end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ringprof.h>

#include "base/cleanup.h"
#include "base/disabled.h"
#include "base/clock.h"
#include "cli/output.h"
#include "cli/record.h"
#include "export/export.h"
#include "export/pprof_read.h"

#define MEMORY (256UL << 20)
/* a recording is short: its samples had better wait for their unwind tables */
#define PATIENCE (2 * NSEC_PER_SEC)

/* An existing file keeps what it has until there is something new. */
static int open_output(struct recording *r)
{
	r->out = output_create(r->path);
	r->created = r->out >= 0;
	errno = r->created ? 0 : -r->out;
	if (errno == EEXIST)
		r->out = open(r->path, O_WRONLY | O_CLOEXEC);
	return r->out < 0 ? cli_fail(CLI_FAILED, "%s: %s", r->path, strerror(errno)) : 0;
}

static int write_file(struct recording *r, const struct buf *b)
{
	size_t done = 0;

	/* a pipe or terminal has no length, and nothing to sync */
	if (ftruncate(r->out, 0) && errno != EINVAL)
		return cli_fail(CLI_FAILED, "%s: %s", r->path, strerror(errno));
	while (done < b->len) {
		ssize_t n = write(r->out, b->data + done, b->len - done);

		if (n <= 0)
			return cli_fail(CLI_FAILED, "%s: %s", r->path,
					strerror(n ? errno : ENOSPC));
		done += (size_t)n;
	}
	if (fsync(r->out) && errno != EINVAL && errno != EROFS)
		return cli_fail(CLI_FAILED, "%s: %s", r->path, strerror(errno));
	r->created = false;
	return CLI_OK;
}

static void close_output(struct recording *r)
{
	if (r->created)
		unlink(r->path);
	close(r->out);
}

static int export_tree(struct recording *r, struct tree *t, struct sink out)
{
	if (!strcmp(r->format, "folded"))
		return export_folded(t, out);
	if (!strcmp(r->format, "speedscope"))
		return export_speedscope(t, r->path, out);
	if (!strcmp(r->format, "top"))
		return export_top(t, false, 0, out);
	return export_flamegraph(t, false, out);
}

/* The profile in b, as the daemon gave it, in the format asked for. */
static int convert(struct recording *r, struct buf *b)
{
	struct pprof_read_options opt = { .sample_type = "cpu" };
	struct pprof_info info;
	struct tree *t = NULL;
	struct buf out = { 0 };
	char err[256] = "";
	int e = pprof_read(b->data, b->len, &opt, &t, &info, err, sizeof(err));

	if (e)
		return cli_fail(CLI_FAILED, "the daemon's profile: %s", err);
	e = export_tree(r, t, sink_buf(&out));
	tree_free(t);
	buf_free(b);
	*b = out;
	return e || out.err ? cli_fail(CLI_FAILED, "record: %s", strerror(e ? -e : -out.err)) : 0;
}

/* A scrape of the next r->ns: other questions take windows whole, and so begin before now. */
static int ask_daemon(struct recording *r)
{
	struct buf path = { 0 }, body = { 0 };
	const char *query = cli_value(r->c, "query");
	int e;

	fprintf(stderr, "ringprof: asking the running daemon for the next %.0f s\n",
		(double)r->ns / 1e9);
	buf_printf(&path, "/debug/pprof/profile?seconds=%llu",
		   (unsigned long long)((r->ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
	if (query) {
		buf_puts(&path, "&query=");
		client_escape(&path, query);
	}
	e = path.err ? CLI_FAILED
		     : client_get(r->c, path.data, &body, (long)(r->ns / NSEC_PER_SEC) + 60, false);
	if (!e && strcmp(r->format, "pprof"))
		e = convert(r, &body);
	if (!e)
		e = write_file(r, &body);
	buf_free(&path);
	buf_free(&body);
	return e;
}

/* Starts the command, held before its exec until a byte comes through r->go. */
static int fork_command(struct recording *r)
{
	int p[2];
	char byte;
	sigset_t none;

	if (pipe2(p, O_CLOEXEC))
		return cli_fail(CLI_FAILED, "pipe: %s", strerror(errno));
	r->child = fork();
	if (r->child < 0)
		return cli_fail(CLI_FAILED, "fork: %s", strerror(errno));
	if (!r->child) {
		close(p[1]);
		if (read(p[0], &byte, 1) != 1)
			_exit(127);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(r->c->args[0], r->c->args);
		/* as env(1) and the shell: not there, not to be run */
		byte = errno == ENOENT ? 127 : 126;
		fprintf(stderr, "ringprof: %s: %s\n", r->c->args[0], strerror(errno));
		_exit(byte);
	}
	close(p[0]);
	r->go = p[1];
	r->pids[0] = r->child;
	r->source.n_pids = 1;
	return 0;
}

static int open_engine(struct recording *r)
{
	struct store_config sc = { .max_age = 86400 * NSEC_PER_SEC, .max_bytes = MEMORY };
	struct symbols_config yc = { .max_bytes = MEMORY };
	struct collector_config cc = {
		.source = r->source,
		.agg = { .max_model_bytes = MEMORY, .max_series = 100000, .host = "" },
		.interval = NSEC_PER_SEC / 4,
		.unwinder = { .tables = { .max_bytes = MEMORY }, .patience = PATIENCE },
		/* what runs already had its time to be mapped; a command has not begun */
		.prepare = r->child ? 0 : PATIENCE,
	};
	char err[1024] = "";
	int e;

	r->files = files_new(MEMORY);
	r->symbols = r->files ? symbols_new(&yc, r->files) : NULL;
	r->store = r->symbols ? store_new(&sc) : NULL;
	if (!r->store)
		return cli_fail(CLI_FAILED, "out of memory");
	e = collector_new(&r->collector, &cc, r->files, r->symbols, r->store, err, sizeof(err));
	if (!e)
		e = collector_start(r->collector, err, sizeof(err));
	return e ? cli_fail(cli_status_of(e), "record: %s", err) : 0;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Has the command ended? */
static bool reap(struct recording *r)
{
	pid_t pid = r->child ? waitpid(r->child, &r->child_status, WNOHANG) : 0;

	/* whoever started us may have SIGCHLD ignored, and then nobody is left to wait for */
	if (!pid || (pid < 0 && errno != ECHILD))
		return false;
	r->child = 0;
	return true;
}

/* The command is to end with us; what a terminal sends to our process group it has got itself. */
static void pass_on(const struct recording *r, const struct signalfd_siginfo *si)
{
	if (r->child && (si->ssi_code != SI_KERNEL || getpgid(r->child) != getpgrp()))
		kill(r->child, (int)si->ssi_signo);
}

static void await_command(struct recording *r, int sigfd)
{
	struct signalfd_siginfo si;

	while (r->child && !reap(r))
		if (read(sigfd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo != SIGCHLD)
			pass_on(r, &si);
}

/* Until the time is over, the command has ended or somebody interrupts. */
static void wait_end(struct recording *r, int sigfd)
{
	uint64_t until = r->ns ? mono_now() + r->ns : UINT64_MAX, now;
	struct pollfd p = { .fd = sigfd, .events = POLLIN };
	struct signalfd_siginfo si;

	while ((now = mono_now()) < until) {
		uint64_t left = (until - now) / NSEC_PER_MSEC + 1;

		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) <= 0 ||
		    read(sigfd, &si, sizeof(si)) != sizeof(si))
			continue;
		if (si.ssi_signo != SIGCHLD) {
			r->interrupted = true;
			pass_on(r, &si);
			return;
		}
		if (reap(r))
			return;
	}
}

static int export_zipped(const struct query_env *env, const struct window_list *w,
			 const struct selector *sel, struct sink out)
{
	struct query_limits lim = { .max_bytes = 4UL << 30, .max_ns = 600 * NSEC_PER_SEC };
	struct pprof_options opt = { 0 };
	struct gzip_sink *g = gzip_sink_new(out);
	int e = g ? export_pprof(env, QUERY_LIST(w), sel, &opt, &lim, gzip_sink_sink(g)) : -ENOMEM;

	if (!e)
		e = gzip_sink_finish(g);
	gzip_sink_free(g);
	return e;
}

static int export_all(struct recording *r, struct buf *b)
{
	struct query_env env = { .store = r->store, .symbols = r->symbols };
	struct query_limits lim = { .max_bytes = 4UL << 30, .max_ns = 600 * NSEC_PER_SEC };
	struct window_list w = { 0 };
	struct tree *t = NULL;
	int e = store_range(r->store, 0, UINT64_MAX, &w);

	if (!e && !strcmp(r->format, "pprof"))
		e = export_zipped(&env, &w, r->sel, sink_buf(b));
	else if (!e)
		e = query_tree(&env, QUERY_LIST(&w), r->sel, &lim, &t);
	if (t) {
		e = export_tree(r, t, sink_buf(b));
		tree_free(t);
	}
	window_list_free(&w);
	return e ? e : b->err;
}

/* All that the profile shows as lost. */
static unsigned long long lost_samples(const struct source_counters *c)
{
	unsigned long long n = c->missed + c->detached - c->detached_before + c->lost_samples +
			       c->unreadable / sizeof(struct ringprof_rec_sample);

	for (unsigned int i = RINGPROF_OUT_THROTTLED; i < ARRAY_SIZE(c->outcome); i++)
		n += c->outcome[i];
	return n;
}

static void tell(const struct recording *r)
{
	struct collector_status s;
	unsigned long long lost, samples, taken;

	collector_status(r->collector, &s);
	lost = lost_samples(&s.counters);
	samples = s.counters.outcome[RINGPROF_OUT_EMITTED];
	taken = samples + s.counters.outcome[RINGPROF_OUT_FILTERED];
	fprintf(stderr, "ringprof: source %s (%s), %u Hz: %llu samples, %llu lost -> %s (%s)\n",
		s.info.name, s.info.why, s.info.hz, samples, lost, r->path, r->format);
	fprintf(stderr, "ringprof: user stacks: %s; %llu bytes a sample\n", s.info.stacks,
		taken ? s.counters.bytes / taken : 0);
}

static int save(struct recording *r)
{
	struct buf b = { 0 };
	int e = export_all(r, &b);

	if (e)
		e = cli_fail(CLI_FAILED, "record: %s", strerror(-e));
	else
		e = write_file(r, &b);
	buf_free(&b);
	if (!e)
		tell(r);
	return e;
}

static int record_here(struct recording *r)
{
	cleanup_close int sigfd = block_signals();
	int e = sigfd < 0 ? cli_fail(CLI_FAILED, "signalfd: %s", strerror(errno)) : 0;

	if (!e && r->c->n_args)
		e = fork_command(r);
	if (!e)
		e = open_engine(r);
	if (!e) {
		if (r->go >= 0 && write(r->go, "g", 1) != 1)
			return cli_fail(CLI_FAILED, "%s: %s", r->c->args[0], strerror(errno));
		wait_end(r, sigfd);
		collector_stop(r->collector);
		e = save(r);
		if (r->interrupted)
			await_command(r, sigfd);
		else if (r->child && !reap(r))
			fprintf(stderr, "ringprof: the time is over, %s goes on: process %d\n",
				r->c->args[0], (int)r->child);
	}
	if (r->go >= 0)
		close(r->go);
	collector_free(r->collector);
	store_free(r->store);
	symbols_free(r->symbols);
	files_free(r->files);
	/* like time(1) and the shell: the command's own failure is the answer */
	if (!e && r->c->n_args && !r->child)
		e = WIFEXITED(r->child_status) ? WEXITSTATUS(r->child_status)
					       : 128 + WTERMSIG(r->child_status);
	return e;
}

/* Stacks walked in a way of their own are none that the daemon has. */
static bool own_unwind(const struct recording *r)
{
	return cli_value(r->c, "unwind") || cli_value(r->c, "perf-stack") ||
	       cli_value(r->c, "max-depth");
}

static int record(struct recording *r)
{
	if (!cli_value(r->c, "source") && client_alive(r->c)) {
		if (!r->c->n_args && !r->source.n_pids && !r->source.hz && !own_unwind(r))
			return ask_daemon(r);
		/* the module has one reader, the daemon; perf events go beside it */
		r->source.kind = SOURCE_PERF;
	}
	return record_here(r);
}

int verb_record(struct cli *c)
{
	static struct recording r;
	char why[512];
	int e;

	r.c = c;
	r.go = -1;
	e = record_parse(&r);
	if (!e && disabled_check(why, sizeof(why)))
		e = cli_fail(CLI_FAILED, "record: %s", why);
	if (!e)
		e = open_output(&r);
	if (!e) {
		e = record(&r);
		close_output(&r);
	}
	selector_free(r.sel);
	return e;
}
