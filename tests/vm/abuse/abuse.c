// SPDX-License-Identifier: GPL-2.0
/* See abuse.h. abuse stacks|chains|netlink|device|lie|alloc ARGUMENT... */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abuse.h"

static uint64_t state;

void random_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64, with the constants of its author (Steele et al., OOPSLA 2014) */
uint64_t random_u64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t random_below(uint32_t n)
{
	return (random_u64() >> 32) * n >> 32;
}

double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void die(const char *what)
{
	fprintf(stderr, "abuse: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int args;
} verbs[] = {
	{ "stacks", abuse_stacks, 2 },	 { "chains", abuse_chains, 2 },
	{ "netlink", abuse_netlink, 2 }, { "device", abuse_device, 2 },
	{ "lie", abuse_lie, 2 },	 { "alloc", abuse_alloc, 2 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc < 2 || strcmp(argv[1], verbs[i].name))
			continue;
		if (argc - 2 == verbs[i].args)
			return verbs[i].run(argc - 2, argv + 2);
		fprintf(stderr, "abuse %s takes %d arguments\n", argv[1], verbs[i].args);
		return 2;
	}
	fprintf(stderr, "abuse: stacks, chains, netlink, device, lie or alloc\n");
	return 2;
}
