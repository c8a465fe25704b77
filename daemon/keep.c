// SPDX-License-Identifier: GPL-2.0
#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/readonly.h"
#include "http/metrics.h"
#include "query/resolve.h"

/* debug information that is read for the names of one window */
#define LINE_NS (2 * NSEC_PER_SEC)

/* What /run holds is gone with the next boot: no place for a history. */
static char *dir_of(const struct config *c)
{
	char *dir;

	if (*c->history_dir)
		return strdup(c->history_dir);
	if (!strncmp(c->state_dir, "/run/", 5))
		return strdup("/var/lib/ringprof/history");
	return asprintf(&dir, "%s/history", c->state_dir) < 0 ? NULL : dir;
}

/*
 * Files of another user, who has run the daemon before: the service, and now
 * root by hand, without the right to write what is not its own. None that has
 * another name elsewhere: it may be anybody's.
 */
static void take_files(int dir, uid_t uid, gid_t gid)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (!fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
		    st.st_nlink == 1 && st.st_uid != uid &&
		    fchownat(fd, e->d_name, uid, gid, AT_SYMLINK_NOFOLLOW))
			break; /* what cannot be opened then is told */
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

/* By the lock that a daemon holds as long as it writes there (store/history.c). */
static bool in_use(int dir)
{
	cleanup_close int fd = openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

static int make_dir(char *dir, uid_t uid, gid_t gid)
{
	cleanup_close int fd = -1;

	for (char *p = dir + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(dir, 0750) && errno != EEXIST)
		return -errno;
	/* who owned it before may have put a link in its place */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (in_use(fd))
		return 0;
	if (fchown(fd, uid, gid))
		return -errno;
	take_files(fd, uid, gid);
	return 0;
}

void keep_make_dir(const struct config *c)
{
	struct passwd *pw = *c->user ? getpwnam(c->user) : NULL;
	cleanup_free char *dir = c->history_size ? dir_of(c) : NULL;
	int r;

	if (!dir)
		return;
	r = make_dir(dir, pw ? pw->pw_uid : geteuid(), pw ? pw->pw_gid : getegid());
	if (r)
		log_warn("%s: %s%s; make it, or set history-dir or history-size = 0", dir,
			 strerror(-r), readonly_hint(r));
}

static void name_place(void *arg, const struct model_object *o, uint64_t off,
		       struct sym_answer *ret, bool *has_vaddr, uint64_t *vaddr)
{
	uint64_t line_ns = LINE_NS;

	query_resolve(arg, o, off, &line_ns, ret);
	*has_vaddr = query_vaddr(o, off, vaddr);
}

static uint64_t tell_place(void *arg, const struct model_object *o, uint64_t off)
{
	return query_address(arg, o, off);
}

static struct history_config limits(const struct config *c)
{
	struct history_config h = { .max_bytes = c->history_size,
				    .raw_bytes = c->history_raw,
				    .memory = c->memory };

	memcpy(h.max_age, c->history_age, sizeof(h.max_age));
	return h;
}

void keep_open(const struct config *c, const char *host, struct query_env *env)
{
	struct history_config h = limits(c);
	cleanup_free char *dir = NULL;
	char err[512] = "";
	int r;

	if (!c->history_size)
		return;
	dir = dir_of(c);
	h.dir = dir;
	h.host = host;
	h.name = name_place;
	h.tell = tell_place;
	h.arg = env;
	r = dir ? store_open_history(env->store, &h, err, sizeof(err)) : -ENOMEM;
	if (r)
		log_warn("%s%s; the history is kept in memory alone",
			 *err ? err : "history: out of memory", readonly_hint(r));
	keep_tell(env->store);
}

void keep_limits(const struct config *c, struct store *s)
{
	struct history_config h = limits(c);

	/* 0 begins to hold at the next start: files are not to vanish by a reload */
	if (c->history_size)
		store_limit_history(s, &h);
}

void keep_tell(struct store *s)
{
	char line[512];

	while (history_message(s, line, sizeof(line)))
		log_warn("%s", line);
}

/* ---- metrics ---- */

static void counter(struct buf *b, const char *name, const char *help, uint64_t v)
{
	metrics_family(b, name, METRIC_COUNTER, help);
	metrics_u64(b, name, v, NULL);
}

static void gauge(struct buf *b, const char *name, const char *help, uint64_t v)
{
	metrics_family(b, name, METRIC_GAUGE, help);
	metrics_u64(b, name, v, NULL);
}

static void tier_metrics(struct buf *b, struct store *s)
{
	struct tier_info t[TIER_MAX];
	size_t n = store_tiers(s, t, TIER_MAX);

	metrics_family(b, "ringprof_history_tier_bytes", METRIC_GAUGE,
		       "Bytes of a tier of the history on disk.");
	for (size_t i = 1; i < n; i++)
		metrics_u64(b, "ringprof_history_tier_bytes", t[i].bytes, "tier", t[i].name, NULL);
	metrics_family(b, "ringprof_history_tier_oldest_timestamp_seconds", METRIC_GAUGE,
		       "Begin of a tier's oldest window, unix time; 0: none.");
	for (size_t i = 1; i < n; i++)
		metrics_ns(b, "ringprof_history_tier_oldest_timestamp_seconds", t[i].oldest, "tier",
			   t[i].name, NULL);
}

static void dropped_metrics(struct buf *b, const struct history_counters *c)
{
	static const char name[] = "ringprof_history_dropped_files_total";

	metrics_family(b, name, METRIC_COUNTER, "Files of the history dropped, and why.");
	metrics_u64(b, name, c->dropped_by_age, "reason", "age", NULL);
	metrics_u64(b, name, c->dropped_by_budget, "reason", "budget", NULL);
	metrics_u64(b, name, c->dropped_by_full_disk, "reason", "disk_full", NULL);
	metrics_u64(b, name, c->dropped_raw, "reason", "raw", NULL);
	counter(b, "ringprof_history_refused_files_total",
		"Files of the history set aside: damaged, or not of this history.", c->refused);
}

static void raw_metrics(struct buf *b, const struct history_counters *c)
{
	gauge(b, "ringprof_history_raw_bytes", "Bytes of single samples among them.", c->raw_bytes);
	gauge(b, "ringprof_history_raw_limit_bytes", "What they may take.", c->raw_max_bytes);
	counter(b, "ringprof_history_raw_samples_total", "Single samples written to disk.",
		c->raw_samples);
	counter(b, "ringprof_history_raw_lost_samples_total",
		"Single samples that could not be written; their windows may have been.",
		c->raw_lost);
	metrics_family(b, "ringprof_history_raw_oldest_timestamp_seconds", METRIC_GAUGE,
		       "Begin of the oldest window with single samples, unix time; 0: none.");
	metrics_ns(b, "ringprof_history_raw_oldest_timestamp_seconds", c->raw_oldest, NULL);
}

void keep_metrics(struct buf *b, struct store *s)
{
	struct history_counters c;

	if (!history_counters(s, &c))
		return;
	gauge(b, "ringprof_history_disk_bytes", "Bytes of the history on disk.", c.bytes);
	gauge(b, "ringprof_history_disk_limit_bytes", "What it may take.", c.max_bytes);
	gauge(b, "ringprof_history_files", "Files of the history.", c.files);
	gauge(b, "ringprof_history_pinned_bytes", "Bytes of pinned ranges among them.",
	      c.pin_bytes);
	gauge(b, "ringprof_history_queue_windows", "Windows that wait to be written.", c.queued);
	gauge(b, "ringprof_history_cache_bytes", "Memory of files that were read lately.",
	      c.cache_bytes);
	gauge(b, "ringprof_history_writer_bytes",
	      "Memory of the numbering of files that are written.", c.writer_bytes);
	counter(b, "ringprof_history_cut_files_total",
		"Files ended early for the sake of that memory.", c.cut);
	counter(b, "ringprof_history_commits_total", "Windows written to disk, all tiers.",
		c.commits);
	counter(b, "ringprof_history_lost_windows_total", "Windows that could not be written.",
		c.windows_lost);
	counter(b, "ringprof_history_queue_full_total", "Of those: the disk did not keep up.",
		c.queue_full);
	counter(b, "ringprof_history_series_limit_total",
		"Processes whose label set was one too many for a file: they count as other.",
		c.series_other);
	counter(b, "ringprof_history_names_total", "Frames named for good.", c.names);
	counter(b, "ringprof_history_names_unknown_total", "Frames stored without a name.",
		c.names_unknown);
	dropped_metrics(b, &c);
	raw_metrics(b, &c);
	tier_metrics(b, s);
}

static void field(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, "%s\"%s\":%" PRIu64, b->data[b->len - 1] == '{' ? "" : ",", name, v);
}

void keep_status(struct buf *b, struct store *s)
{
	struct history_counters c;
	char trouble[256];

	if (!history_counters(s, &c))
		return;
	history_trouble(s, trouble, sizeof(trouble));
	buf_puts(b, ",\"disk\":{");
	if (b->err)
		return;
	field(b, "bytes", c.bytes);
	field(b, "max_bytes", c.max_bytes);
	field(b, "files", c.files);
	field(b, "pins", c.pins);
	field(b, "pinned_bytes", c.pin_bytes);
	field(b, "lost_windows", c.windows_lost);
	field(b, "refused_files", c.refused);
	buf_puts(b, ",\"trouble\":");
	buf_json_string(b, trouble);
	buf_putc(b, '}');
}
