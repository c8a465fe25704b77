// SPDX-License-Identifier: GPL-2.0
/*
 * How outcomes and ends of call chains are spelled, in metrics, in frames like
 * [lost: ring full] and in tables: short, lower case, never changed lightly.
 */
#include "source/control.h"

static const char *const outcomes[] = {
	[RINGPROF_OUT_EMITTED] = "emitted",
	[RINGPROF_OUT_IDLE] = "idle",
	[RINGPROF_OUT_FILTERED] = "filtered",
	[RINGPROF_OUT_THROTTLED] = "throttled",
	[RINGPROF_OUT_NESTED] = "nested",
	[RINGPROF_LOST_RING_FULL] = "ring full",
	[RINGPROF_LOST_BAD_TAIL] = "bad reader position",
	[RINGPROF_LOST_NO_RING] = "no ring",
	[RINGPROF_LOST_TOO_BIG] = "too big",
};

static const char *const ends[] = {
	[RINGPROF_END_NONE] = "user stack not asked for",
	[RINGPROF_END_KTHREAD] = "kernel thread",
	[RINGPROF_END_FP_ZERO] = "frame pointer 0",
	[RINGPROF_END_FP_RANGE] = "bad frame pointer",
	[RINGPROF_END_FP_ORDER] = "no frame pointer",
	[RINGPROF_END_FAULT] = "stack not readable",
	[RINGPROF_END_PC_RANGE] = "bad return address",
	[RINGPROF_END_DEPTH] = "depth limit",
	[RINGPROF_END_KDEPTH] = "kernel depth limit",
	[RINGPROF_END_NO_MM] = "no user memory",
	[RINGPROF_END_BORROWED_MM] = "other address space loaded",
	[RINGPROF_END_COMPAT] = "32-bit frame",
	[RINGPROF_END_NO_REGS] = "no registers",
	[RINGPROF_END_NODE_LIMIT] = "node limit",
	[RINGPROF_END_KERNEL_UNWIND] = "kernel frames missing",
	[RINGPROF_END_ROOT] = "outermost frame",
	[RINGPROF_END_OPAQUE] = "unwind information too complex",
	[RINGPROF_END_CFA_ORDER] = "stack does not go up",
	[RINGPROF_END_SP_RANGE] = "bad stack pointer",
	[RINGPROF_END_NO_INFO] = "no unwind information",
	[RINGPROF_END_STACK_CUT] = "beyond the stack copied",
	[RINGPROF_END_URETPROBE] = "return address in a uretprobe",
};

static const char *const unwind[] = {
	[RINGPROF_UNW_ROW_FRAMES] = "row frames",
	[RINGPROF_UNW_FP_FRAMES] = "frame pointer frames",
	[RINGPROF_UNW_MM_KNOWN] = "address space known",
	[RINGPROF_UNW_MM_NEW] = "address space new",
	[RINGPROF_UNW_MM_WALKS] = "address spaces read",
	[RINGPROF_UNW_MM_WALKS_FAILED] = "address spaces not read",
	[RINGPROF_UNW_MM_EVICTED] = "address spaces forgotten",
	[RINGPROF_UNW_MM_LATE] = "address spaces read late",
	[RINGPROF_UNW_TABLES] = "tables taken",
	[RINGPROF_UNW_TABLES_EVICTED] = "tables evicted",
};

_Static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == __RINGPROF_OUT_MAX, "name each outcome");
_Static_assert(sizeof(ends) / sizeof(ends[0]) == __RINGPROF_END_MAX, "name each end");
_Static_assert(sizeof(unwind) / sizeof(unwind[0]) == __RINGPROF_UNW_MAX, "name each counter");

/* A newer module may have more of them. */
const char *control_outcome_name(unsigned int outcome)
{
	return outcome < __RINGPROF_OUT_MAX ? outcomes[outcome] : "other";
}

const char *control_end_name(unsigned int end)
{
	return end < __RINGPROF_END_MAX ? ends[end] : "other";
}

const char *control_unwind_name(unsigned int counter)
{
	return counter < __RINGPROF_UNW_MAX ? unwind[counter] : "other";
}

const char *control_state_name(uint32_t state)
{
	switch (state) {
	case RINGPROF_STATE_RUNNING:
		return "sampling";
	case RINGPROF_STATE_OFF:
		return "switched off by ringprof.off=1";
	default:
		return "stopped";
	}
}
