// SPDX-License-Identifier: GPL-2.0
/*
 * The kmod source: the rings of /dev/ringprof, control by netlink. Opening,
 * CPUs that come; settings are in kmod_settings.c, the samples' way in kmod_ring.c.
 *
 * A ring that lost its place (see decode.h) is understood again from its next
 * EPOCH, which may be long in coming; so after a while the device is opened
 * anew, which starts one on every CPU.
 *
 * Used by the collector thread alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/kmod_ring.h"
#include "source/kmod_settings.h"
#include "source/kmod_stats.h"

#define PATIENCE_NS (6 * NSEC_PER_SEC)

struct kmod {
	struct source *s;
	struct control *ctl;
	int fd;
	bool adopted; /* sampling was on when we came (the reader before was killed) */
	bool running;
	uint32_t max_nodes; /* nodes a CPU and epoch that we keep */
	struct kmod_signs signs;
	struct kmod_stats stats;
	uint32_t n_cpus;
	struct kmod_ring rings[];
};

static int fail_control(struct kmod *k, int r, const char *what, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s%s", what, control_error(k->ctl));
	return r;
}

static void explain_busy(struct kmod *k, char *err, size_t errlen)
{
	struct control_info info;

	if (!control_info(k->ctl, &info) && info.reader_pid)
		snprintf(err, errlen,
			 RINGPROF_DEVICE ": busy: %s (pid %u) reads it; one reader at a time: stop "
					 "that one, or ask it for profiles",
			 info.reader_comm, info.reader_pid);
	else
		snprintf(err, errlen, RINGPROF_DEVICE ": busy: another program reads it");
}

static int open_device(struct kmod *k, char *err, size_t errlen)
{
	int r;

	k->fd = open(RINGPROF_DEVICE, O_RDWR | O_CLOEXEC);
	/* a service with devices of its own (PrivateDevices=) has it where the first process has */
	if (k->fd < 0 && errno == ENOENT)
		k->fd = open("/proc/1/root" RINGPROF_DEVICE, O_RDWR | O_CLOEXEC);
	if (k->fd >= 0)
		return source_watch(k->s, k->fd);
	r = -errno;
	if (r == -EBUSY)
		explain_busy(k, err, errlen);
	else if (r == -EPERM || r == -EACCES)
		snprintf(err, errlen,
			 RINGPROF_DEVICE ": %s: it takes CAP_PERFMON or CAP_SYS_ADMIN, and a "
					 "kernel "
					 "that is not locked down for profiling (lockdown=none)",
			 strerror(-r));
	else
		snprintf(err, errlen, RINGPROF_DEVICE ": %s", strerror(-r));
	return r;
}

static int check_module(struct kmod *k, const struct control_info *mod, char *err, size_t errlen)
{
	struct source_info *info = &k->s->info;

	int r = kmod_check_abi(mod->abi_major, mod->abi_minor, mod->version, err, errlen);

	if (r)
		return r;
	if (mod->state == RINGPROF_STATE_OFF) {
		snprintf(err, errlen, "the ringprof module is " CONTROL_OFF);
		return -ECANCELED;
	}
	snprintf(info->module_version, sizeof(info->module_version), "%s", mod->version);
	info->abi_major = mod->abi_major;
	info->abi_minor = mod->abi_minor;
	info->features = mod->features;
	info->instance = mod->instance;
	info->rows = k->s->cfg.rows && mod->features & RINGPROF_FEAT_ROWS;
	snprintf(info->stacks, sizeof(info->stacks), "%s",
		 info->rows	  ? "unwind rows, in the module"
		 : k->s->cfg.rows ? "frame pointers: this version of the module takes no unwind "
				    "rows"
				  : "frame pointers, as asked for");
	return 0;
}

/* Leaves a sampling module as it is when told to adopt it; else makes it ours. */
static int configure(struct kmod *k, const struct control_info *mod, char *err, size_t errlen)
{
	int r;

	k->adopted = mod->state == RINGPROF_STATE_RUNNING && k->s->cfg.adopt;
	if (k->adopted)
		return 0;
	if (mod->state == RINGPROF_STATE_RUNNING) {
		r = control_stop(k->ctl);
		if (r)
			return fail_control(k, r, "stop: ", err, errlen);
	}
	return kmod_settings_write(k->ctl, &k->s->cfg, &k->s->info, err, errlen);
}

/* Rings that are there. Only a broken one is an error: others may come later. */
static int map_rings(struct kmod *k, bool fresh, char *err, size_t errlen)
{
	for (uint32_t i = 0; i < k->n_cpus; i++) {
		int r = kmod_ring_map(&k->rings[i], k->fd, fresh, k->max_nodes, err, errlen);

		if (r && r != -ENXIO)
			return r;
	}
	return 0;
}

static void read_stats(struct kmod *k)
{
	struct control_stats st;

	if (!control_stats(k->ctl, &st))
		kmod_stats_take(&k->stats, &st);
}

static int read_settings(struct kmod *k, char *err, size_t errlen)
{
	return kmod_settings_read(k->ctl, &k->s->info, &k->max_nodes, err, errlen);
}

/*
 * Settings come before the device: opening it makes the rings, by the rate in
 * force. And the look for another reader comes before the settings, which are
 * that one's as long as it reads.
 */
static int take_module(struct kmod *k, const struct control_info *mod, char *err, size_t errlen)
{
	int r = check_module(k, mod, err, errlen);

	if (r)
		return r;
	if (mod->reader_pid) {
		explain_busy(k, err, errlen);
		return -EBUSY;
	}
	r = configure(k, mod, err, errlen);
	return r ? r : open_device(k, err, errlen);
}

static int open_parts(struct kmod *k, char *err, size_t errlen)
{
	struct control_info mod;
	int r = control_open(&k->ctl, err, errlen);

	if (r)
		return r;
	r = control_info(k->ctl, &mod);
	if (r)
		return fail_control(k, r, "", err, errlen);
	r = take_module(k, &mod, err, errlen);
	if (!r)
		r = read_settings(k, err, errlen);
	if (r)
		return r;
	read_stats(k);
	return map_rings(k, false, err, errlen);
}

static void kmod_close(struct source *s)
{
	struct kmod *k = s->priv;

	if (k->running)
		control_stop(k->ctl);
	for (uint32_t i = 0; i < k->n_cpus; i++)
		kmod_ring_free(&k->rings[i]);
	if (k->fd >= 0)
		close(k->fd);
	control_close(k->ctl);
	free(k);
	s->priv = NULL;
}

static int kmod_open(struct source *s, char *err, size_t errlen)
{
	uint32_t n = cpus_possible();
	struct kmod *k = calloc(1, sizeof(*k) + n * sizeof(k->rings[0]));
	int r;

	if (!k) {
		snprintf(err, errlen, "kmod: out of memory");
		return -ENOMEM;
	}
	k->s = s;
	k->fd = -1;
	k->n_cpus = n;
	for (uint32_t i = 0; i < n; i++)
		kmod_ring_init(&k->rings[i], s, i);
	s->priv = k;
	r = open_parts(k, err, errlen);
	if (r) {
		kmod_close(s);
		return r;
	}
	s->info.kind = SOURCE_KMOD;
	s->info.name = "kmod";
	s->info.clock = CLOCK_MONOTONIC;
	return 0;
}

static int kmod_start(struct source *s, char *err, size_t errlen)
{
	struct kmod *k = s->priv;
	int r;

	k->running = true;
	if (k->adopted)
		return 0;
	r = control_start(k->ctl);
	if (r) {
		k->running = false;
		return fail_control(k, r, "start: ", err, errlen);
	}
	r = map_rings(k, true, err, errlen);
	return r ? r : read_settings(k, err, errlen);
}

static int kmod_stop(struct source *s)
{
	struct kmod *k = s->priv;
	int r = k->running ? control_stop(k->ctl) : 0;

	if (!r)
		k->running = k->adopted = false;
	read_stats(k);
	return r;
}

/* Gives up the reader's place and takes it again: a new epoch on every CPU. */
static int attach_again(struct kmod *k)
{
	char err[256];
	int r;

	for (uint32_t i = 0; i < k->n_cpus; i++)
		kmod_ring_unmap(&k->rings[i]);
	close(k->fd);
	k->fd = -1;
	r = open_device(k, err, sizeof(err));
	return r ? r : map_rings(k, false, err, sizeof(err));
}

static int kmod_rescan(struct source *s)
{
	struct kmod *k = s->priv;
	uint64_t now = mono_now();
	bool stuck = false;
	char err[256];
	int r = map_rings(k, true, err, sizeof(err));

	if (r)
		return r;
	/* the last ones known will do until then */
	if (kmod_settings_may_differ(&k->signs, &s->online, k->rings, k->n_cpus) &&
	    read_settings(k, err, sizeof(err)))
		kmod_settings_ask(&k->signs);
	read_stats(k);
	for (uint32_t i = 0; i < k->n_cpus; i++)
		if (k->rings[i].head)
			stuck |= kmod_ring_is_stuck(&k->rings[i], now, PATIENCE_NS);
	return stuck ? attach_again(k) : 0;
}

static int kmod_look(struct source *s)
{
	char unused[256];

	return read_settings(s->priv, unused, sizeof(unused));
}

static void kmod_note(struct source *s)
{
	struct kmod *k = s->priv;

	for (uint32_t i = 0; i < k->n_cpus; i++)
		if (k->rings[i].head)
			kmod_ring_note(&k->rings[i]);
}

static int kmod_add(struct source *s)
{
	struct kmod *k = s->priv;
	int r = 0;

	for (uint32_t i = 0; i < k->n_cpus && !r; i++)
		if (k->rings[i].head)
			r = merge_add(&s->merge, &k->rings[i].stream);
	return r;
}

static void kmod_release(struct source *s)
{
	struct kmod *k = s->priv;

	for (uint32_t i = 0; i < k->n_cpus; i++)
		if (k->rings[i].head)
			kmod_ring_release(&k->rings[i]);
}

static int kmod_counters(struct source *s, struct source_counters *ret)
{
	struct kmod *k = s->priv;

	for (uint32_t i = 0; i < k->n_cpus; i++)
		kmod_ring_count(&k->rings[i], ret);
	ret->missed = k->stats.missed;
	memcpy(ret->unwind, k->stats.unwind, sizeof(ret->unwind));
	return 0;
}

static size_t kmod_bytes(const struct source *s)
{
	const struct kmod *k = s->priv;
	size_t n = sizeof(*k) + k->n_cpus * sizeof(k->rings[0]);

	for (uint32_t i = 0; i < k->n_cpus; i++)
		n += kmod_ring_bytes(&k->rings[i]);
	return n;
}

const struct source_ops source_ops_kmod = {
	.open = kmod_open,
	.close = kmod_close,
	.start = kmod_start,
	.stop = kmod_stop,
	.rescan = kmod_rescan,
	.look = kmod_look,
	.note = kmod_note,
	.add = kmod_add,
	.release = kmod_release,
	.counters = kmod_counters,
	.bytes = kmod_bytes,
};
