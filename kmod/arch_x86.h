/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of x86-64 the sampler must know. Another architecture brings a file
 * like this one and unwind_kernel.c's source of frames.
 */
#ifndef RINGPROF_KMOD_ARCH_X86_H
#define RINGPROF_KMOD_ARCH_X86_H

#include <linux/hardirq.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/segment.h>

#ifndef CONFIG_X86_64
#error "ringprof knows x86-64 only"
#endif

/* how the frames of this user context look */
enum rp_user_abi {
	RP_USER_64, /* also x32: its frames are of 8 bytes */
	RP_USER_32,
	RP_USER_ODD, /* a code segment of its own (LDT): addresses have an unknown base */
};

static inline enum rp_user_abi rp_arch_user_abi(const struct pt_regs *regs)
{
	if (regs->cs == __USER32_CS)
		return RP_USER_32;
	return regs->cs & SEGMENT_TI_MASK ? RP_USER_ODD : RP_USER_64;
}

static inline u64 rp_arch_user_end(enum rp_user_abi abi)
{
	return abi == RP_USER_32 ? 1ULL << 32 : TASK_SIZE_MAX;
}

static inline u64 rp_arch_frame_pointer(const struct pt_regs *regs)
{
	return regs->bp;
}

/* General register by DWARF number, 0 to 15; 0: this kernel has not saved it. */
static inline u64 rp_arch_reg(const struct pt_regs *regs, u32 number)
{
	static const u8 place[16] = {
#define AT(r) (offsetof(struct pt_regs, r) / sizeof(long))
		AT(ax), AT(dx), AT(cx),	 AT(bx),  AT(si),  AT(di),  AT(bp),  AT(sp),
		AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
#undef AT
	};

	if (!rp_user_reg_valid(regs, number))
		return 0;
	return ((const unsigned long *)regs)[place[number & 15]];
}

/*
 * addr, 0 where it is over most: a load from there stays below that also where
 * the CPU runs ahead on what it guesses of a branch, as cmov is none.
 */
static __always_inline u64 rp_arch_at_most(u64 addr, u64 most)
{
	asm("cmp %[most], %[addr]\n\tcmova %[zero], %[addr]"
	    : [addr] "+r"(addr)
	    : [most] "r"(most), [zero] "r"(0ULL)
	    : "cc");
	return addr;
}

/* Is current's own address space loaded? In NMI it need not be. */
bool rp_arch_own_mm(void);

/* Can the two below tell, here and now? */
static inline bool rp_arch_tells_pages(void)
{
#ifdef RP_HAVE_PAGE_WALK
	return !in_nmi() || rp_arch_own_mm();
#else
	return false;
#endif
}

/*
 * Does page number `index` of that file lie at addr of current's address space
 * (mm, loaded here) now, or no page at all? A forked child has none of its
 * parent's code until it runs there, and what another file's code has run would
 * be there. False also where that cannot be told, as of a huge page. Interrupts off.
 */
bool rp_arch_maps(struct mm_struct *mm, unsigned long addr, const void *file, u64 index);

/* Is some page at addr there now? */
bool rp_arch_has_page(struct mm_struct *mm, unsigned long addr);

/* Cycles a second, for the period of a cycles event. */
u64 rp_arch_cycles_hz(void);

#endif
