// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "proc/maplist.h"
#include "proc/parse.h"
#include "proc/users.h"
#include "tap.h"

static bool parse_map(const char *line, struct map_line *l)
{
	return maps_parse_line(line, line + strlen(line), l);
}

TEST(maps_lines)
{
	struct map_line l;
	char path[64];

	CHECK(parse_map("7f1c0000a000-7f1c0000b000 r-xp 0001d000 fe:0a 123456789   /usr/lib/a b.so",
			&l));
	CHECK_EQ(l.start, 0x7f1c0000a000);
	CHECK_EQ(l.end, 0x7f1c0000b000);
	CHECK_EQ(l.pgoff, 0x1d000);
	CHECK_EQ(l.maj, 0xfe);
	CHECK_EQ(l.min, 0x0a);
	CHECK_EQ(l.ino, 123456789);
	CHECK(l.exec);
	maps_path(l.path, l.path_len, path, sizeof(path));
	CHECK_STR(path, "/usr/lib/a b.so");
	CHECK(parse_map("1000-2000 rw-p 00000000 00:00 0", &l));
	CHECK(!l.exec && !l.path_len);
	CHECK(parse_map("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]",
			&l));
	CHECK(l.exec);
}

TEST(maps_lines_that_are_none)
{
	static const char good[] = "1000-2000 r-xp 00000000 00:00 0 /x";
	static const char *const bad[] = { "",
					   "1000",
					   "1000-2000",
					   "2000-1000 r-xp 0 0:0 0",
					   "1000-1000 r-xp 0 0:0 0",
					   "x-2000 r-xp 0 0:0 0",
					   "1000-2000 r-xp 0 0.0 0",
					   "11112222333344445-2000 r-xp 0 0:0 0",
					   "1000-2000 r-xp 0 0:0 99999999999999999999999" };
	struct map_line l;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!parse_map(bad[i], &l));
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		char *p = malloc(n ? n : 1); /* exact: ASan sees a read behind it */

		memcpy(p, good, n);
		maps_parse_line(p, p + n, &l);
		free(p);
	}
}

static const char *path_of(const char *s)
{
	static char out[32];

	maps_path(s, strlen(s), out, sizeof(out));
	return out;
}

TEST(maps_paths)
{
	CHECK_STR(path_of("/tmp/a\\012b"), "/tmp/a\nb");
	CHECK_STR(path_of("/tmp/a (deleted)"), "/tmp/a");
	CHECK_STR(path_of("/tmp/a (deleted) (deleted)"), "/tmp/a (deleted)");
	CHECK_STR(path_of(" (deleted)"), " (deleted)");
	CHECK_STR(path_of("/a\\01"), "/a\\01");
	CHECK_EQ(strlen(path_of("/0123456789012345678901234567890123456789")), 31);
}

TEST(kinds_of_mappings)
{
	CHECK_EQ(maps_kind("/usr/bin/x"), MAPPING_FILE);
	CHECK_EQ(maps_kind("/memfd:jit"), MAPPING_FILE);
	CHECK_EQ(maps_kind(""), MAPPING_ANON);
	CHECK_EQ(maps_kind("//anon"), MAPPING_ANON);
	CHECK_EQ(maps_kind("[anon:v8]"), MAPPING_ANON);
	CHECK_EQ(maps_kind("[heap]"), MAPPING_ANON);
	CHECK_EQ(maps_kind("/dev/zero"), MAPPING_ANON);
	CHECK_EQ(maps_kind("/SYSV00000000"), MAPPING_ANON);
	CHECK_EQ(maps_kind("[vdso]"), MAPPING_VDSO);
	CHECK_EQ(maps_kind("[vsyscall]"), MAPPING_OTHER);
	CHECK_EQ(maps_kind("[uprobes]"), MAPPING_OTHER);
	CHECK_EQ(maps_kind("/anon_hugepage"), MAPPING_ANON);
	CHECK_EQ(maps_kind("socket:[77]"), MAPPING_OTHER);
}

#define TAIL " S 7 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 3 0 4242 1 2 3\n"

static bool stat_of(const char *head, unsigned int flags, struct proc_stat *st)
{
	char text[512];

	snprintf(text, sizeof(text) - 100, "%s", head);
	snprintf(text + strlen(text), 200, TAIL, flags);
	return stat_parse(text, st);
}

TEST(stat_with_any_name)
{
	static const char *const names[] = { "bash", "a b", "a) S 1 1",	 "(",	      ")",
					     ") (",  "",    "new\nline", "((sd-pam))" };
	struct proc_stat st;
	char head[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(head, sizeof(head), "123 (%s)", names[i]);
		CHECK(stat_of(head, 0x400000, &st));
		CHECK_STR(st.comm, names[i]);
		CHECK_EQ(st.state, 'S');
		CHECK_EQ(st.ppid, 7);
		CHECK_EQ(st.threads, 3);
		CHECK_EQ(st.start_time, 4242);
		CHECK(!st.kthread);
	}
	CHECK(stat_of("5 "
		      "(kworker/"
		      "u8:3-events_unbound_with_a_name_longer_than_all_names_there_ever_were)",
		      0x208040, &st));
	CHECK(st.kthread);
	CHECK_EQ(strlen(st.comm), PROC_COMM_MAX - 1);
	CHECK(!stat_parse("", &st));
	CHECK(!stat_parse("1 )(", &st));
	CHECK(!stat_parse("1 (x) S 1 2", &st));
}

TEST(status_gives_the_effective_user)
{
	uid_t uid;

	CHECK(status_uid("Name:\tx\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\nGid:\t5\n", &uid));
	CHECK_EQ(uid, 1001);
	CHECK(!status_uid("Name:\tx\n", &uid));
	CHECK(!status_uid("Name:\tx\nUid:\t1", &uid));
}

static const char *cg(const char *text)
{
	static char out[128];

	return cgroup_path(text, out, sizeof(out)) ? out : "none";
}

TEST(cgroup_path_of_either_version)
{
	CHECK_STR(cg("0::/system.slice/ssh.service\n"), "/system.slice/ssh.service");
	CHECK_STR(cg("0::/\n"), "/");
	CHECK_STR(cg("12:pids:/a\n1:name=systemd:/b/c\n0::/d\n"), "/d");
	CHECK_STR(cg("12:pids:/a\n1:name=systemd:/b/c\n0::/\n"), "/b/c");
	CHECK_STR(cg("9:name=systemd:/\n4:memory:/api/1234\n0::/\n"), "/api/1234");
	CHECK_STR(cg("4:cpu,cpuacct:/x:y"), "/x:y");
	CHECK_STR(cg(""), "none");
	CHECK_STR(cg("\n\nrubbish\n:\n::\n"), "none");
	CHECK_STR(cg("0::/x (deleted)\n"), "/x (deleted)");
}

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *unit(const char *path)
{
	static char out[256];

	cgroup_unit(path, out, sizeof(out));
	return out;
}

static const char *container(const char *path)
{
	static char out[65];

	cgroup_container(path, out);
	return out;
}

/* A host with both versions, on which the runtime knows version 1 alone. */
TEST(the_hierarchy_that_knows_the_container_counts)
{
	CHECK_STR(cg("8:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n0::/runc.service"),
		  "/docker/" ID);
	CHECK_STR(cg("8:memory:/a\n4:cpu:/docker/" ID "\n1:name=systemd:/b.service\n0::/c\n"),
		  "/docker/" ID);
	/* of several that know one, in the order of those that do not */
	CHECK_STR(cg("8:memory:/docker/" ID2 "\n1:name=systemd:/y/" ID "\n0::/c\n"), "/y/" ID);
	CHECK_STR(cg("8:memory:/docker/" ID2 "\n1:name=systemd:/y/" ID2 "\n0::/z/" ID "\n"),
		  "/z/" ID);
	CHECK_STR(cg("0::/docker-" ID ".scope\n"), "/docker-" ID ".scope");
	/* an id is looked for in its own line */
	CHECK_STR(cg("8:memory:/a\n0::/b"), "/b");
	CHECK_STR(cg("8:memory:/a\n7:/" ID ":/b\n0::/c\n"), "/c");
	CHECK_STR(cg("8:memory:/crio-conmon-" ID ".scope\n0::/c\n"), "/c");
}

TEST(systemd_units)
{
	CHECK_STR(unit("/"), "");
	CHECK_STR(unit("/system.slice/nginx.service"), "nginx.service");
	CHECK_STR(unit("/system.slice/system-getty.slice/getty@tty1.service"), "getty@tty1."
									       "service");
	CHECK_STR(unit("/system.slice/foo.service/worker-1"), "foo.service");
	CHECK_STR(unit("/user.slice/user-1000.slice/session-3.scope"), "session-3.scope");
	CHECK_STR(unit("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service"),
		  "app-x.service");
	CHECK_STR(unit("/user.slice/user-1000.slice/user@1000.service/app.slice"), "user@1000."
										   "service");
	CHECK_STR(unit("/user.slice/user-1000.slice"), "user-1000.slice");
	CHECK_STR(unit("/docker/" ID), "");
	CHECK_STR(unit("/system.slice/docker-" ID ".scope"), "docker-" ID ".scope");
	CHECK_STR(unit("/.service/x"), "");
	CHECK_STR(unit("/init.scope"), "init.scope");
}

TEST(container_ids)
{
	CHECK_STR(container("/docker/" ID), ID);
	CHECK_STR(container("/docker/" ID "/init"), ID);
	CHECK_STR(container("/docker/" ID2 "/docker/" ID), ID);
	CHECK_STR(container("/system.slice/docker-" ID ".scope"), ID);
	CHECK_STR(container("/kubepods/burstable/pod-1-2-3/" ID), ID);
	CHECK_STR(container("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope"), ID);
	CHECK_STR(container("/kubepods.slice/crio-" ID ".scope"), ID);
	CHECK_STR(container("/machine.slice/libpod-" ID ".scope/container"), ID);
	CHECK_STR(container("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
			    ".scope/container"),
		  ID);
	CHECK_STR(container("/machine.slice/libpod-conmon-" ID ".scope"), "");
	CHECK_STR(container("/kubepods.slice/crio-conmon-" ID ".scope"), "");
	CHECK_STR(container("/system.slice/ssh.service"), "");
	CHECK_STR(container("/x/" ID "0"), "");
	CHECK_STR(container("/x/0123"), "");
	CHECK_STR(container("/x/y" ID), "");
}

TEST(user_names_follow_the_file)
{
	char path[] = "/tmp/ringprof-passwd-XXXXXX", name[USER_NAME_MAX];
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct users *u = users_new(path);

	CHECK(f && u);
	CHECK_STR(users_name(u, 0, name), "0");
	fputs("toor:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n\nbad "
	      "line\nb:x:77:1::/:\na:x:5:1::/:\n",
	      f);
	fflush(f);
	CHECK_STR(users_name(u, 0, name), "toor");
	CHECK_STR(users_name(u, 77, name), "b");
	CHECK_STR(users_name(u, 5, name), "a");
	CHECK_STR(users_name(u, 6, name), "6");
	CHECK_STR(users_name(u, (uid_t)-2, name), "4294967294");
	fclose(f);
	remove(path);
	CHECK_STR(users_name(u, 77, name), "b");
	users_free(u);
}

/* ---- mapping lists ---- */

static uint64_t bytes;

static struct mapping map(uint64_t start, uint64_t end, enum map_kind kind, const char *path)
{
	return (struct mapping){ .start = start,
				 .end = end,
				 .pgoff = kind == MAPPING_FILE ? start + 0x10000 : 0,
				 .kind = kind,
				 .ino = kind == MAPPING_FILE,
				 .path = path };
}

static int put(struct maplist **l, uint64_t start, uint64_t end, enum map_kind kind,
	       const char *path)
{
	struct mapping m = map(start, end, kind, path);

	return maplist_add(l, &m);
}

static const char *at(struct maplist *l, uint64_t addr)
{
	size_t i = maplist_find(l, addr);

	return i == SIZE_MAX ? "-" : l->m[i].path;
}

TEST(maplist_cuts_splits_and_drops)
{
	struct maplist *l = maplist_new(&bytes);

	CHECK_EQ(put(&l, 0x1000, 0x5000, MAPPING_FILE, "a"), 1);
	CHECK_EQ(put(&l, 0x1000, 0x5000, MAPPING_FILE, "a"), 0);
	CHECK_EQ(put(&l, 0x7000, 0x9000, MAPPING_FILE, "b"), 1);
	CHECK_EQ(put(&l, 0x2000, 0x3000, MAPPING_FILE, "c"), 1);
	CHECK_EQ(l->n, 4);
	CHECK_STR(at(l, 0x1fff), "a");
	CHECK_STR(at(l, 0x2000), "c");
	CHECK_STR(at(l, 0x2fff), "c");
	CHECK_STR(at(l, 0x3000), "a");
	CHECK_STR(at(l, 0x5000), "-");
	CHECK_STR(at(l, 0xfff), "-");
	/* the part behind still says where in the file it is */
	CHECK_EQ(l->m[2].start, 0x3000);
	CHECK_EQ(l->m[2].pgoff, 0x13000);
	/* over the end of one, all of another, the begin of a third */
	CHECK_EQ(put(&l, 0x2800, 0x8000, MAPPING_FILE, "d"), 1);
	CHECK_EQ(l->n, 4);
	CHECK_STR(at(l, 0x27ff), "c");
	CHECK_STR(at(l, 0x2800), "d");
	CHECK_STR(at(l, 0x8000), "b");
	CHECK_EQ(l->m[3].pgoff, 0x18000);
	CHECK_EQ(put(&l, 0, 0x100000, MAPPING_FILE, "e"), 1);
	CHECK_EQ(l->n, 1);
	maplist_unref(l);
	CHECK_EQ(bytes, 0);
}

TEST(maplist_joins_anonymous_neighbours)
{
	struct maplist *l = maplist_new(&bytes);
	static const char *anon = "";

	CHECK_EQ(put(&l, 0x1000, 0x2000, MAPPING_ANON, anon), 1);
	CHECK_EQ(put(&l, 0x3000, 0x4000, MAPPING_ANON, anon), 1);
	CHECK_EQ(put(&l, 0x2000, 0x3000, MAPPING_ANON, anon), 1);
	CHECK_EQ(l->n, 1);
	CHECK_EQ(l->m[0].start, 0x1000);
	CHECK_EQ(l->m[0].end, 0x4000);
	CHECK_EQ(put(&l, 0x1800, 0x2800, MAPPING_ANON, anon), 0);
	CHECK_EQ(put(&l, 0x3800, 0x5000, MAPPING_ANON, anon), 1);
	CHECK_EQ(l->n, 1);
	CHECK_EQ(l->m[0].end, 0x5000);
	CHECK_EQ(put(&l, 0x5000, 0x6000, MAPPING_FILE, "f"), 1);
	CHECK_EQ(put(&l, 0x6000, 0x7000, MAPPING_ANON, "other"), 1);
	CHECK_EQ(l->n, 3);
	maplist_unref(l);
	CHECK_EQ(bytes, 0);
}

TEST(maplist_copies_when_shared)
{
	struct maplist *a = maplist_new(&bytes), *b;

	put(&a, 0x1000, 0x2000, MAPPING_FILE, "a");
	b = maplist_ref(a);
	CHECK_EQ(put(&b, 0x1000, 0x2000, MAPPING_FILE, "a"), 0);
	CHECK(a == b);
	CHECK_EQ(put(&b, 0x1800, 0x3000, MAPPING_FILE, "b"), 1);
	CHECK(a != b);
	CHECK_STR(at(a, 0x1900), "a");
	CHECK_STR(at(b, 0x1900), "b");
	maplist_unref(a);
	CHECK_STR(at(b, 0x1000), "a");
	maplist_unref(b);
	CHECK_EQ(bytes, 0);
}

TEST(maplist_is_limited)
{
	struct maplist *l = maplist_new(&bytes);
	uint64_t i;

	for (i = 0; i < MAPLIST_MAX + 100; i++)
		if (put(&l, i * 0x2000, i * 0x2000 + 0x1000, MAPPING_FILE, "a") < 0)
			break;
	CHECK(i >= MAPLIST_MAX - 2 && i <= MAPLIST_MAX);
	CHECK_STR(at(l, 0x2000), "a");
	maplist_unref(l);
	CHECK_EQ(bytes, 0);
}

/* Against a model: an array of pages, each with the mapping it was last given. */
TEST(maplist_agrees_with_a_page_array)
{
	static const char *const paths[] = { "", "a", "b", "c", "d" };
	const char *pages[64] = { 0 };
	struct maplist *l = maplist_new(&bytes);

	srand(3);
	for (int i = 0; i < 20000; i++) {
		uint64_t from = (uint64_t)rand() % 60, len = 1 + (uint64_t)rand() % 8;
		const char *path = paths[rand() % 5];
		uint64_t to = from + len < 64 ? from + len : 64;

		CHECK(put(&l, from << 12, to << 12, *path ? MAPPING_FILE : MAPPING_ANON, path) >=
		      0);
		for (uint64_t k = from; k < to; k++)
			pages[k] = path;
		for (uint64_t k = 0; k < 64; k++)
			CHECK_STR(at(l, (k << 12) + 5), pages[k] ? pages[k] : "-");
		for (size_t k = 0; k + 1 < l->n; k++)
			CHECK(l->m[k].start < l->m[k].end && l->m[k].end <= l->m[k + 1].start);
		for (size_t k = 0; k < l->n; k++)
			if (l->m[k].kind == MAPPING_FILE)
				CHECK_EQ(l->m[k].pgoff, l->m[k].start + 0x10000);
	}
	maplist_unref(l);
	CHECK_EQ(bytes, 0);
}

int main(void)
{
	return tap_main();
}
