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
 * Written over since it was opened? The time of the change is left out: it is
 * another one when a file loses its name as well.
 */
static bool is_changed(const struct file_priv *f)
{
	struct ident now;
	struct stat st;

	if (fstat(f->fd, &st))
		return true;
	now = file_ident_of(&st);
	return now.size != f->fd_ident.size || now.mtime != f->fd_ident.mtime;
}

/* The kept descriptor, or a duplicate of it; -1 none. fs->lock held. */
static int kept_fd(struct files *fs, struct file_priv *f, bool take)
{
	if (f->fd >= 0 && is_changed(f))
		file_close_fd(f);
	if (f->fd < 0)
		return -1;
	if (!take)
		return fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	TAILQ_REMOVE(&fs->open, f, fd_link);
	fs->n_open--;
	return steal_fd(&f->fd);
}

static int get_fd(struct file_priv *f, bool take)
{
	struct files *fs = f->fs;
	cleanup_close int fd = -1;
	struct file_where w;
	struct ident was, now;
	struct stat st;

	pthread_mutex_lock(&fs->lock);
	fd = kept_fd(fs, f, take);
	w = f->where;
	was = f->ident;
	pthread_mutex_unlock(&fs->lock);
	if (fd >= 0)
		return steal_fd(&fd);
	fd = file_open_mapping(&w, &st);
	if (fd < 0)
		return fd;
	now = file_ident_of(&st);
	return memcmp(&was, &now, sizeof(was)) ? -ESTALE : steal_fd(&fd);
}

int file_take_fd(struct file_priv *f)
{
	return get_fd(f, true);
}

int file_open_fd(struct file *f)
{
	return get_fd(file_priv(f), false);
}
