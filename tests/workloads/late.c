// SPDX-License-Identifier: GPL-2.0
/*
 * late SECONDS: a JIT that tells of its code when it has run it
 *
 * Uses that much CPU time in code of its own making, writes /tmp/perf-PID.map,
 * which names it late_code, and ends: whoever reads the map does so afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* push %rbp; mov %rsp,%rbp; mov $0x400000,%ecx; 1: dec %ecx; jnz 1b; pop %rbp; ret */
static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xb9, 0,	  0,   0x40,
				      0,    0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3 };

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];
	FILE *map;

	if (p == MAP_FAILED)
		return 1;
	memcpy(p, code, sizeof(code));
	while ((double)clock() < seconds * CLOCKS_PER_SEC)
		((void (*)(void))p)();
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	if (!map)
		return 1;
	fprintf(map, "%lx %zx late_code\n", (unsigned long)p, sizeof(code));
	return fclose(map) ? 1 : 0;
}
