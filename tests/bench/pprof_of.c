// SPDX-License-Identifier: GPL-2.0
/*
 * What a profile of 100,000 distinct stacks costs that is asked for by pprof:
 * CPU time of encoding it, without and with gzip, and the memory that is needed
 * at most meanwhile, gzip included, beside its size. Prints "bench NAME VALUE
 * UNIT"; run by tests/bench/pprof. Fails when a goal is missed: 1 µs a stack or
 * 150 ms, and three times its size.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "export/export.h"
#include "profile.pb-c.h"
#include "tests/bench/pprof_world.h"

#define STACKS	   100000U
#define MAX_NS	   (150 * NSEC_PER_MSEC)
#define MAX_MEMORY 3.0 /* times the profile's size */

static const struct query_env no_env;

static int count_bytes(void *arg, const void *p, size_t n)
{
	*(size_t *)arg += n;
	return 0;
}

/* A line of /proc/self/status in bytes. */
static size_t status_of(const char *key)
{
	struct buf b = { 0 };
	unsigned long kib = 0;
	const char *at;

	if (!buf_read_file(&b, "/proc/self/status", 1 << 16)) {
		at = strstr(b.data, key);
		if (at)
			sscanf(at + strlen(key), ": %lu", &kib);
	}
	buf_free(&b);
	return (size_t)kib << 10;
}

/* From now on VmHWM is counted anew; without it, it is what the program had before as well. */
static void forget_peak(void)
{
	cleanup_close int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	malloc_trim(0);
	if (fd < 0 || write(fd, "5", 1) != 1)
		fprintf(stderr, "pprof_of: the peak of resident memory cannot be set anew here\n");
}

/* The goals hold for a profile as hosts have them, and for that of all stacks. */
static void look(const struct buf *b)
{
	Ringprof__Pprof__Profile *p =
		ringprof__pprof__profile__unpack(NULL, b->len, (const uint8_t *)b->data);
	size_t with_line = 0, inlined = 0, frames = 0;

	if (!p) {
		fprintf(stderr, "pprof_of: that is no profile\n");
		exit(1);
	}
	for (size_t i = 0; i < p->n_location; i++) {
		with_line += p->location[i]->line[0]->line != 0;
		inlined += p->location[i]->n_line > 1;
	}
	for (size_t i = 0; i < p->n_sample; i++)
		frames += p->sample[i]->n_location_id;
	printf("bench pprof.frames_per_stack %.1f frames\n", (double)frames / (double)p->n_sample);
	printf("bench pprof.stacks %zu stacks\n", p->n_sample);
	printf("bench pprof.places %zu places\n", p->n_location);
	printf("bench pprof.places_with_line %zu places\n", with_line);
	printf("bench pprof.places_inlined %zu places\n", inlined);
	printf("bench pprof.functions %zu functions\n", p->n_function);
	ringprof__pprof__profile__free_unpacked(p, NULL);
}

static void export(const struct window_list *l, struct sink out)
{
	int r = export_pprof(&no_env, QUERY_LIST(l), NULL, NULL, NULL, out);

	if (!r)
		return;
	fprintf(stderr, "pprof_of: export_pprof: %s\n", strerror(-r));
	exit(1);
}

static uint64_t plain(const struct window_list *l, size_t *bytes)
{
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	export(l, (struct sink){ count_bytes, bytes });
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

static uint64_t packed(const struct window_list *l, size_t *bytes)
{
	struct gzip_sink *g = gzip_sink_new((struct sink){ count_bytes, bytes });
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (!g || (export(l, gzip_sink_sink(g)), gzip_sink_finish(g))) {
		fprintf(stderr, "pprof_of: gzip failed\n");
		exit(1);
	}
	gzip_sink_free(g);
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

static int missed(const char *what, double value, double goal)
{
	if (value <= goal)
		return 0;
	fprintf(stderr, "pprof_of: %s: %.2f, the goal is %.2f\n", what, value, goal);
	return 1;
}

int main(void)
{
	size_t size = 0, zipped = 0, before, most;
	uint64_t ns, gzip_ns;
	struct window *w;
	struct window_list list = { .w = &w, .n = 1 };
	struct buf whole = { 0 };
	double ratio;

	memory_setup();
	w = pprof_world(STACKS);
	export(&list, sink_buf(&whole));
	look(&whole);
	buf_free(&whole);
	ns = plain(&list, &size);
	forget_peak();
	before = status_of("VmRSS");
	gzip_ns = packed(&list, &zipped);
	most = status_of("VmHWM");
	ratio = (double)(most - before) / (double)size;
	printf("bench pprof.encode_ms %.1f ms\n", (double)ns / NSEC_PER_MSEC);
	printf("bench pprof.encode_us_per_stack %.2f us\n", (double)ns / 1000 / STACKS);
	printf("bench pprof.gzip_ms %.1f ms\n", (double)gzip_ns / NSEC_PER_MSEC);
	printf("bench pprof.size_mib %.1f MiB\n", (double)size / (1 << 20));
	printf("bench pprof.gzip_size_mib %.1f MiB\n", (double)zipped / (1 << 20));
	printf("bench pprof.memory_to_size %.2f times\n", ratio);
	window_unref(w);
	return missed("ms of CPU", (double)ns / NSEC_PER_MSEC, (double)MAX_NS / NSEC_PER_MSEC) +
	       missed("memory over size", ratio, MAX_MEMORY);
}
