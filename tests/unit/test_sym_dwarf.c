// SPDX-License-Identifier: GPL-2.0
/*
 * Lines and inlined functions of files that the compiler makes here: all ways
 * in which debug information may be stored, and damaged ones.
 *
 * In every program outer() has middle() inlined, which has inner() inlined,
 * where a global is written: the address that is asked about is that of the
 * write, found by the label in an asm statement.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sym/dwarf.h"
#include "tap.h"
#include "test_sym_build.h"

static const char source[] = /* lines are counted below */
	"int sink;\n"
	"static inline __attribute__((always_inline)) int inner(int x)\n"
	"{\n"
	"	__asm__ volatile(\"here: .globl here\\n\\tmovl %0, sink(%%rip)\" ::\"r\"(x));\n"
	"	return x + 1;\n"
	"}\n"
	"static inline __attribute__((always_inline)) int middle(int x)\n"
	"{\n"
	"	if (x > 3)\n"
	"		return inner(x * 3);\n"
	"	return x;\n"
	"}\n"
	"__attribute__((noinline)) int outer(int x)\n"
	"{\n"
	"	int r = middle(x + 7);\n"
	"	return r ^ 0x55;\n"
	"}\n"
	"int main(int c, char **v) { return outer(c); }\n";

#define LINE_INNER  4
#define LINE_MIDDLE 10
#define LINE_OUTER  15

struct answer {
	int n;
	struct {
		char name[64], file[256];
		uint32_t line, decl;
		bool inlined;
	} f[8];
};

static void take(void *arg, const struct dwarf_frame *f)
{
	struct answer *a = arg;

	if (a->n < 8) {
		snprintf(a->f[a->n].name, sizeof(a->f[0].name), "%s", f->name);
		snprintf(a->f[a->n].file, sizeof(a->f[0].file), "%s", f->file);
		a->f[a->n].line = f->line;
		a->f[a->n].decl = f->decl_line;
		a->f[a->n].inlined = f->inlined;
	}
	a->n++;
}

/* .dwo as named; "x.dwp" where the test made one */
static int open_split(void *arg, const char *dir, const char *name, uint64_t *size)
{
	const char *dwp = arg;
	char path[512];
	struct stat st;
	int fd;

	if (dwp)
		snprintf(path, sizeof(path), "%s", built(dwp));
	else
		snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	*size = (uint64_t)st.st_size;
	return fd;
}

static struct dwarf_info *open_built(const char *name, const char *alt, const char *dwp,
				     uint64_t max, int *err)
{
	struct dwarf_input in = { .alt_fd = -1,
				  .max_bytes = max,
				  .open_split = open_split,
				  .arg = (void *)(uintptr_t)dwp };
	struct dwarf_info *d = NULL;
	struct stat st;

	in.fd = open(built(name), O_RDONLY | O_CLOEXEC);
	if (in.fd < 0 || fstat(in.fd, &st))
		abort();
	in.size = (uint64_t)st.st_size;
	if (alt) {
		in.alt_fd = open(built(alt), O_RDONLY | O_CLOEXEC);
		if (in.alt_fd < 0 || fstat(in.alt_fd, &st))
			abort();
		in.alt_size = (uint64_t)st.st_size;
	}
	*err = dwarf_open(&d, &in);
	close(in.fd);
	if (alt)
		close(in.alt_fd);
	return d;
}

static int ask(const char *name, const char *alt, const char *dwp, const char *symbols,
	       struct answer *a)
{
	int err, r;
	struct dwarf_info *d = open_built(name, alt, dwp, 64 << 20, &err);

	memset(a, 0, sizeof(*a));
	if (err)
		return err;
	r = dwarf_lookup(d, nm(symbols, "here"), take, a);
	dwarf_close(d);
	return r;
}

static void check_frame(const struct answer *a, int i, const char *name, uint32_t line)
{
	CHECK_STR(a->f[i].name, name);
	CHECK(strstr(a->f[i].file, "s.c"));
	CHECK_EQ(a->f[i].line, line);
	CHECK_EQ(a->f[i].inlined, i < 2);
}

static void check_chain(const char *name, const char *alt, const char *dwp, const char *symbols)
{
	struct answer a;
	int r = ask(name, alt, dwp, symbols, &a);

	if (r != 3)
		printf("# %s: %d\n", name, r);
	CHECK_EQ(r, 3);
	check_frame(&a, 0, "inner", LINE_INNER);
	check_frame(&a, 1, "middle", LINE_MIDDLE);
	check_frame(&a, 2, "outer", LINE_OUTER);
	CHECK_EQ(a.f[0].decl, 2);
	CHECK_EQ(a.f[2].decl, 13);
}

static void build(const char *cc, const char *flags, const char *out)
{
	write_text("s.c", source);
	if (sh("%s -O2 -g %s -o %s s.c", cc, flags, out))
		TAP_FAIL("cannot build with %s %s", cc, flags);
}

TEST(versions_of_dwarf_by_gcc_and_clang)
{
	static const char *const ccs[] = { "gcc", "clang" };
	static const char *const flags[] = { "-gdwarf-4", "-gdwarf-5",
					     "-gdwarf-5 -ffunction-sections", "-gdwarf-4 -no-pie" };

	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < 4; i++) {
			build(ccs[c], flags[i], "plain");
			check_chain("plain", NULL, NULL, "plain");
		}
	}
}

TEST(compressed_sections)
{
	build("gcc", "-gz=zlib", "packed");
	check_chain("packed", NULL, NULL, "packed");
	build("gcc", "", "whole");
	if (!sh("objcopy --compress-debug-sections=zstd whole packed"))
		check_chain("packed", NULL, NULL, "whole");
}

TEST(split_dwarf)
{
	static const char *const ccs[] = { "gcc", "clang" };
	static const char *const flags[] = { "-gdwarf-4 -gsplit-dwarf", "-gdwarf-5 -gsplit-dwarf" };

	for (int c = 0; c < 2; c++) {
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(sh("rm -f *.dwo x.dwp"), 0);
			build(ccs[c], flags[i], "split");
			CHECK_EQ(sh("ls *.dwo"), 0);
			check_chain("split", NULL, NULL, "split");
			/* binutils' dwp drops DWARF 5, LLVM's hangs over gcc's */
			if (sh(!i  ? "dwp -o x.dwp *.dwo"
			       : c ? "timeout 10 llvm-dwp -o x.dwp *.dwo"
				   : "false"))
				printf("# no .dwp of DWARF %d was made\n", 4 + i);
			else
				check_chain("split", NULL, "x.dwp", "split");
		}
	}
}

TEST(without_its_dwo_a_file_still_has_lines)
{
	struct answer a;

	build("gcc", "-gdwarf-5 -gsplit-dwarf", "split");
	CHECK_EQ(sh("rm -f *.dwo"), 0);
	CHECK_EQ(ask("split", NULL, NULL, "split", &a), 1);
	CHECK_STR(a.f[0].name, "");
	CHECK_EQ(a.f[0].line, LINE_INNER);
}

TEST(a_dwo_of_another_build_does_not_count)
{
	struct answer a;

	build("gcc", "-gdwarf-5 -gsplit-dwarf", "split");
	CHECK_EQ(sh("cp split old && cp *.dwo keep && sed -i 's/int sink;/int sink, other;/' s.c "
		    "&& "
		    "gcc -O2 -g -gdwarf-5 -gsplit-dwarf -DX=1 -o split s.c"),
		 0);
	CHECK_EQ(ask("old", NULL, NULL, "old", &a), 1);
	CHECK_EQ(a.f[0].line, LINE_INNER);
}

TEST(parts_moved_elsewhere_by_dwz)
{
	build("gcc", "", "one");
	build("gcc", "-DX", "two");
	if (sh("command -v dwz"))
		SKIP("dwz is not installed");
	CHECK_EQ(sh("cp one one.all && cp two two.all && dwz -L none -m common one two"), 0);
	check_chain("one", "common", NULL, "one");
}

TEST(a_separate_debug_file)
{
	build("gcc", "", "whole");
	CHECK_EQ(sh("objcopy --only-keep-debug whole whole.debug"), 0);
	check_chain("whole.debug", NULL, NULL, "whole");
}

TEST(limits_are_errors_not_guesses)
{
	int err;

	build("gcc", "", "whole");
	CHECK(!open_built("whole", NULL, NULL, 2048, &err));
	CHECK_EQ(err, -EFBIG);
	CHECK_EQ(sh("strip -g whole -o stripped"), 0);
	CHECK(!open_built("stripped", NULL, NULL, 1 << 20, &err));
	CHECK_EQ(err, -ENOENT);
	CHECK(!open_built("s.c", NULL, NULL, 1 << 20, &err));
	CHECK_EQ(err, -ENOEXEC);
}

TEST(cut_anywhere_it_ends_in_peace)
{
	struct answer a;
	char *p;
	size_t len;

	build("gcc", "", "whole");
	p = slurp("whole", &len);
	for (size_t cut = 0; cut < len; cut += len / 61 + 1) {
		FILE *f = fopen(built("cut"), "w");
		bool ok = f && fwrite(p, 1, cut, f) == cut;

		if (!f || fclose(f) || !ok)
			abort();
		ask("cut", NULL, NULL, "whole", &a);
	}
	free(p);
}

TEST(bytes_turned_over_it_ends_in_peace)
{
	unsigned int seed = 1;
	struct answer a;
	size_t len;
	char *p;

	build("gcc", "-gdwarf-5", "whole");
	p = slurp("whole", &len);
	for (int i = 0; i < 300; i++) {
		FILE *f = fopen(built("bad"), "w");

		for (int k = 0; k < 20; k++)
			p[64 + (size_t)rand_r(&seed) % (len - 64)] = (char)rand_r(&seed);
		if (!f || fwrite(p, 1, len, f) != len || fclose(f))
			abort();
		ask("bad", NULL, NULL, "whole", &a);
		if (i % 10 == 9) {
			free(p);
			p = slurp("whole", &len);
		}
	}
	free(p);
}

/* The reader opens nothing but through the callback: a link to a FIFO would hang it. */
TEST(names_inside_of_the_file_are_not_opened)
{
	struct dwarf_input in = { .alt_fd = -1, .max_bytes = 64 << 20 };
	struct dwarf_info *d;
	struct answer a = { 0 };
	struct stat st;

	build("gcc", "-gdwarf-5 -gsplit-dwarf", "split");
	CHECK_EQ(sh("for f in *.dwo; do rm $f && mkfifo $f; done"), 0);
	in.fd = open(built("split"), O_RDONLY | O_CLOEXEC);
	CHECK(in.fd >= 0 && !fstat(in.fd, &st));
	in.size = (uint64_t)st.st_size;
	alarm(20);
	CHECK_EQ(dwarf_open(&d, &in), 0);
	close(in.fd);
	CHECK_EQ(dwarf_lookup(d, nm("split", "here"), take, &a), 1);
	dwarf_close(d);
	alarm(0);
	CHECK_EQ(sh("rm -f *.dwo"), 0);
}

int main(void)
{
	build_init();
	return tap_main();
}
