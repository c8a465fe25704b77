// SPDX-License-Identifier: GPL-2.0
/*
 * Debug files from a server, which a library made here plays: it gives, lies,
 * hangs, sends without end. tests/e2e/debuginfod.sh has the real ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/debuginfod.h"
#include "sym/files_int.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

/* What it serves are the files of the directory that DEBUGINFOD_URLS names. */
static const char library[] = "#define _GNU_SOURCE\n"
			      "#include <errno.h>\n#include <fcntl.h>\n#include "
			      "<stdio.h>\n#include <stdlib.h>\n"
			      "#include <string.h>\n#include <sys/stat.h>\n#include <unistd.h>\n"
			      "typedef int (*fn)(void *c, long a, long b);\n"
			      "static fn progress; static char buf[1 << 20];\n"
			      "void *debuginfod_begin(void) { return buf; }\n"
			      "void debuginfod_end(void *c) {}\n"
			      "void debuginfod_set_progressfn(void *c, fn f) { progress = f; }\n"
			      "static int there(char *p, const char *id, const char *end)\n"
			      "{ sprintf(p, \"%s/%s%s\", getenv(\"DEBUGINFOD_URLS\"), id, end); "
			      "return !access(p, F_OK); }\n"
			      "int debuginfod_find_debuginfo(void *c, const unsigned char *id, int "
			      "len, char **path)\n"
			      "{\n"
			      "	char from[4096], dir[4096]; int in, out, n, bomb;\n"
			      "	if (there(from, id, \".hang\")) {\n"
			      "		while (!progress(c, 0, 0)) usleep(1000);\n"
			      "		return -EINTR;\n"
			      "	}\n"
			      "	bomb = there(from, id, \".bomb\");\n"
			      "	if (!bomb && !there(from, id, \"\")) return -ENOENT;\n"
			      "	sprintf(dir, \"%s/%s\", getenv(\"DEBUGINFOD_CACHE_PATH\"), id);\n"
			      "	mkdir(dir, 0700);\n"
			      "	asprintf(path, \"%s/debuginfo\", dir);\n"
			      "	out = open(*path, O_RDWR | O_CREAT | O_TRUNC, 0400);\n"
			      "	while (bomb && out >= 0) {\n"
			      "		if (write(out, buf, 65536) < 0) break;\n"
			      "		if (progress(c, 1, 0)) { close(out); free(*path); *path = "
			      "0; return -EINTR; }\n"
			      "	}\n"
			      "	in = open(from, O_RDONLY);\n"
			      "	while ((n = read(in, buf, sizeof(buf))) > 0 && write(out, buf, n) "
			      "== n) {}\n"
			      "	close(in);\n"
			      "	return out;\n"
			      "}\n";

static char cache[128], server[128], lib[128], id_one[128], id_two[128];

static void read_id(const char *file, char id[128])
{
	char cmd[512];
	FILE *p;

	snprintf(cmd, sizeof(cmd), "readelf -n '%s' | sed -n 's/.*Build ID: //p'", built(file));
	p = popen(cmd, "r");
	if (!p || !fgets(id, 128, p) || pclose(p))
		abort();
	id[strcspn(id, "\n")] = '\0';
}

static void make(void)
{
	static int made;

	snprintf(cache, sizeof(cache), "%s/cache", build_dir);
	snprintf(server, sizeof(server), "%s/server", build_dir);
	snprintf(lib, sizeof(lib), "%s/fake.so", build_dir);
	if (sh("rm -rf cache server; mkdir server") ||
	    debuginfod_make_dir(cache, geteuid(), getegid()))
		abort();
	if (made++)
		return;
	write_text("fake.c", library);
	write_text("f.c", "__attribute__((noinline)) int inner(int x) { return x * 3; }\n"
			  "int main(int c, char **v) { return inner(c); }\n");
	if (sh("cc -w -shared -fPIC -o fake.so fake.c && cc -O1 -g -Wl,--build-id=sha1 -o one f.c "
	       "&& "
	       "cc -O1 -g -DX=1 -Wl,--build-id=sha1 -Wl,-z,stack-size=1 -o two f.c && "
	       "for f in one two; do cp $f $f.stripped; strip -s $f.stripped; done"))
		abort();
	read_id("one", id_one);
	read_id("two", id_two);
}

static struct debuginfod *new_client(uint64_t max_disk, uint64_t timeout)
{
	struct debuginfod_config cfg = { .dir = cache,
					 .urls = server,
					 .max_disk = max_disk,
					 .timeout = timeout,
					 .library = lib };
	char err[256];
	struct debuginfod *d = debuginfod_new(&cfg, err, sizeof(err));

	if (!d)
		TAP_FAIL("%s", err);
	return d;
}

/* Counters once `asked` are done; the test's own time limit, not a bound. */
static struct debuginfod_counters wait_for(struct debuginfod *d, uint64_t asked)
{
	struct debuginfod_counters c;

	for (int i = 0; i < 6000; i++) {
		debuginfod_counters(d, &c);
		if (c.asked >= asked)
			return c;
		usleep(10000);
	}
	TAP_FAIL("only %d of %d were asked for", (int)c.asked, (int)asked);
}

static bool is_kept(const char *id)
{
	char path[256];

	snprintf(path, sizeof(path), "cache/debuginfod/1/%s.debug", id);
	return !access(built(path), F_OK);
}

static void check_no_parts(void)
{
	CHECK_EQ(sh("test -z \"$(ls cache/debuginfod/parts)\""), 0);
}

TEST(what_comes_is_found_and_named_by)
{
	char dirs[256];
	struct symbols_config cfg = { .max_bytes = 16 * MIB, .debug_dirs = dirs };
	struct files *fs = files_new(16 * MIB);
	struct symbols_counters sc = { 0 };
	struct file_where w;
	struct sym_answer a;
	struct symbols *s;
	struct file *f;
	uint64_t off;

	make();
	CHECK_EQ(sh("cp one server/%s", id_one), 0);
	snprintf(dirs, sizeof(dirs), "/nonexistent:%s/debuginfod/1", cache);
	cfg.debuginfod = new_client(16 * MIB, 10 * NSEC_PER_SEC);
	s = symbols_new(&cfg, fs);
	CHECK(s);
	w = (struct file_where){ .path = built("one.stripped") };
	f = files_get(fs, &w);
	CHECK(f);
	off = off_of(f, nm("one", "inner"));
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK(!a.named);
	for (int i = 0; i < 6000 && !sc.debuginfod.came; i++) {
		usleep(10000);
		symbols_counters(s, &sc);
	}
	CHECK_EQ(sc.debuginfod.came, 1);
	CHECK(sc.debuginfod.bytes > 0);
	/* it counts as come before it is told, so look more than once */
	for (int i = 0; i < 500 && !a.lines[0].line; i++) {
		symbols_resolve(s, FRAME_USER, f, off, &a);
		usleep(10000);
	}
	CHECK_STR(a.lines[0].name, "inner");
	CHECK_EQ(a.lines[0].line, 1);
	file_unref(f);
	symbols_free(s);
	files_free(fs);
	check_no_parts();
}

TEST(another_file_is_refused)
{
	struct debuginfod *d;
	struct debuginfod_counters c;

	make();
	CHECK_EQ(sh("cp two server/%s; echo garbage > server/%s", id_one, id_two), 0);
	d = new_client(16 * MIB, 10 * NSEC_PER_SEC);
	debuginfod_want(d, id_one);
	debuginfod_want(d, id_two);
	c = wait_for(d, 2);
	CHECK_EQ(c.refused, 2);
	CHECK_EQ(c.came, 0);
	CHECK_EQ(c.bytes, 0);
	debuginfod_free(d);
	CHECK(!is_kept(id_one) && !is_kept(id_two));
	check_no_parts();
}

TEST(what_nobody_has_is_asked_for_once)
{
	struct debuginfod *d;
	struct debuginfod_counters c;

	make();
	d = new_client(16 * MIB, 10 * NSEC_PER_SEC);
	for (int i = 0; i < 3; i++) {
		debuginfod_want(d, id_one);
		c = wait_for(d, 1);
		CHECK_EQ(c.not_found, 1);
	}
	/* no build-ids: not asked for at all */
	debuginfod_want(d, "");
	debuginfod_want(d, "../../etc/passwd");
	debuginfod_want(d, "0123/45");
	debuginfod_want(d, id_two);
	c = wait_for(d, 2);
	CHECK_EQ(c.asked, 2);
	CHECK_EQ(c.waiting, 0);
	debuginfod_free(d);
}

TEST(a_server_that_hangs_or_floods_is_given_up)
{
	struct debuginfod *d;
	struct debuginfod_counters c;
	uint64_t start;

	make();
	CHECK_EQ(sh("touch server/%s.hang server/%s.bomb", id_one, id_two), 0);
	d = new_client(MIB, NSEC_PER_SEC / 5);
	debuginfod_want(d, id_one);
	debuginfod_want(d, id_two);
	c = wait_for(d, 2);
	CHECK_EQ(c.failed, 2);
	debuginfod_free(d);
	check_no_parts();
	/* nor does the end wait for it: the limit is an hour here */
	d = new_client(MIB, 3600 * NSEC_PER_SEC);
	debuginfod_want(d, id_one);
	usleep(50000);
	start = mono_now();
	debuginfod_free(d);
	CHECK(mono_now() - start < 60 * NSEC_PER_SEC);
}

TEST(the_limit_on_disk_holds)
{
	struct debuginfod *d;
	struct debuginfod_counters c;
	struct stat st;

	make();
	CHECK_EQ(sh("cp one server/%s; cp two server/%s", id_one, id_two), 0);
	CHECK_EQ(stat(built("one"), &st), 0);
	d = new_client((uint64_t)st.st_size * 3 / 2, 10 * NSEC_PER_SEC);
	debuginfod_want(d, id_one);
	wait_for(d, 1);
	CHECK(is_kept(id_one));
	debuginfod_want(d, id_two);
	c = wait_for(d, 2);
	CHECK(is_kept(id_two) && !is_kept(id_one));
	CHECK_EQ(c.evicted, 1);
	CHECK(c.bytes <= (uint64_t)st.st_size * 3 / 2);
	debuginfod_free(d);
	/* larger than all room: not kept, counted */
	make();
	CHECK_EQ(sh("cp one server/%s", id_one), 0);
	d = new_client(1000, 10 * NSEC_PER_SEC);
	debuginfod_want(d, id_one);
	c = wait_for(d, 1);
	CHECK_EQ(c.failed, 1);
	debuginfod_free(d);
	CHECK(!is_kept(id_one));
}

TEST(the_wishes_are_limited)
{
	struct debuginfod *d;
	struct debuginfod_counters c;
	char id[64];

	make();
	CHECK_EQ(sh("touch server/%s.hang", id_one), 0);
	d = new_client(MIB, 3600 * NSEC_PER_SEC);
	debuginfod_want(d, id_one);
	for (int i = 0; i < DEBUGINFOD_MAX_WISH + 10; i++) {
		snprintf(id, sizeof(id), "%040x", i);
		debuginfod_want(d, id);
	}
	debuginfod_counters(d, &c);
	CHECK_EQ(c.dropped, 11);
	debuginfod_free(d);
}

TEST(without_library_or_servers_it_says_so)
{
	struct debuginfod_config cfg = { .dir = "/tmp",
					 .urls = "x",
					 .library = "/nonexistent/libx.so" };
	char err[256];

	CHECK(!debuginfod_new(&cfg, err, sizeof(err)));
	CHECK(strstr(err, "libdebuginfod1"));
	unsetenv("DEBUGINFOD_URLS");
	cfg.urls = "";
	CHECK(!debuginfod_new(&cfg, err, sizeof(err)));
	CHECK(strstr(err, "DEBUGINFOD_URLS"));
}

int main(void)
{
	build_init();
	return tap_main();
}
