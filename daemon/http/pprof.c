// SPDX-License-Identifier: GPL-2.0
/*
 * /debug/pprof/ as Go's net/http/pprof answers it, for the readers that know
 * nothing else: statuses, headers and tolerance are copied, text for people is
 * our own. On top, where Go has nothing: query=SELECTOR, labels=pid,tid,cpu.
 * A profile's wait begins on the listener's thread, a worker encodes it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"

#define MAX_CMDLINE (1U << 20)

void pprof_redirect(struct request *req)
{
	req->reply.status = 301;
	reply_header(&req->reply, "Location", "/debug/pprof/");
}

void pprof_unknown(struct request *req)
{
	reply_error(req, 404, "Unknown profile");
}

void pprof_index(struct request *req)
{
	static const char *const rows[][2] = {
		{ "cmdline", "the command line of ringprofd" },
		{ "profile", "CPU profile of the whole host: ?seconds=N waits that long (30 if not "
			     "given), "
			     "query={service_name=\"x\"} selects" },
		{ "symbol", "names of kernel addresses, asked for by GET or POST" },
	};
	struct buf *b = &req->reply.body;

	buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		    "<title>/debug/pprof/</title></head><body>\n"
		    "<h1>/debug/pprof/</h1>\n<table>\n"
		    "<tr><th>Profile</th><th>What it is</th></tr>\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buf_printf(b, "<tr><td><a href=\"%s?debug=1\">%s</a></td><td>%s</td></tr>\n",
			   rows[i][0], rows[i][0], rows[i][1]);
	buf_puts(b, "</table>\n<p>The flame graph is at <a "
		    "href=\"/\">/</a>.</p>\n</body></html>\n");
	reply_ok(req, "text/html; charset=utf-8");
}

void pprof_cmdline(struct request *req)
{
	struct buf *b = &req->reply.body;
	int r = buf_read_file(b, "/proc/self/cmdline", MAX_CMDLINE);

	if (r) {
		reply_failed(req, r);
		return;
	}
	/* joined by NUL, not ended by it */
	if (b->len && !b->data[b->len - 1])
		b->len--;
	reply_ok(req, "text/plain; charset=utf-8");
}

/* "0xPC name" if it is in the kernel: profiles name everything else themselves. */
static void symbol_line(struct request *req, const char *word)
{
	struct sym_answer a;
	uint64_t pc;
	char *end;

	errno = 0;
	pc = strtoull(word, &end, 0);
	if (errno || *end || pc < 1ULL << 63 || !req->srv->env.query.symbols)
		return;
	symbols_resolve(req->srv->env.query.symbols, FRAME_KERNEL, NULL,
			symbols_told_kernel(req->srv->env.query.symbols, pc), &a);
	if (!a.named)
		return;
	buf_printf(&req->reply.body, "%#" PRIx64 " ", pc);
	buf_utf8(&req->reply.body, a.lines[0].name);
	buf_putc(&req->reply.body, '\n');
}

void pprof_symbol(struct request *req)
{
	const char *text = req->method == M_POST ? (req->body.data ? req->body.data : "")
						 : req->query;
	char *copy = strdup(text), *save = NULL;

	if (!copy) {
		reply_failed(req, -ENOMEM);
		return;
	}
	/* any number above 0 says that symbols can be asked for */
	buf_puts(&req->reply.body, "num_symbols: 1\n");
	for (char *w = strtok_r(copy, "+", &save); w; w = strtok_r(NULL, "+", &save))
		symbol_line(req, w);
	free(copy);
	reply_ok(req, "text/plain; charset=utf-8");
}

static int label_options(const char *list, struct pprof_options *opt)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == 3 && !strncmp(list, "pid", n))
			opt->label_pid = true;
		else if (n == 3 && !strncmp(list, "tid", n))
			opt->label_tid = true;
		else if (n == 3 && !strncmp(list, "cpu", n))
			opt->label_cpu = true;
		else
			return -EINVAL;
		list += n + (list[n] == ',');
	}
	return 0;
}

static void profile_headers(struct request *req)
{
	reply_ok(req, "application/octet-stream");
	if (req->reply.status == 200)
		reply_header(&req->reply, "Content-Disposition",
			     "attachment; filename=\"profile\"");
}

void pprof_profile(struct request *req)
{
	const char *query = params_get(&req->params, "query");
	int64_t seconds = params_seconds(&req->params);
	struct pprof_options opt = { 0 };
	char err[256] = "out of memory";

	if (seconds >= req->srv->cfg.max_seconds) {
		/* Go's words, for who knows them, and ours */
		reply_error(req, 400,
			    "profile duration exceeds server's WriteTimeout; at most %" PRIu32
			    " s here, raise history and restart ringprofd",
			    req->srv->cfg.max_seconds - 1);
		return;
	}
	if (label_options(params_get(&req->params, "labels"), &opt)) {
		reply_error(req, 400, "labels: allowed: a comma list of pid, tid, cpu");
		return;
	}
	if (selector_parse(&req->selector, query ? query : "", err, sizeof(err))) {
		reply_error(req, 400, "query: %s", err);
		return;
	}
	if (req->method == M_HEAD)
		profile_headers(req);
	else
		scrape_begin(req, (uint64_t)seconds);
}

/* Time inside [start, end) of windows in which samples could come. */
static uint64_t covered(const struct window_list *l, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint64_t from = l->w[i]->start > start ? l->w[i]->start : start;
		uint64_t to = l->w[i]->end < end ? l->w[i]->end : end;

		sum += to > from && window_sampled(l->w[i]) ? to - from : 0;
	}
	return sum;
}

/*
 * Wall time of the mono time t as the windows have it, so that time_nanos put
 * to /api/v1/profile gives the same windows, and a clock that was set while
 * readers go on from scrape to scrape is followed.
 */
static uint64_t wall_of(const struct window_list *l, uint64_t t)
{
	return l->n ? l->w[0]->wall_start + (t - l->w[0]->start) : t + (uint64_t)wall_offset();
}

/* For who scrapes, an empty profile would be a host that idled. */
static void refuse_empty(struct request *req, bool in_memory, uint64_t ms)
{
	if (in_memory)
		reply_error(req, 503,
			    "nothing could be sampled in these %" PRIu64 " ms: sampling is "
			    "stopped, or its source cannot be opened: see ringprof status",
			    ms);
	else
		reply_error(req, 503,
			    "none of these %" PRIu64 " ms are in memory: see "
			    "ringprof_samples_total "
			    "and ringprof_history_dropped_windows_total in /metrics",
			    ms);
}

static int encode(struct request *req, const struct window_list *l)
{
	const struct query_limits lim = { .max_ns = SCRAPE_QUERY_NS,
					  .line_ns = SCRAPE_LINE_NS,
					  .cancelled = &req->cancelled };
	const struct scrape *sc = &req->scrape;
	struct pprof_options opt = { .time_nanos = wall_of(l, sc->start),
				     .duration_nanos = sc->end - sc->start };
	uint64_t have = covered(l, sc->start, sc->end);
	char comment[128];
	struct answer a;
	int r;

	if (!have) {
		refuse_empty(req, l->n > 0, opt.duration_nanos / 1000000);
		return 0;
	}
	label_options(params_get(&req->params, "labels"), &opt);
	if (have < opt.duration_nanos) {
		snprintf(comment, sizeof(comment),
			 "incomplete: %" PRIu64 " ms of %" PRIu64 " ms were sampled and "
			 "are in memory",
			 have / 1000000, opt.duration_nanos / 1000000);
		opt.comment = comment;
	}
	r = answer_begin(&a, req, true);
	if (r)
		return r;
	r = export_pprof(&req->srv->env.query, QUERY_LIST(l), req->selector, &opt, &lim, a.sink);
	return answer_end(&a, r);
}

void pprof_profile_encode(struct request *req)
{
	const struct scrape *sc = &req->scrape;
	struct window_list l = { 0 };
	int r = store_range_mono(req->srv->env.query.store, sc->start, sc->end, &l);

	if (!r)
		r = encode(req, &l);
	window_list_free(&l);
	/* a gzip file, not a gzip transfer */
	req->reply.compressed = false;
	if (r)
		reply_failed(req, r);
	if (r || req->reply.status)
		return;
	profile_headers(req);
	if (req->reply.status == 200)
		scrape_answered(req);
}
