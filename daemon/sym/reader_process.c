// SPDX-License-Identifier: GPL-2.0
/*
 * The process of a reader: started by its thread, which then waits for its end.
 * One thread for all its life, as the process ends with the thread that made
 * it (PR_SET_PDEATHSIG), if that has the right to signal it; else when it finds
 * its socket closed, or nobody to have stopped its clock (reader_serve.c).
 *
 * Signals that the daemon has blocked are blocked there, too: a manager that
 * tells all of the service to stop does not end it before the daemon does.
 *
 * Where the daemon may not choose its user, a keeper makes it (reader_keeper.c).
 *
 * It is the daemon's own program, executed anew: nothing of the daemon's memory
 * (the credential) is in it, and each has its own addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/sandbox.h"
#include "sym/reader_int.h"

#define SOCK_FD	     3
#define SHORT_NS     (60 * NSEC_PER_SEC) /* a process that lives that long starts at once after */
#define PAUSE_NS     (100 * NSEC_PER_MSEC)
#define REAP_NS	     (5 * NSEC_PER_SEC)
#define MAX_DOUBLING 7 /* of the pause: 12.8 s */

/* The calls of libc would change all threads of the daemon, if they were of this process. */
static int change_user(const struct reader_config *cfg)
{
	if (syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, cfg->gid, cfg->gid, cfg->gid) ||
	    syscall(SYS_setresuid, cfg->uid, cfg->uid, cfg->uid))
		return -errno;
	return 0;
}

/*
 * In the new process: only calls that are safe between fork and exec. One that
 * was refused leaves the user as it is: the sandbox is there all the same.
 */
void reader_become(const struct reader_config *cfg, int sock)
{
	char memory[24], *at = memory + sizeof(memory);
	char *argv[] = { READER_ARGV0, (char *)cfg->name, NULL, NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR);

	*--at = '\0';
	for (uint64_t v = cfg->max_memory; v || !*at; v /= 10)
		*--at = (char)('0' + v % 10);
	argv[2] = at;
	/* the socket may stand where another one is to go */
	sock = fcntl(sock, F_DUPFD, 16);
	null = fcntl(null, F_DUPFD, 16);
	if (sock < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    dup2(sock, SOCK_FD) < 0)
		_exit(126);
	(void)!change_user(cfg);
	/* before 5.9 the close-on-exec flag, which all of ours have, must do */
	syscall(SYS_close_range, SOCK_FD + 1, ~0U, 0);
	fcntl(sock, F_SETFD, FD_CLOEXEC);
	fcntl(null, F_SETFD, FD_CLOEXEC);
	execve("/proc/self/exe", argv, envp);
	_exit(127);
}

/* The process with our end of its socket, or -errno. */
static pid_t start(struct reader *r, int *ret_sock, int *ret_keeper)
{
	int s[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
		return -errno;
	*ret_keeper = r->cfg.keeper ? keeper_start(&r->cfg, s[1], &pid) : -1;
	/* without one it is ours, under the user that we are */
	if (*ret_keeper < 0)
		pid = fork();
	if (!pid)
		reader_become(&r->cfg, s[1]);
	close(s[1]);
	if (pid < 0) {
		pid = -errno;
		close(s[0]);
		return pid;
	}
	*ret_sock = s[0];
	return pid;
}

static int wait_for_child(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/*
 * Kills a process that is not reaped yet, so that its number is its own. It is
 * another user's, and the daemon has no CAP_KILL: one who has become that user
 * has the right to.
 */
static void end_process(const struct reader_config *cfg, pid_t pid)
{
	pid_t killer;

	if (!kill(pid, SIGKILL) || errno != EPERM)
		return;
	killer = fork();
	if (!killer) {
		(void)!change_user(cfg);
		_exit(kill(pid, SIGKILL) ? 1 : 0);
	}
	if (killer > 0)
		wait_for_child(killer);
}

/* The same of whichever process there is; lock held. */
static void end_reader(struct reader *r)
{
	if (r->keeper >= 0)
		shutdown(r->keeper, SHUT_WR);
	else
		end_process(&r->cfg, r->pid);
}

/* The first death is followed by a start at once: it may have been an accident. */
static void set_pause(struct reader *r, uint64_t born)
{
	uint64_t now = mono_now();
	uint32_t n = now - born > SHORT_NS ? 0 : r->failures;

	r->failures = n + 1;
	r->next_start = n ? now + (PAUSE_NS << (n < MAX_DOUBLING ? n - 1 : MAX_DOUBLING)) : 0;
}

static void note_end(struct reader *r, int status, uint64_t born)
{
	if (r->sock >= 0)
		close(r->sock);
	r->sock = -1;
	if (r->keeper >= 0)
		close(r->keeper);
	r->keeper = -1;
	r->pid = 0;
	r->ended = r->process;
	r->wait_status = status;
	if (!r->stop)
		r->c.deaths++;
	set_pause(r, born);
	pthread_cond_broadcast(&r->changed);
}

/* One process, from its start to its end; lock held but while it waits. */
static void one_life(struct reader *r)
{
	uint64_t born = mono_now();
	int sock = -1, keeper = -1, status;
	pid_t pid;

	pthread_mutex_unlock(&r->lock);
	pid = start(r, &sock, &keeper);
	pthread_mutex_lock(&r->lock);
	if (pid < 0) {
		set_pause(r, born);
		return;
	}
	r->pid = pid;
	r->sock = sock;
	r->keeper = keeper;
	r->process++;
	r->c.starts++;
	/* who stops us meanwhile did not know it */
	if (r->stop)
		end_reader(r);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	status = keeper >= 0 ? keeper_wait(keeper) : wait_for_child(pid);
	pthread_mutex_lock(&r->lock);
	note_end(r, status, born);
}

static void *life(void *arg)
{
	struct reader *r = arg;

	pthread_setname_np(pthread_self(), "reader");
	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		if (r->next_start && reader_wait(r, r->next_start))
			continue;
		r->next_start = 0;
		if (!r->stop)
			one_life(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

bool reader_wait(struct reader *r, uint64_t until)
{
	return cond_wait_until(&r->changed, &r->lock, until);
}

int reader_run(struct reader *r)
{
	int err = r->started ? 0 : pthread_create(&r->thread, NULL, life, r);

	r->started |= !err;
	return -err;
}

int reader_reap(struct reader *r, uint64_t process)
{
	uint64_t until = mono_now() + REAP_NS;
	int status;

	pthread_mutex_lock(&r->lock);
	/* it is not waited for yet, so its number is still its own */
	if (r->ended < process && r->pid)
		end_reader(r);
	while (r->ended < process && reader_wait(r, until))
		;
	status = r->ended < process ? 0 : r->wait_status;
	pthread_mutex_unlock(&r->lock);
	return status;
}

struct reader *reader_new(const struct reader_config *cfg)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->cfg = *cfg;
	r->cfg.timeout = cfg->timeout ? cfg->timeout : READER_TIMEOUT_NS;
	r->sock = r->keeper = -1;
	pthread_mutex_init(&r->turn, NULL);
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->changed);
	return r;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	/* one that waits for questions ends by itself when there are none to come */
	if (r->sock >= 0)
		close(r->sock);
	else if (r->pid)
		end_reader(r);
	r->sock = -1;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (r->started)
		pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->turn);
	free(r);
}

void reader_main(int argc, char **argv, const reader_serve_fn *ops)
{
	char comm[16] = "rp-";

	if (argc != 3)
		_exit(2);
	strncat(comm, argv[1], sizeof(comm) - strlen(comm) - 1);
	prctl(PR_SET_NAME, comm, 0, 0, 0);
	if (sandbox_enter(strtoull(argv[2], NULL, 10)))
		_exit(125);
	_exit(reader_serve(SOCK_FD, ops) ? 1 : 0);
}
