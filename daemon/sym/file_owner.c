// SPDX-License-Identifier: GPL-2.0
/* See file_owner.h for the rules. */
#include "sym/file_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/file_open.h"

#define UID_UNKNOWN 65534 /* /proc/sys/kernel/overflowuid: of who has no number here */

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

static int owner_of(int fd, struct stat *st, struct file_owner *ret)
{
	struct statfs sfs;
	bool known;

	if (fstat(fd, st))
		return -errno;
	/* a server may leave that question out */
	known = !fstatfs(fd, &sfs) && sfs.f_type != FUSE_SUPER_MAGIC;
	ret->uid = st->st_uid;
	ret->served = known ? 0 : st->st_dev;
	return 0;
}

int file_owner_get(int fd, struct file_owner *ret)
{
	struct stat st;

	return owner_of(fd, &st, ret);
}

/*
 * Asked after its root was opened: a process may leave our user namespace for one that
 * it has made, but never come back from there.
 */
static bool is_strange(int process)
{
	struct stat own, its;

	return stat("/proc/self/ns/user", &own) || fstatat(process, "ns/user", &its, 0) ||
	       own.st_dev != its.st_dev || own.st_ino != its.st_ino;
}

static int open_of_process(pid_t pid, struct owner_root *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	ret->process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->process < 0)
		return -errno;
	ret->fd = openat(ret->process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	ret->strange = is_strange(ret->process);
	return 0;
}

int owner_root_open(pid_t pid, struct owner_root *ret)
{
	struct stat st;
	int r = 0;

	*ret = (struct owner_root){ .fd = -1, .process = -1 };
	if (pid > 0)
		r = open_of_process(pid, ret);
	else
		ret->fd = file_open_root(0);
	if (!r && ret->fd < 0)
		r = ret->fd;
	if (r)
		owner_root_close(ret);
	else if (!stat("/", &st))
		ret->dev = st.st_dev;
	return r;
}

void owner_root_close(struct owner_root *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->process >= 0)
		close(r->process);
	r->fd = r->process = -1;
}

/* Was this uid, as we see it, given to the user namespace of the process? */
static bool is_given(int process, uint64_t uid)
{
	cleanup_close int fd = openat(process, "uid_map", O_RDONLY | O_CLOEXEC);
	uint64_t inside, outside, n;
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		return false;
	steal_fd(&fd);
	while (fscanf(f, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &n) == 3)
		if (uid >= outside && uid - outside < n)
			return true;
	return false;
}

static bool writes_alone(const struct stat *st)
{
	return !(st->st_mode & S_IWOTH) && (!(st->st_mode & S_IWGRP) || st->st_gid == st->st_uid);
}

bool owner_believed(const struct owner_root *r, const struct file_owner *of, int fd)
{
	struct file_owner its = { 0 };
	struct stat st;
	bool same;

	if (owner_of(fd, &st, &its) || !writes_alone(&st))
		return false;
	if (its.served && its.served != of->served && its.served != r->dev)
		return false;
	same = its.uid == of->uid && its.uid != UID_UNKNOWN;
	if (r->strange)
		return same && is_given(r->process, its.uid);
	return same || !its.uid || its.uid == geteuid();
}
