// SPDX-License-Identifier: GPL-2.0
/*
 * User frames of current. A pc with an unwind row is left by it, any other by
 * its frame pointer; the walk itself stands in include/ringprof/walk.h, here is
 * how memory is read and where rows come from. Every address is checked against
 * the end of user space before it is read, and the reason why the walk ends is
 * always told.
 *
 * Two ways to read. Outside NMI current's address space is the loaded one and
 * page faults are off, so plain user loads with a fault label will do; between
 * user_access_begin() and _end() nothing may be called, so each step has its
 * own pair. In NMI another mm may be loaded and only copy_from_user_nmi()
 * knows, into our stack: on 5.19 to 6.4 a vmalloc'ed destination would take a
 * lock in find_vmap_area().
 *
 * A list of mappings in doubt (mm.h) is asked page by page, and what it does not
 * have by the page itself: there a frame costs several times as much, and only a
 * few such pages are looked at.
 *
 * An address space without any table (no rows at all, or none for what it runs)
 * takes a loop of its own, frame pointers under one user_access_begin(): that
 * is most of what a walk costs where there is nothing else to do.
 *
 * Contexts: IRQ and NMI of the sampled CPU. No allocation, no lock, at most
 * RINGPROF_DEPTH_LIMIT frames.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "arch_x86.h"
#include "cpu.h"
#include "mm.h"
#include "table.h"
#include "unwind.h"

/* pages of one walk whose tables no list tells, kept of RP_MM_PAGES looked at */
#define SEEN_PAGES 8

struct rp_seen_page {
	u64 page; /* its address, 0: none */
	struct rp_table *table;
	u64 bias;
};

/* defined here; what the walk asks of it is declared in ringprof/walk.h */
struct ringprof_walker {
	struct rp_walk *w;
	const struct pt_regs *regs;
	const struct rp_mm *mm;
	const struct rp_mm_map *map; /* found last */
	bool nmi;
	bool probed;	 /* return addresses may be a uretprobe's */
	bool trampoline; /* and one was */
	bool doubt;  /* what the list says is believed page by page; the rest is for that alone */
	u64 checked; /* address of the page that was, 0: none */
	u32 looks;
	struct rp_seen_page seen[SEEN_PAGES];
};

#include "ringprof/walk.h"

struct frame32 {
	u32 fp;
	u32 ret;
};

/* before 3.11 or so copy_from_user_nmi() gave the bytes copied, since then those not copied */
static bool nmi_copy_gives_left __read_mostly;

void rp_unwind_user_init(void)
{
	u64 word;

	nmi_copy_gives_left = copy_from_user_nmi(&word, (void __user *)-4096UL, sizeof(word));
}

/* RINGPROF_END_NONE, or why it cannot be read. */
static noinline enum ringprof_end read_nmi(void *to, u64 from, unsigned long n)
{
	unsigned long ret = copy_from_user_nmi(to, (void __user *)(unsigned long)from, n);

	if (ret == (nmi_copy_gives_left ? 0 : n))
		return RINGPROF_END_NONE;
	return in_nmi() && !rp_arch_own_mm() ? RINGPROF_END_BORROWED_MM : RINGPROF_END_FAULT;
}

#ifdef RP_HAVE_USER_ACCESS_BEGIN
static __always_inline enum ringprof_end read_loaded(u64 addr, u64 *ret)
{
	u64 x;

	if (!user_access_begin((void __user *)addr, sizeof(u64)))
		return RINGPROF_END_FAULT;
	unsafe_get_user(x, (u64 __user *)addr, fault);
	user_access_end();
	*ret = x;
	return RINGPROF_END_NONE;

fault:
	user_access_end();
	return RINGPROF_END_FAULT;
}

static __always_inline enum ringprof_end read_loaded2(u64 a, u64 b, u64 *ret_a, u64 *ret_b)
{
	u64 x, y;

	/* b was checked against the end of user space like a: one check opens both */
	if (!user_access_begin((void __user *)a, sizeof(u64)))
		return RINGPROF_END_FAULT;
	unsafe_get_user(x, (u64 __user *)a, fault);
	unsafe_get_user(y, (u64 __user *)b, fault);
	user_access_end();
	*ret_a = x;
	*ret_b = y;
	return RINGPROF_END_NONE;

fault:
	user_access_end();
	return RINGPROF_END_FAULT;
}

/*
 * Not by copy_from_user_nmi(): some kernels (5.18 to 5.19.12, and what took their hardened
 * copies) look up there whose memory our stack is, under a lock that the interrupted code
 * may hold.
 */
static enum ringprof_end read_loaded32(u64 fp, struct frame32 *ret)
{
	u32 next, pc;

	if (!user_access_begin((void __user *)fp, sizeof(*ret)))
		return RINGPROF_END_FAULT;
	unsafe_get_user(next, (u32 __user *)fp, fault);
	unsafe_get_user(pc, (u32 __user *)(fp + sizeof(u32)), fault);
	user_access_end();
	*ret = (struct frame32){ .fp = next, .ret = pc };
	return RINGPROF_END_NONE;

fault:
	user_access_end();
	return RINGPROF_END_FAULT;
}
#endif

static __always_inline enum ringprof_end ringprof_walker_read(struct ringprof_walker *k, __u64 addr,
							      __u64 *ret)
{
#ifdef RP_HAVE_USER_ACCESS_BEGIN
	if (likely(!k->nmi))
		return read_loaded(addr, ret);
#endif
	return read_nmi(ret, addr, sizeof(*ret));
}

/* A function of its own: it has an array on the stack, which the compiler guards. */
static noinline enum ringprof_end read2_nmi(u64 a, u64 b, u64 *ret_a, u64 *ret_b)
{
	enum ringprof_end why;
	u64 both[2];

	/* mostly bp is saved next to the return address */
	if (a + sizeof(u64) == b) {
		why = read_nmi(both, a, sizeof(both));
	} else {
		why = read_nmi(&both[0], a, sizeof(u64));
		if (why == RINGPROF_END_NONE)
			why = read_nmi(&both[1], b, sizeof(u64));
	}
	if (why == RINGPROF_END_NONE) {
		*ret_a = both[0];
		*ret_b = both[1];
	}
	return why;
}

static __always_inline enum ringprof_end ringprof_walker_read2(struct ringprof_walker *k, __u64 a,
							       __u64 b, __u64 *ret_a, __u64 *ret_b)
{
#ifdef RP_HAVE_USER_ACCESS_BEGIN
	if (likely(!k->nmi))
		return read_loaded2(a, b, ret_a, ret_b);
#endif
	return read2_nmi(a, b, ret_a, ret_b);
}

/* From here on no mapping is believed without a look at the page. */
static void begin_doubt(struct ringprof_walker *k)
{
	k->doubt = true;
	k->checked = 0;
	k->looks = 0;
	memset(k->seen, 0, sizeof(k->seen));
}

/* Is what the list says of this address true now? */
static bool is_mapped_so(struct ringprof_walker *k, const struct rp_mm_map *m, u64 at)
{
	u64 page = at & PAGE_MASK;

	if (page == k->checked || !m->pages)
		return true;
	if (!rp_arch_maps(current->mm, at, m->pages, (m->offset + (page - m->start)) >> PAGE_SHIFT))
		return false;
	k->checked = page;
	return true;
}

/* No list tells: what the page itself belongs to. Most frames are on a few pages. */
static struct rp_table *table_by_page(struct ringprof_walker *k, u64 at, u64 *ret_vaddr)
{
	u64 page = at & PAGE_MASK;
	struct rp_seen_page *p = &k->seen[(page >> PAGE_SHIFT) % SEEN_PAGES];

	if (p->page != page) {
		if (!rp_mm_holds_pages() || k->looks++ >= RP_MM_PAGES)
			return NULL;
		p->page = page;
		p->table = rp_mm_table_by_page(at, &p->bias);
	}
	*ret_vaddr = at - p->bias;
	return p->table;
}

static struct rp_table *find_table(struct ringprof_walker *k, u64 at, u64 *ret_vaddr)
{
	const struct rp_mm_map *m = k->map;
	struct rp_table *t;

	if (!m || at - m->start >= m->end - m->start) {
		m = k->mm ? rp_mm_map_at(k->mm, at) : NULL;
		k->map = m;
		if (m && unlikely(READ_ONCE(m->late)) && !k->doubt && rp_arch_tells_pages())
			begin_doubt(k);
	}
	if (m && (likely(!k->doubt) || is_mapped_so(k, m, at)))
		return rp_mm_table(m, at, ret_vaddr);
	if (likely(!k->doubt))
		return NULL;
	t = table_by_page(k, at, ret_vaddr);
	if (!t)
		k->w->flags |= RINGPROF_SAMPLE_NEW_MM;
	return t;
}

/*
 * Return addresses that the kernel has put away for uretprobes are replaced by
 * that of its trampoline, the first byte of a page of its own. at: one before.
 */
static bool is_trampoline(u64 at)
{
	return !((at + 1) & ~PAGE_MASK);
}

static __u32 ringprof_walker_rule(struct ringprof_walker *k, __u64 at)
{
	struct rp_table *t;
	u64 vaddr;
	u32 rule;

	t = find_table(k, at, &vaddr);
	if (!t) {
		if (likely(!k->probed) || !is_trampoline(at))
			return RINGPROF_CFA_GAP;
		k->trampoline = true;
		return ringprof_rule(RINGPROF_CFA_OPAQUE, 0, 0, 0);
	}
	rule = ringprof_row_find(&t->view, vaddr);
	if (ringprof_rule_cfa(rule) != RINGPROF_CFA_GAP)
		rp_table_hit(t);
	return rule;
}

static __u64 ringprof_walker_reg(struct ringprof_walker *k, __u32 number)
{
	return rp_arch_reg(k->regs, number);
}

static void ringprof_walker_add(struct ringprof_walker *k, __u64 addr)
{
	rp_walk_add(k->w, addr);
}

/* 0: this kernel does not tell it */
static u64 user_sp(const struct pt_regs *regs)
{
	return rp_user_sp_valid(regs) ? user_stack_pointer((struct pt_regs *)regs) : 0;
}

static enum ringprof_end walk_rows(struct rp_walk *w, const struct pt_regs *regs,
				   const struct rp_mm *mm, bool doubt)
{
	struct ringprof_walker k;
	struct ringprof_walk s;
	enum ringprof_end why;

	k.w = w;
	k.regs = regs;
	k.mm = mm;
	k.map = NULL;
	k.nmi = in_nmi();
	k.probed = rp_has_uretprobes();
	k.trampoline = false;
	k.doubt = false;
	if (unlikely(doubt))
		begin_doubt(&k);
	ringprof_walk_begin(&s, regs->ip, user_sp(regs), rp_arch_frame_pointer(regs),
			    rp_arch_user_end(RP_USER_64), w->max_user);
	why = ringprof_walk_up(&k, &s);
	w->row_frames = s.row_frames;
	return unlikely(k.trampoline) ? RINGPROF_END_URETPROBE : why;
}

/* May a frame be read here? NONE, or what is wrong. */
static __always_inline enum ringprof_end check_fp(u64 fp, u64 end, u32 size)
{
	if (!fp)
		return RINGPROF_END_FP_ZERO;
	if ((fp & (size / 2 - 1)) || fp > end - size)
		return RINGPROF_END_FP_RANGE;
	return RINGPROF_END_NONE;
}

/*
 * Takes one frame's contents: adds the return address and moves *fp up. The
 * outermost frame has fp 0; above it there may be no return address.
 */
static __always_inline enum ringprof_end take_frame(struct rp_walk *w, u64 *fp, u64 next, u64 ret,
						    u64 end, u32 size)
{
	u64 was = *fp;

	if (unlikely(!ringprof_is_pc(ret, end)))
		return next ? RINGPROF_END_PC_RANGE : RINGPROF_END_FP_ZERO;
	rp_walk_add(w, ret);
	*fp = rp_arch_at_most(next, end - size);
	if (next && next <= was)
		return RINGPROF_END_FP_ORDER;
	if (unlikely(!*fp || *fp & (size / 2 - 1)))
		return check_fp(next, end, size);
	return RINGPROF_END_NONE;
}

/* Frame pointers alone: what is wrong with the first one? */
static enum ringprof_end check_first(const struct pt_regs *regs, u64 fp, u64 end, u32 size)
{
	enum ringprof_end why = check_fp(fp, end, size);

	/* below the stack pointer nothing lives: that register holds something else */
	if (why == RINGPROF_END_NONE && fp < user_sp(regs))
		return RINGPROF_END_FP_ORDER;
	return why;
}

static enum ringprof_end read_frame32(u64 fp, struct frame32 *ret)
{
#ifdef RP_HAVE_USER_ACCESS_BEGIN
	if (!in_nmi())
		return read_loaded32(fp, ret);
#endif
	return read_nmi(ret, fp, sizeof(*ret));
}

static enum ringprof_end walk32(struct rp_walk *w, const struct pt_regs *regs)
{
	u64 fp = (u32)rp_arch_frame_pointer(regs), end = rp_arch_user_end(RP_USER_32);
	enum ringprof_end why;
	u32 left = w->max_user;
	struct frame32 f;

	pagefault_disable();
	why = check_first(regs, fp, end, sizeof(f));
	while (why == RINGPROF_END_NONE) {
		why = left-- ? read_frame32(fp, &f) : RINGPROF_END_DEPTH;
		if (why == RINGPROF_END_NONE)
			why = take_frame(w, &fp, f.fp, f.ret, end, sizeof(f));
	}
	pagefault_enable();
	return why;
}

#ifdef RP_HAVE_USER_ACCESS_BEGIN
static enum ringprof_end walk64_loaded(struct rp_walk *w, const struct pt_regs *regs)
{
	u64 fp = rp_arch_frame_pointer(regs), end = rp_arch_user_end(RP_USER_64);
	enum ringprof_end why = check_first(regs, fp, end, 2 * sizeof(u64));
	u32 left = w->max_user;

	if (why != RINGPROF_END_NONE)
		return why;
	if (!user_access_begin((void __user *)fp, end - fp))
		return RINGPROF_END_FP_RANGE;
	do {
		u64 next, ret;

		if (unlikely(!left--)) {
			why = RINGPROF_END_DEPTH;
			break;
		}
		unsafe_get_user(next, (u64 __user *)fp, fault);
		unsafe_get_user(ret, (u64 __user *)(fp + 8), fault);
		why = take_frame(w, &fp, next, ret, end, 2 * sizeof(u64));
	} while (why == RINGPROF_END_NONE);
	goto out;

fault:
	why = RINGPROF_END_FAULT;
out:
	user_access_end();
	return why;
}
#endif

/* rows: NULL, there are none; but with doubt there may be some that no list has. */
static enum ringprof_end walk64(struct rp_walk *w, const struct pt_regs *regs,
				const struct rp_mm *rows, bool doubt)
{
#ifdef RP_HAVE_USER_ACCESS_BEGIN
	enum ringprof_end why;

	if (!in_nmi()) {
		pagefault_disable();
		why = rows || doubt || rp_has_uretprobes() ? walk_rows(w, regs, rows, doubt)
							   : walk64_loaded(w, regs);
		pagefault_enable();
		return why;
	}
#endif
	return walk_rows(w, regs, rows, doubt);
}

static enum ringprof_end walk_any(struct rp_walk *w, struct rp_cpu *c, const struct pt_regs *regs)
{
	enum rp_user_abi abi = rp_arch_user_abi(regs);
	const struct rp_mm *mm;
	bool doubt;

	if (!RP_NMI_COPY_ASKS && in_nmi() && !rp_arch_own_mm())
		return RINGPROF_END_BORROWED_MM;
	if (abi != RP_USER_64) {
		w->flags |= RINGPROF_SAMPLE_COMPAT;
		return abi == RP_USER_32 ? walk32(w, regs) : RINGPROF_END_COMPAT;
	}
	mm = rp_mm_current(c, &doubt);
	if (!mm && !doubt)
		w->flags |= RINGPROF_SAMPLE_NEW_MM;
	return walk64(w, regs, mm && mm->n_tables ? mm : NULL, doubt);
}

enum ringprof_end rp_unwind_user(struct rp_walk *w, struct rp_cpu *c, const struct pt_regs *regs)
{
	u32 before = w->n, by_fp;
	enum ringprof_end why = walk_any(w, c, regs);

	by_fp = w->n - before - w->row_frames;
	if (w->row_frames)
		w->flags |= RINGPROF_SAMPLE_ROWS;
	if (by_fp)
		w->flags |= RINGPROF_SAMPLE_USER_FP;
	c->unwind[RINGPROF_UNW_ROW_FRAMES] += w->row_frames;
	c->unwind[RINGPROF_UNW_FP_FRAMES] += by_fp;
	return why;
}
