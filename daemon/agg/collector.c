// SPDX-License-Identifier: GPL-2.0
/*
 * The collector's thread and its rounds; what it does with its source is in
 * collector_source.c.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agg/collector_int.h"
#include "base/clock.h"
#include "base/log.h"

#define CHAINS_BYTES  (64UL << 20)
#define PROCESS_BYTES (128UL << 20)
#define EXPIRE_NS     (10 * NSEC_PER_SEC)
#define HURRY_NS      (50 * NSEC_PER_MSEC)
#define KALLSYMS_NS   (60 * NSEC_PER_SEC)

static int make_parts(struct collector *c, struct files *files, struct store *store)
{
	struct ptable_config pc = {
		.max_processes = c->cfg.max_processes ? c->cfg.max_processes : 20000,
		.max_bytes = PROCESS_BYTES,
		.on_free = agg_process_freed,
		.environment = c->cfg.environment,
	};

	c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->kick_fd < 0)
		return -errno;
	c->chains = chains_new(c->cfg.max_chain_bytes ? c->cfg.max_chain_bytes : CHAINS_BYTES);
	c->agg = c->chains ? agg_new(&c->cfg.agg, c->chains, c->symbols, store) : NULL;
	pc.arg = c->agg;
	c->ptable = c->agg ? ptable_new(&pc, files) : NULL;
	if (!c->ptable)
		return -ENOMEM;
	agg_set_ptable(c->agg, c->ptable);
	if (c->symbols)
		agg_set_jit(c->agg, symbols_jit(c->symbols));
	c->unwinder = unwinder_new(&c->cfg.unwinder, files, c->ptable);
	return c->unwinder ? 0 : -ENOMEM;
}

int collector_new(struct collector **ret, const struct collector_config *cfg, struct files *files,
		  struct symbols *symbols, struct store *store, char *err, size_t errlen)
{
	struct collector *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	c->cfg = *cfg;
	r = source_config_copy(&c->cfg.source, &cfg->source);
	if (!c->cfg.interval)
		c->cfg.interval = NSEC_PER_SEC;
	c->symbols = symbols;
	c->kick_fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (!r)
		r = make_parts(c, files, store);
	if (r)
		snprintf(err, errlen, "collector: %s", strerror(-r));
	else
		r = collector_open_source(c, err, errlen);
	if (r) {
		collector_free(c);
		return r;
	}
	c->status.info = *source_info(c->source);
	/* one that samples already as the daemon before left it, on an idle host */
	idle_begin(&c->idle, cfg->source.idle_hz && cfg->source.idle_hz != cfg->source.hz &&
				     c->status.info.hz == cfg->source.idle_hz);
	c->status.wanted_hz = collector_wanted_hz(c);
	*ret = c;
	return 0;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	collector_stop(c);
	source_close(c->source);
	unwinder_free(c->unwinder);
	/* the table gives its processes' caches back to the aggregator */
	ptable_free(c->ptable);
	agg_free(c->agg);
	chains_free(c->chains);
	if (c->kick_fd >= 0)
		close(c->kick_fd);
	source_config_free(&c->cfg.source);
	source_config_free(&c->wanted);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/*
 * The sums are published before waiters are told of the windows of a round:
 * whom a closed window woke never hears of fewer samples than there are in it.
 */
void collector_book(struct collector *c, const struct source_counters *now)
{
	struct source_counters sum = c->base;

	source_counters_add(&sum, now);
	if (c->source)
		gap_look(&c->gap, mono_now(), &sum, source_info(c->source));
	pthread_mutex_lock(&c->lock);
	c->status.counters = sum;
	pthread_mutex_unlock(&c->lock);
	agg_advance(c->agg, c->upto, &sum, c->source ? source_info(c->source) : &c->status.info);
}

static void publish(struct collector *c, uint64_t began)
{
	char text[256] = "";
	bool slow;

	pthread_mutex_lock(&c->lock);
	c->status.wanted_hz = collector_wanted_hz(c);
	if (c->source) {
		c->status.info = *source_info(c->source);
		c->status.source_bytes = source_bytes(c->source) + chains_bytes(c->chains);
	}
	ptable_counters(c->ptable, &c->status.ptable);
	unwinder_status(c->unwinder, &c->status.unwinder);
	c->status.beat = mono_now();
	c->status.upto = c->upto;
	c->status.rounds++;
	c->status.round_ns += c->status.beat - began;
	if (c->source)
		governor_look(&c->status.governor, c->status.beat, &c->status.info, text,
			      sizeof(text));
	slow = c->status.governor.told_slow;
	pthread_mutex_unlock(&c->lock);
	if (*text)
		log_msg(slow ? LOG_LVL_WARN : LOG_LVL_INFO, "%s", text);
}

static void housekeeping(struct collector *c, uint64_t now)
{
	if (now >= c->next_expire) {
		ptable_expire(c->ptable, now - EXPIRE_NS);
		c->next_expire = now + EXPIRE_NS;
	}
	if (now >= c->next_kallsyms) {
		symbols_refresh_kernel(c->symbols);
		c->next_kallsyms = now + KALLSYMS_NS;
	}
}

static void round_once(struct collector *c)
{
	struct source_counters now = { 0 };
	uint64_t began = mono_now(), upto = c->upto;
	int r;

	collector_follow(c);
	if (c->source) {
		r = collector_drain(c, &upto);
		if (!r)
			r = source_counters(c->source, &now);
		if (r)
			collector_lose_source(c, r);
	}
	/* without a source time still passes: empty windows say so */
	if (!c->source)
		upto = mono_now() - SOURCE_LAG_NS;
	if (upto > c->upto)
		c->upto = upto;
	collector_book(c, &now);
	housekeeping(c, began);
	publish(c, began);
}

/* Sleeps until the next round is due, a ring is half full, or somebody kicks. */
static void wait_round(struct collector *c, uint64_t due)
{
	uint64_t now = mono_now(), count;
	struct pollfd p[2] = {
		{ .fd = c->kick_fd, .events = POLLIN },
		{ .fd = c->source ? source_fd(c->source) : -1, .events = POLLIN },
	};
	struct timespec delay = { .tv_nsec = KICK_DELAY_NS };
	int ms = now < due ? (int)((due - now) / NSEC_PER_MSEC) + 1 : 0;

	if (poll(p, 2, ms) <= 0 || !(p[0].revents & POLLIN))
		return;
	if (read(c->kick_fd, &count, sizeof(count)) == sizeof(count) &&
	    !__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))
		nanosleep(&delay, NULL);
}

static void *collector_main(void *arg)
{
	struct collector *c = arg;

	pthread_setname_np(pthread_self(), "collector");
	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		uint64_t began = mono_now();

		round_once(c);
		wait_round(c, began + (c->hurry && c->source ? HURRY_NS : c->cfg.interval));
	}
	return NULL;
}

/*
 * Who asks from here on finds the processes of the scan and a source that runs, if there is the
 * thread: it may have something to say of them at once. 0 or -errno.
 */
static int start_thread(struct collector *c, uint64_t started)
{
	int r;

	pthread_mutex_lock(&c->lock);
	c->status.started = started;
	c->status.info = *source_info(c->source);
	ptable_counters(c->ptable, &c->status.ptable);
	r = -pthread_create(&c->thread, NULL, collector_main, c);
	c->status.running = !r;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static void prepare(struct collector *c)
{
	uint64_t until = mono_now() + c->cfg.prepare, now;

	for (size_t i = 0; i < c->cfg.source.n_pids && (now = mono_now()) < until; i++)
		unwinder_prepare(c->unwinder, c->cfg.source.pids[i], until - now);
}

int collector_start(struct collector *c, char *err, size_t errlen)
{
	uint64_t started = mono_now();
	int r;

	if (source_info(c->source)->rows)
		prepare(c);
	r = source_start(c->source, err, errlen);

	if (r)
		return r;
	c->next_kallsyms = started + KALLSYMS_NS;
	collector_tell_cgroup_ids(c);
	/* after the side band is open: what happens meanwhile is queued there */
	r = ptable_scan(c->ptable, mono_now());
	if (!r)
		r = start_thread(c, started);
	if (r) {
		snprintf(err, errlen, "collector: %s", strerror(-r));
		source_stop(c->source);
		return r;
	}
	c->thread_runs = true;
	return 0;
}

void collector_stop(struct collector *c)
{
	struct timespec delay = { .tv_nsec = KICK_DELAY_NS };

	if (!c->thread_runs)
		return;
	__atomic_store_n(&c->stop, 1, __ATOMIC_RELEASE);
	collector_kick(c);
	pthread_join(c->thread, NULL);
	c->thread_runs = false;
	if (c->source)
		source_stop(c->source);
	nanosleep(&delay, NULL);
	round_once(c);
	agg_flush(c->agg, c->upto);
}

struct agg *collector_agg(struct collector *c)
{
	return c->agg;
}

void collector_kick(struct collector *c)
{
	uint64_t one = 1;
	/* full (EAGAIN) means a kick is waiting already */
	ssize_t n = write(c->kick_fd, &one, sizeof(one));

	(void)n;
}

void collector_status(struct collector *c, struct collector_status *ret)
{
	pthread_mutex_lock(&c->lock);
	*ret = c->status;
	pthread_mutex_unlock(&c->lock);
}

uint64_t collector_behind(const struct collector_status *s)
{
	uint64_t now = mono_now();

	return s->upto && now > s->upto ? now - s->upto : 0;
}
