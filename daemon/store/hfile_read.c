// SPDX-License-Identifier: GPL-2.0
/* Opening and reading history files, which may hold anything: see hfile.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/hfile_int.h"
#include "store/match.h"
#include "store/varint.h"

#define MAX_ROWS 2000000

void hfile_close_reader(struct hfile *f)
{
	sqlite3_finalize(f->get_head);
	sqlite3_finalize(f->get_data);
	sqlite3_close(f->db);
	f->get_head = f->get_data = NULL;
	f->db = NULL;
}

int hfile_reader(struct hfile *f)
{
	int r;

	if (f->db)
		return 0;
	r = hfile_connect(f->path, SQLITE_OPEN_READONLY, &f->db);
	if (!r)
		r = hfile_errno(sqlite3_prepare_v2(f->db, "SELECT head FROM win WHERE id=?1", -1,
						   &f->get_head, NULL));
	if (!r)
		r = hfile_errno(sqlite3_prepare_v2(f->db, "SELECT data FROM dat WHERE id=?1", -1,
						   &f->get_data, NULL));
	if (r)
		hfile_close_reader(f);
	return r;
}

/* ---- opening ---- */

int64_t hfile_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

static char *text(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	char *v = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		return NULL;
	if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) == SQLITE_TEXT &&
	    sqlite3_column_bytes(q, 0) < 4096)
		v = strdup((const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return v;
}

/*
 * Word by word: columns that are made while they are read, views, and tables of
 * SQLite's modules would have the file say what is run here, and take a gigabyte
 * of memory out of nothing.
 */
static int check_tables(sqlite3 *db)
{
	sqlite3_stmt *q;
	size_t n = 0, ours = 0;
	int r;

	r = hfile_errno(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master", -1, &q, NULL));
	if (r)
		return r;
	while ((r = sqlite3_step(q)) == SQLITE_ROW) {
		const char *sql = (const char *)sqlite3_column_text(q, 0);

		ours += n < HFILE_TABLES && sql && !strcmp(sql, hfile_tables[n]);
		n++;
	}
	sqlite3_finalize(q);
	r = hfile_errno(r);
	return r ? r : n == HFILE_TABLES && ours == n ? 0 : -EBADMSG;
}

/* NULL: it is a file of ours, as far as can be seen without reading all of it. */
static const char *foreign(sqlite3 *db, const char *path, int64_t version)
{
	int64_t pages = hfile_number(db, "PRAGMA page_count"), size = hfile_number(db, "PRAGMA "
										       "page_size");
	struct stat st;

	if (version < 0 || pages < 0)
		return "damaged, or no SQLite file";
	if (hfile_number(db, "PRAGMA application_id") != HFILE_APP_ID)
		return "no file of this history";
	if (version > HFILE_VERSION)
		return "written by a newer version of ringprof";
	if (version < 1)
		return "of an unknown version";
	if (stat(path, &st) || (int64_t)st.st_size < pages * size)
		return "torn: its end is missing";
	return NULL;
}

static int add_row(struct hfile *f, sqlite3_stmt *q)
{
	struct hrow r = { .id = sqlite3_column_int64(q, 0),
			  .from = (uint64_t)sqlite3_column_int64(q, 1),
			  .to = (uint64_t)sqlite3_column_int64(q, 2),
			  .first_seq = (uint64_t)sqlite3_column_int64(q, 3),
			  .last_seq = (uint64_t)sqlite3_column_int64(q, 4) };
	struct hrow *rows;

	if (r.from >= r.to || r.first_seq > r.last_seq || r.to > INT64_MAX ||
	    r.last_seq > INT64_MAX || f->n_rows >= MAX_ROWS)
		return -EBADMSG;
	rows = array_room(f->rows, &f->cap_rows, f->n_rows + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	f->rows = rows;
	rows[f->n_rows++] = r;
	return 0;
}

static int read_rows(struct hfile *f, sqlite3 *db)
{
	sqlite3_stmt *q;
	int r, step;

	r = hfile_errno(
		sqlite3_prepare_v2(db, "SELECT id,t0,t1,q0,q1 FROM win ORDER BY id", -1, &q, NULL));
	if (r)
		return r;
	while (!r && (step = sqlite3_step(q)) == SQLITE_ROW)
		r = add_row(f, q);
	sqlite3_finalize(q);
	return r ? r : hfile_errno(step);
}

static int read_meta(struct hfile *f, sqlite3 *db)
{
	f->origin = (uint64_t)hfile_number(db, "SELECT value FROM meta WHERE key='origin'");
	f->pin_name = text(db, "SELECT value FROM meta WHERE key='pin'");
	f->pin_host = text(db, "SELECT value FROM meta WHERE key='host'");
	return f->pin_host ? 0 : -EBADMSG;
}

/* A log that was left by a killed process is folded in here. */
static int open_checked(struct hfile *f, const char **why)
{
	sqlite3 *db;
	int r = hfile_connect(f->path, SQLITE_OPEN_READWRITE, &db);

	*why = "damaged, or no SQLite file";
	if (r)
		return r;
	r = hfile_sql(db, "PRAGMA journal_mode=DELETE");
	if (!r) {
		const char *w;

		f->version = hfile_number(db, "PRAGMA user_version");
		w = foreign(db, f->path, f->version);
		*why = w ? w : "its tables are damaged, or none of ours";
		r = w ? -EBADMSG : 0;
	}
	if (!r)
		r = check_tables(db);
	if (!r)
		r = read_meta(f, db);
	if (!r)
		r = read_rows(f, db);
	sqlite3_close(db);
	return r;
}

int hfile_open(struct hfile **ret, const char *path, const char **why)
{
	struct hfile *f = hfile_alloc(path);
	int r;

	*why = "out of memory";
	if (!f)
		return -ENOMEM;
	r = open_checked(f, why);
	if (r) {
		hfile_unref(f);
		return r;
	}
	f->bytes = hfile_size(f->path);
	*ret = f;
	return 0;
}

/* ---- windows ---- */

/* The blob of that row; good until the statement is reset. */
static int blob(sqlite3_stmt *q, int64_t id, const void **p, size_t *len)
{
	int r;

	sqlite3_bind_int64(q, 1, id);
	r = sqlite3_step(q);
	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? -EBADMSG : hfile_errno(r);
	*p = sqlite3_column_blob(q, 0);
	*len = (size_t)sqlite3_column_bytes(q, 0);
	return *p ? 0 : -EBADMSG;
}

/* Head and what the selector takes of it; the caller frees head->series and *take, zeroed before. */
static int read_head(struct hfile *f, const struct hrow *row, const struct selector *sel,
		     struct code_head *head, uint8_t **take)
{
	const void *p;
	size_t len;
	int r = hfile_reader(f);

	if (!r)
		r = blob(f->get_head, row->id, &p, &len);
	if (!r)
		r = decode_head(p, len, (uint32_t)f->dict->n_series, head);
	if (f->get_head)
		sqlite3_reset(f->get_head);
	if (r)
		return r;
	*take = calloc(head->n_series + 1U, 1);
	if (!*take)
		return -ENOMEM;
	for (uint32_t i = 0; i < head->n_series; i++) {
		r = store_match_labels(sel, model_series(f->dict->model, head->series[i].series));
		if (r < 0)
			return r;
		(*take)[i] = (uint8_t)r;
	}
	return 0;
}

static uint64_t count_entries(const struct code_head *head, const uint8_t *take)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < head->n_series; i++)
		n += take[i] ? head->series[i].entries : 0;
	return n;
}

static int read_entries(struct hfile *f, const struct hrow *row, const struct code_head *head,
			const uint8_t *take, struct window *w)
{
	ZSTD_DCtx *z;
	uint64_t n = count_entries(head, take);
	const void *p;
	size_t len;
	int r;

	if (!n)
		return 0;
	if (n > HFILE_MAX_ENTRIES)
		return -EBADMSG;
	w->entries = malloc(n * sizeof(*w->entries));
	z = ZSTD_createDCtx();
	r = w->entries && z ? blob(f->get_data, row->id, &p, &len) : -ENOMEM;
	if (!r)
		r = decode_data(z, p, len, head, f->dict, take, w->entries, &w->n_entries);
	sqlite3_reset(f->get_data);
	ZSTD_freeDCtx(z);
	return r;
}

/* ns of the window in which samples could come; who says nonsense means all of it */
static uint64_t sampled(const struct code_head *head, const struct hrow *row)
{
	if (!head->cpus && !head->n_series && !head->n_losses)
		return 0;
	return head->covered && head->covered < row->to - row->from ? head->covered
								    : row->to - row->from;
}

static int fill_window(struct hfile *f, const struct hrow *row, const struct code_head *head,
		       const uint8_t *take, struct window *w)
{
	w->model = model_ref(f->dict->model);
	w->start = w->wall_start = row->from;
	w->end = row->to;
	w->period = head->period;
	w->unit = head->unit;
	w->idle = head->idle;
	w->cpus = head->cpus;
	w->unsampled = row->to - row->from - sampled(head, row);
	w->losses = malloc((head->n_losses + 1U) * sizeof(*w->losses));
	if (!w->losses)
		return -ENOMEM;
	w->n_losses = head->n_losses;
	memcpy(w->losses, head->losses, head->n_losses * sizeof(*w->losses));
	for (uint32_t i = 0; i < head->n_series; i++) {
		if (!take[i])
			continue;
		w->samples += head->series[i].samples;
		w->weight += head->series[i].weight;
	}
	return 0;
}

struct want {
	const struct selector *sel;
	bool totals_only;
	struct raw_sample **samples; /* NULL: none */
	uint32_t *n_samples;
};

static int read_samples(struct hfile *f, const struct hrow *row, uint32_t n_entries,
			const struct want *want)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	const void *p;
	size_t len;
	int r = z ? blob(f->get_data, row->id, &p, &len) : -ENOMEM;

	if (!r)
		r = decode_samples(z, p, len, n_entries, want->samples, want->n_samples);
	sqlite3_reset(f->get_data);
	ZSTD_freeDCtx(z);
	return r;
}

static int read_window(struct hfile *f, const struct hrow *row, const struct want *want,
		       struct window **ret)
{
	struct window *w = calloc(1, sizeof(*w));
	cleanup_free uint8_t *take = NULL;
	struct code_head head = { 0 };
	int r = w ? hfile_begin_read(f) : -ENOMEM;

	if (r) {
		free(w);
		return r;
	}
	w->refs = 1;
	r = read_head(f, row, want->sel, &head, &take);
	if (!r)
		r = fill_window(f, row, &head, take, w);
	if (!r && !want->totals_only)
		r = read_entries(f, row, &head, take, w);
	if (!r && want->samples)
		r = read_samples(f, row, w->n_entries, want);
	hfile_end_read(f);
	free(head.series);
	if (r)
		window_unref(w);
	else
		*ret = w;
	return r;
}

int hfile_window(struct hfile *f, const struct hrow *row, const struct selector *sel,
		 bool totals_only, struct window **ret)
{
	return read_window(f, row, &(struct want){ .sel = sel, .totals_only = totals_only }, ret);
}

int hfile_entries(struct hfile *f, const struct hrow *row, uint64_t *ret)
{
	cleanup_free uint8_t *take = NULL;
	struct code_head head = { 0 };
	int r = hfile_begin_read(f);

	if (!r) {
		r = read_head(f, row, NULL, &head, &take);
		hfile_end_read(f);
	}
	*ret = r ? 0 : count_entries(&head, take);
	free(head.series);
	return r;
}

int hfile_raw(struct hfile *f, const struct hrow *row, struct window **ret,
	      struct raw_sample **samples, uint32_t *n)
{
	return read_window(f, row, &(struct want){ .samples = samples, .n_samples = n }, ret);
}

int hfile_series(struct hfile *f, const struct hrow *row, const struct selector *sel, series_fn fn,
		 void *arg)
{
	cleanup_free uint8_t *take = NULL;
	struct model *model = NULL;
	struct code_head head = { 0 };
	uint64_t count = 0, weight = 0, len = 0;
	int r = hfile_begin_read(f);

	if (!r) {
		r = read_head(f, row, sel, &head, &take);
		model = model_ref(f->dict->model);
		hfile_end_read(f);
	}
	for (uint32_t i = 0; i < head.n_losses; i++) {
		count += head.losses[i].count;
		weight += head.losses[i].weight;
	}
	/* what the callback gives is its own affair: only what is ours means damage */
	if (!r)
		len = sampled(&head, row);
	if (len)
		r = fn(arg, row->from, row->to, len, NULL, count, weight);
	for (uint32_t i = 0; !r && len && i < head.n_series; i++)
		if (take[i])
			r = fn(arg, row->from, row->to, len,
			       model_series(model, head.series[i].series), head.series[i].samples,
			       head.series[i].weight);
	free(head.series);
	model_unref(model);
	return r;
}

int hfile_has_host(struct hfile *f, const struct selector *sel)
{
	int r = store_match_host(sel, f->pin_host);

	if (r)
		return r;
	/* labels have rules: the host that they name may be another one */
	r = hfile_begin_read(f);
	if (!r) {
		r = store_match_host_of(sel, f->dict->model);
		hfile_end_read(f);
	}
	return r;
}
