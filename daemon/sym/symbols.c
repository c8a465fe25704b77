// SPDX-License-Identifier: GPL-2.0
/*
 * Names of frames: asks the table that knows the kind (a file's, the
 * kernel's, the vDSO's), interns what it says, and makes a name of the
 * address where nobody knows one.
 *
 * Any thread. The kernel's table is replaced under a write lock; the vDSO's
 * never changes; files and names lock for themselves.
 */
#include "sym/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/clock.h"
#include "source/control.h"
#include "sym/jit.h"
#include "sym/kernel.h"
#include "sym/kernel_met.h"
#include "sym/names.h"
#include "sym/user.h"
#include "sym/vdso.h"

#define MODULES_MAX (4U << 20) /* bytes of /proc/modules */

struct symbols {
	struct names *names;
	struct user *user; /* what FRAME_USER is asked from */
	struct jit *jit;   /* NULL: no memory, such code stays unnamed */
	char *kallsyms;
	int kallsyms_fd;
	bool hide_kernel;
	pthread_rwlock_t kernel_lock;
	struct kernel_symbols kernel;
	struct kernel_met *met;
	/* atomic, mono ns: when kallsyms was read, and when modules were last seen to be the same */
	uint64_t kernel_read, modules_seen;
	struct symtab vdso;
	uint64_t vdso_vaddr;
	uint64_t modules_hash; /* refreshing thread only */
	bool kernel_behind;    /* likewise: the last reading gave nothing */
	bool kernel_stale;     /* a kernel address had no name: perhaps a new BPF program's */
	uint32_t stale_wait, stale_left; /* refreshes to let pass, as reading again did not help */
	uint64_t resolved, unnamed;
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* What modules there are and where they lie; 0 where that cannot be read. */
static uint64_t modules_hash(void)
{
	struct buf b = { 0 };
	uint64_t h = 0;

	if (!buf_read_file(&b, "/proc/modules", MODULES_MAX) && b.len)
		h = kernel_modules_hash(b.data, b.len);
	buf_free(&b);
	return h;
}

static int read_kallsyms(struct symbols *s, struct buf *b)
{
	if (!s->kallsyms_fd)
		return buf_read_file(b, s->kallsyms, KALLSYMS_MAX);
	if (lseek(s->kallsyms_fd, 0, SEEK_SET))
		return -errno;
	return buf_read_fd(b, s->kallsyms_fd, KALLSYMS_MAX);
}

/* Is what is known as of now? */
static bool read_kernel(struct symbols *s)
{
	struct kernel_symbols now, old;
	uint64_t began = mono_now();
	struct buf b = { 0 };
	int r = read_kallsyms(s, &b);

	if (!r)
		r = kernel_parse(&now, b.data ? b.data : "", b.len);
	buf_free(&b);
	if (r)
		return false; /* what was known before is better than nothing */
	/* so it is when a daemon that gave up its rights is shown zeros now */
	if (now.hidden && s->kernel.tab.n) {
		kernel_free(&now);
		return false;
	}
	pthread_rwlock_wrlock(&s->kernel_lock);
	old = s->kernel;
	s->kernel = now;
	__atomic_store_n(&s->kernel_read, began, __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&s->kernel_lock);
	kernel_free(&old);
	return true;
}

/*
 * BPF programs and trampolines come and go without a trace in /proc/modules;
 * an address without a name is the hint. Code that never has one must not
 * cost a reading each minute: each that brings nothing doubles the pause.
 */
static bool due_for_stale(struct symbols *s)
{
	if (!__atomic_load_n(&s->kernel_stale, __ATOMIC_RELAXED) && !s->kernel_behind)
		return false;
	if (s->stale_left) {
		s->stale_left--;
		return false;
	}
	return true;
}

void symbols_refresh_kernel(struct symbols *s)
{
	uint64_t began = mono_now(), h = modules_hash();
	size_t before = s->kernel.tab.n;

	user_refresh(s->user);
	if (h != s->modules_hash) {
		s->stale_wait = s->stale_left = 0;
	} else if (due_for_stale(s)) {
		s->stale_wait = s->stale_wait < 64 ? s->stale_wait * 2 + 1 : s->stale_wait;
		s->stale_left = s->stale_wait;
	} else {
		if (!s->kernel_behind)
			__atomic_store_n(&s->modules_seen, began, __ATOMIC_RELAXED);
		return;
	}
	s->modules_hash = h;
	__atomic_store_n(&s->kernel_stale, false, __ATOMIC_RELAXED);
	s->kernel_behind = !read_kernel(s);
	if (!s->kernel_behind)
		__atomic_store_n(&s->modules_seen, began, __ATOMIC_RELAXED);
	if (s->kernel.tab.n != before)
		s->stale_wait = s->stale_left = 0;
}

struct symbols *symbols_new(const struct symbols_config *cfg, struct files *files)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s) {
		debuginfod_free(cfg->debuginfod);
		return NULL;
	}
	pthread_rwlock_init(&s->kernel_lock, NULL);
	s->names = names_new(cfg->max_bytes - cfg->max_bytes / 4, cfg->demangler);
	s->user = user_new(files, s->names, cfg);
	s->jit = jit_new(&(struct jit_config){ .reader = cfg->jit_reader });
	s->hide_kernel = cfg->hide_kernel;
	s->kallsyms_fd = cfg->kallsyms_fd;
	s->kallsyms = strdup(cfg->kallsyms ? cfg->kallsyms : "/proc/kallsyms");
	s->met = kernel_met_new();
	if (!s->user || !s->kallsyms || !s->met) {
		symbols_free(s);
		return NULL;
	}
	s->modules_seen = mono_now();
	s->modules_hash = modules_hash();
	s->kernel_behind = !read_kernel(s);
	/* without a vDSO its frames stay unnamed */
	vdso_read(&s->vdso, &s->vdso_vaddr);
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	jit_free(s->jit);
	pthread_rwlock_destroy(&s->kernel_lock);
	kernel_free(&s->kernel);
	kernel_met_free(s->met);
	symtab_free(&s->vdso);
	user_free(s->user);
	names_free(s->names);
	free(s->kallsyms);
	free(s);
}

static void set_name(struct symbols *s, const char *name, bool symbol, struct sym_answer *ret)
{
	struct sym_line *l = &ret->lines[0];

	if (!names_get(s->names, name, symbol, &l->name, &l->system_name)) {
		/* pprof and tables still have the address itself */
		l->name = l->system_name = "[no room for names]";
		symbol = false;
	}
	ret->named = symbol;
}

uint64_t symbols_tell_kernel(struct symbols *s, uint64_t addr)
{
	pthread_rwlock_rdlock(&s->kernel_lock);
	if (s->hide_kernel)
		addr = kernel_told(&s->kernel, addr);
	pthread_rwlock_unlock(&s->kernel_lock);
	return addr;
}

uint64_t symbols_told_kernel(struct symbols *s, uint64_t told)
{
	pthread_rwlock_rdlock(&s->kernel_lock);
	if (s->hide_kernel)
		told = kernel_meant(&s->kernel, told);
	pthread_rwlock_unlock(&s->kernel_lock);
	return told;
}

static void unnamed_kernel(struct symbols *s, uint64_t addr, struct sym_answer *ret)
{
	char name[64];

	snprintf(name, sizeof(name), "[kernel]+0x%" PRIx64, symbols_tell_kernel(s, addr));
	set_name(s, name, false, ret);
}

/* May the code at addr have come after its name was read? See kernel_met.h. */
static bool may_be_newer(struct symbols *s, uint64_t addr, const char *module)
{
	bool bpf = !strcmp(module, "bpf");
	const uint64_t *known = bpf ? &s->kernel_read : &s->modules_seen;
	uint64_t read = __atomic_load_n(known, __ATOMIC_RELAXED);

	return *module && !kernel_met_before(s->met, bpf, addr, read, mono_now());
}

static bool resolve_kernel(struct symbols *s, uint64_t addr, struct sym_answer *ret)
{
	const struct sym *sym;
	const char *module;

	pthread_rwlock_rdlock(&s->kernel_lock);
	sym = kernel_find(&s->kernel, addr, &module);
	if (sym) {
		set_name(s, symtab_name(&s->kernel.tab, sym), true, ret);
		ret->func_start = sym->addr;
		snprintf(ret->module, sizeof(ret->module), "%s", module);
		ret->unsettled = may_be_newer(s, addr, module);
	}
	/*
	 * A program loaded since the last reading may lie where the symbol before it
	 * seems to reach: a name among them is a hint as well as none is.
	 */
	if (sym ? !strcmp(module, "bpf") : !s->kernel.hidden)
		__atomic_store_n(&s->kernel_stale, true, __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&s->kernel_lock);
	if (!sym)
		unnamed_kernel(s, addr, ret);
	return sym;
}

static bool resolve_vdso(struct symbols *s, uint64_t off, struct sym_answer *ret)
{
	const struct sym *sym = symtab_find(&s->vdso, s->vdso_vaddr + off);
	char name[64];

	if (sym) {
		set_name(s, symtab_name(&s->vdso, sym), true, ret);
		ret->func_start = sym->addr;
		return true;
	}
	snprintf(name, sizeof(name), "[vdso]+0x%" PRIx64, off);
	set_name(s, name, false, ret);
	return false;
}

static const char *lost_other(uint64_t i)
{
	static const char *const names[LOST_OTHER_MAX] = {
		[LOST_MISSED] = "missed",    [LOST_DETACHED] = "detached",
		[LOST_QUEUE] = "queue full", [LOST_CORRUPT] = "corrupt",
		[LOST_MEMORY] = "memory",
	};

	return i < LOST_OTHER_MAX ? names[i] : "unknown";
}

static bool resolve_mark(struct symbols *s, uint64_t mark, struct sym_answer *ret)
{
	char name[128];

	if (mark < MARK_LOST)
		snprintf(name, sizeof(name), "[truncated: %s]",
			 control_end_name((unsigned int)(mark - MARK_END)));
	else if (mark < MARK_LOST_OTHER)
		snprintf(name, sizeof(name), "[lost: %s]",
			 control_outcome_name((unsigned int)(mark - MARK_LOST)));
	else
		snprintf(name, sizeof(name), "[lost: %s]", lost_other(mark - MARK_LOST_OTHER));
	set_name(s, name, false, ret);
	ret->named = 1; /* it is the mark's own name, no stand-in */
	return true;
}

/* Everything but FRAME_USER: nothing is read from files for it. */
static bool resolve_other(struct symbols *s, enum frame_kind kind, uint64_t off,
			  struct sym_answer *ret)
{
	switch (kind) {
	case FRAME_KERNEL:
		return resolve_kernel(s, off, ret);
	case FRAME_VDSO:
		return resolve_vdso(s, off, ret);
	case FRAME_MARK:
		return resolve_mark(s, off, ret);
	case FRAME_ANON:
		/* one name for all of it: a JIT's addresses mean nothing to anybody */
		set_name(s, "[anon]", false, ret);
		return false;
	case FRAME_USER:
	case FRAME_UNKNOWN:
		break;
	}
	set_name(s, "[unknown]", false, ret);
	return false;
}

static void begin(struct sym_answer *ret)
{
	ret->n = 1;
	ret->unsettled = false;
	ret->unread = ret->reader_away = false;
	ret->lines[0] = (struct sym_line){ .file = "" };
	ret->func_start = 0;
	ret->module[0] = '\0';
}

void symbols_resolve_within(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
			    uint64_t *line_ns, struct sym_answer *ret)
{
	bool named, newer;

	begin(ret);
	named = kind == FRAME_USER ? user_resolve(s->user, f, off, line_ns, ret)
				   : resolve_other(s, kind, off, ret);
	/* not sure whose name it is; that one can be made readable all the same */
	newer = kind == FRAME_KERNEL && ret->unsettled;
	ret->unsettled &= !newer;
	names_settle(s->names, ret);
	ret->unsettled |= newer;
	count(named ? &s->resolved : &s->unnamed);
}

void symbols_resolve(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
		     struct sym_answer *ret)
{
	symbols_resolve_within(s, kind, f, off, NULL, ret);
}

void symbols_resolve_function(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
			      struct sym_answer *ret)
{
	bool named;

	begin(ret);
	named = kind == FRAME_USER ? user_function(s->user, f, off, ret)
				   : resolve_other(s, kind, off, ret);
	count(named ? &s->resolved : &s->unnamed);
}

struct jit *symbols_jit(struct symbols *s)
{
	return s->jit;
}

void symbols_resolve_jit(struct symbols *s, struct jit_table *t, uint32_t version, uint64_t addr,
			 struct sym_answer *ret)
{
	struct jit_symbol sym;
	bool found = jit_table_symbol(t, version, addr, &sym);
	const char *unused;

	begin(ret);
	ret->func_start = found ? sym.start : 0;
	set_name(s, found ? sym.name : "[anon]", found, ret);
	if (found && sym.file[0] &&
	    names_get(s->names, sym.file, false, &ret->lines[0].file, &unused))
		ret->lines[0].line = sym.line;
	names_settle(s->names, ret);
	count(found ? &s->resolved : &s->unnamed);
}

static void line_counters(struct symbols *s, struct symbols_counters *ret)
{
	struct lines_counters lc;
	struct user_counters uc;

	user_counters(s->user, &lc, &uc);
	ret->answer_bytes = uc.answer_bytes;
	ret->answer_hits = uc.answer_hits;
	ret->without_lines = uc.without_lines;
	ret->line_dropped = uc.dropped;
	ret->debuginfod = uc.debuginfod;
	ret->line_files = lc.files;
	ret->line_bytes = lc.bytes;
	ret->line_loads = lc.loads;
	ret->line_evictions = lc.evictions;
	ret->line_too_large = lc.too_large;
	ret->line_damaged = lc.damaged;
}

void symbols_counters(struct symbols *s, struct symbols_counters *ret)
{
	struct names_counters nc;

	line_counters(s, ret);
	pthread_rwlock_rdlock(&s->kernel_lock);
	ret->kernel_symbols = s->kernel.tab.n;
	ret->name_bytes = kernel_bytes(&s->kernel);
	ret->kernel_hidden = s->kernel.hidden;
	pthread_rwlock_unlock(&s->kernel_lock);
	names_counters(s->names, &nc);
	ret->name_bytes += nc.bytes;
	ret->limit_hits = nc.limit_hits;
	ret->put_off = nc.put_off;
	ret->resolved = __atomic_load_n(&s->resolved, __ATOMIC_RELAXED);
	ret->unnamed = __atomic_load_n(&s->unnamed, __ATOMIC_RELAXED);
}
