// SPDX-License-Identifier: GPL-2.0
/*
 * The sum of a pin: all that its tables hold, without regard to how SQLite laid
 * it out. A file that was carried about and changed on the way may still read
 * well; its sum tells.
 */
#include <errno.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "store/hfile_int.h"
#include "store/pins.h"

/* In the order of their keys: the same rows are the same sum. */
static const char *const contents[] = {
	"SELECT key,value FROM meta WHERE key<>'sum' ORDER BY key",
	"SELECT * FROM seg ORDER BY id",
	"SELECT * FROM win ORDER BY id",
	"SELECT * FROM dat ORDER BY id",
};

static void add_value(XXH64_state_t *sum, sqlite3_stmt *q, int column)
{
	int type = sqlite3_column_type(q, column), n;
	const void *p = sqlite3_column_blob(q, column); /* numbers as text: as good */

	n = sqlite3_column_bytes(q, column);
	XXH64_update(sum, &type, sizeof(type));
	XXH64_update(sum, &n, sizeof(n));
	if (n)
		XXH64_update(sum, p, (size_t)n);
}

static int add_table(XXH64_state_t *sum, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q;
	int step = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	if (step != SQLITE_OK)
		return hfile_errno(step);
	while ((step = sqlite3_step(q)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(q); i++)
			add_value(sum, q, i);
	sqlite3_finalize(q);
	return hfile_errno(step);
}

static int sum_of(sqlite3 *db, int64_t *ret)
{
	XXH64_state_t *sum = XXH64_createState();
	int r = sum ? 0 : -ENOMEM;

	if (!r)
		XXH64_reset(sum, 0);
	for (size_t i = 0; !r && i < ARRAY_SIZE(contents); i++)
		r = add_table(sum, db, contents[i]);
	if (!r)
		*ret = (int64_t)XXH64_digest(sum);
	XXH64_freeState(sum);
	return r;
}

int pins_put_sum(const char *path)
{
	sqlite3 *db;
	int64_t sum;
	int r = hfile_connect(path, SQLITE_OPEN_READWRITE, &db);

	if (r)
		return r;
	r = sum_of(db, &sum);
	if (!r)
		r = hfile_put_meta(db, "sum", NULL, sum);
	sqlite3_close(db);
	return r;
}

int pins_check_sum(const char *path)
{
	sqlite3 *db;
	int64_t sum, told;
	int r = hfile_connect(path, SQLITE_OPEN_READONLY, &db);

	if (r)
		return r;
	r = sum_of(db, &sum);
	told = hfile_number(db, "SELECT value FROM meta WHERE key='sum'");
	sqlite3_close(db);
	return r ? r : sum == told ? 0 : -EBADMSG;
}
