// SPDX-License-Identifier: GPL-2.0
/*
 * jit map|dump NAME SECONDS: a JIT whose truth is known, for that much CPU time
 *
 * Makes a function in anonymous memory at one and the same address, tells of
 * it as phase_NAME1, runs it; then another one in its place, phase_NAME2; then
 * a third, phase_NAME3. Prints the CPU time of each as JSON. "map" tells by
 * /tmp/perf-PID.map, "dump" by a jitdump in the current directory, with the
 * line 10, 20 and 30 of NAME.src.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"

#define ADDRESS	  0x10000000UL
#define CODE_SIZE 64

static unsigned char *code;
static int out = -1;

static void write_all(const void *p, size_t n)
{
	if (write(out, p, n) != (ssize_t)n)
		exit(1);
}

/* push %rbp; mov %rsp,%rbp; mov $n,%ecx; 1: dec %ecx; jnz 1b; pop %rbp; ret */
static void emit(uint32_t n)
{
	static const unsigned char head[] = { 0x55, 0x48, 0x89, 0xe5, 0xb9 };
	static const unsigned char tail[] = { 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3 };

	memcpy(code, head, sizeof(head));
	memcpy(code + sizeof(head), &n, sizeof(n));
	memcpy(code + sizeof(head) + sizeof(n), tail, sizeof(tail));
}

static void open_map(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		exit(1);
}

static void open_dump(void)
{
	struct {
		uint32_t magic, version, size, mach, pad, pid;
		uint64_t time, flags;
	} head = { 0x4a695444, 1, sizeof(head), 62, 0, (uint32_t)getpid(), 0, 0 };
	char path[64];

	snprintf(path, sizeof(path), "jit-%d.dump", (int)getpid());
	out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		exit(1);
	write_all(&head, sizeof(head));
	/* how profilers find it */
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, out, 0) == MAP_FAILED)
		exit(1);
}

static void tell_map(const char *name)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%lx %x %s\n", (unsigned long)code, CODE_SIZE, name);

	write_all(line, (size_t)n);
}

struct prefix {
	uint32_t id, size;
	uint64_t time;
};

static void tell_lines(const char *file, uint32_t line)
{
	struct {
		struct prefix p;
		uint64_t addr, n, at;
		uint32_t line, discriminator;
		char file[64];
	} r = { .p = { 2, sizeof(r), (uint64_t)clock_ns(CLOCK_MONOTONIC) } };

	r.addr = r.at = (uintptr_t)code;
	r.n = 1;
	r.line = line;
	snprintf(r.file, sizeof(r.file), "%s", file);
	write_all(&r, sizeof(r));
}

static void tell_dump(const char *name)
{
	struct {
		struct prefix p;
		uint32_t pid, tid;
		uint64_t vma, addr, size, index;
		char text[64 + CODE_SIZE];
	} r = { .p = { 0, sizeof(r), (uint64_t)clock_ns(CLOCK_MONOTONIC) } };

	r.pid = r.tid = (uint32_t)getpid();
	r.vma = r.addr = (uintptr_t)code;
	r.size = CODE_SIZE;
	snprintf(r.text, 64, "%s", name);
	write_all(&r, sizeof(r));
}

NOINLINE static int64_t run(int64_t ns)
{
	int64_t begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	void (*f)(void) = (void (*)(void))(uintptr_t)code;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < begun + ns)
		f();
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
}

int main(int argc, char **argv)
{
	static const double parts[] = { 0.5, 0.3, 0.2 };
	char name[64], file[64];
	double seconds;
	bool map;

	if (argc != 4)
		return 2;
	map = !strcmp(argv[1], "map");
	seconds = atof(argv[3]);
	code = mmap((void *)ADDRESS, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (code == MAP_FAILED)
		return 1;
	if (map)
		open_map();
	else
		open_dump();
	snprintf(file, sizeof(file), "%.40s.src", argv[2]);
	printf("{");
	for (uint32_t i = 0; i < 3; i++) {
		emit(100000 + i);
		snprintf(name, sizeof(name), "phase_%.40s%u", argv[2], i + 1);
		if (map) {
			tell_map(name);
		} else {
			tell_lines(file, 10 * (i + 1));
			tell_dump(name);
		}
		printf("%s\"%s\": %" PRId64, i ? ", " : "", name,
		       run((int64_t)(seconds * parts[i] * 1e9)));
	}
	printf("}\n");
	return 0;
}
