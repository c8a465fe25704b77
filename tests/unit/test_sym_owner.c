// SPDX-License-Identifier: GPL-2.0
/* Debug files that strangers put where debug files are looked for. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/debugfile.h"
#include "sym/files_int.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_open.h"
#include "test_sym_world.h"

#define STRANGER 12345
#define OTHER	 12346

static const char source[] = "__attribute__((noinline)) int honest(int x) { return x * 3; }\n"
			     "int main(int c, char **v) { return honest(c); }\n";

/* bare has no symbols; whole.debug has them, and is where it is looked for below debug/ */
static void make(void)
{
	if (sh("rm -rf debug bare* whole*"))
		abort();
	write_text("p.c", source);
	if (sh("cc -O1 -Wl,--build-id=0x0102030405060708 -o whole p.c && cp whole bare && "
	       "strip -s bare && chmod 755 . && mkdir -p debug/.build-id/01 && "
	       "objcopy --only-keep-debug whole debug/.build-id/01/02030405060708.debug && "
	       "chmod -R u=rwX,go=rX debug"))
		abort();
}

#define FOUND "debug/.build-id/01/02030405060708.debug"

/* Is there a debug file for bare in `dirs`, if that is of `uid`, seen from a process? */
static bool finds_in(const char *dirs, uid_t uid, pid_t pid)
{
	const char *path = built("bare");
	const struct debugfile_of of = {
		.path = path, .pid = pid, .owner = { .uid = uid }, .dirs = built(dirs)
	};
	struct debugfile d;
	struct loaded l;
	int r;

	open_elf(&l, "bare");
	r = debugfile_find(&l.e, &of, ".symtab", &d);
	if (!r)
		close(d.fd);
	close_elf(&l);
	return !r;
}

static bool finds(uid_t uid, pid_t pid)
{
	return finds_in("debug", uid, pid);
}

TEST(a_debug_file_counts_from_who_could_have_written_the_program)
{
	if (geteuid())
		SKIP("only root gives files away");
	make();
	CHECK(finds(0, 0));
	CHECK(finds(STRANGER, 0)); /* root may name everybody's */
	CHECK_EQ(chown(built(FOUND), STRANGER, 0), 0);
	CHECK(!finds(0, 0));
	CHECK(!finds(OTHER, 0));
	CHECK(!finds(OTHER, getpid()));
	CHECK(finds(STRANGER, 0));
	/* of those who have no number here nobody can tell one from the other */
	CHECK_EQ(chown(built(FOUND), 65534, 0), 0);
	CHECK(!finds(65534, 0));
}

TEST(a_debug_file_that_others_may_write_is_theirs)
{
	if (geteuid())
		SKIP("only root gives files away");
	make();
	CHECK_EQ(chmod(built(FOUND), 0646), 0);
	CHECK(!finds(0, 0));
	CHECK_EQ(chmod(built(FOUND), 0664), 0);
	CHECK(finds(0, 0)); /* of root's own group */
	CHECK_EQ(chown(built(FOUND), 0, STRANGER), 0);
	CHECK(!finds(0, 0));
	CHECK_EQ(chmod(built(FOUND), 0644), 0);
	CHECK(finds(0, 0));
}

static bool write_self(const char *name, const char *text)
{
	cleanup_close int dir = open("/proc/self", O_PATH | O_CLOEXEC);
	cleanup_close int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* In the child: a tmpfs of its own over debug/, with its own debug file; aside/ is bound/ too. */
static bool be_stranger(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", STRANGER);
	return !setresgid(STRANGER, STRANGER, STRANGER) &&
	       !setresuid(STRANGER, STRANGER, STRANGER) && !prctl(PR_SET_DUMPABLE, 1) &&
	       !unshare(CLONE_NEWUSER | CLONE_NEWNS) && write_self("setgroups", "deny") &&
	       write_self("gid_map", map) && write_self("uid_map", map) &&
	       !mount("own", built("debug"), "tmpfs", 0, NULL) &&
	       !mount(built("aside"), built("bound"), NULL, MS_BIND, NULL) &&
	       !sh("mkdir -p debug/.build-id/01 && cp whole " FOUND);
}

/* A process with a root directory like ours but for that; 0: not allowed here. */
static pid_t start_stranger(void)
{
	int to[2];
	pid_t pid;
	char ok = 0;

	if (pipe(to))
		abort();
	pid = fork();
	if (!pid) {
		ok = be_stranger();
		if (write(to[1], &ok, 1) == 1)
			pause();
		_exit(0);
	}
	close(to[1]);
	if (pid < 0 || read(to[0], &ok, 1) != 1)
		ok = 0;
	close(to[0]);
	if (ok || pid < 0)
		return ok ? pid : 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

TEST(a_strangers_root_names_only_the_strangers_programs)
{
	pid_t pid;

	if (geteuid())
		SKIP("only root becomes another user");
	make();
	CHECK_EQ(sh("rm -rf aside bound; cp -r debug aside && chown -R %d aside && mkdir -m 755 "
		    "bound && "
		    "rm -r debug/.build-id && chmod 777 debug && chmod 666 log",
		    OTHER),
		 0);
	pid = start_stranger();
	if (!pid)
		SKIP("no user namespaces here");
	CHECK(!finds(0, pid));
	CHECK(!finds(OTHER, pid));
	CHECK(finds(STRANGER, pid)); /* as in a rootless container */
	CHECK(!finds(STRANGER, 0));
	/* it may lie behind anything that the stranger serves */
	CHECK(finds_in("aside", OTHER, 0));
	CHECK(!finds_in("bound", OTHER, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct file *get_one(struct files *fs, const char *name)
{
	const struct file_where w = { .path = built(name) };

	return files_get(fs, &w);
}

/* What is found for one of them is shown for it alone. */
TEST(a_copy_of_another_owner_is_another_file)
{
	struct files *fs = files_new(MIB);
	struct file *f[4];

	if (geteuid())
		SKIP("only root gives files away");
	make();
	CHECK_EQ(sh("for i in 1 2 3; do cp bare bare$i; done && chown %d bare1 bare2", STRANGER),
		 0);
	f[0] = get_one(fs, "bare");
	f[1] = get_one(fs, "bare1");
	f[2] = get_one(fs, "bare2");
	f[3] = get_one(fs, "bare3");
	CHECK(f[0] && f[1] && f[0] != f[1]);
	CHECK(f[1] == f[2]);
	CHECK(f[0] == f[3]);
	CHECK(memcmp(f[0]->key, f[1]->key, sizeof(f[0]->key)));
	CHECK_STR(f[0]->build_id, f[1]->build_id);
	CHECK_EQ(file_priv(f[1])->owner.uid, STRANGER);
	for (int i = 0; i < 4; i++)
		file_unref(f[i]);
	files_free(fs);
}

int main(void)
{
	build_init();
	return tap_main();
}
