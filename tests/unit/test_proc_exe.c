// SPDX-License-Identifier: GPL-2.0
/*
 * Which version a program is of: what its file says, what dpkg says, and files
 * that lie.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/exe.h"
#include "proc/exes.h"
#include "proc/packages.h"
#include "tap.h"
#include "test_proc_program.h"
#include "test_proc_world.h"

static struct exe_facts facts(const void *data, size_t n)
{
	int fd = memfd_create("exe", MFD_CLOEXEC);
	struct exe_facts f;

	if (write(fd, data, n) != (ssize_t)n)
		abort();
	exe_read(fd, n, &f);
	close(fd);
	return f;
}

static const char *version_of(const char *json, const char *info, size_t info_len)
{
	static struct exe_facts f;
	struct program p = program(json, info, info_len);

	f = facts(&p, sizeof(p));
	return f.version;
}

TEST(a_mapping_knows_when_it_came_and_which_inode_it_is_of)
{
	struct ptable *t = new_table(0);
	struct event ev = { .type = EV_MMAP, .time = now(), .pid = 5, .tid = 5 };
	struct file_where w;
	struct process *p;

	ev.mmap = (struct event_mmap){
		.addr = 0x1000, .len = 0x1000, .ino = 9, .ino_generation = 77, .path = "/built"
	};
	ptable_event(t, &ev);
	p = sample(t, 5);
	CHECK_EQ(p->n_maps, 1);
	w = mapping_where(5, &p->maps[0]);
	CHECK_EQ(w.generation, 77);
	CHECK_EQ(w.mapped, ev.time);
	ptable_free(t);
}

TEST(package_notes)
{
	CHECK_STR(version_of("{\"type\":\"deb\",\"name\":\"x\",\"version\":\"1:2.3-4\"}", NULL, 0),
		  "1:2.3-4");
	CHECK_STR(version_of("{\"type\":\"deb\",\"version\":7}", NULL, 0), "");
	CHECK_STR(version_of("{\"version\":\"a b\"}", NULL, 0), "");
	CHECK_STR(version_of("{\"version\":", NULL, 0), "");
	CHECK_STR(version_of("[[[[", NULL, 0), "");
	CHECK_STR(version_of(NULL, NULL, 0), "");
}

/* Build information as the Go linker lays it out, into out; its length. */
static size_t go_info(char *out, const char *mod)
{
	size_t n = strlen(mod) + 32, at = 33;

	memset(out, 0, 32);
	memcpy(out, "\xff Go buildinf:", 14);
	out[14] = 8;
	out[15] = 2;
	out[32] = 6;
	memcpy(out + at, "go1.22", 6);
	at += 6;
	out[at++] = (char)(0x80 | (n & 0x7f));
	out[at++] = (char)(n >> 7);
	memset(out + at, 'M', n);
	memcpy(out + at + 16, mod, n - 32);
	return at + n;
}

static const char *go_version(const char *mod)
{
	char info[2048];
	size_t n = go_info(info, mod);

	return version_of(NULL, info, n);
}

TEST(go_build_information)
{
	static const char good[] = "path\texample.com/x\nmod\texample.com/x\tv1.4.2\th1:abc=\n"
				   "dep\tgolang.org/y\tv9.9.9\th1:z\n";
	char info[2048];
	size_t n = go_info(info, good);

	CHECK_STR(go_version(good), "v1.4.2");
	CHECK_STR(go_version("path\tx\nmod\tx\t(devel)\t\nbuild\tvcs.revision=0badc0de\n"), "0badc0"
											    "de");
	CHECK_STR(go_version("path\tx\nmod\tx\t(devel)\t\n"), "");
	CHECK_STR(go_version("mod\tx"), "");
	CHECK_STR(go_version("mod\tx\tv2"), "v2");
	/* every length that lies stays inside */
	for (size_t k = 0; k <= n; k++)
		version_of(NULL, info, k);
	for (int c = 0; c < 256; c++) {
		info[39] = (char)c;
		version_of(NULL, info, n);
		info[40] = (char)c;
		version_of(NULL, info, n);
	}
}

TEST(hostile_programs)
{
	struct program p = program("{\"version\":\"1\"}", NULL, 0);

	srand(5);
	for (size_t n = 0; n < sizeof(p); n += 7)
		facts(&p, n);
	for (int i = 0; i < 3000; i++) {
		struct program q = p;

		for (int k = 0; k < 4; k++)
			((char *)&q)[20 + (size_t)rand() % (sizeof(q) - 20)] = (char)rand();
		facts(&q, sizeof(q));
	}
	CHECK_STR(facts(&p, sizeof(p)).version, "1");
}

/* ---- dpkg ---- */

static void make_dpkg(const char *version)
{
	char status[1024];

	snprintf(status, sizeof(status),
		 "Package: coreutils\nStatus: install ok installed\nArchitecture: amd64\n"
		 "Version: %s\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
		 "Architecture: amd64\n\nPackage: libx\nStatus: install ok installed\n"
		 "Architecture: amd64\nVersion: 7\nDescription: x\n y\n",
		 version);
	text("var/lib/dpkg/info/coreutils.list", "/.\n/bin\n/bin/ls\n/usr/bin/env\n"
						 "/usr/share/doc/x\n");
	text("var/lib/dpkg/info/gone.list", "/usr/bin/gone\n");
	text("var/lib/dpkg/info/libx:amd64.list", "/usr/lib/x/helper");
	text("var/lib/dpkg/status", status);
}

TEST(owning_packages)
{
	struct packages *p;
	uint64_t old;

	fresh();
	p = packages_new(root);
	CHECK_STR(owner(p, "/bin/ls", 1), "");
	make_dpkg("9.1-1");
	CHECK_STR(owner(p, "/bin/ls", 2), ""); /* not looked at again so soon */
	CHECK_STR(owner(p, "/bin/ls", 11 * NSEC_PER_SEC), "9.1-1");
	CHECK_STR(owner(p, "/usr/bin/ls", 11 * NSEC_PER_SEC), "9.1-1");
	CHECK_STR(owner(p, "/bin/env", 11 * NSEC_PER_SEC), "9.1-1");
	CHECK_STR(owner(p, "/usr/lib/x/helper", 11 * NSEC_PER_SEC), "7");
	CHECK_STR(owner(p, "/usr/share/doc/x", 11 * NSEC_PER_SEC), "");
	CHECK_STR(owner(p, "/usr/bin/gone", 11 * NSEC_PER_SEC), "");
	CHECK_STR(owner(p, "", 11 * NSEC_PER_SEC), "");
	old = packages_state(p, 11 * NSEC_PER_SEC);
	make_dpkg("9.2-1");
	CHECK_STR(owner_after(p, "/bin/ls", 22 * NSEC_PER_SEC, old), "9.2-1");
	packages_free(p);
}

/* A list on a disk that does not answer, here a pipe, is not waited for but once. */
TEST(lists_that_take_long)
{
	uint64_t began = mono_now();
	char path[512], v[64];
	struct packages *p;
	int fd;

	fresh();
	make_dpkg("9.1-1");
	snprintf(path, sizeof(path), "%s/var/lib/dpkg/info/libx:amd64.list", root);
	CHECK(!unlink(path) && !mkfifo(path, 0600));
	p = packages_new(root);
	CHECK_EQ(packages_version(p, "/bin/ls", 1, v, sizeof(v)), 0);
	CHECK(mono_now() - began >= NSEC_PER_SEC - NSEC_PER_MSEC);
	began = mono_now();
	for (int i = 0; i < 100; i++)
		CHECK_EQ(packages_version(p, "/bin/ls", 1, v, sizeof(v)), 0);
	CHECK(mono_now() - began < NSEC_PER_SEC);
	/* it answers after all */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "/bin/late", 9) == 9);
	close(fd);
	CHECK_STR(owner(p, "/bin/late", 1), "7");
	CHECK_STR(owner(p, "/bin/ls", 1), "9.1-1");
	packages_free(p);
}

static int open_below(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * dpkg unpacks the new program, which is started, and writes down the version
 * only then: it is known by it a little later. The old one, gone from its place
 * but running, stays what it was.
 */
TEST(an_upgrade_under_running_programs)
{
	struct program q = program(NULL, NULL, 0);
	uint64_t now = 1, state;
	struct exes *x;
	int before, after;

	fresh();
	make_dpkg("9.1-1");
	file("bin/ls", &q, sizeof(q));
	x = exes_new(root);
	before = open_below("bin/ls");
	CHECK_STR(exes_get(x, before, "/bin/ls", true, now)->version, "9.1-1");
	file("bin/ls.new", &q, sizeof(q));
	run("mv '%s/bin/ls.new' '%s/bin/ls'", root, root);
	after = open_below("bin/ls");
	CHECK_STR(exes_get(x, after, "/bin/ls", true, now)->version, "9.1-1");
	make_dpkg("9.2-1");
	state = exes_state(x, now);
	now += PACKAGES_LOOK_NS;
	for (int i = 0; i < 10000 && exes_state(x, now) == state; i++)
		usleep(1000);
	CHECK_STR(exes_get(x, after, "/bin/ls", true, now)->version, "9.2-1");
	CHECK_STR(exes_get(x, before, "/bin/ls", true, now)->version, "9.1-1");
	/* a file that was never asked for before it went: dpkg speaks of another one */
	file("bin/new", &q, sizeof(q));
	close(before);
	before = open_below("bin/new");
	run("rm '%s/bin/new'", root);
	CHECK_STR(exes_get(x, before, "/bin/ls", true, now)->version, "");
	close(before);
	close(after);
	exes_free(x);
}

TEST(programs_are_known_by_their_file)
{
	struct program a = program("{\"version\":\"1.0\"}", NULL, 0), b = program(NULL, NULL, 0);
	struct exes *x;
	int fd;

	fresh();
	make_dpkg("9.1-1");
	x = exes_new(root);
	file("said", &a, sizeof(a));
	file("bin/ls", &b, sizeof(b));
	fd = open_below("said");
	CHECK_STR(exes_get(x, fd, "/bin/ls", true, 1)->version, "1.0");
	close(fd);
	fd = open_below("bin/ls");
	/* the path of a container's file is not one of the host's */
	CHECK_STR(exes_get(x, fd, "/bin/ls", false, 1)->version, "");
	CHECK_STR(exes_get(x, fd, "/bin/ls", true, 1)->version, "9.1-1");
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(strlen(exes_get(x, fd, "/x", true, 1)->build_id), 40);
	CHECK_STR(exes_get(x, fd, "/x", true, 1)->version,
		  exes_get(x, fd, "/x", true, 1)->build_id);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_STR(exes_get(x, fd, "/x", true, 1)->version, "");
	close(fd);
	exes_free(x);
}

/* In a chroot events name the program by another path than /proc does: the inode is the same. */
TEST(the_program_of_a_process_in_a_chroot)
{
	struct event ev = { .type = EV_MMAP, .pid = 101, .tid = 101 };
	struct ptable *t = new_table(0);
	struct stat st;

	CHECK_EQ(stat("/bin/ls", &st), 0);
	for (int other = 0; other < 2; other++) {
		ev_fork(t, 1, 101, 101);
		ev_comm(t, 101, 101, "ls", true);
		ev.time = now();
		ev.mmap.addr = 0x1000;
		ev.mmap.len = 0x1000;
		ev.mmap.ino = st.st_ino + (uint64_t)other;
		ev.mmap.path = "/within/ls";
		ptable_event(t, &ev);
		fake(&(struct fake){ .pid = 101, .comm = "ls", .exe = "/bin/ls", .start = 77 });
		CHECK_EQ(strlen(sample(t, 101)->labels.build_id), other ? 0 : 40);
		CHECK_STR(sample(t, 101)->labels.exe, "/within/ls");
	}
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
