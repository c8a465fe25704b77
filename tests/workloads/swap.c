// SPDX-License-Identifier: GPL-2.0
/*
 * swap FIRST SECOND GO SECONDS: one library makes room for another of its size
 *
 * Loads FIRST, says so on stdout and sleeps until there is a file GO. Works in FIRST for a
 * moment, unloads it and loads SECOND to the same place, in which it works for that long. Who
 * reads its mappings finds FIRST and then SECOND, but not that there was none meanwhile: its
 * mmap lock is taken as long (mprotect() of much memory). Both have call() (tests/workloads/swap_lib.c).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"

#define STORM_BYTES (64UL << 20)
#define STORMERS    8

typedef long (*call_fn)(long (*fn)(void));

static const char *amount;
static atomic_int storming;

NOINLINE static long spin_for(const char *arg)
{
	struct work_span w = work_begin(arg);

	while (work_goes_on(&w))
		spin(20000);
	return 1;
}

NOINLINE static long first_leaf(void)
{
	KEEP_FRAME();
	return spin_for("0.5") + 1;
}

/* of this name for tests/vm/check deep */
NOINLINE static long deep_leaf(void)
{
	KEEP_FRAME();
	return spin_for(amount) + 1;
}

static void *storm(void *memory)
{
	int prot = PROT_READ;

	while (storming) {
		mprotect(memory, STORM_BYTES, prot);
		prot ^= PROT_WRITE;
	}
	return NULL;
}

/* Where its call() is, NULL: it cannot be loaded. */
static call_fn load(const char *path, void **lib)
{
	*lib = dlopen(path, RTLD_NOW);
	if (!*lib)
		fprintf(stderr, "%s\n", dlerror());
	return *lib ? (call_fn)dlsym(*lib, "call") : NULL;
}

static call_fn swap(void **lib, const char *next)
{
	void *memory = mmap(NULL, STORM_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	pthread_t threads[STORMERS];
	call_fn fn;

	storming = 1;
	for (int i = 0; i < STORMERS; i++)
		if (memory == MAP_FAILED || pthread_create(&threads[i], NULL, storm, memory))
			return NULL;
	dlclose(*lib);
	spin_for("0.015");
	fn = load(next, lib);
	storming = 0;
	for (int i = 0; i < STORMERS; i++)
		pthread_join(threads[i], NULL);
	return fn;
}

int main(int argc, char **argv)
{
	call_fn first, second;
	void *lib;

	if (argc < 5)
		return 2;
	amount = argv[4];
	first = load(argv[1], &lib);
	if (!first)
		return 1;
	printf("loaded\n");
	fflush(stdout);
	while (access(argv[3], F_OK))
		usleep(10000);
	first(first_leaf);
	second = swap(&lib, argv[2]);
	if (second != first) {
		fprintf(stderr, "%s is not where %s was\n", argv[2], argv[1]);
		return 1;
	}
	return second(deep_leaf) == 0;
}
