// SPDX-License-Identifier: GPL-2.0
/* Perf's side without perf: records made by hand, a ring in plain memory. */
#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <linux/ringprof.h>

#include "source/known_bad.h"
#include "test_source_records.h"

/* ---- records ---- */

static struct rec mmap2(const char *path, uint32_t prot)
{
	char padded[64] = { 0 };
	struct rec r = start(PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);

	put32(&r, 100);
	put32(&r, 101);
	put64(&r, 0x400000);
	put64(&r, 0x2000);
	put64(&r, 0x1000);
	put32(&r, 8);
	put32(&r, 1);
	put64(&r, 4711);
	put64(&r, 5);
	put32(&r, prot);
	put32(&r, MAP_PRIVATE);
	strcpy(padded, path);
	put(&r, padded, (strlen(path) + 8) / 8 * 8);
	end_id(&r);
	return r;
}

TEST(mmap2_of_code_is_an_event)
{
	struct rec r = mmap2("/usr/bin/true", PROT_READ | PROT_EXEC);
	struct event ev;

	CHECK(perf_parse_side((void *)r.p, &ev));
	CHECK_EQ(ev.type, EV_MMAP);
	CHECK_EQ(ev.time, 12345);
	CHECK_EQ(ev.cpu, 3);
	CHECK_EQ(ev.pid, 100);
	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.mmap.addr, 0x400000);
	CHECK_EQ(ev.mmap.len, 0x2000);
	CHECK_EQ(ev.mmap.pgoff, 0x1000);
	CHECK_EQ(ev.mmap.maj, 8);
	CHECK_EQ(ev.mmap.min, 1);
	CHECK_EQ(ev.mmap.ino, 4711);
	CHECK_EQ(ev.mmap.ino_generation, 5);
	CHECK_EQ(ev.mmap.prot, PROT_READ | PROT_EXEC);
	CHECK_STR(ev.mmap.path, "/usr/bin/true");
	free(r.p);
	r = mmap2("/etc/passwd", PROT_READ);
	CHECK(!perf_parse_side((void *)r.p, &ev));
	free(r.p);
}

TEST(mmap_without_inode_is_one_too)
{
	struct rec r = start(PERF_RECORD_MMAP, 0);
	struct event ev;

	put32(&r, 100);
	put32(&r, 100);
	put64(&r, 0x400000);
	put64(&r, 0x2000);
	put64(&r, 0);
	put(&r, "/bin/ls", 8);
	end_id(&r);
	CHECK(perf_parse_side((void *)r.p, &ev));
	CHECK_STR(ev.mmap.path, "/bin/ls");
	CHECK_EQ(ev.mmap.ino, 0);
	CHECK_EQ(ev.mmap.prot, 0);
	free(r.p);
}

TEST(cgroups)
{
	struct event ev;
	struct rec r = start(PERF_RECORD_CGROUP, 0);

	put64(&r, 4711);
	put(&r, "/a.slice/b.service\0\0\0\0\0", 24);
	CHECK(perf_parse_side(end_id(&r), &ev));
	CHECK_EQ(ev.type, EV_CGROUP);
	CHECK_EQ(ev.cgroup.id, 4711);
	CHECK_STR(ev.cgroup.path, "/a.slice/b.service");
	free(r.p);
	/* without an end, and no path */
	for (int i = 0; i < 2; i++) {
		r = start(PERF_RECORD_CGROUP, 0);
		put64(&r, 4711);
		put(&r, i ? "a\0\0\0\0\0\0" : "/a.slice", 8);
		CHECK(!perf_parse_side(end_id(&r), &ev));
		free(r.p);
	}
}

TEST(comm_fork_exit_lost)
{
	struct rec r = start(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	struct event ev;

	put32(&r, 100);
	put32(&r, 100);
	put(&r, "a name\0", 8);
	CHECK(perf_parse_side(end_id(&r), &ev));
	CHECK_EQ(ev.type, EV_COMM);
	CHECK(ev.comm.exec);
	CHECK_STR(ev.comm.name, "a name");
	free(r.p);
	r = start(PERF_RECORD_COMM, 0);
	put32(&r, 100);
	put32(&r, 100);
	put(&r, "sixteen bytes at\0\0\0\0\0\0\0", 24);
	CHECK(!perf_parse_side(end_id(&r), &ev));
	free(r.p);
	for (int exit = 0; exit < 2; exit++) {
		r = start(exit ? PERF_RECORD_EXIT : PERF_RECORD_FORK, 0);
		put32(&r, 7);
		put32(&r, 8);
		put32(&r, 9);
		put32(&r, 10);
		put64(&r, 1);
		CHECK(perf_parse_side(end_id(&r), &ev));
		CHECK_EQ(ev.type, exit ? EV_EXIT : EV_FORK);
		CHECK(ev.pid == 7 && ev.fork.ppid == 8 && ev.tid == 9 && ev.fork.ptid == 10);
		free(r.p);
	}
	r = start(PERF_RECORD_LOST, 0);
	put64(&r, 1);
	put64(&r, 99);
	CHECK(perf_parse_side(end_id(&r), &ev));
	CHECK_EQ(ev.type, EV_LOST);
	CHECK_EQ(ev.lost.records, 99);
	CHECK_EQ(perf_record_time((void *)r.p), 12345);
	free(r.p);
}

static struct rec sample(uint64_t n, uint64_t claimed, bool cgroup)
{
	struct rec r = start(PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);

	put64(&r, 0xffffffff81000000);
	put32(&r, 100);
	put32(&r, 101);
	put64(&r, 777);
	put32(&r, 2);
	put32(&r, 0);
	put64(&r, 1000003);
	put64(&r, claimed);
	for (uint64_t i = 0; i < n; i++)
		put64(&r, i + 1);
	if (cgroup)
		put64(&r, 4242);
	end(&r);
	return r;
}

#define WITH_CGROUP (PERF_SAMPLING_TYPE | PERF_SAMPLE_CGROUP)
#define WITH_USER   (PERF_SAMPLING_TYPE | PERF_USER_TYPE)

/* A sample in user mode with registers (perf's number of each plus 1000) and stack bytes. */
static struct rec user_sample(uint64_t abi, uint64_t size, uint64_t filled)
{
	struct rec r = sample(0, 0, false);

	put64(&r, abi);
	for (uint64_t i = 0; abi && i < PERF_USER_REGS; i++)
		/* ax bx cx dx si di bp sp ip, then r8 .. r15, which perf has from 16 on */
		put64(&r, 1000 + (i < 9 ? i : i + 7));
	put64(&r, size);
	for (uint64_t i = 0; i < size / 8; i++)
		put64(&r, i);
	if (size)
		put64(&r, filled);
	put64(&r, 4242);
	end(&r);
	return r;
}

TEST(registers_and_stack_of_a_sample)
{
	static const uint64_t by_dwarf[] = { 0,	 3,  2,	 1,  4,	 5,  6,	 7, 16,
					     17, 18, 19, 20, 21, 22, 23, 8 };
	struct rec r = user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 40);
	struct perf_sample s;

	CHECK_EQ(__builtin_popcountll(perf_user_regs_mask), PERF_USER_REGS);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
	CHECK_EQ(s.abi, PERF_SAMPLE_REGS_ABI_64);
	for (size_t i = 0; i < PERF_USER_REGS; i++)
		CHECK_EQ(s.regs[i], (long long)(1000 + by_dwarf[i]));
	CHECK_EQ(s.stack_len, 40);
	CHECK(!s.stack_cut);
	CHECK_EQ(((const uint64_t *)s.stack)[4], 4);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
	r = user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 64);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER, &s));
	CHECK(s.stack_cut);
	free(r.p);
	r = user_sample(PERF_SAMPLE_REGS_ABI_NONE, 0, 0);
	CHECK(perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
	CHECK(!s.abi && !s.stack && !s.stack_len && !s.stack_cut);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
}

TEST(lies_about_the_stack_are_refused)
{
	static const struct {
		uint64_t abi, size, filled;
	} bad[] = { { 3, 64, 64 },
		    { PERF_SAMPLE_REGS_ABI_64, 64, 72 },
		    { PERF_SAMPLE_REGS_ABI_64, 60, 8 },
		    { PERF_SAMPLE_REGS_ABI_64, 64, UINT64_MAX } };
	struct perf_sample s;

	for (size_t i = 0; i < 4; i++) {
		struct rec r = user_sample(bad[i].abi, bad[i].size, bad[i].filled);

		CHECK(!perf_parse_sample((void *)r.p, WITH_USER | PERF_SAMPLE_CGROUP, &s));
		free(r.p);
	}
}

TEST(samples)
{
	struct rec r = sample(5, 5, true);
	struct perf_sample s;

	CHECK(perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	CHECK_EQ(s.ip, (long long)0xffffffff81000000);
	CHECK(s.pid == 100 && s.tid == 101 && s.time == 777 && s.cpu == 2 && s.kernel);
	CHECK_EQ(s.period, 1000003);
	CHECK_EQ(s.n_ips, 5);
	CHECK_EQ(s.ips[4], 5);
	CHECK_EQ(s.cgroup, 4242);
	free(r.p);
	/* the last address is not taken for the cgroup's */
	r = sample(5, 5, false);
	CHECK(!perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	CHECK(perf_parse_sample((void *)r.p, PERF_SAMPLING_TYPE, &s));
	free(r.p);
	r = sample(5, UINT64_MAX / 8 + 2, true);
	CHECK(!perf_parse_sample((void *)r.p, WITH_CGROUP, &s));
	free(r.p);
}

/* Every prefix of a record as a record of its own, each byte of it flipped. */
static void mangle(const struct rec *whole)
{
	static const uint64_t types[] = { PERF_SAMPLING_TYPE, WITH_CGROUP, WITH_USER,
					  WITH_USER | PERF_SAMPLE_CGROUP };
	uint64_t sum = 0;

	for (uint16_t n = sizeof(struct perf_event_header); n <= whole->n; n += 8) {
		unsigned char *p = malloc(n);

		CHECK(p);
		for (uint16_t i = 0; i < n; i++) {
			struct perf_sample s;
			struct event ev;

			memcpy(p, whole->p, n);
			p[i] ^= 0xff;
			((struct perf_event_header *)p)->size = n;
			if (perf_parse_side((void *)p, &ev))
				sum += ev.type == EV_MMAP ? strlen(ev.mmap.path) : 1;
			if (perf_parse_sample((void *)p, types[i % 4], &s)) {
				sum += s.n_ips ? s.ips[s.n_ips - 1] : 1;
				for (size_t k = 0; k < s.stack_len; k++)
					sum += ((const unsigned char *)s.stack)[k];
			}
			sum += perf_record_time((void *)p) + perf_record_lost((void *)p);
		}
		free(p);
	}
	CHECK(sum);
}

TEST(mangled_records_are_not_read_outside)
{
	struct rec recs[] = { mmap2("/usr/lib/x86_64-linux-gnu/libc.so.6", PROT_EXEC),
			      sample(20, 20, true),
			      user_sample(PERF_SAMPLE_REGS_ABI_64, 64, 40),
			      start(PERF_RECORD_COMM, 0),
			      start(PERF_RECORD_FORK, 0),
			      start(PERF_RECORD_CGROUP, 0),
			      start(PERF_RECORD_LOST, 0) };

	for (size_t i = 0; i < sizeof(recs) / sizeof(recs[0]); i++) {
		if (i > 2) {
			put64(&recs[i], 0x100000001);
			put(&recs[i], "abcdefg\0hijklmn", 16);
			end_id(&recs[i]);
		}
		mangle(&recs[i]);
		free(recs[i].p);
	}
}

/* ---- the ring ---- */

static void fake_put(struct fake *f, uint16_t size, uint16_t claimed)
{
	struct perf_event_header h = { .type = 1,
				       .misc = (uint16_t)(f->head / 8),
				       .size = claimed };
	unsigned char *data = (unsigned char *)f->ring.data;

	for (size_t i = 0; i < size; i++)
		data[(f->head + i) % SIZE] = i < sizeof(h) ? ((unsigned char *)&h)[i]
							   : (unsigned char)(size + i);
	f->head += size;
	f->ring.page->data_head = f->head;
}

TEST(records_come_whole_also_over_the_end)
{
	const struct perf_event_header *h;
	unsigned int wrapped = 0;
	struct fake f;

	fake_new(&f);
	for (uint16_t size = 8; size < 2048; size += 8) {
		fake_put(&f, size, size);
		perf_ring_note(&f.ring);
		CHECK((h = perf_ring_next(&f.ring)));
		CHECK_EQ(h->size, size);
		CHECK_EQ(h->misc, (uint16_t)(f.ring.at / 8));
		for (size_t i = sizeof(*h); i < size; i++)
			CHECK_EQ(((const unsigned char *)h)[i], (unsigned char)(size + i));
		wrapped += (const unsigned char *)h == f.ring.scratch;
		perf_ring_release(&f.ring, true);
		CHECK_EQ(f.ring.page->data_tail, f.head - size);
		CHECK(!perf_ring_next(&f.ring));
		perf_ring_release(&f.ring, false);
		CHECK_EQ(f.ring.page->data_tail, f.head);
	}
	printf("# %u records lay across the end\n", wrapped);
	CHECK(wrapped > 10);
	fake_free(&f);
}

TEST(headers_that_cannot_be_end_at_the_head)
{
	static const uint16_t bad[] = { 0, 7, 12, 4088, 65528 };
	struct fake f;

	fake_new(&f);
	for (size_t i = 0; i < 5; i++) {
		fake_put(&f, 16, 16);
		fake_put(&f, 16, bad[i]);
		fake_put(&f, 16, 16);
		perf_ring_note(&f.ring);
		CHECK(perf_ring_next(&f.ring));
		CHECK(!perf_ring_next(&f.ring));
		CHECK_EQ(f.ring.corrupt, 32 * (i + 1));
		perf_ring_release(&f.ring, false);
		CHECK_EQ(f.ring.page->data_tail, f.head);
	}
	/* a head that ran away */
	f.ring.page->data_head = f.head + SIZE + 8;
	perf_ring_note(&f.ring);
	CHECK(!perf_ring_next(&f.ring));
	fake_free(&f);
}

TEST(a_kernel_with_a_known_bug_is_refused_by_name)
{
	static const char ubuntu[] = "#19~24.04.1-Ubuntu SMP PREEMPT_DYNAMIC";

	CHECK(strstr(known_bad_user_chains("6.11.0-19-generic", ubuntu), "crash"));
	CHECK(known_bad_user_chains("6.11.0-19-lowlatency", ubuntu));
	CHECK(!known_bad_user_chains("6.11.0-190-generic", ubuntu));
	CHECK(!known_bad_user_chains("6.14.0-15-generic", ubuntu));
	CHECK(!known_bad_user_chains("6.11.0-19-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.11.0-19"));
	CHECK(!known_bad_user_chains("6.11.0", ubuntu));
}

int main(void)
{
	return tap_main();
}
