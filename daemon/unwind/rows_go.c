// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of Go code, which has no .eh_frame: the runtime walks stacks by
 * .gopclntab, whose tables tell how far sp is below the return address at
 * every pc.
 *
 * Where rbp is saved they do not tell. Since 1.21 a function with a frame
 * pushes it first, which shows as a first step of 8 bytes; older ones and
 * assembly are not guessed at: rows above need sp alone.
 *
 * Who asks the vDSO for the time does so on the thread's stack, which may be
 * anywhere from a goroutine's: there rbp alone leads back, and since 1.21 it
 * stays what it is.
 *
 * The bytes decoded are held against the table's size: functions may share a
 * table of steps, and in a hostile file all of them share the longest.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sym/gosym_int.h"
#include "unwind/rows_int.h"

#define FLAG_TOP      1 /* the outermost frame of its stack */
#define FLAG_SP_WRITE 2 /* moves sp in a way that no table tells */
#define FLAG_ASM      4

#define MAX_PADDING 64

enum go_kind { GO_PLAIN, GO_ROOT, GO_SIGNAL, GO_OPAQUE, GO_CLOCK };

struct go_func {
	uint64_t pc, record;
	enum go_kind kind;
	bool assembly;
	uint32_t steps; /* offset of its table of steps, 0: none */
};

struct go_table {
	struct gosym g;
	struct elf_image mem;
	uint8_t *bytes;
	uint64_t work, max_work;
};

/* Where a goroutine, a thread or the runtime's own stack begins. */
static bool is_root_name(const char *name)
{
	static const char *const names[] = {
		"_rt0_amd64",		"_rt0_amd64_linux",   "_rt0_amd64_lib",
		"_rt0_amd64_linux_lib", "runtime.asmcgocall", "runtime.cgocallback",
		"runtime.goexit",	"runtime.mcall",      "runtime.morestack",
		"runtime.mstart",	"runtime.rt0_go",     "runtime.systemstack",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool is_clock_name(const char *name)
{
	return !strcmp(name, "runtime.nanotime1") || !strcmp(name, "time.now") ||
	       !strcmp(name, "runtime.walltime");
}

static enum go_kind kind_of(char *name, uint32_t flags)
{
	size_t n = strlen(name);

	if (n > 5 && !strcmp(name + n - 5, ".abi0"))
		name[n - 5] = '\0';
	if (is_root_name(name))
		return GO_ROOT;
	if (gosym_is_signal_return(name, strlen(name)))
		return GO_SIGNAL;
	/* outermost to the runtime; below it stands what the signal interrupted */
	if (!strcmp(name, "runtime.sigtramp") || !strcmp(name, "runtime.cgoSigtramp"))
		return GO_PLAIN;
	if (flags & FLAG_TOP)
		return GO_ROOT;
	if (!(flags & FLAG_SP_WRITE))
		return GO_PLAIN;
	return is_clock_name(name) ? GO_CLOCK : GO_OPAQUE;
}

/* Flags came with 1.17 into a byte that was 0 in 1.16. */
static uint32_t read_flags(const struct gosym *g, uint64_t record)
{
	uint32_t v = 0;

	if (g->version == GOSYM_1_2 ||
	    !gosym_field(g, record, g->version == GOSYM_1_20 ? GOSYM_KINDS : GOSYM_START_LINE, &v))
		return 0;
	return v >> 8 & 0xff;
}

/* Function i; of the one past the last the address alone. */
static bool read_func(const struct go_table *t, uint64_t i, struct go_func *f)
{
	char name[GOSYM_NAME_MAX] = "";
	uint32_t off, flags;

	memset(f, 0, sizeof(*f));
	if (!gosym_func(&t->g, i, &f->pc, &f->record))
		return false;
	if (i == t->g.n_funcs)
		return true;
	if (!gosym_field(&t->g, f->record, GOSYM_NAME, &off) ||
	    !gosym_field(&t->g, f->record, GOSYM_PC_SP, &f->steps)) {
		f->kind = GO_OPAQUE;
		return true;
	}
	gosym_string(&t->g, t->g.names + off, name);
	flags = read_flags(&t->g, f->record);
	f->kind = kind_of(name, flags);
	f->assembly = flags & FLAG_ASM;
	return true;
}

/* push %rbp; mov %rsp,%rbp: does the function begin so? */
static bool sets_bp(const struct rows_builder *b, const struct go_func *f)
{
	static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5 };
	uint8_t found[sizeof(code)];

	return rows_code_at(b, f->pc, found, sizeof(found)) && !memcmp(found, code, sizeof(code));
}

static uint32_t step_rule(int64_t depth, bool pushed_bp)
{
	int64_t off = depth + 8;

	if (depth < 0 || depth & 7 || off > RINGPROF_OFF_MAX)
		return RINGPROF_CFA_OPAQUE;
	if (!depth)
		return ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_SAME, 0);
	if (pushed_bp)
		return ringprof_rule(RINGPROF_CFA_SP, (int32_t)(off / 8), RINGPROF_BP_AT_CFA, -2);
	return ringprof_rule(RINGPROF_CFA_SP, (int32_t)(off / 8), RINGPROF_BP_UNKNOWN, 0);
}

/*
 * Steps are pairs (zigzag depth, bytes of code), from depth -1 on; a depth
 * step of 0 that is not the first ends them.
 */
static int add_steps(struct rows_builder *b, struct go_table *t, const struct go_func *f,
		     uint64_t end)
{
	uint64_t at = t->g.pcs + f->steps, pc = f->pc;
	struct cursor c = { t->bytes + at, t->bytes + t->g.size, false };
	uint32_t bp_alone = ringprof_rule(RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_BP, 0);
	bool pushed_bp = false, framed = false, clock = f->kind == GO_CLOCK;
	int64_t depth = -1;
	int r = 0;

	for (bool first = true; pc < end && !r; first = false) {
		uint32_t step = (uint32_t)cursor_uleb(&c), bytes;

		if (c.bad || (!step && !first))
			break;
		bytes = (uint32_t)cursor_uleb(&c);
		if (c.bad)
			break;
		depth += (int32_t)((step >> 1) ^ -(step & 1));
		if (depth > 0 && !framed) {
			framed = true;
			pushed_bp = depth == 8 && (!f->assembly || clock);
		}
		if (bytes)
			r = rows_put(b, pc,
				     clock && depth > 8 ? bp_alone : step_rule(depth, pushed_bp));
		pc += bytes;
	}
	t->work += (uint64_t)(c.p - (t->bytes + at));
	/* what the steps do not reach is padding, which never runs; more than that is not known */
	if (!r && pc < end && end - pc > MAX_PADDING)
		r = rows_put(b, pc, RINGPROF_CFA_OPAQUE);
	return r;
}

static int add_func(struct rows_builder *b, struct go_table *t, const struct go_func *f,
		    const struct go_func *next)
{
	/* the caller of a signal's return is looked up a byte before it: there is none */
	uint64_t start = f->pc - (f->kind == GO_SIGNAL), end = next->pc - (next->kind == GO_SIGNAL);
	int r;

	b->n_fdes++;
	if (end <= start)
		return end == start ? 0 : -EINVAL;
	r = rows_begin(b, start, end);
	if (r)
		return r;
	if (f->kind == GO_ROOT)
		r = rows_put(b, start, RINGPROF_CFA_ROOT);
	else if (f->kind == GO_SIGNAL)
		r = rows_put(b, start, RINGPROF_CFA_SIGNAL);
	else if (f->kind == GO_OPAQUE || !f->steps || f->steps > t->g.size - t->g.pcs ||
		 (f->kind == GO_CLOCK && !sets_bp(b, f)))
		r = rows_put(b, start, RINGPROF_CFA_OPAQUE);
	else
		r = add_steps(b, t, f, end);
	return r;
}

static int add_funcs(struct rows_builder *b, struct go_table *t)
{
	struct go_func f, next;
	int r;

	if (!read_func(t, 0, &f))
		return 0;
	for (uint64_t i = 0; i < t->g.n_funcs; i++, f = next) {
		if (!read_func(t, i + 1, &next))
			break;
		r = add_func(b, t, &f, &next);
		if (r == -EINVAL)
			b->n_bad_fdes++;
		else if (r)
			return r;
		if (t->work > t->max_work)
			return -E2BIG;
	}
	return 1;
}

int rows_add_go(struct rows_builder *b)
{
	cleanup_free uint8_t *bytes = NULL;
	struct go_table t = { .mem = { .fd = -1 } };
	int r = elf_load_sections(b->elf);

	if (!r)
		r = gosym_open(&t.g, b->elf);
	if (r)
		return r == -ENOENT ? 0 : r;
	if (t.g.size > b->max_bytes)
		return -E2BIG;
	bytes = elf_dup(b->elf, t.g.off, t.g.size, b->max_bytes);
	if (!bytes)
		return -EIO;
	/* one read for all; a pcs past the size was refused by gosym_open */
	t.bytes = bytes;
	t.mem.mem = bytes;
	t.mem.size = t.g.size;
	t.g.e = &t.mem;
	t.g.off = 0;
	t.max_work = 4 * t.g.size + 65536;
	return add_funcs(b, &t);
}
