// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks made to fool: registers that lie, while other threads of the process
 * pull the memory they point at from under the walk; and random call chains,
 * none of which comes twice, to fill the trie.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abuse.h"

#define PAGE	   4096UL
#define AREA_PAGES 16
#define FRAMES	   64	  /* of a chain: one in each quarter of a page */
#define DEEP	   600	  /* more than the default limit of 512 */
#define ROUNDS	   200000 /* of the loop that is sampled: some ms */

static char *area;    /* a chain through pages that come and go */
static char *nowhere; /* pages that a userfaultfd never fills */
static double end;
static long spins;

/*
 * Runs with these registers for a while. Nothing is pushed and no signal has a
 * handler, so that the stack pointer may be anything; r12 and r13 keep ours.
 */
static void __attribute__((noinline)) spin_with(uint64_t bp, uint64_t sp)
{
	uint64_t rounds = ROUNDS;

	spins++;
	__asm__ volatile("mov %%rbp, %%r12\n\t"
			 "mov %%rsp, %%r13\n\t"
			 "mov %[bp], %%rbp\n\t"
			 "mov %[sp], %%rsp\n"
			 "1:\tdec %[n]\n\t"
			 "jnz 1b\n\t"
			 "mov %%r13, %%rsp\n\t"
			 "mov %%r12, %%rbp\n"
			 : [n] "+d"(rounds)
			 : [bp] "a"(bp), [sp] "c"(sp)
			 : "r12", "r13", "memory", "cc");
}

static uint64_t here(void)
{
	uint64_t sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return sp;
}

/* A frame: what the frame pointer at it says. */
static void put_frame(char *at, uint64_t next, uint64_t ret)
{
	memcpy(at, &next, sizeof(next));
	memcpy(at + 8, &ret, sizeof(ret));
}

static void link_area(void)
{
	for (size_t i = 0; i < FRAMES; i++) {
		char *at = area + i * PAGE / 4;

		put_frame(at, (uint64_t)(at + PAGE / 4), (uint64_t)&abuse_stacks + i);
	}
}

/* Each a page of the chain: gone, empty, swapped out, read only. */
static void disturb(char *page)
{
	switch (random_below(5)) {
	case 0:
		mprotect(page, PAGE, PROT_NONE);
		break;
	case 1:
		madvise(page, PAGE, MADV_DONTNEED);
		break;
	case 2:
		munmap(page, PAGE);
		break;
	case 3:
		madvise(page, PAGE, MADV_PAGEOUT);
		break;
	default:
		mprotect(page, PAGE, PROT_READ);
		break;
	}
}

static void *disturber(void *arg)
{
	(void)arg;
	while (now_seconds() < end) {
		for (int i = 0; i < 64; i++)
			disturb(area + random_below(AREA_PAGES) * PAGE);
		if (mmap(area, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			die("mmap");
		link_area();
	}
	return NULL;
}

/* Pages whose first touch waits for somebody who never comes: the walk must not touch them. */
static void *never_filled(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	void *p;

	if (fd < 0)
		die("userfaultfd");
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uint64_t)p;
	reg.range.len = 2 * PAGE;
	if (p == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		die("userfaultfd");
	return p;
}

static char *cycle(void)
{
	static char frames[64] __attribute__((aligned(16)));

	put_frame(frames, (uint64_t)frames + 32, 0x401000);
	put_frame(frames + 32, (uint64_t)frames, 0x402000);
	return frames;
}

static char *itself(void)
{
	static char frame[16] __attribute__((aligned(16)));

	put_frame(frame, (uint64_t)frame, 0x401000);
	return frame;
}

/* One frame that is right, the next one where a kernel would be hurt. */
static char *then_to(uint64_t next)
{
	static char frame[16] __attribute__((aligned(16)));

	put_frame(frame, next, 0x401000);
	return frame;
}

/*
 * Our memory lies below our stack: with the stack pointer there the walk ends
 * before it has looked at a frame, below the frame it follows it.
 */
static void lie_at(const char *frame)
{
	spin_with((uint64_t)frame, here());
	spin_with((uint64_t)frame, (uint64_t)frame);
}

static void lie_once(void)
{
	const uint64_t wild[] = { 0,
				  1,
				  7,
				  PAGE - 8,
				  0x7ffffffff000,
				  0x7fffffffeff8,
				  0x800000000000,
				  0xffff800000000000,
				  0xffffffff81000000,
				  0xffffffffff600000,
				  0xfffffffffffffff8,
				  0xffffffffffffffff,
				  0xdeadbeefdeadbeef,
				  (uint64_t)nowhere,
				  (uint64_t)nowhere + PAGE - 8 };
	const uint64_t sp = here();
	size_t n = sizeof(wild) / sizeof(wild[0]);

	lie_at(area);
	lie_at(cycle());
	lie_at(itself());
	lie_at(area + 3);
	spin_with(sp + (1UL << 40), sp);
	for (size_t i = 0; i < n; i++) {
		spin_with(wild[i], sp);
		spin_with(sp, wild[i]);
		spin_with(wild[i], wild[n - 1 - i]);
		lie_at(then_to(wild[i]));
		spin_with(random_u64(), random_u64() >> random_below(32));
	}
}

int abuse_stacks(int argc, char **argv)
{
	pthread_t t;
	int rounds = 0;

	(void)argc;
	random_seed(strtoull(argv[1], NULL, 0));
	area = mmap(NULL, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	link_area();
	nowhere = never_filled();
	end = now_seconds() + atof(argv[0]);
	if (pthread_create(&t, NULL, disturber, NULL))
		die("thread");
	for (; now_seconds() < end; rounds++)
		lie_once();
	pthread_join(t, NULL);
	printf("stacks: %d rounds, %ld lies, with userfaultfd\n", rounds, spins);
	return 0;
}

static void random_chain(char *stack)
{
	for (size_t i = 0; i < DEEP; i++) {
		char *at = stack + i * 16;

		put_frame(at, i + 1 < DEEP ? (uint64_t)(at + 16) : 0, random_u64() >> 17);
	}
}

int abuse_chains(int argc, char **argv)
{
	static char stack[DEEP * 16] __attribute__((aligned(16)));
	int chains = 0;

	(void)argc;
	random_seed(strtoull(argv[1], NULL, 0));
	end = now_seconds() + atof(argv[0]);
	for (; now_seconds() < end; chains++) {
		random_chain(stack);
		/* below the first frame: see lie_at() */
		spin_with((uint64_t)stack, (uint64_t)stack);
	}
	printf("chains: %d of %d frames\n", chains, DEEP);
	return 0;
}
