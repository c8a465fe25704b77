// SPDX-License-Identifier: GPL-2.0
/* Where the registers of the leaf, or of what a signal interrupted, decide. */
#include "test_walk_world.h"

/* A signal frame at uc: the interrupted registers, by DWARF number as the kernel lays them out. */
static void signal_frame(uint64_t *uc, const uint64_t reg[17])
{
	static const int dwarf[17] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };

	for (int i = 0; i < 17; i++)
		uc[5 + i] = reg[dwarf[i]];
}

TEST(signal_frame_gives_all_registers)
{
	uint64_t reg[17];

	for (uint32_t n = 0; n < 16; n++) {
		begin(CODE + 0x10);
		set_row(0, SP(8));
		set_row(0x100, ringprof_rule(RINGPROF_CFA_SIGNAL, 0, 0, 0));
		set_row(0x110, ROOT);
		set_row(0x180, ringprof_rule(RINGPROF_CFA_REG, 1, RINGPROF_BP_SAME, (int)n));
		set_row(0x200, ROOT);
		w.stack[0] = CODE + 0x101; /* __restore_rt */
		for (int i = 0; i < 17; i++)
			reg[i] = at(60);
		reg[7] = at(40);
		reg[n] = at(49);
		reg[16] = CODE + 0x180;
		signal_frame(w.stack + 1, reg);
		w.stack[49] = CODE + 0x201;
		CHECK_EQ(go(), RINGPROF_END_ROOT);
		CHECK_EQ(w.n, 3);
		CHECK_EQ(w.chain[0], CODE + 0x101);
		CHECK_EQ(w.chain[1], CODE + 0x181); /* that pc + 1 */
		CHECK_EQ(w.chain[2], CODE + 0x201);
	}
}

TEST(signal_frame_on_an_alternate_stack)
{
	uint64_t reg[17] = { 0 };

	begin(CODE + 0x10);
	set_row(0, SP(8));
	set_row(0x100, ringprof_rule(RINGPROF_CFA_SIGNAL, 0, 0, 0));
	set_row(0x180, BP16);
	set_row(0x200, ROOT);
	w.far_at = STACK - 0x100000; /* the interrupted stack is below this one */
	w.stack[0] = CODE + 0x101;
	reg[6] = w.far_at + 16;
	reg[7] = w.far_at;
	reg[16] = CODE + 0x180;
	signal_frame(w.stack + 1, reg);
	w.far[3] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 3);
	w.far_at = 0;
	CHECK_EQ(go(), RINGPROF_END_FAULT);
	CHECK_EQ(w.n, 2);
}

TEST(signal_frames_that_go_round_end_by_depth)
{
	uint64_t reg[17] = { 0 };

	begin(CODE + 0x100);
	set_row(0x100, ringprof_rule(RINGPROF_CFA_SIGNAL, 0, 0, 0));
	reg[7] = STACK;
	reg[16] = CODE + 0x100;
	signal_frame(w.stack, reg);
	CHECK_EQ(go(), RINGPROF_END_DEPTH);
	CHECK_EQ(w.n, ROOM);
}

TEST(signal_frame_with_impossible_registers)
{
	uint64_t reg[17] = { 0 };

	begin(CODE + 0x100);
	set_row(0x100, ringprof_rule(RINGPROF_CFA_SIGNAL, 0, 0, 0));
	reg[16] = 0xffffffff81000000ULL;
	signal_frame(w.stack, reg);
	CHECK_EQ(go(), RINGPROF_END_PC_RANGE);
	w.in.regs[WALK_SP] += 4;
	CHECK_EQ(go(), RINGPROF_END_SP_RANGE);
	CHECK_EQ(w.n, 0);
}

/* clone(2) comes back to here in the parent and, on a stack of its own, in the child. */
TEST(behind_clone_the_child_is_a_root)
{
	uint32_t clone = ringprof_rule(RINGPROF_CFA_CLONE, 1, RINGPROF_BP_SAME, 0);
	uint64_t reg[17] = { 0 };

	begin(CODE);
	set_row(0, clone);
	set_row(0x200, ROOT);
	w.stack[0] = CODE + 0x201;
	for (int child = 0; child < 2; child++) {
		/* the child's number in the parent, which in the kernel has -ENOSYS there */
		w.in.regs[WALK_RAX] = child ? 0 : (uint64_t)-38;
		CHECK_EQ(go(), RINGPROF_END_ROOT);
		CHECK_EQ(w.n, !child);
	}
	/* interrupted by a signal there, with rax of its own */
	for (int child = 0; child < 2; child++) {
		begin(CODE + 0x100);
		set_row(0, clone);
		set_row(0x100, ringprof_rule(RINGPROF_CFA_SIGNAL, 0, 0, 0));
		set_row(0x200, ROOT);
		w.in.regs[WALK_RAX] = child;
		reg[0] = !child;
		reg[7] = at(40);
		reg[16] = CODE + 8;
		signal_frame(w.stack, reg);
		w.stack[40] = CODE + 0x201;
		CHECK_EQ(go(), RINGPROF_END_ROOT);
		CHECK_EQ(w.n, child ? 1 : 2);
	}
	/* nothing is called from there */
	begin(CODE + 0x100);
	set_row(0, clone);
	set_row(0x100, SP(8));
	w.stack[0] = CODE + 9;
	CHECK_EQ(go(), RINGPROF_END_OPAQUE);
}

int main(void)
{
	return tap_main();
}
