// SPDX-License-Identifier: GPL-2.0
/*
 * What a reader says of a file is what is read here: symbol tables, lines and
 * inlined functions, unwind rows; and the names while it comes and goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sym/lines_read.h"
#include "sym/symbols.h"
#include "sym/table_read.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/rows_read.h"

#define MIB (1UL << 20)

static const reader_serve_fn ops[READER_OPS] = {
	[READER_TABLE] = table_serve,		[READER_LINES_OPEN] = lines_serve_open,
	[READER_LINES_LOOKUP] = lines_serve_at, [READER_LINES_CLOSE] = lines_serve_shut,
	[READER_GO] = lines_serve_go,		[READER_ROWS] = rows_serve,
};

static const struct reader_config config = {
	.name = "test", .uid = 65534, .gid = 65534, .max_memory = 1ULL << 30
};

static void make(void)
{
	static int made;

	if (made++)
		return;
	write_text("p.c", "static inline __attribute__((always_inline)) int in(int x)\n"
			  "{ __asm__ volatile(\"here: .globl here\\n\\tnop\"); return x; }\n"
			  "static __attribute__((noinline)) int hidden(int x) { return in(x); }\n"
			  "__attribute__((noinline)) int shown(int x) { return hidden(x) + 1; }\n"
			  "int main(int c, char **v) { return shown(c); }\n");
	if (sh("gcc -O2 -g -Wl,--build-id=sha1 -o p p.c && gcc -O2 -g -gsplit-dwarf -o split p.c "
	       "&& "
	       "objcopy --only-keep-debug p p.debug && strip -s -o bare p"))
		abort();
}

struct opened {
	int fd;
	struct file file;
};

static struct opened open_built(const char *name)
{
	struct opened o = { .file = { .path = name } };
	struct stat st;

	make();
	o.fd = open(built(name), O_RDONLY | O_CLOEXEC);
	CHECK(o.fd >= 0);
	CHECK_EQ(fstat(o.fd, &st), 0);
	o.file.size = (uint64_t)st.st_size;
	return o;
}

/* ---- tables ---- */

static int open_debug(void *arg, const char *dir, const char *name, uint64_t *size)
{
	struct stat st;
	int fd = open(built("p.debug"), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) || *dir || *name)
		return -ENOENT;
	*size = (uint64_t)st.st_size;
	return fd;
}

static bool has(const struct symtab *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(symtab_name(t, &t->syms[i]), name))
			return true;
	return false;
}

static void same_table(const char *name, reader_open_fn open_fn, bool wants_bare)
{
	struct reader *r = reader_new(&config);
	struct opened o = open_built(name);
	struct table_input in = { .fd = o.fd, .size = o.file.size, .open = open_fn };
	bool bare_here, bare_there;
	struct symtab here, there;

	CHECK_EQ(table_read(&in, &here, &bare_here), 0);
	CHECK_EQ(table_read_by(r, &o.file, &in, &there, &bare_there), 0);
	CHECK_EQ(bare_here, wants_bare);
	CHECK_EQ(bare_there, wants_bare);
	CHECK(here.n && has(&there, "_start"));
	CHECK_EQ(has(&there, "hidden"), !wants_bare);
	CHECK_EQ(there.n, here.n);
	CHECK_EQ(there.names_len, here.names_len);
	CHECK(!memcmp(there.syms, here.syms, here.n * sizeof(*here.syms)));
	CHECK(!memcmp(there.names, here.names, here.names_len));
	symtab_free(&here);
	symtab_free(&there);
	close(o.fd);
	reader_free(r);
}

TEST(a_table_is_the_same)
{
	same_table("p", NULL, false);
}

TEST(a_debug_file_is_sent_when_it_is_asked_for)
{
	same_table("bare", open_debug, false);
	same_table("bare", NULL, true);
}

TEST(no_elf_is_an_error_of_the_file)
{
	struct reader *r = reader_new(&config);
	struct opened o = open_built("p.c");
	const struct table_input in = { .fd = o.fd, .size = o.file.size };
	struct symtab t;
	struct rows rows;
	bool bare;

	CHECK_EQ(table_read_by(r, &o.file, &in, &t, &bare), -ENOEXEC);
	CHECK_EQ(rows_read_by(r, &o.file, o.fd, &(struct rows_limits){ 0 }, &rows), -ENOEXEC);
	close(o.fd);
	reader_free(r);
}

/* ---- lines ---- */

static void put_text(void *arg, const struct dwarf_frame *f)
{
	buf_printf(arg, "%s %s:%u (%u)%s\n", f->name, f->file, f->line, f->decl_line,
		   f->inlined ? " inlined" : "");
}

static int open_dwo(void *arg, const char *dir, const char *name, uint64_t *size)
{
	struct stat st;
	int fd = open(built("split-p.dwo"), O_RDONLY | O_CLOEXEC);

	++*(int *)arg;
	if (fd < 0 || fstat(fd, &st))
		return -ENOENT;
	*size = (uint64_t)st.st_size;
	return fd;
}

static void same_lines(const char *name)
{
	struct reader *r = reader_new(&config);
	struct opened o = open_built(name);
	int asked[2] = { 0, 0 };
	struct dwarf_input in = { .fd = o.fd,
				  .size = o.file.size,
				  .alt_fd = -1,
				  .max_bytes = 64 * MIB,
				  .open_split = open_dwo,
				  .arg = &asked[0] };
	struct buf a = { 0 }, b = { 0 };
	uint64_t at = nm(name, "here"), from = nm(name, "shown") - 64;
	struct lines_open here, there;

	CHECK(at);
	CHECK_EQ(lines_open(&here, NULL, &o.file, &in), 0);
	in.arg = &asked[1];
	CHECK_EQ(lines_open(&there, r, &o.file, &in), 0);
	CHECK_EQ(lines_at(&here, &o.file, at, put_text, &a), 2);
	CHECK_EQ(lines_at(&there, &o.file, at, put_text, &b), 2);
	CHECK(strstr(b.data, "in ") == b.data && strstr(b.data, "p.c:2 (1) inlined\nhidden "));
	for (uint64_t v = from; v < from + 128; v++) {
		buf_reset(&a);
		buf_reset(&b);
		CHECK_EQ(lines_at(&here, &o.file, v, put_text, &a),
			 lines_at(&there, &o.file, v, put_text, &b));
		CHECK_EQ(a.len, b.len);
		CHECK(!a.len || !strcmp(a.data, b.data));
		CHECK_EQ(lines_bytes(&here), lines_bytes(&there));
	}
	CHECK_EQ(asked[0], asked[1]);
	CHECK_EQ(asked[1], !strcmp(name, "split"));
	lines_shut(&here);
	lines_shut(&there);
	CHECK(!lines_is_open(&there));
	buf_free(&a);
	buf_free(&b);
	close(o.fd);
	reader_free(r);
}

TEST(lines_are_the_same)
{
	same_lines("p");
}

TEST(a_split_file_is_sent_when_it_is_asked_for)
{
	same_lines("split");
}

TEST(a_go_program_is_the_same)
{
	struct buf a = { 0 }, b = { 0 };
	struct reader *r;
	struct opened o;
	uint64_t at;
	int found = 0;

	make();
	if (system("command -v go >/dev/null"))
		SKIP("no go here");
	write_text("g.go", "package main\nfunc in(n int) int { return n*31 + 7 }\n"
			   "//go:noinline\nfunc out(n int) int { return in(n) }\n"
			   "func main() { println(out(len(\"x\"))) }\n");
	CHECK_EQ(sh("GO111MODULE=off HOME=$PWD go build -o g g.go && cp g bare.g && strip -s "
		    "bare.g"),
		 0);
	at = nm("g", "main.out");
	CHECK(at);
	r = reader_new(&config);
	o = open_built("bare.g");
	for (uint64_t v = at; v < at + 32; v++) {
		buf_reset(&a);
		buf_reset(&b);
		found += lines_go(o.fd, o.file.size, v, put_text, &a) > 0;
		CHECK_EQ(lines_go_by(r, &o.file, o.fd, v, put_text, &b),
			 lines_go(o.fd, o.file.size, v, put_text, &a));
		CHECK_EQ(a.len, 2 * b.len);
		CHECK(!memcmp(a.data ? a.data : "", b.data ? b.data : "", b.len));
	}
	CHECK(found);
	buf_free(&a);
	buf_free(&b);
	close(o.fd);
	reader_free(r);
}

/* ---- rows ---- */

TEST(rows_are_the_same)
{
	const struct rows_limits lim = { .max_rows = RINGPROF_MAX_ROWS };
	struct reader *r = reader_new(&config);
	struct opened o = open_built("p");
	struct rows here, there;

	CHECK_EQ(rows_of_fd(&here, o.fd, &lim), 0);
	CHECK_EQ(rows_read_by(r, &o.file, o.fd, &lim, &there), 0);
	CHECK(here.n > 4);
	CHECK_EQ(there.n, here.n);
	CHECK(!memcmp(there.rows, here.rows, here.n * sizeof(*here.rows)));
	CHECK_EQ(there.base, here.base);
	CHECK_EQ(there.n_segments, here.n_segments);
	CHECK(!memcmp(there.segments, here.segments, sizeof(here.segments)));
	CHECK(!memcmp(there.n_by, here.n_by, sizeof(here.n_by)));
	CHECK_EQ(there.n_fdes, here.n_fdes);
	CHECK_STR(there.origin, here.origin);
	rows_free(&here);
	rows_free(&there);
	close(o.fd);
	reader_free(r);
}

TEST(rows_that_are_wrong_are_refused)
{
	struct opened o = open_built("p");
	const uint64_t question[2] = { 0, 0 };
	const struct reader_args q = { question, sizeof(question), { o.fd, -1 } };
	struct ringprof_row *rows;
	struct buf b = { 0 };
	struct rows back;

	CHECK_EQ(rows_serve(NULL, &q, &b), 0);
	CHECK_EQ(rows_parse(b.data, b.len, &back), 0);
	rows = (struct ringprof_row *)(b.data + b.len) - back.n;
	CHECK(!memcmp(rows, back.rows, back.n * sizeof(*rows)));
	rows_free(&back);
	for (size_t len = 0; len < b.len; len += 3)
		CHECK_EQ(rows_parse(b.data, len, &back), -EINVAL);
	rows[1].pc = rows[0].pc;
	CHECK_EQ(rows_parse(b.data, b.len, &back), -EINVAL);
	rows[1].pc++;
	rows[1].rule = UINT32_MAX;
	CHECK_EQ(rows_parse(b.data, b.len, &back), -EINVAL);
	buf_free(&b);
	close(o.fd);
}

/* ---- names ---- */

struct world {
	struct reader *names, *lines;
	struct files *fs;
	struct symbols *s;
	struct file *f;
	uint64_t off;
};

static struct world open_world(void)
{
	struct symbols_config cfg = { .max_bytes = 16 * MIB, .kallsyms = "/dev/null" };
	struct world w = { .names = reader_new(&config), .lines = reader_new(&config) };
	struct file_where where = { 0 };
	uint64_t vaddr;

	make();
	w.fs = files_new(16 * MIB);
	files_set_reader(w.fs, w.names);
	cfg.line_reader = w.lines;
	w.s = symbols_new(&cfg, w.fs);
	where.path = built("p");
	w.f = files_get(w.fs, &where);
	CHECK(w.s && w.f);
	for (w.off = 0; !file_vaddr(w.f, w.off, &vaddr) || vaddr != nm("p", "here");)
		w.off = vaddr < nm("p", "here") ? w.off + nm("p", "here") - vaddr : w.off + 1;
	return w;
}

static void close_world(struct world *w)
{
	file_unref(w->f);
	symbols_free(w->s);
	files_free(w->fs);
	reader_free(w->names);
	reader_free(w->lines);
}

static pid_t pid_of(struct reader *r)
{
	struct reader_counters c;

	reader_counters(r, &c);
	return c.pid;
}

/* Until it has ended that many times. */
static void kill_reader(struct reader *r, uint64_t deaths)
{
	struct reader_counters c;

	for (reader_counters(r, &c); c.deaths < deaths; reader_counters(r, &c)) {
		if (c.pid)
			kill(c.pid, SIGKILL);
		while (c.pid && c.pid == pid_of(r))
			usleep(1000);
		usleep(1000);
	}
}

TEST(names_and_lines_come_by_readers)
{
	struct world w = open_world();
	struct reader_counters before, after;
	struct sym_answer a;

	symbols_resolve(w.s, FRAME_USER, w.f, w.off, &a);
	CHECK_EQ(a.n, 2);
	CHECK_STR(a.lines[0].name, "in");
	CHECK_EQ(a.lines[0].line, 2);
	CHECK_STR(a.lines[1].name, "hidden");
	reader_counters(w.names, &before);
	CHECK(before.questions);
	/* what is known is not asked for, nor does a name of the table cost a question */
	symbols_resolve(w.s, FRAME_USER, w.f, w.off, &a);
	symbols_resolve_function(w.s, FRAME_USER, w.f, w.off + 1, &a);
	CHECK_STR(a.lines[0].name, "hidden");
	reader_counters(w.names, &after);
	CHECK_EQ(after.questions, before.questions);
	close_world(&w);
}

TEST(lines_are_opened_again_after_a_death)
{
	struct world w = open_world();
	struct reader_counters c;
	struct sym_answer a;

	symbols_resolve(w.s, FRAME_USER, w.f, w.off, &a);
	CHECK_EQ(a.n, 2);
	kill_reader(w.lines, 1);
	/* another address: this one's answer is kept */
	symbols_resolve(w.s, FRAME_USER, w.f, w.off + 1, &a);
	CHECK_STR(a.lines[a.n - 1].name, "hidden");
	CHECK(a.lines[a.n - 1].line);
	reader_counters(w.lines, &c);
	CHECK_EQ(c.deaths, 1);
	CHECK_EQ(c.refused[READER_KILLED], 0);
	close_world(&w);
}

/* Killed until there is a pause between one and the next. */
TEST(a_name_is_not_given_up_while_there_is_no_reader)
{
	struct world w = open_world();
	struct reader_question q = { .op = READER_LINES_CLOSE };
	struct reader_answer unused;
	struct sym_answer a;

	CHECK(reader_ask(w.names, &q, &unused) < 0);
	kill_reader(w.names, 7);
	symbols_resolve(w.s, FRAME_USER, w.f, w.off, &a);
	CHECK(!a.named);
	CHECK(!strncmp(a.lines[0].name, "p+0x", 4));
	for (int i = 0; i < 200 && !a.named; i++, usleep(100000))
		symbols_resolve(w.s, FRAME_USER, w.f, w.off, &a);
	CHECK(a.named);
	CHECK_EQ(a.n, 2);
	close_world(&w);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], READER_ARGV0))
		reader_main(argc, argv, ops);
	build_init();
	return tap_main();
}
