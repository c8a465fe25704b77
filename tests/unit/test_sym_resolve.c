// SPDX-License-Identifier: GPL-2.0
/*
 * The whole way from an address to a name, for every kind of frame.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/symbols.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

static __attribute__((noinline)) void function_to_find(void)
{
	__asm__ volatile("nop; nop; nop");
}

/* The mapping of our own that holds an address, as the collector would see it. */
static bool own_mapping(uint64_t addr, struct file_where *w, uint64_t *off)
{
	static char path[4096];
	FILE *f = fopen("/proc/self/maps", "r");
	uint64_t start, end, pgoff, ino;
	unsigned int maj, min;
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64 " %4095s",
			   &start, &end, &pgoff, &maj, &min, &ino, path) != 7 ||
		    addr < start || addr >= end)
			continue;
		*w = (struct file_where){ .pid = getpid(),
					  .start = start,
					  .end = end,
					  .maj = maj,
					  .min = min,
					  .ino = ino,
					  .path = path };
		*off = addr - start + pgoff;
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

TEST(own_function_has_its_name)
{
	uint64_t addr = (uint64_t)(uintptr_t)function_to_find, off;
	struct files *fs = files_new(64 * MIB);
	struct symbols *s = new_symbols(fs);
	struct file_where w;
	struct sym_answer a;
	struct file *f;

	CHECK(own_mapping(addr, &w, &off));
	f = files_get(fs, &w);
	CHECK(f);
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK_EQ(a.n, 1);
	CHECK(a.named);
	CHECK_STR(a.lines[0].name, "function_to_find");
	CHECK_STR(a.lines[0].system_name, "function_to_find");
	CHECK(strstr(a.lines[0].file, "test_sym_resolve.c"));
	CHECK(a.lines[0].line >= a.lines[0].start_line && a.lines[0].start_line);
	symbols_resolve_function(s, FRAME_USER, f, off, &a);
	CHECK_EQ(a.n, 1);
	CHECK_STR(a.lines[0].name, "function_to_find");
	CHECK_STR(a.lines[0].file, "");
	symbols_resolve(s, FRAME_USER, f, off + 1, &a);
	CHECK_STR(a.lines[0].name, "function_to_find");
	CHECK(file_vaddr(f, off, &addr));
	CHECK_EQ(a.func_start, addr);
	file_unref(f);
	symbols_free(s);
	files_free(fs);
}

TEST(debug_files_that_come_later_are_noticed)
{
	struct symbols_config cfg = { .max_bytes = 64 * MIB, .kallsyms = "/dev/null" };
	struct files *fs = files_new(64 * MIB);
	struct file_where w = { 0 };
	struct sym_answer a;
	struct symbols *s;
	struct file *f;
	uint64_t off;

	write_text("late.c", "static inline __attribute__((always_inline)) int in(int x)\n"
			     "{ __asm__ volatile(\"here: .globl here\\n\\tnop\"); return x; }\n"
			     "__attribute__((noinline)) int late(int x) { return in(x); }\n"
			     "int main(int c, char **v) { return late(c); }\n");
	CHECK_EQ(sh("gcc -O2 -g -Wl,--build-id=0x0123456789abcdef -o whole late.c && "
		    "cp whole late && strip -s late && mkdir dirs"),
		 0);
	cfg.debug_dirs = built("dirs");
	s = symbols_new(&cfg, fs);
	w.path = built("late");
	f = files_get(fs, &w);
	CHECK(s && f);
	off = off_of(f, nm("whole", "here"));
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK(!a.named);
	CHECK_EQ(sh("mkdir -p dirs/.build-id/01 && "
		    "objcopy --only-keep-debug whole dirs/.build-id/01/23456789abcdef.debug"),
		 0);
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK(!a.named);
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK(a.named);
	CHECK_EQ(a.n, 2);
	CHECK_STR(a.lines[0].name, "in");
	CHECK_EQ(a.lines[0].line, 2);
	CHECK_STR(a.lines[1].name, "late");
	CHECK_EQ(a.lines[1].line, 3);
	file_unref(f);
	symbols_free(s);
	files_free(fs);
}

/* An answer that must not wait has the name; the lines are there for a later one. */
TEST(lines_come_later_where_there_is_no_time)
{
	uint64_t addr = (uint64_t)(uintptr_t)function_to_find, off, none = 0,
		 some = 60 * NSEC_PER_SEC;
	struct files *fs = files_new(64 * MIB);
	struct symbols *s = new_symbols(fs);
	struct symbols_counters c;
	struct file_where w;
	struct sym_answer a;
	struct file *f;

	CHECK(own_mapping(addr, &w, &off));
	f = files_get(fs, &w);
	CHECK(f);
	symbols_resolve_within(s, FRAME_USER, f, off, &none, &a);
	CHECK_STR(a.lines[0].name, "function_to_find");
	symbols_counters(s, &c);
	/* the other thread may have been quicker */
	CHECK_EQ(c.without_lines, a.lines[0].line == 0);
	for (int i = 0; i < 5000 && !a.lines[0].line; i++) {
		usleep(2000);
		symbols_resolve_within(s, FRAME_USER, f, off, &none, &a);
	}
	CHECK(strstr(a.lines[0].file, "test_sym_resolve.c"));
	/* where there is time it is waited for, and the time goes down */
	symbols_resolve_within(s, FRAME_USER, f, off + 1, &some, &a);
	CHECK(strstr(a.lines[0].file, "test_sym_resolve.c"));
	CHECK(some && some < 60 * NSEC_PER_SEC);
	/* what still waits at the end is given back */
	for (uint64_t i = 2; i < 50; i++)
		symbols_resolve_within(s, FRAME_USER, f, off + i, &none, &a);
	symbols_counters(s, &c);
	CHECK_EQ(c.line_dropped, 0);
	file_unref(f);
	symbols_free(s);
	files_free(fs);
}

TEST(marks_and_other_kinds_have_fixed_names)
{
	struct symbols *s = new_symbols(NULL);
	struct sym_answer a;

	symbols_resolve(s, FRAME_MARK, NULL, MARK_LOST_OTHER + LOST_MISSED, &a);
	CHECK_STR(a.lines[0].name, "[lost: missed]");
	CHECK(a.named);
	symbols_resolve(s, FRAME_MARK, NULL, MARK_LOST_OTHER + 77, &a);
	CHECK_STR(a.lines[0].name, "[lost: unknown]");
	symbols_resolve(s, FRAME_MARK, NULL, MARK_LOST + 5, &a);
	CHECK_STR(a.lines[0].name, "[lost: ring full]");
	symbols_resolve(s, FRAME_MARK, NULL, MARK_END + 7, &a);
	CHECK(!strncmp(a.lines[0].name, "[truncated: ", 12));
	symbols_resolve(s, FRAME_ANON, NULL, 0x1234, &a);
	CHECK_STR(a.lines[0].name, "[anon]");
	symbols_resolve(s, FRAME_UNKNOWN, NULL, 0x1234, &a);
	CHECK_STR(a.lines[0].name, "[unknown]");
	symbols_resolve(s, FRAME_USER, NULL, 0x1234, &a);
	CHECK_STR(a.lines[0].name, "[unknown]");
	symbols_resolve(s, FRAME_VDSO, NULL, 1ULL << 40, &a);
	CHECK_STR(a.lines[0].name, "[vdso]+0x10000000000");
	CHECK(!a.named);
	symbols_free(s);
}

TEST(vdso_functions_have_names)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
	void *fn = vdso ? dlsym(vdso, "__vdso_gettimeofday") : NULL;
	struct symbols *s;
	struct sym_answer a;
	uint64_t start = 0, end;
	char line[512];
	FILE *f;

	if (!fn)
		SKIP("no vDSO to look into");
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end);
	fclose(f);
	s = new_symbols(NULL);
	symbols_resolve(s, FRAME_VDSO, NULL, (uint64_t)(uintptr_t)fn - start + 1, &a);
	CHECK(a.named);
	CHECK(strstr(a.lines[0].name, "gettimeofday"));
	dlclose(vdso);
	symbols_free(s);
}

TEST(kernel_names_are_read_from_the_begin_of_what_was_opened)
{
	struct symbols_config cfg = { .max_bytes = 64 * MIB, .kallsyms = "/dev/null" };
	struct symbols *s;
	struct sym_answer a;

	write_text("opened", "ffffffff81000000 T do_syscall_64\n");
	cfg.kallsyms_fd = open(built("opened"), O_RDONLY | O_CLOEXEC);
	CHECK(cfg.kallsyms_fd > 0);
	s = symbols_new(&cfg, NULL);
	CHECK(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK_STR(a.lines[0].name, "do_syscall_64");
	/* the same file, longer */
	write_text("opened", "ffffffff81000000 T do_syscall_64\nffffffffd0000000 t prog\t[bpf]\n");
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffd0000010, &a);
	CHECK(!a.named);
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffd0000010, &a);
	CHECK_STR(a.lines[0].name, "prog");
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK_STR(a.lines[0].name, "do_syscall_64");
	symbols_free(s);
	close(cfg.kallsyms_fd);
}

TEST(kernel_names_come_from_the_given_file_and_are_refreshed)
{
	struct symbols_config cfg = { .max_bytes = 64 * MIB };
	struct symbols_counters c;
	struct symbols *s;
	struct sym_answer a;

	write_text("kallsyms", "ffffffff81000000 T do_syscall_64\nffffffffc0000000 t f\t[mod]\n");
	cfg.kallsyms = built("kallsyms");
	s = symbols_new(&cfg, NULL);
	CHECK(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK_STR(a.lines[0].name, "do_syscall_64");
	CHECK_STR(a.module, "");
	CHECK(a.func_start == 0xffffffff81000000);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffc0000010, &a);
	CHECK_STR(a.module, "mod");
	/* a program loaded since: unnamed until the next refresh */
	write_text("kallsyms", "ffffffff81000000 T do_syscall_64\nffffffffc0000000 t f\t[mod]\n"
			       "ffffffffd0000000 t bpf_prog_x\t[bpf]\n");
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffd0000010, &a);
	CHECK(!a.named);
	CHECK_STR(a.lines[0].name, "[kernel]+0xffffffffd0000010");
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffd0000010, &a);
	CHECK_STR(a.lines[0].name, "bpf_prog_x");
	/* rights given up since: what was known stays */
	write_text("kallsyms", "0000000000000000 T do_syscall_64\n");
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffe0000010, &a);
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK_STR(a.lines[0].name, "do_syscall_64");
	symbols_counters(s, &c);
	CHECK_EQ(c.kernel_symbols, 3);
	CHECK_EQ(c.kernel_hidden, 0);
	CHECK_EQ(c.unnamed, 2);
	symbols_free(s);
	s = symbols_new(&cfg, NULL);
	CHECK(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK_STR(a.lines[0].name, "[kernel]+0xffffffff81000010");
	symbols_counters(s, &c);
	CHECK_EQ(c.kernel_hidden, 1);
	symbols_free(s);
}

/* What lies behind a program may be another one, loaded after its name was read. */
TEST(names_of_code_that_comes_and_goes_are_sure_when_read_again)
{
	const uint64_t old = 0xffffffffd0000010, new = 0xffffffffd0000110, mod = 0xffffffffc0000010;
	struct symbols_config cfg = { .max_bytes = MIB };
	struct sym_answer a;
	struct symbols *s;

	write_text("kallsyms", "ffffffff81000000 T do_syscall_64\nffffffffc0000000 t f\t[mod]\n"
			       "ffffffffd0000000 t bpf_prog_old\t[bpf]\n");
	cfg.kallsyms = built("kallsyms");
	s = symbols_new(&cfg, NULL);
	CHECK(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffff81000010, &a);
	CHECK(a.named && !a.unsettled);
	symbols_resolve(s, FRAME_KERNEL, NULL, mod, &a);
	CHECK(a.named && a.unsettled);
	symbols_resolve(s, FRAME_KERNEL, NULL, old, &a);
	CHECK(a.named && a.unsettled);
	write_text("kallsyms", "ffffffff81000000 T do_syscall_64\nffffffffc0000000 t f\t[mod]\n"
			       "ffffffffd0000000 t bpf_prog_old\t[bpf]\n"
			       "ffffffffd0000100 t bpf_prog_new\t[bpf]\n");
	symbols_resolve(s, FRAME_KERNEL, NULL, new, &a);
	CHECK_STR(a.lines[0].name, "bpf_prog_old");
	CHECK(a.unsettled);
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, new, &a);
	CHECK_STR(a.lines[0].name, "bpf_prog_new");
	CHECK(!a.unsettled);
	symbols_resolve(s, FRAME_KERNEL, NULL, old, &a);
	CHECK_STR(a.lines[0].name, "bpf_prog_old");
	CHECK(!a.unsettled);
	symbols_resolve(s, FRAME_KERNEL, NULL, mod, &a);
	CHECK(!a.unsettled);
	/* modules are the same as before: what is met meanwhile is sure without a reading */
	symbols_resolve(s, FRAME_KERNEL, NULL, mod + 1, &a);
	CHECK(a.unsettled);
	symbols_refresh_kernel(s);
	symbols_resolve(s, FRAME_KERNEL, NULL, mod + 1, &a);
	CHECK(!a.unsettled);
	symbols_free(s);
}

/* The same modules say nothing if the last reading gave nothing: then it is tried again. */
TEST(names_of_modules_are_not_sure_after_a_reading_that_failed)
{
	static const char text[] = "ffffffff81000000 T f\nffffffffc0000000 t g\t[mod]\n";
	const uint64_t mod = 0xffffffffc0000010;
	struct symbols_config cfg = { .max_bytes = MIB };
	struct sym_answer a;
	struct symbols *s;

	write_text("kallsyms", text);
	cfg.kallsyms = built("kallsyms");
	s = symbols_new(&cfg, NULL);
	CHECK(s);
	/* without a name: worth a reading */
	symbols_resolve(s, FRAME_KERNEL, NULL, 0xffffffffe0000010, &a);
	CHECK_EQ(unlink(built("kallsyms")), 0);
	symbols_refresh_kernel(s);
	for (int i = 0; i < 3; i++) {
		symbols_resolve(s, FRAME_KERNEL, NULL, mod, &a);
		CHECK_STR(a.lines[0].name, "g");
		CHECK(a.unsettled);
		symbols_refresh_kernel(s);
	}
	write_text("kallsyms", text);
	for (int i = 0; i < 8 && a.unsettled; i++) {
		symbols_refresh_kernel(s);
		symbols_resolve(s, FRAME_KERNEL, NULL, mod, &a);
	}
	CHECK(!a.unsettled);
	symbols_free(s);
}

static void figures(const char *path)
{
	struct files *fs = files_new(512 * MIB);
	struct symbols *s = new_symbols(fs);
	struct file_where w = { .path = path };
	uint64_t t0 = mono_now(), t1, t2, named = 0;
	struct file *f = files_get(fs, &w);
	struct files_counters c;
	struct sym_answer a;

	if (f) {
		t1 = mono_now();
		symbols_resolve(s, FRAME_USER, f, f->size / 2, &a);
		t2 = mono_now();
		for (uint64_t i = 0; i < 100000; i++) {
			symbols_resolve(s, FRAME_USER, f, i * 7919 % f->size, &a);
			named += a.named != 0;
		}
		files_counters(fs, &c);
		printf("# %s: open %.2f ms, %" PRIu64 " symbols in %.1f ms, %" PRIu64
		       " bytes; %.0f ns a new name (%" PRIu64 " of 100000 named)\n",
		       path, (double)(t1 - t0) / 1e6, c.symbols, (double)(t2 - t1) / 1e6,
		       c.symbol_bytes, (double)(mono_now() - t2) / 1e5, named);
		t2 = mono_now();
		for (uint64_t i = 0; i < 1000000; i++)
			symbols_resolve(s, FRAME_USER, f, i % 1000 * 7919 % f->size, &a);
		printf("#   %.0f ns a known name\n", (double)(mono_now() - t2) / 1e6);
		file_unref(f);
	}
	symbols_free(s);
	files_free(fs);
}

TEST(figures_of_large_files)
{
	struct file_where w;
	uint64_t off;

	if (own_mapping((uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "abort"), &w, &off))
		figures(w.path);
	figures("/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1");
}

int main(void)
{
	build_init();
	return tap_main();
}
