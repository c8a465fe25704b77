// SPDX-License-Identifier: GPL-2.0
/*
 * A perf map on a file system that does not answer. There is none to mount
 * here, so this program's pread stands in for libc's: while `hang` is set,
 * whoever reads the map waits. The collector must not, the other processes'
 * maps are read by another thread, and what hung ends when it gets its answer.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/jit_int.h"
#include "tap.h"

static int hang, hanging; /* atomic */

ssize_t pread(int fd, void *dst, size_t len, off_t off);

ssize_t pread(int fd, void *dst, size_t len, off_t off)
{
	bool hung = __atomic_load_n(&hang, __ATOMIC_RELAXED);
	ssize_t got;

	if (hung) {
		__atomic_fetch_add(&hanging, 1, __ATOMIC_RELAXED);
		while (__atomic_load_n(&hang, __ATOMIC_RELAXED))
			usleep(1000);
	}
	got = (ssize_t)syscall(SYS_pread64, fd, dst, len, off);
	if (hung)
		__atomic_fetch_sub(&hanging, 1, __ATOMIC_RELAXED);
	return got;
}

static void map_path(pid_t pid, char *out, size_t len)
{
	snprintf(out, len, "/tmp/perf-%d.map", (int)pid);
}

static void write_map(pid_t pid, const char *text)
{
	char path[64];
	int fd;

	map_path(pid, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static bool has(struct jit_proc *p, uint64_t addr)
{
	for (int i = 0; i < 500; i++) {
		jit_proc_advance(p, mono_now());
		if (jit_table_covers(jit_proc_table(p), addr))
			return true;
		usleep(10000);
	}
	return false;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		/* a check that fails does not get to end() */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	char path[64];

	map_path(pid, path, sizeof(path));
	unlink(path);
	if (pid == getpid())
		return;
	kill(pid, 9);
	waitpid(pid, NULL, 0);
}

TEST(a_map_that_hangs_holds_nobody_up)
{
	struct jit *j = jit_new(&(struct jit_config){ 0 });
	pid_t other = sleeper();
	struct jit_proc *p = jit_proc_new(j, getpid(), 0), *q = jit_proc_new(j, other, 0);
	uint64_t begun = mono_now(), waited;
	struct jit_counters c;

	write_map(getpid(), "1000 100 one\n");
	write_map(other, "2000 100 two\n");
	__atomic_store_n(&hang, 1, __ATOMIC_RELAXED);
	/* some seconds of samples of it */
	while (mono_now() < begun + 5500 * NSEC_PER_MSEC) {
		jit_proc_advance(p, mono_now());
		usleep(1000);
	}
	jit_counters(j, &c);
	waited = c.wait_ns;
	CHECK(waited < 900 * NSEC_PER_MSEC);
	CHECK_EQ(c.refused[JIT_HANGS], 1);
	CHECK_EQ(__atomic_load_n(&hanging, __ATOMIC_RELAXED), 1);
	/* one thread hangs on; the next one serves the other process */
	jit_proc_advance(q, mono_now());
	__atomic_store_n(&hang, 0, __ATOMIC_RELAXED);
	CHECK(has(q, 0x2010));
	/* not asked again, once the old reader has what it began to read */
	for (int i = 0; i < 5000 && __atomic_load_n(&hanging, __ATOMIC_RELAXED); i++)
		usleep(1000);
	write_map(getpid(), "3000 100 three\n");
	usleep(50000);
	jit_proc_advance(p, mono_now());
	CHECK(!jit_table_covers(jit_proc_table(p), 0x3010));
	jit_proc_free(p);
	jit_proc_free(q);
	jit_free(j);
	end(other);
	end(getpid());
}

TEST(the_registry_goes_while_its_reader_hangs)
{
	struct jit *j = jit_new(&(struct jit_config){ 0 });
	struct jit_proc *p = jit_proc_new(j, getpid(), 0);
	uint64_t begun;

	write_map(getpid(), "1000 100 one\n");
	__atomic_store_n(&hang, 1, __ATOMIC_RELAXED);
	jit_proc_advance(p, mono_now());
	jit_proc_free(p);
	begun = mono_now();
	jit_free(j);
	CHECK(mono_now() - begun < 3 * NSEC_PER_SEC);
	__atomic_store_n(&hang, 0, __ATOMIC_RELAXED);
	/* what hung uses its own references, and drops them */
	for (int i = 0; i < 500 && __atomic_load_n(&hanging, __ATOMIC_RELAXED); i++)
		usleep(10000);
	usleep(100000);
	end(getpid());
}

int main(void)
{
	return tap_main();
}
