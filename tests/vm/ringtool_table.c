// SPDX-License-Identifier: GPL-2.0
/*
 * ringtool table VERB...: unwind tables, good and bad ones, without a daemon
 *
 *	add FILE ROWS [KEY]	a table of ROWS made-up rows for FILE (no ELF is
 *				looked at: the whole file is one segment); KEY 0 to 255
 *	half FILE ROWS		half of one, then sleep
 *	vdso ROWS [KEY]		the table without a file
 *	fill DIR N ROWS		N files below DIR with a table each
 *	del ID | delkey KEY	the exit status is the errno of a refusal
 *	list			one line a table: id rows bytes hits committed
 *	budget BYTES		of all tables
 *	stats			a JSON object: bytes, count, budget and counters
 *	bad FILE		everything that must be refused, as TAP-like lines
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringprof/row.h"
#include "source/control_table.h"

#include "ringtool.h"

static struct control *ctl;

static int refused(const char *what, int r)
{
	if (r < 0)
		fprintf(stderr, "ringtool: table %s: %s\n", what, control_error(ctl));
	return r < 0 ? -r : 0;
}

/* Rows every 4 bytes, of all kinds that stand alone; the walker may meet them. */
static struct ringprof_row *made_up(uint32_t n)
{
	static const uint32_t rule[] = {
		RINGPROF_CFA_GAP,
		RINGPROF_CFA_SP | 2 << RINGPROF_RULE_OFF_SHIFT,
		RINGPROF_CFA_BP | 2 << RINGPROF_RULE_OFF_SHIFT,
		RINGPROF_CFA_PLT | 11 << RINGPROF_RULE_OFF_SHIFT,
		RINGPROF_CFA_SIGNAL,
		RINGPROF_CFA_SP_DEREF | 1 << RINGPROF_RULE_OFF_SHIFT,
		RINGPROF_CFA_OPAQUE,
	};
	struct ringprof_row *rows = calloc(n ? n : 1, sizeof(*rows));

	if (!rows)
		exit(ENOMEM);
	for (uint32_t i = 0; i < n; i++) {
		rows[i].pc = i * 4;
		rows[i].rule = rule[i % (sizeof(rule) / sizeof(rule[0]))];
	}
	return rows;
}

/* file NULL: the vDSO. Exits when it cannot be opened. */
static struct control_table table_of(const char *file, uint32_t n, int key,
				     struct ringprof_segment *seg)
{
	struct control_table t = { .fd = -1, .segments = seg, .n_segments = 1, .n_rows = n };

	memset(t.key, key, sizeof(t.key));
	*seg = (struct ringprof_segment){ .size = 1U << 30 };
	if (file) {
		t.fd = open(file, O_RDONLY | O_CLOEXEC);
		if (t.fd < 0)
			exit(errno);
	}
	t.rows = made_up(n);
	return t;
}

static int add(const char *file, uint32_t n, int key)
{
	struct ringprof_segment seg;
	struct control_table t = table_of(file, n, key, &seg);
	uint32_t id = 0;
	int r = control_table_add(ctl, &t, &id);

	if (!r)
		printf("%u\n", id);
	free((void *)(uintptr_t)t.rows);
	if (t.fd >= 0)
		close(t.fd);
	return refused("add", r);
}

static int half(const char *file, uint32_t n)
{
	struct ringprof_segment seg;
	struct control_table t = table_of(file, n, 1, &seg);
	uint32_t id, done = 0;
	int r = control_table_begin(ctl, &t, &id);

	if (!r)
		r = control_table_send(ctl, &t, id, n / 2, &done);
	if (r)
		return refused("half", r);
	printf("%u\n", id);
	fflush(stdout);
	pause();
	return 0;
}

static int fill(const char *dir, unsigned int files, uint32_t n)
{
	char path[4096];

	for (unsigned int i = 0; i < files; i++) {
		int fd, r;

		snprintf(path, sizeof(path), "%s/table-%u", dir, i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return errno;
		close(fd);
		r = add(path, n, (int)i & 255);
		if (r)
			return r;
	}
	return 0;
}

static int list(void)
{
	static struct control_table_info t[10000];
	int n = control_table_list(ctl, t, sizeof(t) / sizeof(t[0]));

	for (int i = 0; i < n; i++)
		printf("%u %u %" PRIu64 " %" PRIu64 " %d\n", t[i].id, t[i].n_rows, t[i].bytes,
		       t[i].hits, t[i].committed);
	return refused("list", n);
}

static int budget(const char *bytes)
{
	struct control_config cfg = { .table_budget = strtoull(bytes, NULL, 0),
				      .set_table_budget = true };

	return refused("budget", control_set(ctl, &cfg));
}

static int stats(void)
{
	struct control_config cfg;
	struct control_stats st;
	struct control_info in;
	int r = control_info(ctl, &in);

	if (!r)
		r = control_get(ctl, &cfg);
	if (!r)
		r = control_stats(ctl, &st);
	if (r)
		return refused("stats", r);
	printf("{\"bytes\":%" PRIu64 ",\"count\":%u,\"budget\":%" PRIu64 ",\"memory\":%" PRIu64,
	       in.table_bytes, in.table_count, cfg.table_budget, in.memory);
	for (unsigned int i = 0; i < st.n_unwind; i++)
		printf(",\"%s\":%" PRIu64, control_unwind_name(i), st.unwind[i]);
	printf("}\n");
	return 0;
}

/* ---- what must be refused ---- */

static int n_bad;

/* The module must have said why, in a sentence of its own. */
static void want(const char *name, int r, int err)
{
	bool good = r == -err && strlen(control_error(ctl)) > 20;

	printf("%s %s (%d: %s)\n", good ? "ok" : "not ok", name, -r, control_error(ctl));
	n_bad += !good;
}

static void bad_begin(const char *name, const struct control_table *t, int err)
{
	uint32_t id;

	want(name, control_table_begin(ctl, t, &id), err);
}

static void bad_descriptors(struct control_table t)
{
	int fd = t.fd;

	t.fd = 9999;
	bad_begin("a descriptor that is not open", &t, EBADF);
	t.fd = open("/", O_RDONLY | O_CLOEXEC);
	bad_begin("a directory", &t, EINVAL);
	close(t.fd);
	t.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bad_begin("a device", &t, EINVAL);
	close(t.fd);
	t.fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	bad_begin("a descriptor that is a path alone", &t, EBADF);
	close(t.fd);
	t.fd = open("write-only", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bad_begin("a file open for writing alone", &t, EINVAL);
	close(t.fd);
	unlink("write-only");
	t.fd = fd;
}

static void bad_sizes(struct control_table t)
{
	struct ringprof_segment s[RINGPROF_MAX_SEGMENTS] = { { .size = 0 } };

	t.n_rows = 0;
	bad_begin("no row", &t, EINVAL);
	t.n_rows = RINGPROF_MAX_ROWS + 1;
	bad_begin("a row too many", &t, EINVAL);
	t.n_rows = 0xffffffff;
	bad_begin("rows without end", &t, EINVAL);
	t.n_rows = RINGPROF_MAX_ROWS;
	bad_begin("more than the budget", &t, ENOSPC);
	t.n_rows = 1;
	t.segments = s;
	bad_begin("an empty segment", &t, EINVAL);
	s[0] = (struct ringprof_segment){ .offset = -4096ULL, .size = 8192 };
	bad_begin("a segment that wraps in the file", &t, EINVAL);
	s[0] = (struct ringprof_segment){ .vaddr = -4096ULL, .size = 4096 };
	bad_begin("a segment that wraps in memory", &t, EINVAL);
	s[0] = (struct ringprof_segment){ .offset = 8, .size = 4096 };
	bad_begin("a segment that no page can hold", &t, EINVAL);
	t.n_segments = RINGPROF_MAX_SEGMENTS + 1;
	bad_begin("a segment too many", &t, EINVAL);
}

/* Rows that differ from good ones at number `at`. */
static void bad_row(const char *name, struct control_table t, uint32_t at, struct ringprof_row row)
{
	struct ringprof_row *rows = made_up(t.n_rows);

	rows[at] = row;
	t.rows = rows;
	want(name, control_table_add(ctl, &t, NULL), EINVAL);
	free(rows);
}

static void bad_rows(struct control_table t)
{
	t.n_rows = RINGPROF_ROWS_A_MESSAGE + 10;
	bad_row("a row twice", t, 5, (struct ringprof_row){ 16, 0 });
	bad_row("a row out of order", t, 5, (struct ringprof_row){ 3, 0 });
	bad_row("out of order between two messages", t, RINGPROF_ROWS_A_MESSAGE,
		(struct ringprof_row){ 3, 0 });
	bad_row("a kind that is none", t, 5, (struct ringprof_row){ 20, 15 });
	bad_row("a gap with an offset", t, 5, (struct ringprof_row){ 20, 1U << 31 });
	bad_row("a register that is none", t, 5,
		(struct ringprof_row){ 20, ringprof_rule(RINGPROF_CFA_REG, 0, 0, 99) });
	bad_row("bad in the last row", t, t.n_rows - 1, (struct ringprof_row){ -1U, 14 });
}

static void bad_order(struct control_table t)
{
	struct control_table more = t;
	uint32_t id = 0, done = 0, twice = 0, other;

	t.n_rows = 100;
	want("committing what was never begun", control_table_commit(ctl, 4711000), ENOENT);
	want("rows of what was never begun", control_table_send(ctl, &t, 4711000, 1, &done),
	     ENOENT);
	if (control_table_begin(ctl, &t, &id))
		return want("a good table begins", -EINVAL, 0);
	want("a commit without rows", control_table_commit(ctl, id), EINVAL);
	done = 1;
	want("the second row first", control_table_send(ctl, &t, id, 1, &done), EINVAL);
	done = 0;
	control_table_send(ctl, &t, id, 100, &done);
	want("the same rows twice", control_table_send(ctl, &t, id, 100, &twice), EINVAL);
	more.n_rows = 200;
	more.rows = t.rows;
	done = 100;
	want("more rows than announced", control_table_send(ctl, &more, id, 100, &done), EINVAL);
	other = id;
	if (control_table_commit(ctl, id))
		want("the good table is taken after all", -EINVAL, 0);
	want("a second commit", control_table_commit(ctl, other), ENOENT);
	done = 0;
	want("rows after the commit", control_table_send(ctl, &t, other, 100, &done), ENOENT);
	control_table_del(ctl, other);
	want("deleting what is gone", control_table_del(ctl, other), ENOENT);
	want("deleting a key that is not there", control_table_del_key(ctl, t.key), ENOENT);
}

/* Another socket's table is none of ours. */
static void bad_owner(struct control_table t)
{
	uint32_t id, done = 0;
	struct control *ours = ctl, *theirs;
	char err[256];

	t.n_rows = 10;
	if (control_table_begin(ctl, &t, &id) || control_open(&theirs, err, sizeof(err)))
		return want("a good table begins", -EINVAL, 0);
	ctl = theirs;
	want("rows from another socket", control_table_send(ctl, &t, id, 10, &done), ENOENT);
	want("a commit from another socket", control_table_commit(ctl, id), ENOENT);
	ctl = ours;
	control_close(theirs);
	control_table_del(ctl, id);
}

static int bad(const char *file)
{
	struct ringprof_segment seg;
	struct control_table t = table_of(file, RINGPROF_ROWS_A_MESSAGE + 10, 0xbd, &seg);

	bad_descriptors(t);
	bad_sizes(t);
	bad_rows(t);
	bad_order(t);
	bad_owner(t);
	return n_bad != 0;
}

int table_verb(struct control *c, int argc, char **argv)
{
	const char *verb = argc > 0 ? argv[0] : "", *a = argc > 1 ? argv[1] : "";
	uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0;

	ctl = c;
	if (!strcmp(verb, "add") && argc > 2)
		return add(a, n, argc > 3 ? atoi(argv[3]) : 0);
	if (!strcmp(verb, "half") && argc > 2)
		return half(a, n);
	if (!strcmp(verb, "vdso") && argc > 1)
		return add(NULL, (uint32_t)atoi(a), (int)n);
	if (!strcmp(verb, "fill") && argc > 3)
		return fill(a, n, (uint32_t)strtoul(argv[3], NULL, 0));
	if (!strcmp(verb, "del") && argc > 1)
		return refused("del", control_table_del(ctl, (uint32_t)atoi(a)));
	if (!strcmp(verb, "delkey") && argc > 1) {
		uint8_t key[RINGPROF_KEY_SIZE];

		memset(key, atoi(a), sizeof(key));
		return refused("delkey", control_table_del_key(ctl, key));
	}
	if (!strcmp(verb, "list"))
		return list();
	if (!strcmp(verb, "budget") && argc > 1)
		return budget(a);
	if (!strcmp(verb, "stats"))
		return stats();
	if (!strcmp(verb, "bad") && argc > 1)
		return bad(a);
	fprintf(stderr, "ringtool: table add, half, vdso, fill, del, delkey, list, budget, stats "
			"or bad\n");
	return 2;
}
