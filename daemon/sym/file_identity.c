// SPDX-License-Identifier: GPL-2.0
/*
 * What a file with code is: its key and its segments.
 *
 * The key is the GNU build-id, else a hash of size, first and last 64 KiB. Who
 * writes a file chooses both, and what is read from one file is shown for all
 * that count as the same: so an equal key is where comparing begins. Files are
 * one if all their bytes are and they have one owner (file_owner.h), which is
 * asked for only when a second file comes with a key that is taken; the one that
 * is not gets a key from all its bytes.
 * Who asks may be the collector, so large files are not read for it: each place
 * of one is a file of its own.
 *
 * A struct file_priv is built by one thread; what is read here never changes
 * after that, but for the key before it is registered.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "sym/files_int.h"

#define MAX_SEGMENTS 64
#define HASHED	     65536	/* bytes at a time, and of each end */
#define MAX_COMPARED (8U << 20) /* bytes of files that are read to be compared: some ms each */

void file_destroy(struct file_priv *f)
{
	free((char *)f->pub.path);
	free(f->segs);
	free(f);
}

static uint64_t stat_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000ULL + (uint64_t)ts->tv_nsec;
}

struct ident file_ident_of(const struct stat *st)
{
	return (struct ident){ st->st_dev, st->st_ino, (uint64_t)st->st_size, stat_ns(&st->st_mtim),
			       stat_ns(&st->st_ctim) };
}

struct hashing {
	XXH3_state_t *told, *secret; /* secret NULL: not wanted */
	uint8_t *buf;		     /* HASHED bytes */
	const struct elf_image *e;
};

static void hash_more(struct hashing *h, const void *p, size_t n)
{
	XXH3_128bits_update(h->told, p, n);
	if (h->secret)
		XXH3_128bits_update(h->secret, p, n);
}

static int hash_range(struct hashing *h, uint64_t from, uint64_t to)
{
	int r = 0;

	for (uint64_t n; !r && from < to; from += n) {
		n = to - from < HASHED ? to - from : HASHED;
		r = elf_read(h->e, from, h->buf, n);
		if (!r)
			hash_more(h, h->buf, n);
	}
	return r;
}

static void digest(XXH3_state_t *st, uint8_t ret[CONTENT_SIZE])
{
	XXH128_canonical_t sum;

	XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(st));
	memcpy(ret, sum.digest, CONTENT_SIZE);
}

/* Hash of size and both ends; 0 or -errno. */
static int ends_hash(const struct elf_image *e, uint8_t ret[CONTENT_SIZE])
{
	cleanup_free uint8_t *buf = malloc(HASHED);
	struct hashing h = { XXH3_createState(), NULL, buf, e };
	uint64_t end = e->size < HASHED ? e->size : HASHED;
	int r = buf && h.told ? 0 : -ENOMEM;

	if (!r) {
		XXH3_128bits_reset(h.told);
		hash_more(&h, &e->size, sizeof(e->size));
		r = hash_range(&h, 0, end);
	}
	if (!r)
		r = hash_range(&h, e->size - end, e->size);
	if (!r)
		digest(h.told, ret);
	XXH3_freeState(h.told);
	return r;
}

/* Hashes of all of it; 0 or -errno. */
static int content_hash(struct files *fs, const struct elf_image *e, struct content *ret)
{
	cleanup_free uint8_t *buf = malloc(HASHED);
	struct hashing h = { XXH3_createState(), XXH3_createState(), buf, e };
	int r = buf && h.told && h.secret ? 0 : -ENOMEM;

	if (!r) {
		XXH3_128bits_reset(h.told);
		XXH3_128bits_reset_withSeed(h.secret, fs->secret);
		hash_more(&h, &e->size, sizeof(e->size));
		r = hash_range(&h, 0, e->size);
	}
	if (!r) {
		digest(h.told, ret->told);
		digest(h.secret, ret->secret);
	}
	XXH3_freeState(h.told);
	XXH3_freeState(h.secret);
	return r;
}

static void set_content_key(struct file *f, const uint8_t sum[CONTENT_SIZE])
{
	memset(f->key, 0, sizeof(f->key));
	memcpy(f->key, sum, CONTENT_SIZE);
	f->key_is_build_id = false;
}

static int read_segments(struct file_priv *f, const struct elf_image *e)
{
	size_t n = 0;

	f->segs = calloc(MAX_SEGMENTS, sizeof(*f->segs));
	if (!f->segs)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_ph && n < MAX_SEGMENTS; i++) {
		const Elf64_Phdr *ph = &e->ph[i];

		if (ph->p_type != PT_LOAD)
			continue;
		f->segs[n].offset = ph->p_offset;
		f->segs[n].vaddr = ph->p_vaddr;
		f->segs[n].filesz = ph->p_filesz;
		f->segs[n++].exec = ph->p_flags & PF_X;
	}
	f->n_segs = n;
	f->segs_hash = XXH3_64bits(f->segs, n * sizeof(*f->segs));
	return 0;
}

static void set_build_id(struct file *f, const uint8_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(f->build_id + 2 * i, 3, "%02x", id[i]);
	memcpy(f->key, id, n < sizeof(f->key) ? n : sizeof(f->key));
	f->key_is_build_id = n != 0;
}

static uint64_t fs_type_of(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) ? 0 : (uint64_t)st.f_type;
}

struct file_priv *file_read(struct files *fs, int fd, const struct ident *id,
			    const struct file_where *w, int *err)
{
	struct file_priv *f = calloc(1, sizeof(*f));
	uint8_t build_id[ELF_MAX_BUILD_ID], sum[CONTENT_SIZE];
	struct elf_image e;

	*err = f ? elf_open_fd(&e, fd, id->size) : -ENOMEM;
	if (*err) {
		free(f);
		return NULL;
	}
	f->fs = fs;
	f->fd = -1;
	f->ident = *id;
	f->where = *w;
	f->fs_type = fs_type_of(fd);
	f->on_disk = major(id->dev) != 0;
	f->pub.size = id->size;
	f->pub.entry = elf_entry(&e);
	f->pub.path = strdup(w->path ? w->path : "");
	f->where.path = f->pub.path;
	*err = f->pub.path ? file_owner_get(fd, &f->owner) : -ENOMEM;
	if (!*err)
		*err = read_segments(f, &e);
	if (!*err) {
		set_build_id(&f->pub, build_id, elf_build_id(&e, build_id));
		if (!f->pub.key_is_build_id)
			*err = ends_hash(&e, sum);
		if (!*err && !f->pub.key_is_build_id)
			set_content_key(&f->pub, sum);
	}
	elf_close(&e);
	if (*err) {
		file_destroy(f);
		return NULL;
	}
	return f;
}

/* That of an unregistered file; 0 or -errno. */
static int own_content(struct file_priv *f, int fd)
{
	const struct elf_image e = { .fd = fd, .size = f->pub.size };
	int r = f->content_known ? 0 : content_hash(f->fs, &e, &f->content);

	f->content_known = !r;
	return r;
}

int file_key_by_content(struct file_priv *f, int fd, uint32_t salt)
{
	struct {
		uint8_t content[CONTENT_SIZE];
		uint64_t ident, salt;
	} of = { .salt = f->owner.uid << 32 | salt };
	XXH128_canonical_t sum;
	int r = 0;

	if (f->pub.size > MAX_COMPARED) {
		of.ident = file_ident_hash(&f->pub);
	} else {
		r = own_content(f, fd);
		memcpy(of.content, f->content.told, sizeof(of.content));
	}
	XXH128_canonicalFromHash(&sum, XXH3_128bits(&of, sizeof(of)));
	if (!r)
		set_content_key(&f->pub, sum.digest);
	return r;
}

static bool stat_is(int fd, const struct ident *id)
{
	struct ident now;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	now = file_ident_of(&st);
	return !memcmp(&now, id, sizeof(now));
}

/* Its content if it was read, and what stat(2) said of it; false: it was not. */
static bool known_content(struct file_priv *f, struct content *ret, struct ident *was)
{
	bool known;

	pthread_mutex_lock(&f->fs->lock);
	known = f->content_known;
	*ret = f->content;
	*was = f->ident;
	pthread_mutex_unlock(&f->fs->lock);
	return known;
}

/*
 * The content of a registered file, read once in its life. It must be what its rows and
 * names may have been read from already: unchanged since it was met, to the last bit
 * of what stat(2) says, and meanwhile. -EBUSY: it lies where reading may hang, and who
 * comes from a disk is not asked for by a thread that may (file_opener.h).
 */
static int registered_content(struct file_priv *f, bool may_hang, struct content *ret)
{
	struct elf_image e = { .size = f->pub.size };
	cleanup_close int fd = -1;
	struct ident was;
	int r;

	if (known_content(f, ret, &was))
		return 0;
	if (!f->on_disk && !may_hang)
		return -EBUSY;
	fd = file_open_fd(&f->pub);
	if (fd < 0)
		return fd;
	e.fd = fd;
	r = stat_is(fd, &was) ? content_hash(f->fs, &e, ret) : -ESTALE;
	if (!r && !stat_is(fd, &was))
		r = -ESTALE;
	if (r)
		return r;
	pthread_mutex_lock(&f->fs->lock);
	f->content = *ret;
	f->content_known = true;
	pthread_mutex_unlock(&f->fs->lock);
	return 0;
}

bool file_has_content(struct file_priv *f, int fd)
{
	const struct elf_image e = { .fd = fd, .size = f->pub.size };
	struct content have, want;
	struct ident unused;
	struct stat st;

	return known_content(f, &want, &unused) && !fstat(fd, &st) &&
	       (uint64_t)st.st_size == f->pub.size && !content_hash(f->fs, &e, &have) &&
	       !memcmp(have.secret, want.secret, CONTENT_SIZE);
}

/*
 * One inode seen through two mounts, as overlayfs shows an image's file to each of its
 * containers, and btrfs one of a snapshot? Who copies a file there cannot choose the
 * time of the change; who serves a file system of his own can choose everything.
 */
static bool same_inode(struct file_priv *a, const struct file_priv *b)
{
	struct ident was;

	pthread_mutex_lock(&a->fs->lock);
	was = a->ident;
	pthread_mutex_unlock(&a->fs->lock);
	/* known as such, but not by the registry's list of places: that is emptied at times */
	if (!memcmp(&was, &b->ident, sizeof(was)))
		return true;
	if (a->fs_type != b->fs_type ||
	    (a->fs_type != OVERLAYFS_SUPER_MAGIC && a->fs_type != BTRFS_SUPER_MAGIC))
		return false;
	was.dev = b->ident.dev;
	return !memcmp(&was, &b->ident, sizeof(was));
}

int file_compare(struct file_priv *known, struct file_priv *f, int fd)
{
	struct content have;
	int r;

	if (known->pub.size != f->pub.size || known->segs_hash != f->segs_hash ||
	    memcmp(&known->owner, &f->owner, sizeof(f->owner)))
		return 0;
	if (same_inode(known, f))
		return 1;
	if (f->pub.size > MAX_COMPARED)
		return 0;
	r = own_content(f, fd);
	if (r)
		return r;
	/* one that cannot be read any more cannot be told to be the same */
	return !registered_content(known, !f->on_disk, &have) &&
	       !memcmp(have.secret, f->content.secret, CONTENT_SIZE);
}

uint64_t file_ident_hash(struct file *file)
{
	struct file_priv *f = file_priv(file);
	struct {
		struct ident id;
		uint64_t segs, fs_type;
	} of = { .segs = f->segs_hash, .fs_type = f->fs_type };

	pthread_mutex_lock(&f->fs->lock);
	of.id = f->ident;
	pthread_mutex_unlock(&f->fs->lock);
	of.id.dev = 0;
	return XXH3_64bits(&of, sizeof(of));
}

static bool segment_vaddr(const struct segment *s, uint64_t offset, uint64_t *ret)
{
	if (offset < s->offset || offset - s->offset >= s->filesz)
		return false;
	*ret = offset - s->offset + s->vaddr;
	return true;
}

bool file_vaddr(struct file *file, uint64_t offset, uint64_t *ret)
{
	const struct file_priv *f = file_priv(file);

	/* code first: a lying or odd file may have the same bytes in two segments */
	for (size_t i = 0; i < f->n_segs; i++)
		if (f->segs[i].exec && segment_vaddr(&f->segs[i], offset, ret))
			return true;
	for (size_t i = 0; i < f->n_segs; i++)
		if (!f->segs[i].exec && segment_vaddr(&f->segs[i], offset, ret))
			return true;
	return false;
}
