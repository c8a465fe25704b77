// SPDX-License-Identifier: GPL-2.0
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A user's or group's number as sudo leaves it; the last one means "unchanged" to fchown. */
static bool sudo_id(const char *name, uint32_t *ret)
{
	const char *s = getenv(name);
	unsigned long v;

	if (!s || !*s || strlen(s) > 10 || strspn(s, "0123456789") != strlen(s))
		return false;
	v = strtoul(s, NULL, 10);
	*ret = (uint32_t)v;
	return v < UINT32_MAX;
}

/* Where it cannot be given (a file system without owners) it stays root's. */
static void give_to_caller(int fd)
{
	uint32_t uid, gid;

	if (!geteuid() && sudo_id("SUDO_UID", &uid) && sudo_id("SUDO_GID", &gid) &&
	    fchown(fd, uid, gid))
		return;
}

int output_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	give_to_caller(fd);
	return fd;
}

/* The mode only with the owner: what one of them may read is not for another. */
static void take_after(int fd, const struct stat *old)
{
	if (!fchown(fd, old->st_uid, old->st_gid))
		(void)fchmod(fd, old->st_mode & 0777);
}

/* Under a name that is nobody's yet: mkostemp is as strict as output_create. */
static int open_part(struct output *o, const struct stat *old)
{
	int fd;

	if ((size_t)snprintf(o->part, sizeof(o->part), "%s.XXXXXX", o->path) >= sizeof(o->part))
		return -ENAMETOOLONG;
	fd = mkostemp(o->part, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (old)
		take_after(fd, old);
	else
		give_to_caller(fd);
	return fd;
}

static int open_straight(struct output *o)
{
	int fd = open(o->path, O_WRONLY | O_CLOEXEC);

	o->part[0] = '\0';
	return fd < 0 ? -errno : fd;
}

int output_begin(struct output *o, const char *path)
{
	struct stat st;
	bool there = !stat(path, &st), regular = there && S_ISREG(st.st_mode);
	char real[PATH_MAX];
	int fd;

	/* a link stays one: what it points at is replaced */
	if (regular && !realpath(path, real))
		return -errno;
	if ((size_t)snprintf(o->path, sizeof(o->path), "%s", regular ? real : path) >=
	    sizeof(o->path))
		return -ENAMETOOLONG;
	fd = there && !regular ? open_straight(o) : open_part(o, regular ? &st : NULL);
	if (fd < 0)
		return fd;
	o->f = fdopen(fd, "w");
	if (o->f)
		return 0;
	close(fd);
	if (*o->part)
		unlink(o->part);
	return -ENOMEM;
}

int output_end(struct output *o, int r)
{
	if (fclose(o->f) && !r)
		r = -errno;
	if (!*o->part)
		return r;
	if (!r && rename(o->part, o->path))
		r = -errno;
	if (r)
		unlink(o->part);
	return r;
}
