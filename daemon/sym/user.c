// SPDX-License-Identifier: GPL-2.0
/* Puts together what symbol tables and debug information say; see user.h. */
#include "sym/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "sym/answers.h"
#include "sym/debugfile.h"
#include "sym/debuginfod.h"
#include "sym/files_int.h"
#include "sym/gosym.h"
#include "sym/later.h"

#define LINE_BYTES   (256ULL << 20) /* default limit of open debug information */
#define CACHE_SHARE  4		    /* of max_bytes, for answers */
#define BUILD_ID_MAX 256	    /* directories below .build-id */
/* one call a directory: of an idle host's 452 ppm it was 40 when done each minute */
#define DIRS_NS (300 * NSEC_PER_SEC)

struct user {
	struct files *files;
	struct names *names;
	struct lines *lines;
	struct answers *answers;
	struct later *later;
	struct debuginfod *debuginfod; /* NULL: nobody is asked */
	uint64_t without_lines;	       /* atomic */
	char *debug_dirs;
	/* refreshing thread only */
	uint64_t dirs_hash, dirs_look; /* when they are looked at next, mono ns */
};

static bool set_name(struct user *u, const char *name, bool symbol, struct sym_line *l)
{
	if (names_get(u->names, name, symbol, &l->name, &l->system_name))
		return symbol;
	/* pprof and tables still have the address itself */
	l->name = l->system_name = "[no room for names]";
	return false;
}

static void name_of_address(struct user *u, const struct file *f, uint64_t vaddr,
			    struct sym_line *l)
{
	const char *base = strrchr(f->path, '/');
	char name[512];

	base = base ? base + 1 : f->path;
	snprintf(name, sizeof(name), "%.255s+0x%" PRIx64, *base ? base : "[file]", vaddr);
	set_name(u, name, false, l);
}

/* One line, as the symbol tables have it. false: nobody can read them now, so it is not to stay. */
static bool resolve_function(struct user *u, struct file *f, uint64_t off, uint64_t *vaddr,
			     struct sym_answer *ret)
{
	struct file_symbol sym = { .unread = false, .reader_away = false };

	*vaddr = off;
	ret->n = 1;
	ret->unsettled = false;
	ret->lines[0] = (struct sym_line){ .file = "" };
	ret->func_start = 0;
	if (!f) {
		ret->named = set_name(u, "[unknown]", false, &ret->lines[0]);
	} else if (file_vaddr(f, off, vaddr) && file_symbol(f, *vaddr, &sym)) {
		ret->named = set_name(u, sym.name, true, &ret->lines[0]);
		ret->func_start = sym.start;
	} else {
		name_of_address(u, f, *vaddr, &ret->lines[0]);
		ret->named = 0;
	}
	ret->unread = sym.unread;
	ret->reader_away = sym.reader_away;
	return !sym.unread;
}

bool user_function(struct user *u, struct file *f, uint64_t off, struct sym_answer *ret)
{
	uint64_t vaddr;

	resolve_function(u, f, off, &vaddr, ret);
	return ret->named;
}

struct collect {
	struct user *u;
	struct sym_answer *ret;
	struct sym_line function; /* from the symbol tables */
	uint32_t n;
};

/*
 * dwarf_emit: called under the lock of lines.c, so it only interns. The chain
 * ends with the function itself, which the symbol table has named already.
 */
static void take_frame(void *arg, const struct dwarf_frame *f)
{
	struct collect *c = arg;
	const char *unused;
	struct sym_line *l;

	if (c->n >= SYM_MAX_LINES)
		return;
	l = &c->ret->lines[c->n++];
	*l = (struct sym_line){ .file = "" };
	if (f->inlined)
		set_name(c->u, *f->name ? f->name : "[inlined]", *f->name != '\0', l);
	else if (c->ret->named || !*f->name)
		*l = c->function;
	else
		c->ret->named = set_name(c->u, f->name, true, l);
	if (!*f->file || !names_get(c->u->names, f->file, false, &l->file, &unused))
		return;
	l->line = f->line;
	l->start_line = f->decl_line;
}

/*
 * The answer whose function is in ret already, completed and kept. -EAGAIN:
 * `open` is not set, and debug information would have to be opened.
 */
static int add_lines(struct user *u, struct file *f, uint64_t off, uint64_t vaddr, bool open,
		     struct sym_answer *ret)
{
	struct collect c = { .u = u, .ret = ret, .function = ret->lines[0] };
	int n = (open ? lines_lookup : lines_try)(u->lines, f, vaddr, take_frame, &c);

	if (n < 0)
		return n;
	if (!n && !c.n && gosym_file_lookup(f, vaddr, take_frame, &c) == -EAGAIN)
		return -EAGAIN;
	if (c.n)
		ret->n = c.n;
	else
		ret->lines[0] = c.function;
	names_settle(u->names, ret);
	answers_put(u->answers, f->id, off, ret);
	return 0;
}

static void charge(uint64_t *ns, uint64_t began)
{
	uint64_t used = mono_now() - began;

	*ns = *ns > used ? *ns - used : 0;
}

/* later_fn */
static void resolve_later(void *arg, struct file *f, uint64_t off)
{
	struct sym_answer unused;

	user_resolve(arg, f, off, NULL, &unused);
}

/* Has another thread read the lines, and waits for them while there is time. */
static void wait_lines(struct user *u, struct file *f, uint64_t off, uint64_t *ns,
		       struct sym_answer *ret)
{
	uint64_t began = mono_now(), left = *ns;
	bool more = later_push(u->later, f, off), found = false;

	while (more && left && !found) {
		uint64_t done = later_done(u->later);

		found = answers_get(u->answers, f->id, off, ret);
		more = found || later_wait(u->later, done, left);
		left = *ns;
		charge(&left, began);
	}
	/* what came with the last turn */
	if (!found && !answers_get(u->answers, f->id, off, ret))
		__atomic_fetch_add(&u->without_lines, 1, __ATOMIC_RELAXED);
	*ns = left;
}

bool user_resolve(struct user *u, struct file *f, uint64_t off, uint64_t *line_ns,
		  struct sym_answer *ret)
{
	uint64_t vaddr, began;
	int r = -EAGAIN;

	if (f && answers_get(u->answers, f->id, off, ret))
		return ret->named;
	if (!resolve_function(u, f, off, &vaddr, ret) || !f)
		return false;
	if (!line_ns) {
		add_lines(u, f, off, vaddr, true, ret);
		return ret->named;
	}
	if (*line_ns) {
		began = mono_now();
		r = add_lines(u, f, off, vaddr, false, ret);
		charge(line_ns, began);
	}
	if (r)
		wait_lines(u, f, off, line_ns, ret);
	return ret->named;
}

static uint64_t mix_mtime(uint64_t h, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return h;
	return hash_mix(h, (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec);
}

/* What the modification times below DIR/.build-id say: a new debug file changes one of them. */
static uint64_t mix_dir(uint64_t h, const char *dir, size_t len)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (snprintf(path, sizeof(path), "%.*s/.build-id", (int)len, dir) >= (int)sizeof(path))
		return h;
	d = opendir(path);
	if (!d)
		return h;
	h = mix_mtime(h, dirfd(d), ".");
	for (int i = 0; i < BUILD_ID_MAX && (e = readdir(d));)
		if (e->d_name[0] != '.') {
			h = mix_mtime(h, dirfd(d), e->d_name);
			i++;
		}
	closedir(d);
	return h;
}

static uint64_t dirs_hash(const char *dirs)
{
	uint64_t h = 1;

	for (const char *p = dirs; *p; p += strspn(p, ":")) {
		size_t n = strcspn(p, ":");

		if (*p == '/')
			h = mix_dir(h, p, n);
		p += n;
	}
	return h;
}

/* lines_on_missing */
static void ask_servers(void *arg, struct file *f)
{
	struct user *u = arg;

	debuginfod_want(u->debuginfod, f->build_id);
}

/* Debug files have come, by whatever way: what was said without them may be said better. */
static void debug_came(void *arg)
{
	struct user *u = arg;

	if (u->files)
		files_debug_changed(u->files);
	lines_retry(u->lines);
	answers_clear(u->answers);
}

struct user *user_new(struct files *files, struct names *names, const struct symbols_config *cfg)
{
	struct user *u = calloc(1, sizeof(*u));

	if (!u || !names) {
		free(u);
		debuginfod_free(cfg->debuginfod);
		return NULL;
	}
	u->files = files;
	u->debuginfod = cfg->debuginfod;
	u->names = names;
	u->debug_dirs = strdup(cfg->debug_dirs ? cfg->debug_dirs : DEBUG_DIRS);
	u->answers = answers_new(cfg->max_bytes / CACHE_SHARE);
	if (u->debug_dirs)
		u->lines = lines_new(cfg->max_line_bytes ? cfg->max_line_bytes : LINE_BYTES,
				     u->debug_dirs, cfg->line_reader);
	u->later = later_new(resolve_later, u);
	if (!u->answers || !u->lines || !u->later ||
	    (files && files_set_debug_dirs(files, u->debug_dirs))) {
		user_free(u);
		return NULL;
	}
	u->dirs_hash = dirs_hash(u->debug_dirs);
	if (u->debuginfod) {
		debuginfod_on_arrival(u->debuginfod, debug_came, u);
		lines_on_missing(u->lines, ask_servers, u);
	}
	return u;
}

void user_free(struct user *u)
{
	if (!u)
		return;
	later_free(u->later); /* first: its thread uses all the others */
	debuginfod_free(u->debuginfod);
	lines_free(u->lines);
	answers_free(u->answers);
	free(u->debug_dirs);
	free(u);
}

static void look_at_dirs(struct user *u)
{
	uint64_t now = mono_now(), h;

	if (now < u->dirs_look)
		return;
	h = dirs_hash(u->debug_dirs);
	if (h != u->dirs_hash)
		debug_came(u);
	u->dirs_hash = h;
	u->dirs_look = now + DIRS_NS;
}

void user_refresh(struct user *u)
{
	look_at_dirs(u);
	lines_tidy(u->lines);
}

void user_counters(struct user *u, struct lines_counters *lc, struct user_counters *ret)
{
	lines_counters(u->lines, lc);
	ret->answer_bytes = answers_bytes(u->answers, &ret->answer_hits);
	ret->without_lines = __atomic_load_n(&u->without_lines, __ATOMIC_RELAXED);
	ret->dropped = later_dropped(u->later);
	ret->debuginfod = (struct debuginfod_counters){ 0 };
	if (u->debuginfod)
		debuginfod_counters(u->debuginfod, &ret->debuginfod);
}
