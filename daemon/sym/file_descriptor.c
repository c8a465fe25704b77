// SPDX-License-Identifier: GPL-2.0
/*
 * The descriptors of files with code. One stays open until debug information
 * was read (or looked for), as the path may be gone by then; at most max_open
 * of them, the oldest is closed first. What was opened to be read later is read
 * only if it is what it was: one who writes over a file in place would else
 * have other bytes read for it than those that it is known by.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/file_open.h"
#include "sym/files_int.h"

void file_close_fd(struct file_priv *f)
{
	if (f->fd < 0)
		return;
	TAILQ_REMOVE(&f->fs->open, f, fd_link);
	f->fs->n_open--;
	close(f->fd);
	f->fd = -1;
}

void file_keep_fd(struct file_priv *f, int fd, const struct ident *id)
{
	struct files *fs = f->fs;

	if (fs->n_open >= fs->max_open)
		file_close_fd(TAILQ_FIRST(&fs->open));
	f->fd = fd;
	f->fd_ident = *id;
	TAILQ_INSERT_TAIL(&fs->open, f, fd_link);
	fs->n_open++;
}

/*
 * Written over since it was opened? A file that loses its name, or gets another one,
 * has another time of change as well; where others count as the same file, that is
 * not let pass: who owns a copy can put the time of the writing back.
 */
static bool is_changed(int fd, const struct ident *was, bool shared)
{
	struct ident now;
	struct stat st;

	if (fstat(fd, &st))
		return true;
	now = file_ident_of(&st);
	return now.size != was->size || now.mtime != was->mtime ||
	       (shared && now.ctime != was->ctime);
}

/* What the registry knows of a file's descriptor, to be looked at without its lock. */
struct kept {
	int fd; /* a duplicate; -1: none is kept */
	struct ident fd_ident, ident;
	struct file_where where;
	bool shared;
};

static void copy_kept(struct file_priv *f, struct kept *ret)
{
	pthread_mutex_lock(&f->fs->lock);
	ret->fd = f->fd < 0 ? -1 : fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	ret->fd_ident = f->fd_ident;
	ret->ident = f->ident;
	ret->where = f->where;
	ret->shared = f->shared;
	pthread_mutex_unlock(&f->fs->lock);
}

static void let_go(struct file_priv *f)
{
	pthread_mutex_lock(&f->fs->lock);
	file_close_fd(f);
	pthread_mutex_unlock(&f->fs->lock);
}

static int get_fd(struct file_priv *f, bool take)
{
	cleanup_close int fd = -1;
	struct ident now;
	struct kept k;
	struct stat st;
	bool changed;

	copy_kept(f, &k);
	if (k.fd >= 0) {
		/* a file system may make this wait */
		changed = is_changed(k.fd, &k.fd_ident, k.shared);
		if (changed || take)
			let_go(f);
		if (!changed)
			return k.fd;
		close(k.fd);
	}
	fd = file_open_mapping(&k.where, &st);
	if (fd < 0)
		return fd;
	now = file_ident_of(&st);
	return memcmp(&k.ident, &now, sizeof(now)) ? -ESTALE : steal_fd(&fd);
}

int file_take_fd(struct file_priv *f)
{
	return get_fd(f, true);
}

int file_open_fd(struct file *f)
{
	return get_fd(file_priv(f), false);
}
