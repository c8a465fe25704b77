// SPDX-License-Identifier: GPL-2.0
/*
 * How fast names are had. Usage: symbols_of DIR: makes a program of 500 MB there
 * (big_elf.h), names of it until it is worth saying, and prints
 *
 *   time from the program's path to its first name: without a cache, with one
 *   names a second of addresses asked for before, and from the mapped table,
 *   beside a bare binary search of the same addresses in the same process
 *   what of it is in memory
 *
 * Fails when a goal is missed: 1 million names a second, 1 s to the first
 * name. Time is the thread's CPU time, so that neighbours do not count; the
 * file is in the page cache, as that of a running program is.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/files.h"
#include "sym/symbols.h"
#include "tests/bench/big_elf.h"

#define FRAMES	 200000 /* addresses asked for */
#define ROUNDS	 5
#define GOAL_NS	 1000	    /* a name: 1 million a second */
#define FIRST_NS 1000000000 /* to the first name */

static uint64_t cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* VmRSS's parts in KiB. */
static long status(const char *key)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long v = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtol(line + strlen(key) + 1, NULL, 10);
	if (f)
		fclose(f);
	return v;
}

static uint64_t rng(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

struct bench {
	const char *cache;
	struct files *files;
	struct symbols *symbols;
	struct file *file;
	struct sym_answer a;
	uint64_t offs[FRAMES];
};

static void open_all(struct bench *b, const char *elf, const char *cache)
{
	const struct file_where w = { .path = elf };
	struct symbols_config cfg = { .max_bytes = 256U << 20,
				      .debug_dirs = "/nonexistent",
				      .kallsyms = "/dev/null" };

	b->files = files_new(cache ? 64U << 20 : 256U << 20);
	if (!b->files || (cache && files_set_cache(b->files, cache, 1U << 30)))
		abort();
	b->symbols = symbols_new(&cfg, b->files);
	b->file = b->symbols ? files_get(b->files, &w) : NULL;
	if (!b->file)
		abort();
}

static void close_all(struct bench *b)
{
	file_unref(b->file);
	symbols_free(b->symbols);
	files_free(b->files);
}

/* From a path to a name, best of ROUNDS; 0: it has another one. */
static uint64_t first_name(struct bench *b, const char *elf, const char *cache, bool cold)
{
	uint64_t best = UINT64_MAX, i = BIG_ELF_SYMBOLS / 3;
	char cmd[512], want[BIG_ELF_NAME];

	big_elf_name(i, want);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s/names'", b->cache);
	for (int k = 0; k < ROUNDS; k++) {
		uint64_t start, ns;

		if (cold && system(cmd))
			abort();
		start = cpu_now();
		open_all(b, elf, cache);
		symbols_resolve_function(b->symbols, FRAME_USER, b->file, big_elf_offset(i), &b->a);
		ns = cpu_now() - start;
		best = ns < best ? ns : best;
		if (!b->a.named || strcmp(b->a.lines[0].system_name, want)) {
			fprintf(stderr, "named %s, not %s\n", b->a.lines[0].system_name, want);
			return 0;
		}
		close_all(b);
	}
	return best;
}

/* ns a lookup, best of ROUNDS */
static double ask(struct bench *b, bool whole)
{
	uint64_t best = UINT64_MAX;
	size_t named = 0;

	for (int k = 0; k <= ROUNDS; k++) {
		uint64_t start = cpu_now(), ns;

		for (size_t i = 0; i < FRAMES; i++) {
			if (whole)
				symbols_resolve(b->symbols, FRAME_USER, b->file, b->offs[i], &b->a);
			else
				symbols_resolve_function(b->symbols, FRAME_USER, b->file,
							 b->offs[i], &b->a);
			named += b->a.named != 0;
		}
		ns = cpu_now() - start;
		if (k && ns < best) /* the first round makes the names */
			best = ns;
	}
	if (named != (size_t)FRAMES * (ROUNDS + 1)) {
		fprintf(stderr, "%zu addresses were not named\n",
			(size_t)FRAMES * (ROUNDS + 1) - named);
		exit(1);
	}
	return (double)best / FRAMES;
}

/* What the least is: the same addresses in a bare sorted array of as many. */
static double bare_search(const struct bench *b)
{
	uint64_t *v = malloc(BIG_ELF_SYMBOLS * sizeof(*v)), best = UINT64_MAX;
	uint64_t sum = 0;

	if (!v)
		abort();
	for (uint64_t i = 0; i < BIG_ELF_SYMBOLS; i++)
		v[i] = big_elf_offset(i);
	for (int k = 0; k < ROUNDS; k++) {
		uint64_t start = cpu_now(), ns;

		for (size_t i = 0; i < FRAMES; i++) {
			size_t lo = 0, hi = BIG_ELF_SYMBOLS;

			while (lo < hi) {
				size_t mid = lo + (hi - lo) / 2;

				if (v[mid] <= b->offs[i])
					lo = mid + 1;
				else
					hi = mid;
			}
			sum += lo;
		}
		ns = cpu_now() - start;
		best = ns < best ? ns : best;
	}
	free(v);
	if (!sum) /* it is used, so that the search is not left out */
		abort();
	return (double)best / FRAMES;
}

static int goal(const char *what, double ns, double max)
{
	if (ns > 0 && ns <= max)
		return 0;
	printf("missed: %s takes %.0f ns, the goal is %.0f\n", what, ns, max);
	return 1;
}

int main(int argc, char **argv)
{
	static struct bench b;
	static char elf[512], cache[512];
	struct files_counters fc;
	uint64_t cold, disk, none, seed = 88172645463325252ULL;
	double whole, table, bare;
	long before;

	if (argc != 2)
		return 2;
	snprintf(elf, sizeof(elf), "%s/big", argv[1]);
	snprintf(cache, sizeof(cache), "%s/cache", argv[1]);
	b.cache = cache;
	if (big_elf_make(elf) || symcache_make_dir(cache, geteuid(), getegid())) {
		fprintf(stderr, "cannot make %s\n", elf);
		return 1;
	}
	none = first_name(&b, elf, NULL, false);
	cold = first_name(&b, elf, cache, true);
	disk = first_name(&b, elf, cache, false);
	for (size_t i = 0; i < FRAMES; i++)
		b.offs[i] = big_elf_offset(rng(&seed) % BIG_ELF_SYMBOLS) + rng(&seed) % 16;
	malloc_trim(0);
	before = status("RssAnon:");
	open_all(&b, elf, cache);
	table = ask(&b, false);
	whole = ask(&b, true);
	bare = bare_search(&b);
	files_counters(b.files, &fc);
	printf("first name of %.0f MB, %u symbols: %.0f ms; writing the cache %.0f ms; from it "
	       "%.1f ms\n",
	       (double)b.file->size / 1e6, BIG_ELF_SYMBOLS, (double)none / 1e6, (double)cold / 1e6,
	       (double)disk / 1e6);
	printf("names a second of %d addresses: asked before %.1f million, by the mapped table "
	       "%.1f million\n",
	       FRAMES, 1e3 / whole, 1e3 / table);
	printf("bare binary search %.0f ns; a name asked before %.0f ns (%.2f of it), by the table "
	       "%.0f ns (%.2f)\n",
	       bare, whole, whole / bare, table, table / bare);
	printf("memory: table %.1f MB mapped, %.1f MB of our own; all names and answers %.1f MB\n",
	       (double)fc.mapped_bytes / 1e6, (double)fc.symbol_bytes / 1e6,
	       (double)(status("RssAnon:") - before) / 1024);
	close_all(&b);
	return goal("a name asked before", whole, GOAL_NS) |
	       goal("a name by the table", table, GOAL_NS) |
	       goal("the first name", (double)none, FIRST_NS) |
	       goal("the first name with a cache to write", (double)cold, FIRST_NS) |
	       goal("the first name from the cache", (double)disk, FIRST_NS);
}
