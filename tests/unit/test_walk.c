// SPDX-License-Identifier: GPL-2.0
/* Each kind of row, each reason to end: stacks made by hand, row by row. */
#include "test_walk_world.h"

TEST(sp_rows_to_the_root)
{
	begin(CODE + 0x10);
	set_row(0, SP(8));
	set_row(0x100, SP(24));
	set_row(0x200, ROOT);
	w.stack[0] = CODE + 0x150; /* caller: 2 words of its own */
	w.stack[3] = CODE + 0x210;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
	CHECK_EQ(w.chain[0], CODE + 0x150);
	CHECK_EQ(w.chain[1], CODE + 0x210);
	CHECK_EQ(w.flags, RINGPROF_SAMPLE_ROWS);
	CHECK_EQ(w.c.row_frames, 2);
	CHECK_EQ(w.c.fp_frames, 0);
	CHECK_EQ(w.spans, 1);
}

TEST(the_leaf_is_looked_up_at_pc_and_callers_before_it)
{
	begin(CODE + 0x100);
	set_row(0, SP(16));
	set_row(0x100, SP(8)); /* another function begins: the leaf has just been called */
	set_row(0x200, ROOT);
	w.stack[0] = CODE + 0x100; /* a call at the end of the first function */
	w.stack[2] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
}

TEST(bp_rows)
{
	begin(CODE + 0x10);
	set_row(0, SP_BP(24, -24)); /* bp pushed after two words */
	set_row(0x100, BP16);
	set_row(0x200, ROOT);
	w.stack[0] = at(5);
	w.stack[2] = CODE + 0x120;
	w.stack[5] = 0x1234;
	w.stack[6] = CODE + 0x220;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
}

TEST(a_bp_popped_already_is_the_callers)
{
	/* at the leaf's ret the rows still say where bp was; the copy begins above it */
	begin(CODE);
	set_row(0, SP_BP(8, -16));
	set_row(0x100, BP16);
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = at(4);
	w.stack[0] = CODE + 0x110;
	w.stack[5] = CODE + 0x210;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
	CHECK_EQ(w.chain[1], CODE + 0x210);
}

TEST(a_bp_that_rows_do_not_touch_is_kept)
{
	begin(CODE + 0x10);
	set_row(0, SP(16));
	set_row(0x100, BP16);
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = at(4);
	w.stack[1] = CODE + 0x120;
	w.stack[5] = CODE + 0x220;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
}

TEST(bp_alone_leads_to_another_stack)
{
	/* CFA = bp + 16, bp = *bp: the code went to a stack above by itself */
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_BP, 2, RINGPROF_BP_AT_BP, 0));
	set_row(0x100, BP16);
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = w.far_at = STACK - 0x1000;
	w.far[0] = w.far_at + 0x20;
	w.far[1] = CODE + 0x101;
	w.far[5] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.chain[1], CODE + 0x201);
	w.row[0].rule = BP16; /* any other row says that its frame is above sp */
	CHECK_EQ(go(), RINGPROF_END_CFA_ORDER);
}

TEST(realigned_stack)
{
	/* CFA = *(bp - 8), bp = *bp */
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_BP_DEREF, -1, RINGPROF_BP_AT_BP, 0));
	set_row(0x100, BP16);
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = at(4);
	w.stack[3] = at(10);
	w.stack[4] = at(12);
	w.stack[9] = CODE + 0x101;
	w.stack[13] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 2);
}

TEST(saved_sp_of_assembly)
{
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_SP_DEREF, 2, RINGPROF_BP_SAME, 0));
	set_row(0x200, ROOT);
	w.stack[2] = at(20);
	w.stack[20] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 1);
	/* on another stack, below this one: the code says so */
	w.stack[2] = at(1) - 8;
	w.stack[0] = CODE + 0x202;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.chain[0], CODE + 0x202);
	w.stack[2] = 0xdead0001;
	CHECK_EQ(go(), RINGPROF_END_SP_RANGE);
	CHECK_EQ(w.n, 0);
}

TEST(plt_slots_before_and_after_the_push)
{
	begin(CODE + 0x20 + 10);
	set_row(0, ringprof_rule(RINGPROF_CFA_PLT, 11, RINGPROF_BP_SAME, 0));
	set_row(0x200, ROOT);
	w.stack[0] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.chain[0], CODE + 0x201);
	w.in.regs[WALK_PC]++;
	w.stack[0] = 7;
	w.stack[1] = CODE + 0x202;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.chain[0], CODE + 0x202);
}

TEST(cfa_in_a_register_of_the_leaf_alone)
{
	uint32_t r10 = ringprof_rule(RINGPROF_CFA_REG, 0, RINGPROF_BP_SAME, 10);

	begin(CODE);
	set_row(0, r10);
	set_row(0x200, ROOT);
	w.in.regs[10] = at(8);
	w.stack[7] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 1);
	w.stack[7] = CODE + 1; /* and once more, now as a caller */
	CHECK_EQ(go(), RINGPROF_END_OPAQUE);
	CHECK_EQ(w.n, 1);
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_REG, 0, RINGPROF_BP_SAME, 17));
	CHECK_EQ(go(), RINGPROF_END_OPAQUE);
}

TEST(frame_pointers_where_there_are_no_rows_and_back)
{
	/* rows -> two frames of JIT code -> rows */
	begin(CODE + 0x10);
	set_row(0, SP_BP(24, -16));
	set_row(0x100, SP(32));
	set_row(0x200, ROOT);
	w.stack[1] = at(5);
	w.stack[2] = JIT + 1;
	w.stack[5] = at(8);
	w.stack[6] = JIT + 2;
	w.stack[8] = 77; /* not needed any more */
	w.stack[9] = CODE + 0x110;
	w.stack[13] = CODE + 0x201; /* sp was 10 behind the frame pointer's */
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 4);
	CHECK_EQ(w.c.row_frames, 2);
	CHECK_EQ(w.c.fp_frames, 2);
	CHECK_EQ(w.flags, RINGPROF_SAMPLE_ROWS | RINGPROF_SAMPLE_USER_FP);
}

TEST(frame_pointers_alone)
{
	begin(JIT);
	w.in.regs[WALK_BP] = at(2);
	w.stack[2] = at(4);
	w.stack[3] = JIT + 1;
	w.stack[4] = 0;
	w.stack[5] = JIT + 2;
	CHECK_EQ(go(), RINGPROF_END_FP_ZERO);
	CHECK_EQ(w.n, 2);
	CHECK_EQ(w.flags, RINGPROF_SAMPLE_USER_FP);
	w.stack[4] = at(3); /* down again */
	CHECK_EQ(go(), RINGPROF_END_FP_ORDER);
	CHECK_EQ(w.n, 2);
	w.stack[4] = at(6) + 1;
	CHECK_EQ(go(), RINGPROF_END_FP_RANGE);
	w.stack[4] = 0x8000000000000000ULL;
	CHECK_EQ(go(), RINGPROF_END_FP_RANGE);
	w.stack[4] = at(WORDS) - 8; /* the return address lies behind the copy */
	CHECK_EQ(go(), RINGPROF_END_FAULT);
	w.in.stack_cut = true;
	CHECK_EQ(go(), RINGPROF_END_STACK_CUT);
	w.stack[3] = 12;
	CHECK_EQ(go(), RINGPROF_END_PC_RANGE);
	w.stack[2] = 0; /* argc */
	CHECK_EQ(go(), RINGPROF_END_FP_ZERO);
	CHECK_EQ(w.n, 0);
}

TEST(lost_bp)
{
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_UNKNOWN, 0));
	set_row(0x100, BP16);
	set_row(0x180, SP_BP(24, -16));
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = at(4);
	w.stack[0] = JIT;
	CHECK_EQ(go(), RINGPROF_END_NO_INFO);
	CHECK_EQ(w.n, 1);
	w.stack[0] = CODE + 0x101;
	CHECK_EQ(go(), RINGPROF_END_NO_INFO);
	CHECK_EQ(w.n, 1);
	/* a frame that saved it has it again */
	w.stack[0] = CODE + 0x181;
	w.stack[2] = at(5);
	w.stack[3] = CODE + 0x101;
	w.stack[6] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 3);
	/* where it was saved cannot be: lost as well, and no reason to end */
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_SP, 1, RINGPROF_BP_AT_BP, 1));
	set_row(0x200, ROOT);
	w.in.regs[WALK_BP] = 3;
	w.stack[0] = CODE + 0x201;
	CHECK_EQ(go(), RINGPROF_END_ROOT);
}

TEST(what_no_row_expresses)
{
	begin(CODE);
	set_row(0, ringprof_rule(RINGPROF_CFA_OPAQUE, 0, 0, 0));
	w.in.regs[WALK_BP] = at(2);
	w.stack[3] = JIT;
	CHECK_EQ(go(), RINGPROF_END_OPAQUE);
	CHECK_EQ(w.n, 0);
	for (uint32_t kind = __RINGPROF_CFA_MAX; kind < 16; kind++) {
		w.row[0].rule = ringprof_rule(kind, 1, 0, 0);
		CHECK_EQ(go(), RINGPROF_END_OPAQUE);
	}
}

TEST(frames_must_go_up)
{
	begin(CODE);
	set_row(0, SP(-8));
	CHECK_EQ(go(), RINGPROF_END_CFA_ORDER);
	w.row[0].rule = BP16;
	w.in.regs[WALK_BP] = STACK - 16;
	CHECK_EQ(go(), RINGPROF_END_CFA_ORDER);
	w.row[0].rule = SP(8);
	w.in.regs[WALK_SP] += 4;
	CHECK_EQ(go(), RINGPROF_END_SP_RANGE);
	w.in.regs[WALK_SP] = 0xffffffffff000000ULL;
	CHECK_EQ(go(), RINGPROF_END_SP_RANGE);
	w.in.regs[WALK_SP] = 0;
	CHECK_EQ(go(), RINGPROF_END_SP_RANGE);
	w.in.regs[WALK_SP] = STACK;
	w.stack[0] = 100;
	CHECK_EQ(go(), RINGPROF_END_PC_RANGE);
	w.row[0].rule = SP(WORDS * 8 + 8);
	CHECK_EQ(go(), RINGPROF_END_FAULT);
	CHECK_EQ(w.n, 0);
}

TEST(depth_is_what_was_asked_for)
{
	begin(CODE);
	set_row(0, SP(8));
	set_row(0x200, ROOT);
	for (int i = 0; i < 10; i++)
		w.stack[i] = CODE + 1;
	w.stack[10] = CODE + 0x201;
	CHECK_EQ(go_room(10), RINGPROF_END_DEPTH);
	CHECK_EQ(w.n, 10);
	CHECK_EQ(w.c.row_frames, 10);
	CHECK_EQ(go_room(11), RINGPROF_END_ROOT);
	CHECK_EQ(w.n, 11);
	CHECK_EQ(go_room(0), RINGPROF_END_DEPTH);
	CHECK_EQ(w.n, 0);
}

TEST(frames_of_32_bits)
{
	uint32_t *s = (uint32_t *)w.stack;

	begin(0x8048000);
	w.in.compat = true;
	w.in.regs[WALK_BP] = STACK + 8;
	s[2] = (uint32_t)STACK + 20;
	s[3] = 0x8048100;
	s[5] = 0;
	s[6] = 0x8048200;
	CHECK_EQ(go(), RINGPROF_END_FP_ZERO);
	CHECK_EQ(w.n, 2);
	CHECK_EQ(w.chain[1], 0x8048200);
	CHECK_EQ(w.flags, RINGPROF_SAMPLE_COMPAT | RINGPROF_SAMPLE_USER_FP);
	CHECK_EQ(w.c.fp_frames, 2);
	CHECK_EQ(go_room(1), RINGPROF_END_DEPTH);
	s[5] = (uint32_t)STACK;
	CHECK_EQ(go(), RINGPROF_END_FP_ORDER);
	s[5] = 2;
	CHECK_EQ(go(), RINGPROF_END_FP_RANGE);
	s[5] = (uint32_t)at(WORDS);
	CHECK_EQ(go(), RINGPROF_END_FAULT);
	CHECK_EQ(w.n, 2);
}

int main(void)
{
	return tap_main();
}
