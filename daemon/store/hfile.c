// SPDX-License-Identifier: GPL-2.0
/* Life of a history file and its writer's side. What is read is in hfile_read.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "store/hfile_int.h"

/* small pages: a window is some kilobytes, and half of its last page goes to waste */
#define PAGE_SIZE_SQL "PRAGMA page_size=1024"

const char *const hfile_tables[HFILE_TABLES] = {
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
	"CREATE TABLE seg(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
	("CREATE TABLE win(id INTEGER PRIMARY KEY, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
	 " q0 INTEGER NOT NULL, q1 INTEGER NOT NULL, head BLOB NOT NULL)"),
	"CREATE TABLE dat(id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
};

static const char stamps[] = "PRAGMA application_id=" HFILE_STR(
	HFILE_APP_ID) ";"
		      "PRAGMA user_version=" HFILE_STR(HFILE_VERSION) ";";

int hfile_errno(int sql)
{
	if (sql == SQLITE_IOERR_NOMEM)
		return -ENOMEM;
	switch (sql & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_TOOBIG:
	case SQLITE_ERROR: /* a table or column that is not there: no file of ours */
		return -EBADMSG;
	default:
		return -EIO;
	}
}

int hfile_sql(sqlite3 *db, const char *text)
{
	return hfile_errno(sqlite3_exec(db, text, NULL, NULL, NULL));
}

int hfile_connect(const char *path, int flags, sqlite3 **ret)
{
	int r = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (r != SQLITE_OK) {
		sqlite3_close(*ret);
		*ret = NULL;
		return hfile_errno(r);
	}
	sqlite3_extended_result_codes(*ret, 1);
	sqlite3_busy_timeout(*ret, 2000);
	/* the file may be anybody's: nothing in its schema is run */
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	/* no blob of a window or a segment is as long, packed as badly as can be */
	sqlite3_limit(*ret, SQLITE_LIMIT_LENGTH, 2 * CODE_MAX_RAW);
	r = hfile_sql(*ret, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
			    "PRAGMA cache_size=-256");
	if (r) {
		sqlite3_close(*ret);
		*ret = NULL;
	}
	return r;
}

struct hfile *hfile_alloc(const char *path)
{
	struct hfile *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->path = strdup(path);
	if (!f->path) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

struct hfile *hfile_ref(struct hfile *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

static void close_writer(struct hfile *f)
{
	sqlite3_finalize(f->put_seg);
	sqlite3_finalize(f->put_win);
	sqlite3_finalize(f->put_data);
	sqlite3_close(f->wdb);
	f->put_seg = f->put_win = f->put_data = NULL;
	f->wdb = NULL;
}

void hfile_unref(struct hfile *f)
{
	if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	close_writer(f);
	hfile_close_reader(f);
	dict_unref(f->dict);
	free(f->rows);
	free(f->path);
	free(f->pin_name);
	free(f->pin_host);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const char *const beside[] = { "", "-wal", "-shm", "-journal" };

static void each_name(const char *path, void (*fn)(const char *name, const char *arg),
		      const char *arg)
{
	char name[4096];

	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		if ((size_t)snprintf(name, sizeof(name), "%s%s", path, beside[i]) < sizeof(name))
			fn(name, arg);
}

static void take_away(const char *name, const char *arg)
{
	unlink(name);
}

static void move_aside(const char *name, const char *arg)
{
	char to[4096 + 16];

	snprintf(to, sizeof(to), "%s.refused", name);
	/* beside it there may be nothing; a name that cannot be given is looked at again next time */
	(void)rename(name, to);
}

void hfile_remove(const char *path)
{
	each_name(path, take_away, NULL);
}

void hfile_unlink(struct hfile *f)
{
	hfile_remove(f->path);
}

void hfile_set_aside(const char *path)
{
	each_name(path, move_aside, NULL);
}

static uint64_t size_of(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		return 0;
	/* sparse files do not count more */
	return (uint64_t)st.st_blocks * 512 > (uint64_t)st.st_size ? (uint64_t)st.st_blocks * 512
								   : (uint64_t)st.st_size;
}

uint64_t hfile_size(const char *path)
{
	char name[4096];
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		n += size_of(name);
	}
	return n;
}

uint64_t hfile_own_size(const char *path)
{
	char log[4096];

	snprintf(log, sizeof(log), "%s%s", path, beside[1]);
	return size_of(path) + size_of(log);
}

int hfile_put_meta(sqlite3 *db, const char *key, const char *text, int64_t number)
{
	sqlite3_stmt *q;
	int r = sqlite3_prepare_v2(db, "INSERT INTO meta VALUES(?1, ?2)", -1, &q, NULL);

	if (r != SQLITE_OK)
		return hfile_errno(r);
	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	if (text)
		sqlite3_bind_text(q, 2, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(q, 2, number);
	r = sqlite3_step(q);
	sqlite3_finalize(q);
	return hfile_errno(r);
}

static int make_tables(sqlite3 *db, uint64_t origin, const char *host, const char *pin_name)
{
	int r = hfile_sql(db, PAGE_SIZE_SQL);

	if (!r)
		r = hfile_sql(db, "BEGIN IMMEDIATE");
	for (size_t i = 0; !r && i < HFILE_TABLES; i++)
		r = hfile_sql(db, hfile_tables[i]);
	if (!r)
		r = hfile_sql(db, stamps);
	if (!r)
		r = hfile_put_meta(db, "origin", NULL, (int64_t)origin);
	if (!r)
		r = hfile_put_meta(db, "host", host, 0);
	if (!r && pin_name)
		r = hfile_put_meta(db, "pin", pin_name, 0);
	return r ? r : hfile_sql(db, "COMMIT");
}

/* Under another name until it is whole: who is killed meanwhile leaves none that is not. */
static int make_file(const char *path, uint64_t origin, const char *host, const char *pin_name)
{
	cleanup_free char *unborn = NULL;
	sqlite3 *db = NULL;
	int r;

	if (asprintf(&unborn, "%s.new", path) < 0) {
		unborn = NULL;
		return -ENOMEM;
	}
	hfile_remove(unborn);
	r = hfile_connect(unborn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
	if (!r)
		r = make_tables(db, origin, host, pin_name);
	sqlite3_close(db);
	/* the log of one that had this name would be played into this one */
	if (!r)
		hfile_remove(path);
	if (!r && rename(unborn, path))
		r = -errno;
	if (r)
		hfile_remove(unborn);
	return r;
}

int hfile_create(struct hfile **ret, const char *path, uint64_t origin, const char *host,
		 const char *pin_name, struct dict *d, unsigned int i)
{
	struct hfile *f;
	const char *why;
	int r;

	if (!access(path, F_OK))
		return -EEXIST;
	r = make_file(path, origin, host, pin_name);
	if (!r)
		r = hfile_open(&f, path, &why);
	if (r) {
		hfile_remove(path);
		return r;
	}
	r = hfile_write_on(f, d, i);
	if (r) {
		hfile_unlink(f);
		hfile_unref(f);
		return r;
	}
	*ret = f;
	return 0;
}

static int prepare_writer(struct hfile *f)
{
	int r = hfile_connect(f->path, SQLITE_OPEN_READWRITE, &f->wdb);

	/* a log of a quarter of a megabyte: it counts in the budget */
	if (!r)
		r = hfile_sql(f->wdb, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
				      "PRAGMA wal_autocheckpoint=256;"
				      "PRAGMA journal_size_limit=262144");
	if (!r)
		r = hfile_errno(sqlite3_prepare_v2(f->wdb, "INSERT INTO seg(data) VALUES(?1)", -1,
						   &f->put_seg, NULL));
	if (!r)
		r = hfile_errno(sqlite3_prepare_v2(f->wdb,
						   "INSERT INTO win(t0,t1,q0,q1,head) "
						   "VALUES(?1,?2,?3,?4,?5)",
						   -1, &f->put_win, NULL));
	if (!r)
		r = hfile_errno(sqlite3_prepare_v2(f->wdb, "INSERT INTO dat(id,data) VALUES(?1,?2)",
						   -1, &f->put_data, NULL));
	return r;
}

int hfile_write_on(struct hfile *f, struct dict *d, unsigned int i)
{
	int r;

	pthread_mutex_lock(&f->lock);
	r = prepare_writer(f);
	if (r)
		close_writer(f);
	/* what was read of it goes: with an error, too, for d may be that and has more by now */
	dict_unref(f->dict);
	f->dict = r ? NULL : dict_ref(d);
	f->dict_file = i;
	pthread_mutex_unlock(&f->lock);
	return r;
}

int hfile_seal(struct hfile *f)
{
	int r;

	pthread_mutex_lock(&f->lock);
	/* the log can only go when nobody else reads */
	hfile_close_reader(f);
	r = hfile_sql(f->wdb, "PRAGMA journal_mode=DELETE");
	close_writer(f);
	dict_unref(f->dict);
	f->dict = NULL;
	pthread_mutex_unlock(&f->lock);
	return r;
}

int hfile_fold(struct hfile *f)
{
	int r;

	/* nobody reads meanwhile: that would keep the log */
	pthread_mutex_lock(&f->lock);
	r = hfile_sql(f->wdb, "PRAGMA wal_checkpoint(TRUNCATE)");
	pthread_mutex_unlock(&f->lock);
	return r;
}

static int step(sqlite3_stmt *q)
{
	int r = sqlite3_step(q);

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return hfile_errno(r);
}

static int put_segment(struct hfile *f, const struct buf *packed)
{
	if (!packed->len)
		return 0;
	sqlite3_bind_blob64(f->put_seg, 1, packed->data, packed->len, SQLITE_STATIC);
	return step(f->put_seg);
}

static int put_window(struct hfile *f, struct hrow *row, const struct buf *head,
		      const struct buf *data)
{
	int r;

	sqlite3_bind_int64(f->put_win, 1, (int64_t)row->from);
	sqlite3_bind_int64(f->put_win, 2, (int64_t)row->to);
	sqlite3_bind_int64(f->put_win, 3, (int64_t)row->first_seq);
	sqlite3_bind_int64(f->put_win, 4, (int64_t)row->last_seq);
	sqlite3_bind_blob64(f->put_win, 5, head->data, head->len, SQLITE_STATIC);
	r = step(f->put_win);
	if (r)
		return r;
	row->id = sqlite3_last_insert_rowid(f->wdb);
	sqlite3_bind_int64(f->put_data, 1, row->id);
	sqlite3_bind_blob64(f->put_data, 2, data->data, data->len, SQLITE_STATIC);
	return step(f->put_data);
}

static int pack_segment(struct hfile *f, ZSTD_CCtx *z, struct buf *out)
{
	struct buf raw = { 0 };
	int r;

	pthread_mutex_lock(&f->dict->lock);
	dict_segment(f->dict, f->dict_file, &raw);
	pthread_mutex_unlock(&f->dict->lock);
	r = raw.err;
	if (!r && raw.len > HFILE_MAX_SEGMENT)
		r = -EFBIG; /* nobody would read it: what comes goes into a new file */
	if (!r && raw.len)
		r = code_pack(z, CODE_TEXTS, &raw, out);
	buf_free(&raw);
	return r;
}

int hfile_pack(struct hfile *f, ZSTD_CCtx **packer, struct code_head *head,
	       const struct code_entry *e, uint32_t n, struct hfile_batch *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!*packer)
		*packer = ZSTD_createCCtx();
	r = *packer ? pack_segment(f, *packer, &ret->seg) : -ENOMEM;
	if (!r)
		r = code_window(*packer, head, e, n, &ret->head, &ret->data);
	free(head->series);
	head->series = NULL;
	return r;
}

void hfile_batch_free(struct hfile_batch *b)
{
	buf_free(&b->seg);
	buf_free(&b->head);
	buf_free(&b->data);
}

/* in the log first, then in the file; pages that are not full; headers */
uint64_t hfile_batch_need(const struct hfile_batch *b)
{
	uint64_t n = b->seg.len + b->head.len + b->data.len;

	return 2 * (n + n / 16) + (64 << 10);
}

/* One of an older version that gets windows of this one must not be read by who wrote it. */
static int stamp(struct hfile *f)
{
	return f->version == HFILE_VERSION
		       ? 0
		       : hfile_sql(f->wdb, "PRAGMA user_version=" HFILE_STR(HFILE_VERSION));
}

int hfile_commit(struct hfile *f, struct hrow *row, const struct hfile_batch *b)
{
	int r = hfile_sql(f->wdb, "BEGIN IMMEDIATE");

	if (!r)
		r = stamp(f);
	if (!r)
		r = put_segment(f, &b->seg);
	if (!r)
		r = put_window(f, row, &b->head, &b->data);
	if (!r)
		r = hfile_sql(f->wdb, "COMMIT");
	if (r) {
		if (!sqlite3_get_autocommit(f->wdb))
			(void)hfile_sql(f->wdb, "ROLLBACK");
		return r;
	}
	f->version = HFILE_VERSION;
	pthread_mutex_lock(&f->dict->lock);
	dict_written(f->dict, f->dict_file);
	pthread_mutex_unlock(&f->dict->lock);
	return 0;
}
