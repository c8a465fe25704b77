// SPDX-License-Identifier: GPL-2.0
/* The collector's source: opened, drained, ended, opened anew. The collector's thread alone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agg/collector_int.h"
#include "base/log.h"

#define REOPEN_NS (5 * NSEC_PER_SEC)

static void set_trouble(struct collector *c, const char *text)
{
	pthread_mutex_lock(&c->lock);
	c->status.running = !*text;
	snprintf(c->status.trouble, sizeof(c->status.trouble), "%s", text);
	pthread_mutex_unlock(&c->lock);
}

uint32_t collector_wanted_hz(const struct collector *c)
{
	return c->idle.low ? c->cfg.source.idle_hz : c->cfg.source.hz;
}

int collector_open_source(struct collector *c, char *err, size_t errlen)
{
	struct source_config cfg = c->cfg.source;

	cfg.unwind = unwinder_walk;
	cfg.unwind_arg = c->unwinder;
	cfg.hz = collector_wanted_hz(c);
	return source_open(&c->source, &cfg, c->chains, err, errlen);
}

/* The module walks by itself, but the tables for it come from here. */
static void on_event(void *arg, const struct event *ev)
{
	struct collector *c = arg;
	const struct source_info *info = source_info(c->source);

	if (ev->type == EV_SAMPLE && info->rows && info->kind == SOURCE_KMOD)
		unwinder_sample(c->unwinder, c->chains, ev);
	agg_event(c->agg, ev);
}

int collector_drain(struct collector *c, uint64_t *upto)
{
	int r;

	unwinder_before(c->unwinder, source_fd(c->source));
	r = source_drain(c->source, on_event, c, upto);
	c->hurry = !r && unwinder_after(c->unwinder, source_info(c->source));
	return r;
}

static void close_source(struct collector *c)
{
	struct source_counters last = { 0 };

	if (!source_counters(c->source, &last))
		source_counters_add(&c->base, &last);
	source_close(c->source);
	c->source = NULL;
	pthread_mutex_lock(&c->lock);
	c->status.info.cpus = 0;
	pthread_mutex_unlock(&c->lock);
}

void collector_lose_source(struct collector *c, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "source %s is gone: %s; trying again every 5 s",
		 source_info(c->source)->name, strerror(-error));
	set_trouble(c, text);
	close_source(c);
	c->next_open = mono_now() + REOPEN_NS;
}

void collector_tell_cgroup_ids(struct collector *c)
{
	const struct source_info *info = source_info(c->source);

	if (!strcmp(info->name, "perf"))
		ptable_cgroup_ids(c->ptable, CGROUP_IDS_PERF);
	else
		ptable_cgroup_ids(c->ptable, info->features & RINGPROF_FEAT_CGROUP_V1
						     ? CGROUP_IDS_V1
						     : CGROUP_IDS_UNIFIED);
}

/*
 * It is opened anew at once. What it has sampled is delivered before, and what
 * it lost booked while it can be told how much each loss weighs.
 */
static void end_source(struct collector *c)
{
	struct timespec delay = { .tv_nsec = KICK_DELAY_NS };
	struct source_counters last;
	uint64_t stopped;

	c->next_open = 0;
	if (!c->source)
		return;
	source_stop(c->source);
	stopped = mono_now();
	nanosleep(&delay, NULL);
	(void)collector_drain(c, &c->upto);
	if (!source_counters(c->source, &last))
		collector_book(c, &last);
	close_source(c);
	gap_begin(&c->gap, stopped);
}

int collector_reopen(struct collector *c, const struct source_config *cfg)
{
	struct source_config copy;
	int r = source_config_copy(&copy, cfg);

	if (r)
		return r;
	pthread_mutex_lock(&c->lock);
	source_config_free(&c->wanted);
	c->wanted = copy;
	c->reopen = true;
	pthread_mutex_unlock(&c->lock);
	collector_kick(c);
	return 0;
}

static void take_wanted(struct collector *c)
{
	struct source_config fresh = { 0 };
	bool reopen;

	pthread_mutex_lock(&c->lock);
	reopen = c->reopen;
	c->reopen = false;
	if (reopen) {
		fresh = c->wanted;
		memset(&c->wanted, 0, sizeof(c->wanted));
	}
	pthread_mutex_unlock(&c->lock);
	if (!reopen)
		return;
	end_source(c);
	source_config_free(&c->cfg.source);
	c->cfg.source = fresh;
	idle_begin(&c->idle, false);
}

/*
 * Another rate where the host has become idle, or is not any more. A rate that
 * is not the one asked for is somebody's, or the governor's, and stays.
 */
static void follow_idle(struct collector *c)
{
	uint32_t hz = collector_wanted_hz(c);

	if (!c->source || !c->cfg.source.idle_hz || source_info(c->source)->hz != hz ||
	    !idle_look(&c->idle, mono_now(), &c->status.counters, source_info(c->source)->cpus))
		return;
	/* what is known of it may be 8 s old */
	if (!source_look(c->source) && source_info(c->source)->hz != hz)
		return;
	hz = collector_wanted_hz(c);
	log_info("%s: sampling at %u Hz",
		 c->idle.low ? "the host is idle" : "the host is idle no more", hz);
	end_source(c);
}

static void try_open(struct collector *c)
{
	char err[512] = "";
	uint64_t now = mono_now();

	if (now < c->next_open)
		return;
	c->next_open = now + REOPEN_NS;
	if (collector_open_source(c, err, sizeof(err)) ||
	    source_start(c->source, err, sizeof(err))) {
		source_close(c->source);
		c->source = NULL;
		set_trouble(c, err);
		return;
	}
	c->base.missed += gap_end(&c->gap, mono_now(), source_info(c->source));
	collector_tell_cgroup_ids(c);
	ptable_scan(c->ptable, mono_now());
	pthread_mutex_lock(&c->lock);
	c->status.reopens++;
	pthread_mutex_unlock(&c->lock);
	set_trouble(c, "");
}

void collector_follow(struct collector *c)
{
	take_wanted(c);
	follow_idle(c);
	if (!c->source)
		try_open(c);
}
