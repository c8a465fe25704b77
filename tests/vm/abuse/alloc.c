// SPDX-License-Identifier: GPL-2.0
/*
 * The Nth allocation fails, for every N: loading the module, opening and mapping
 * the device, start, both, settings, a table. /proc/self/fail-nth (kernels with
 * CONFIG_FAULT_INJECTION) counts this task's allocations down; what is left of
 * it afterwards says that the whole way was gone without a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abuse.h"
#include "source/control_table.h"

#define MOST 100000 /* allocations on one way: beyond, the count does not come down */

static const char *module_path, *file_path;
static struct control *ctl;
static int module_fd, file_fd, device_fd;
static bool ringless; /* CPU 0 had no ring for a reader, though no allocation of its open failed */

static bool set_fail(const char *text)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n > 0;
}

/* Allocations that were to come yet; read before the counter is taken away. */
static long left(void)
{
	char b[32] = "";
	int fd = open("/proc/thread-self/fail-nth", O_RDONLY | O_CLOEXEC);
	long n = 0;

	if (fd >= 0 && read(fd, b, sizeof(b) - 1) > 0)
		n = atol(b);
	if (fd >= 0)
		close(fd);
	return n;
}

static int load(void)
{
	return (int)syscall(SYS_finit_module, module_fd, "", 0);
}

static void unload(void)
{
	syscall(SYS_delete_module, "ringprof", O_NONBLOCK);
}

static int open_device(void)
{
	device_fd = open(RINGPROF_DEVICE, O_RDWR | O_CLOEXEC);
	return device_fd < 0 ? -1 : 0;
}

static void close_device(void)
{
	close(device_fd);
}

/* What a mapping is taken apart by may be the one that fails, too: it fails once. */
static void unmap(void *p, size_t n)
{
	if (p != MAP_FAILED && munmap(p, n))
		munmap(p, n);
}

/* The whole of the head mapping and the tail of CPU 0. */
static int map_device(void)
{
	size_t n = 4096;
	struct ringprof_ring_head *h =
		mmap(NULL, n, PROT_READ, MAP_SHARED, device_fd, (off_t)RINGPROF_MMAP_HEAD_OF(0));
	void *all, *tail;

	if (h == MAP_FAILED)
		return -1;
	ringless |= !h->data_size;
	all = mmap(NULL, n + 2 * h->data_size, PROT_READ, MAP_SHARED, device_fd,
		   (off_t)RINGPROF_MMAP_HEAD_OF(0));
	tail = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, device_fd,
		    (off_t)RINGPROF_MMAP_TAIL_OF(0));
	unmap(all, n + 2 * h->data_size);
	unmap(tail, n);
	unmap(h, n);
	return all == MAP_FAILED || tail == MAP_FAILED ? -1 : 0;
}

static int start(void)
{
	return control_start(ctl);
}

static void stop(void)
{
	control_stop(ctl);
}

/* A reader comes while it samples, and perhaps a CPU had no memory for its ring: it gets one. */
static int adopt(void)
{
	int r = start();

	if (r)
		return r;
	r = open_device();
	if (!r) {
		r = map_device();
		close_device();
	}
	if (r)
		stop();
	return r;
}

static int settings(void)
{
	static struct control_config cfg;

	memset(&cfg, 0, sizeof(cfg));
	cfg.set_hz = cfg.set_ring_size = cfg.set_cpus = cfg.set_tgids = true;
	cfg.hz = 100 + random_below(5000);
	cfg.ring_size = RINGPROF_MIN_DATA_SIZE << random_below(4);
	snprintf(cfg.cpus, sizeof(cfg.cpus), "0-%u", random_below(2));
	cfg.tgids[cfg.n_tgids++] = (uint32_t)getpid();
	return control_set(ctl, &cfg);
}

static int table(void)
{
	static const struct ringprof_row rows[] = {
		{ 0, RINGPROF_CFA_SP | 1U << RINGPROF_RULE_OFF_SHIFT },
		{ 16, RINGPROF_CFA_SP | 2U << RINGPROF_RULE_OFF_SHIFT },
	};
	static const struct ringprof_segment segment = { 0, 0, 4096 };
	struct control_table t = { .key = { 1 },
				   .fd = file_fd,
				   .segments = &segment,
				   .n_segments = 1,
				   .rows = rows,
				   .n_rows = 2 };

	return control_table_add(ctl, &t, NULL);
}

static int question(void)
{
	static struct control_stats s[64];
	static struct control_table_info t[64];
	struct control_info i;

	return control_info(ctl, &i) | (control_stats_cpus(ctl, s, 64) < 0) |
	       (control_table_list(ctl, t, 64) < 0);
}

static void nothing(void)
{
}

/* How many allocations the way has, each of which failed once; 0: something is wrong. */
static int every(const char *name, int (*way)(void), void (*back)(void))
{
	char text[16];
	int n, failed = 0;

	for (n = 1; n < MOST; n++) {
		long rest;
		int r;

		snprintf(text, sizeof(text), "%d", n);
		if (!set_fail(text))
			die("/proc/thread-self/fail-nth");
		r = way();
		rest = left();
		set_fail("0");
		failed += r != 0;
		if (!r)
			back();
		if (rest > 0)
			break;
	}
	printf("alloc: %s: %d allocations, %d of these made it fail\n", name, n - 1, failed);
	fflush(stdout);
	return n < MOST && failed;
}

static void need_control(void)
{
	char err[256] = "";

	if (control_open(&ctl, err, sizeof(err))) {
		fprintf(stderr, "abuse: %s\n", err);
		exit(1);
	}
}

int abuse_alloc(int argc, char **argv)
{
	int good;

	(void)argc;
	module_path = argv[0];
	file_path = argv[1];
	module_fd = open(module_path, O_RDONLY | O_CLOEXEC);
	file_fd = open(file_path, O_RDONLY | O_CLOEXEC);
	if (module_fd < 0 || file_fd < 0)
		die("open");
	good = every("load", load, unload);
	if (load())
		die(module_path);
	need_control();
	good &= every("open", open_device, close_device);
	good &= every("settings", settings, nothing);
	good &= every("start", start, stop);
	good &= every("adopt", adopt, stop);
	good &= every("table", table, nothing);
	good &= every("questions", question, nothing);
	if (open_device())
		die(RINGPROF_DEVICE);
	good &= every("mmap", map_device, nothing);
	close_device();
	control_close(ctl);
	if (ringless)
		printf("alloc: a reader found no ring of CPU 0\n");
	return !good || ringless;
}
