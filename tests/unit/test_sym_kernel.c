// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sym/kernel.h"
#include "sym/kernel_met.h"
#include "tap.h"

static const char canned[] = "ffffffff81000000 T _stext\n"
			     "ffffffff81000000 T _text\n"
			     "ffffffff81000000 T real_first\n"
			     "ffffffff81001000 t helper.isra.0\n"
			     "ffffffff81002000 T do_syscall_64\n"
			     "ffffffff81002000 t __do_alias\n"
			     "ffffffff81003000 D some_data\n"
			     "ffffffff81004000 W weak_one\n"
			     "ffffffff82000000 r rodata\n"
			     "no line at all\n"
			     "ffffffff8\n"
			     "\n"
			     "ffffffffc0000000 t ext4_read\t[ext4]\n"
			     "ffffffffc0000100 t ext4_write\t[ext4]\n"
			     "ffffffffc0100000 t nf_hook\t[nf_tables]\n"
			     "ffffffffc0200000 t bpf_prog_6deef7357e7b4530_sd_fw\t[bpf]\n"
			     "ffffffffc0300000 t cut";

static struct kernel_symbols k;

static const char *at(uint64_t addr, const char **module)
{
	const struct sym *s = kernel_find(&k, addr, module);

	return s ? symtab_name(&k.tab, s) : "-";
}

TEST(kallsyms_text_symbols_and_modules)
{
	const char *m = "?";

	CHECK_EQ(kernel_parse(&k, canned, sizeof(canned) - 1), 0);
	CHECK(!k.hidden);
	CHECK_STR(at(0xffffffff81000fffULL, &m), "real_first");
	CHECK_STR(m, "");
	CHECK_STR(at(0xffffffff81001010ULL, &m), "helper.isra.0");
	CHECK_STR(at(0xffffffff81002010ULL, &m), "do_syscall_64");
	/* data is no boundary and no name */
	CHECK_STR(at(0xffffffff81003010ULL, &m), "do_syscall_64");
	CHECK_STR(at(0xffffffff81004010ULL, &m), "weak_one");
	/* nobody's: further than any function behind the last symbol */
	CHECK_STR(at(0xffffffff90000000ULL, &m), "-");
	CHECK_STR(at(0xffffffffc0000001ULL, &m), "ext4_read");
	CHECK_STR(m, "ext4");
	CHECK_STR(at(0xffffffffc0000101ULL, &m), "ext4_write");
	CHECK_STR(at(0xffffffffc0100000ULL, &m), "nf_hook");
	CHECK_STR(m, "nf_tables");
	CHECK_STR(at(0xffffffffc0200004ULL, &m), "bpf_prog_6deef7357e7b4530_sd_fw");
	CHECK_STR(m, "bpf");
	CHECK_STR(at(0xffffffffc0300004ULL, &m), "cut");
	CHECK_STR(m, "");
	CHECK_STR(at(0x1000, &m), "-");
	kernel_free(&k);
}

/* As KASLR puts them: the answers are those of a kernel and modules that were not moved. */
TEST(addresses_told_do_not_tell_where_it_lies)
{
	static const char moved[] = "ffffffff9aa00000 T _stext\n"
				    "ffffffff9aa00000 T _text\n"
				    "ffffffff9aa02000 T do_syscall_64\n"
				    "ffffffffc0b3d000 t ext4_read\t[ext4]\n"
				    "ffffffffc0a11000 t nf_hook\t[nf_tables]\n";
	static const uint64_t real[] = { 0xffffffff9aa02010ULL, 0xffffffff9aa00000ULL,
					 0xffffffff9ab01fffULL, 0xffffffffc0a11004ULL,
					 0xffffffffc0b3d008ULL };
	static const uint64_t told[] = { 0xffffffff81002010ULL, 0xffffffff81000000ULL,
					 0xffffffff81101fffULL, 0xffffffffc0000004ULL,
					 0xffffffffc012c008ULL };

	CHECK_EQ(kernel_parse(&k, moved, sizeof(moved) - 1), 0);
	for (size_t i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		CHECK_EQ(kernel_told(&k, real[i]), told[i]);
		CHECK_EQ(kernel_meant(&k, told[i]), real[i]);
	}
	/* of what lies before and between them, and of all where the kernel tells us nothing */
	CHECK_EQ(kernel_told(&k, 0xffff888012345678ULL), 0x678);
	CHECK_EQ(kernel_told(&k, 0xffffffffb0000123ULL), 0x123);
	CHECK_EQ(kernel_told(&k, 0xffffffffc0026882ULL), 0x882);
	kernel_free(&k);
	CHECK_EQ(kernel_told(&k, 0xffffffff9aa02010ULL), 0x10);
}

TEST(kallsyms_hidden_addresses_are_told)
{
	static const char zeros[] = "0000000000000000 T _stext\n0000000000000000 T _text\n";
	const char *m;

	CHECK_EQ(kernel_parse(&k, zeros, sizeof(zeros) - 1), 0);
	CHECK(k.hidden);
	CHECK_EQ(k.tab.n, 0);
	CHECK_STR(at(0, &m), "-");
	kernel_free(&k);
	CHECK_EQ(kernel_parse(&k, "", 0), 0);
	CHECK(!k.hidden);
	kernel_free(&k);
}

TEST(kallsyms_many_modules_keep_their_names_up_to_the_limit)
{
	struct buf b = { 0 };
	const char *m;
	char want[32];

	for (unsigned int i = 0; i < KERNEL_MAX_MODULES + 10; i++)
		buf_printf(&b, "%llx t f%u\t[mod%u]\n", 0xffffffffc0000000ULL + i * 16, i, i);
	CHECK_EQ(kernel_parse(&k, b.data, b.len), 0);
	for (unsigned int i = 0; i < KERNEL_MAX_MODULES + 10; i++) {
		snprintf(want, sizeof(want), "f%u", i);
		CHECK_STR(at(0xffffffffc0000000ULL + i * 16, &m), want);
		snprintf(want, sizeof(want), "mod%u", i);
		CHECK_STR(m, i < KERNEL_MAX_MODULES - 1 ? want : "");
	}
	kernel_free(&k);
	buf_free(&b);
}

static uint64_t modules(const char *text)
{
	return kernel_modules_hash(text, strlen(text));
}

TEST(modules_are_others_when_their_code_is_not_when_their_users_are)
{
	const uint64_t h = modules("ext4 1000 1 - Live 0xc0000000\nx 9 0 - Live 0xc0100000\n");

	CHECK_EQ(modules("ext4 1000 7 x, Live 0xc0000000\nx 9 0 - Live 0xc0100000\n"), h);
	CHECK(modules("ext4 1000 1 - Live 0xc0200000\nx 9 0 - Live 0xc0100000\n") != h);
	CHECK(modules("ext4 1000 1 - Loading 0xc0000000\nx 9 0 - Live 0xc0100000\n") != h);
	CHECK(modules("ext3 1000 1 - Live 0xc0000000\nx 9 0 - Live 0xc0100000\n") != h);
	CHECK(modules("ext4 1000 1 - Live 0xc0000000\n") != h);
	CHECK_EQ(modules(""), 0);
}

TEST(kallsyms_cut_anywhere_does_not_crash)
{
	for (size_t len = 0; len < sizeof(canned) - 1; len++) {
		/* on the heap and exact, so that a read past the end is seen */
		char *p = malloc(len ? len : 1);

		memcpy(p, canned, len);
		CHECK_EQ(kernel_parse(&k, p, len), 0);
		kernel_free(&k);
		free(p);
	}
}

/* Another address that has a's place; a: there is none. */
static uint64_t same_place(uint64_t a)
{
	for (uint64_t b = a + 1; b < a + 100000; b++) {
		struct kernel_met *m = kernel_met_new();
		bool taken;

		CHECK(!kernel_met_before(m, false, a, 50, 100));
		CHECK(!kernel_met_before(m, false, b, 50, 100));
		/* only one that was noted is known as met before */
		taken = !kernel_met_before(m, false, b, 150, 200);
		kernel_met_free(m);
		if (taken)
			return b;
	}
	return a;
}

TEST(two_addresses_of_one_place_are_both_sure_in_the_end)
{
	const uint64_t a = 0xffffffffc0000010, b = same_place(a);
	struct kernel_met *m = kernel_met_new();

	CHECK(a != b);
	CHECK(!kernel_met_before(m, false, a, 50, 100));
	/* not its turn: a is not sure yet, and would never be if b came in between */
	CHECK(!kernel_met_before(m, false, b, 50, 110));
	CHECK(kernel_met_before(m, false, a, 120, 130));
	/* later than it could be, and never too soon */
	CHECK(!kernel_met_before(m, false, b, 120, 130));
	CHECK(kernel_met_before(m, false, b, 140, 150));
	CHECK(!kernel_met_before(m, false, a, 140, 160));
	CHECK(kernel_met_before(m, false, a, 160, 170));
	/* programs of BPF do not take the places of modules */
	CHECK(!kernel_met_before(m, true, b, 180, 190));
	CHECK(kernel_met_before(m, false, a, 180, 190));
	kernel_met_free(m);
}

TEST(kallsyms_of_this_host)
{
	struct buf b = { 0 };
	uint64_t t0;
	const char *m;

	CHECK_EQ(buf_read_file(&b, "/proc/kallsyms", KALLSYMS_MAX), 0);
	t0 = mono_now();
	CHECK_EQ(kernel_parse(&k, b.data, b.len), 0);
	printf("# %zu bytes of kallsyms: %zu symbols, %zu bytes, %.1f ms\n", b.len, k.tab.n,
	       kernel_bytes(&k), (double)(mono_now() - t0) / 1e6);
	buf_free(&b);
	if (k.hidden) {
		kernel_free(&k);
		SKIP("kernel addresses are hidden here");
	}
	CHECK(k.tab.n > 1000);
	for (size_t i = 0; i < k.tab.n; i += 97)
		CHECK_STR(at(k.tab.syms[i].addr, &m), symtab_name(&k.tab, &k.tab.syms[i]));
	kernel_free(&k);
}

int main(void)
{
	return tap_main();
}
