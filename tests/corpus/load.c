// SPDX-License-Identifier: GPL-2.0
/*
 * dlopen and dlclose in a loop: a library comes, works for a few milliseconds
 * and goes; two libraries take turns, so that the same addresses are another
 * library's the next time. First calls bind lazily: frames of the dynamic
 * linker's resolver between two functions of ours.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "corpus.h"

typedef long (*work_fn)(long n);

NOINLINE static long use(work_fn fn, int times)
{
	long r = 0;

	for (int i = 0; i < times; i++) {
		r += fn(i);
		KEEP(r);
	}
	return r;
}

/* path: of a library that has lib_outer() and lib_tail() */
NOINLINE static int turn(const char *path)
{
	void *lib = dlopen(path, RTLD_LAZY);
	work_fn outer = lib ? (work_fn)dlsym(lib, "lib_outer") : NULL;
	work_fn tail = lib ? (work_fn)dlsym(lib, "lib_tail") : NULL;
	long r;

	if (!outer || !tail) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	r = use(outer, 6000) + use(tail, 3000);
	KEEP(r);
	dlclose(lib);
	return 0;
}

int main(int argc, char **argv)
{
	char paths[2][4096];
	const char *slash = strrchr(argv[0], '/');
	int dir = slash ? (int)(slash - argv[0]) : 1;

	/* beside the program, of the same build */
	for (int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "%.*s/libload%d.so", dir,
			 slash ? argv[0] : ".", i);
	corpus_begin(argc, argv);
	for (int i = 0; corpus_running(); i++)
		if (turn(paths[i & 1]))
			return 1;
	return 0;
}
