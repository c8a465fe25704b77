// SPDX-License-Identifier: GPL-2.0
/*
 * A source: which kind it is, and the rounds of a drain, the same for both.
 * One thread uses it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/sideband.h"
#include "source/source_priv.h"

#define RESCAN_NS (2 * NSEC_PER_SEC)

int source_watch(struct source *s, int fd)
{
	/* edge-triggered: a fd that stays ready must not keep the caller awake */
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.fd = fd };

	return epoll_ctl(s->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_kind(struct source *s, const struct source_ops *ops, char *err, size_t errlen)
{
	int r = ops->open(s, err, errlen);

	if (!r)
		s->ops = ops;
	return r;
}

/*
 * The module when it can be had. When another reader has it, that is the
 * answer: a second profiler beside it would only cost.
 */
static int open_auto(struct source *s, char *err, size_t errlen)
{
	char why[256] = "", no_perf[256] = "";
	int r = open_kind(s, &source_ops_kmod, why, sizeof(why));

	if (!r) {
		snprintf(s->info.why, sizeof(s->info.why), "the ringprof module is loaded");
		return 0;
	}
	if (r == -EBUSY) {
		snprintf(err, errlen, "%s", why);
		return r;
	}
	s->info = (struct source_info){ 0 };
	r = open_kind(s, &source_ops_perf, no_perf, sizeof(no_perf));
	if (!r)
		snprintf(s->info.why, sizeof(s->info.why), "no module: %.240s", why);
	else
		snprintf(err, errlen, "%s; nor perf: %s", why, no_perf);
	return r;
}

static int open_any(struct source *s, char *err, size_t errlen)
{
	if (s->cfg.kind == SOURCE_AUTO)
		return open_auto(s, err, errlen);
	snprintf(s->info.why, sizeof(s->info.why), "asked for");
	return open_kind(s, s->cfg.kind == SOURCE_KMOD ? &source_ops_kmod : &source_ops_perf, err,
			 errlen);
}

static int check_config(const struct source_config *cfg, char *err, size_t errlen)
{
	struct cpu_mask m;

	if (cfg->hz > RINGPROF_MAX_HZ) {
		snprintf(err, errlen, "frequency %u Hz: allowed are %u to %u", cfg->hz,
			 RINGPROF_MIN_HZ, RINGPROF_MAX_HZ);
		return -EINVAL;
	}
	if (cfg->no_kernel && cfg->no_user) {
		snprintf(err, errlen, "neither kernel nor user mode leaves nothing to sample");
		return -EINVAL;
	}
	if (cfg->cpus && *cfg->cpus && cpus_parse(cfg->cpus, &m)) {
		snprintf(err, errlen, "CPUs '%s': not a list like 0-3,8", cfg->cpus);
		return -EINVAL;
	}
	return 0;
}

/* The side band comes first: no sample may be from before its process was seen. */
static int open_parts(struct source *s, char *err, size_t errlen)
{
	int r = cpus_online(&s->online);

	if (r) {
		snprintf(err, errlen, "/sys/devices/system/cpu/online: %s", strerror(-r));
		return r;
	}
	s->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epfd < 0) {
		r = -errno;
		snprintf(err, errlen, "epoll_create1: %s", strerror(-r));
		return r;
	}
	r = pidset_init(&s->pids, s->cfg.pids, s->cfg.n_pids);
	if (r) {
		snprintf(err, errlen, "pids: %s",
			 r == -EINVAL ? "no such pid can be" : "no memory");
		return r;
	}
	r = sideband_open(&s->side, s, err, errlen);
	return r ? r : open_any(s, err, errlen);
}

int source_open(struct source **ret, const struct source_config *cfg, struct chains *chains,
		char *err, size_t errlen)
{
	struct source *s;
	int r = check_config(cfg, err, errlen);

	if (r)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, errlen, "source: out of memory");
		return -ENOMEM;
	}
	s->cfg = *cfg;
	s->chains = chains;
	s->epfd = -1;
	s->opened = mono_now();
	s->next_rescan = s->opened + RESCAN_NS;
	r = open_parts(s, err, errlen);
	if (r) {
		source_close(s);
		return r;
	}
	/* the caller's strings end here */
	s->cfg.pids = NULL;
	s->cfg.cpus = NULL;
	s->cfg.cgroup = NULL;
	*ret = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->ops)
		s->ops->close(s);
	sideband_close(s->side);
	pidset_free(&s->pids);
	merge_free(&s->merge);
	if (s->epfd >= 0)
		close(s->epfd);
	free(s);
}

int source_start(struct source *s, char *err, size_t errlen)
{
	return s->ops->start(s, err, errlen);
}

int source_stop(struct source *s)
{
	return s->ops->stop(s);
}

const struct source_info *source_info(struct source *s)
{
	return &s->info;
}

int source_look(struct source *s)
{
	return s->ops->look ? s->ops->look(s) : 0;
}

int source_fd(const struct source *s)
{
	return s->epfd;
}

bool source_wants(const struct source *s, int32_t pid, bool kernel)
{
	return pidset_has(&s->pids, pid) && !(kernel ? s->cfg.no_kernel : s->cfg.no_user);
}

enum emit source_emit(struct source *s, const struct event *ev)
{
	if (ev->sample.chain != CHAIN_NONE) {
		s->chains_fresh = false;
		s->fn(s->arg, ev);
		return EMIT_DONE;
	}
	s->chains_full = true;
	if (!s->chains_fresh)
		return EMIT_AGAIN;
	s->lost_samples++;
	return EMIT_LOST;
}

/* Between rounds no event is under way: the moment for what must not happen within one. */
static int between_rounds(struct source *s, uint64_t now)
{
	struct cpu_mask online;

	if (s->chains_full) {
		chains_reset(s->chains);
		s->chains_full = false;
		s->chains_fresh = true;
	}
	if (now < s->next_rescan)
		return 0;
	s->next_rescan = now + RESCAN_NS;
	if (!cpus_online(&online))
		s->online = online;
	sideband_rescan(s->side);
	return s->ops->rescan(s);
}

/* epoll is asked so that its edges are taken; which ring it was does not matter. */
static void take_wakeups(struct source *s)
{
	struct epoll_event ev[64];

	while (epoll_wait(s->epfd, ev, 64, 0) == 64)
		;
}

int source_drain(struct source *s, event_fn fn, void *arg, uint64_t *ret_upto)
{
	uint64_t now = mono_now();
	int r = between_rounds(s, now);

	*ret_upto = s->merge.upto;
	if (r)
		return r;
	s->fn = fn;
	s->arg = arg;
	s->max_time = mono_now() + SOURCE_FUTURE_NS;
	take_wakeups(s);
	/* samples first: a side-band record that is older than one of them is then there as well */
	s->ops->note(s);
	sideband_note(s->side);
	if (!sideband_add(s->side) && !s->ops->add(s))
		merge_run(&s->merge, now - SOURCE_LAG_NS);
	/* else no memory for the heap of streams: all waits in the rings for the next round */
	s->ops->release(s);
	sideband_release(s->side);
	*ret_upto = s->merge.upto;
	return 0;
}

int source_counters(struct source *s, struct source_counters *ret)
{
	*ret = (struct source_counters){ 0 };
	ret->late = s->merge.late;
	ret->lost_samples = s->lost_samples;
	sideband_counters(s->side, ret);
	return s->ops->counters(s, ret);
}

void source_counters_add(struct source_counters *sum, const struct source_counters *more)
{
	/* every field is a uint64_t: source.h */
	uint64_t *s = (uint64_t *)sum;
	const uint64_t *m = (const uint64_t *)more;

	_Static_assert(sizeof(*sum) % sizeof(*s) == 0, "counters only");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*s); i++)
		s[i] += m[i];
}

size_t source_bytes(const struct source *s)
{
	return sizeof(*s) + s->merge.cap * sizeof(struct stream *) +
	       (s->pids.bits ? PIDSET_MAX / 8 : 0) + sideband_bytes(s->side) + s->ops->bytes(s);
}
