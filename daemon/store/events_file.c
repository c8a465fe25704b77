// SPDX-License-Identifier: GPL-2.0
#include "store/events_file.h"

#include <errno.h>
#include <stdlib.h>

#include "store/hfile_int.h"

#define EVENTS_APP_ID 0x52504531 /* "RPE1" */

#define EVENTS_VERSION 1

struct events_file {
	sqlite3 *db;
	sqlite3_stmt *put, *drop;
};

static const char schema[] =
	"PRAGMA journal_mode=DELETE; PRAGMA synchronous=NORMAL;"
	"CREATE TABLE IF NOT EXISTS event(id INTEGER PRIMARY KEY, t0 INTEGER NOT NULL,"
	" t1 INTEGER NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL, version TEXT NOT NULL,"
	" git_ref TEXT NOT NULL, text TEXT NOT NULL);"
	"PRAGMA application_id=" HFILE_STR(EVENTS_APP_ID) ";"
							  "PRAGMA user_version=" HFILE_STR(
								  EVENTS_VERSION) ";";

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

/* Ours, or empty. */
static bool is_ours(sqlite3 *db)
{
	int64_t app = number(db, "PRAGMA application_id");

	if (number(db, "PRAGMA user_version") > EVENTS_VERSION)
		return false;
	return app == EVENTS_APP_ID || (!app && !number(db, "SELECT count(*) FROM sqlite_master"));
}

static const char *column(sqlite3_stmt *q, int i)
{
	const char *s = (const char *)sqlite3_column_text(q, i);

	return s ? s : "";
}

static int read_all(sqlite3 *db, int (*fn)(void *arg, const struct store_event *e), void *arg)
{
	sqlite3_stmt *q;
	int step = SQLITE_DONE;
	int r = hfile_errno(sqlite3_prepare_v2(db,
					       "SELECT id,t0,t1,kind,service,version,git_ref,text "
					       "FROM event ORDER BY id",
					       -1, &q, NULL));

	while (!r && (step = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_event e = { .id = (uint64_t)sqlite3_column_int64(q, 0),
					 .time = (uint64_t)sqlite3_column_int64(q, 1),
					 .until = (uint64_t)sqlite3_column_int64(q, 2),
					 .kind = column(q, 3),
					 .service = column(q, 4),
					 .version = column(q, 5),
					 .git_ref = column(q, 6),
					 .text = column(q, 7) };

		r = fn(arg, &e);
	}
	sqlite3_finalize(q);
	return r ? r : hfile_errno(step);
}

static int prepare(struct events_file *f)
{
	int r = hfile_errno(sqlite3_prepare_v2(
		f->db, "INSERT INTO event VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", -1, &f->put, NULL));

	return r ? r
		 : hfile_errno(sqlite3_prepare_v2(f->db, "DELETE FROM event WHERE id=?1", -1,
						  &f->drop, NULL));
}

int events_file_open(struct events_file **ret, const char *path,
		     int (*fn)(void *arg, const struct store_event *e), void *arg)
{
	struct events_file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = hfile_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &f->db);
	if (!r && !is_ours(f->db))
		r = -EBADMSG;
	if (!r)
		r = hfile_sql(f->db, schema);
	if (!r)
		r = read_all(f->db, fn, arg);
	if (!r)
		r = prepare(f);
	if (r)
		events_file_close(f);
	else
		*ret = f;
	return r;
}

void events_file_close(struct events_file *f)
{
	if (!f)
		return;
	sqlite3_finalize(f->put);
	sqlite3_finalize(f->drop);
	sqlite3_close(f->db);
	free(f);
}

static int step(sqlite3_stmt *q)
{
	int r = sqlite3_step(q);

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return hfile_errno(r);
}

int events_file_add(struct events_file *f, const struct store_event *e)
{
	const char *texts[] = { e->kind, e->service, e->version, e->git_ref, e->text };

	sqlite3_bind_int64(f->put, 1, (int64_t)e->id);
	sqlite3_bind_int64(f->put, 2, (int64_t)e->time);
	sqlite3_bind_int64(f->put, 3, (int64_t)e->until);
	for (int i = 0; i < 5; i++)
		sqlite3_bind_text(f->put, 4 + i, texts[i], -1, SQLITE_STATIC);
	return step(f->put);
}

void events_file_drop(struct events_file *f, uint64_t id)
{
	sqlite3_bind_int64(f->drop, 1, (int64_t)id);
	(void)step(f->drop); /* they are told of once more, and dropped again */
}
