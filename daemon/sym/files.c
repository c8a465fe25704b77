// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of files with code: one struct file per content (what counts as
 * the same content: file_identity.c).
 *
 * Seeing a file again must be cheap, as every new process maps libc: an equal
 * (device, inode, size, mtime, ctime) means the same content without reading
 * a byte. A mapping whose process is gone and whose path leads nowhere is
 * still known if another process mapped the same (device, inode, path).
 *
 * A file without references is kept for a while: processes come again.
 *
 * Any thread; see files_int.h for the locks.
 */
#include "sym/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "sym/file_age.h"
#include "sym/file_open.h"
#include "sym/files_int.h"

#define MAX_OPEN 256
#define MAX_IDLE 512
#define MAX_SEEN 16384

/* one place where a file was seen; a full table is begun anew, it is only a cache */
struct seen {
	struct ident ident;
	uint64_t ino;
	uint32_t maj, min;
	uint32_t slot;
	uint32_t id;	     /* of the file: the slot may have another one by now */
	uint32_t generation; /* of the inode, 0: unknown */
	uint64_t path_hash;
};

static uint32_t open_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur / 4 > MAX_OPEN)
		return MAX_OPEN;
	return rl.rlim_cur / 4 ? (uint32_t)(rl.rlim_cur / 4) : 1;
}

struct files *files_new(size_t max_symbol_bytes)
{
	struct files *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return NULL;
	fs->seen = calloc(MAX_SEEN, sizeof(*fs->seen));
	if (!fs->seen) {
		free(fs);
		return NULL;
	}
	pthread_mutex_init(&fs->lock, NULL);
	pthread_mutex_init(&fs->sym_lock, NULL);
	TAILQ_INIT(&fs->open);
	TAILQ_INIT(&fs->idle);
	TAILQ_INIT(&fs->dead);
	TAILQ_INIT(&fs->loaded);
	fs->max_symbol_bytes = max_symbol_bytes;
	fs->cache.dir = -1;
	fs->max_open = open_limit();
	/* without it contents are told apart all the same, by who does not aim */
	if (getrandom(&fs->secret, sizeof(fs->secret), GRND_NONBLOCK) < 0)
		fs->secret = 0;
	fs->next_id = 1;
	return fs;
}

void files_reap(struct files *fs)
{
	struct file_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct file_priv *f;

	if (!__atomic_load_n(&fs->some_dead, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&fs->lock);
	__atomic_store_n(&fs->some_dead, false, __ATOMIC_RELAXED);
	TAILQ_CONCAT(&dead, &fs->dead, idle_link);
	pthread_mutex_unlock(&fs->lock);
	while ((f = TAILQ_FIRST(&dead))) {
		TAILQ_REMOVE(&dead, f, idle_link);
		file_drop_symbols(f);
		file_destroy(f);
	}
}

void files_free(struct files *fs)
{
	/* who hangs has it in use: the process ends soon, and it with it */
	if (!fs || !opener_free(fs->opener))
		return;
	files_reap(fs);
	for (uint32_t i = 0; i < fs->n_slots; i++) {
		if (!fs->slots[i])
			continue;
		file_close_fd(fs->slots[i]);
		file_drop_symbols(fs->slots[i]);
		file_destroy(fs->slots[i]);
	}
	hmap_free(&fs->by_key);
	hmap_free(&fs->by_ident);
	hmap_free(&fs->by_map);
	pthread_mutex_destroy(&fs->lock);
	pthread_mutex_destroy(&fs->sym_lock);
	free(fs->slots);
	free(fs->seen);
	free(fs->debug_dirs);
	cachedir_close(&fs->cache);
	free(fs->cache_path);
	free(fs);
}

static uint64_t hash_bytes(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

static uint64_t map_hash(uint32_t maj, uint32_t min, uint64_t ino)
{
	return hash_mix((uint64_t)maj << 32 | min, ino);
}

static uint64_t path_hash(const char *path)
{
	return path ? hash_bytes(path, strlen(path)) : 0;
}

static struct file_priv *seen_file(struct files *fs, const struct seen *s)
{
	struct file_priv *f = s->slot < fs->n_slots ? fs->slots[s->slot] : NULL;

	return f && f->pub.id == s->id ? f : NULL;
}

static struct file_priv *find_ident(struct files *fs, const struct ident *id)
{
	uint32_t i;

	HMAP_FOR_EACH (&fs->by_ident, hash_bytes(id, sizeof(*id)), it, i)
		if (!memcmp(&fs->seen[i].ident, id, sizeof(*id)) && seen_file(fs, &fs->seen[i]))
			return seen_file(fs, &fs->seen[i]);
	return NULL;
}

/* Was it another file that was found there, of an inode that had the number before or after? */
static bool is_other(const struct seen *s, const struct file_where *w)
{
	if (s->generation && w->generation)
		return s->generation != w->generation;
	return file_changed_after(w->mapped, s->ident.ctime);
}

/* The latest file that was mapped from there: entries found later are newer. */
static struct file_priv *find_mapping(struct files *fs, const struct file_where *w)
{
	uint64_t path = path_hash(w->path);
	struct file_priv *best = NULL;
	uint32_t i, newest = 0;

	if (!w->ino)
		return NULL;
	HMAP_FOR_EACH (&fs->by_map, map_hash(w->maj, w->min, w->ino), it, i) {
		const struct seen *s = &fs->seen[i];

		if (s->ino != w->ino || s->maj != w->maj || s->min != w->min ||
		    s->path_hash != path || !seen_file(fs, s) || (best && i < newest) ||
		    is_other(s, w))
			continue;
		best = seen_file(fs, s);
		newest = i;
	}
	return best;
}

/* Failing to remember costs time later, nothing else: no error. */
static void remember(struct files *fs, struct file_priv *f, const struct ident *id,
		     const struct file_where *w, uint32_t generation)
{
	struct seen *s;

	if (fs->n_seen == MAX_SEEN) {
		hmap_clear(&fs->by_ident);
		hmap_clear(&fs->by_map);
		fs->n_seen = 0;
	}
	s = &fs->seen[fs->n_seen];
	*s = (struct seen){ .ident = *id,
			    .ino = w->ino,
			    .maj = w->maj,
			    .min = w->min,
			    .slot = f->slot,
			    .id = f->pub.id,
			    .generation = generation ? generation : w->generation,
			    .path_hash = path_hash(w->path) };
	if (hmap_insert(&fs->by_ident, hash_bytes(id, sizeof(*id)), fs->n_seen))
		return;
	if (w->ino)
		hmap_insert(&fs->by_map, map_hash(w->maj, w->min, w->ino), fs->n_seen);
	fs->n_seen++;
}

static struct file *take_ref(struct files *fs, struct file_priv *f)
{
	if (!f->refs++) {
		TAILQ_REMOVE(&fs->idle, f, idle_link);
		fs->n_idle--;
	}
	return &f->pub;
}

static struct file_priv *find_key(struct files *fs, const struct file_priv *like)
{
	uint32_t i;

	HMAP_FOR_EACH (&fs->by_key, hash_bytes(like->pub.key, sizeof(like->pub.key)), it, i)
		if (!memcmp(fs->slots[i]->pub.key, like->pub.key, sizeof(like->pub.key)))
			return fs->slots[i];
	return NULL;
}

static int register_file(struct files *fs, struct file_priv *f)
{
	struct file_priv **slots;
	uint32_t slot = 0;

	while (slot < fs->n_slots && fs->slots[slot])
		slot++;
	slots = array_room(fs->slots, &fs->cap_slots, (size_t)slot + 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	fs->slots = slots;
	if (hmap_insert(&fs->by_key, hash_bytes(f->pub.key, sizeof(f->pub.key)), slot))
		return -ENOMEM;
	if (slot == fs->n_slots)
		fs->n_slots++;
	fs->slots[slot] = f;
	f->slot = slot;
	f->pub.id = fs->next_id++;
	TAILQ_INSERT_TAIL(&fs->idle, f, idle_link);
	fs->n_idle++;
	return 0;
}

static void unregister(struct files *fs, struct file_priv *f)
{
	hmap_remove(&fs->by_key, hash_bytes(f->pub.key, sizeof(f->pub.key)), f->slot);
	fs->slots[f->slot] = NULL;
	TAILQ_REMOVE(&fs->idle, f, idle_link);
	fs->n_idle--;
	file_close_fd(f);
	TAILQ_INSERT_TAIL(&fs->dead, f, idle_link);
	__atomic_store_n(&fs->some_dead, true, __ATOMIC_RELEASE);
}

static void put_ref(struct files *fs, struct file_priv *f)
{
	if (--f->refs)
		return;
	TAILQ_INSERT_TAIL(&fs->idle, f, idle_link);
	fs->n_idle++;
	if (fs->n_idle > MAX_IDLE)
		unregister(fs, TAILQ_FIRST(&fs->idle));
}

/*
 * A reference to the registered file with f's content; NULL: there is none, and
 * f has a key that no other file has. Contents are compared without the lock: a
 * file system may make that wait. fs->lock held; -errno: f cannot be read.
 */
static int find_same(struct files *fs, struct file_priv *f, int fd, struct file_priv **ret)
{
	int r = 0;

	for (uint32_t salt = 0; !r && (*ret = find_key(fs, f)); salt++) {
		take_ref(fs, *ret);
		pthread_mutex_unlock(&fs->lock);
		r = file_compare(*ret, f, fd);
		if (!r)
			r = file_key_by_content(f, fd, salt);
		pthread_mutex_lock(&fs->lock);
		if (r > 0)
			return 0;
		put_ref(fs, *ret);
	}
	*ret = NULL;
	return r;
}

/* Makes f known, or finds that its content is; takes f and, where it is wanted, *fd. */
static struct file *adopt(struct files *fs, struct file_priv *f, const struct file_where *w,
			  int *fd)
{
	uint32_t generation = file_generation(*fd);
	struct file_priv *same = NULL;

	pthread_mutex_lock(&fs->lock);
	if (!find_same(fs, f, *fd, &same) && !same && !register_file(fs, f)) {
		file_keep_fd(f, steal_fd(fd), &f->ident);
		same = f;
		take_ref(fs, f);
	}
	if (same)
		remember(fs, same, &f->ident, w, generation);
	pthread_mutex_unlock(&fs->lock);
	if (same != f)
		file_destroy(f);
	return same ? &same->pub : NULL;
}

/* The mapping cannot be opened: its process is gone, or has hidden it. */
static struct file *get_unopened(struct files *fs, const struct file_where *w)
{
	struct file_priv *f;
	struct file *ret = NULL;

	pthread_mutex_lock(&fs->lock);
	f = find_mapping(fs, w);
	if (f)
		ret = take_ref(fs, f);
	else
		fs->open_failures++;
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

static struct file *get_known(struct files *fs, const struct ident *id, const struct file_where *w)
{
	struct file_priv *f;
	struct file *ret = NULL;

	pthread_mutex_lock(&fs->lock);
	f = find_ident(fs, id);
	if (f) {
		/* a process that lives now is the better one to open it by again */
		f->where = *w;
		f->where.path = f->pub.path;
		f->ident = *id;
		__atomic_fetch_add(&f->wheres, 1, __ATOMIC_RELAXED);
		ret = take_ref(fs, f);
	}
	pthread_mutex_unlock(&fs->lock);
	return ret;
}

/* Opened, and looked at if what lies there is not known. */
static struct file *get_opened(struct files *fs, const struct file_where *w)
{
	struct stat st;
	cleanup_close int fd = file_open_mapping(w, &st);
	struct file_priv *f;
	struct file *ret;
	struct ident id;
	int err;

	if (fd < 0)
		return get_unopened(fs, w);
	id = file_ident_of(&st);
	ret = get_known(fs, &id, w);
	if (ret)
		return ret;
	f = file_read(fs, fd, &id, w, &err);
	if (f)
		return adopt(fs, f, w, &fd);
	pthread_mutex_lock(&fs->lock);
	fs->bad_elf += err != -ENOMEM;
	pthread_mutex_unlock(&fs->lock);
	return NULL;
}

struct file *files_get(struct files *fs, const struct file_where *w)
{
	struct file *ret = NULL;
	struct ident id;
	struct stat st;

	/* mostly a library that others map as well: one call instead of seven */
	if (!file_stat_mapping(w, &st)) {
		id = file_ident_of(&st);
		ret = get_known(fs, &id, w);
	}
	return ret ? ret : get_opened(fs, w);
}

struct file *file_ref(struct file *f)
{
	struct files *fs = file_priv(f)->fs;

	pthread_mutex_lock(&fs->lock);
	take_ref(fs, file_priv(f));
	pthread_mutex_unlock(&fs->lock);
	return f;
}

void file_unref(struct file *file)
{
	struct file_priv *f = file_priv(file);
	struct files *fs;
	bool dead;

	if (!f)
		return;
	fs = f->fs;
	pthread_mutex_lock(&fs->lock);
	put_ref(fs, f);
	dead = !TAILQ_EMPTY(&fs->dead);
	pthread_mutex_unlock(&fs->lock);
	/* never waits for a table being read: whoever reads it reaps */
	if (dead && !pthread_mutex_trylock(&fs->sym_lock)) {
		files_reap(fs);
		pthread_mutex_unlock(&fs->sym_lock);
	}
}
