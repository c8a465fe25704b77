// SPDX-License-Identifier: GPL-2.0
/* What the module says about unwind tables, taken apart without a module. */
#include <errno.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "ringprof/row.h"
#include "source/control_msg.h"
#include "tap.h"

static struct nl_msg *new_msg(uint8_t cmd)
{
	struct nl_msg *m = nlmsg_alloc_size(16384);

	CHECK(m);
	CHECK(genlmsg_put(m, 0, 0, 30, 0, 0, cmd, RINGPROF_GENL_VERSION));
	return m;
}

static struct nlattr *attrs(struct nl_msg *m)
{
	return genlmsg_attrdata(genlmsg_hdr(nlmsg_hdr(m)), 0);
}

static int attrs_len(struct nl_msg *m)
{
	return genlmsg_attrlen(genlmsg_hdr(nlmsg_hdr(m)), 0);
}

TEST(a_table)
{
	uint8_t key[RINGPROF_KEY_SIZE] = { 1, 2, [19] = 20 };
	struct nl_msg *m = new_msg(RINGPROF_CMD_TABLE_GET);
	struct control_table_info t;

	nla_put_u32(m, RINGPROF_A_TABLE_ID, 7);
	nla_put(m, RINGPROF_A_TABLE_KEY, sizeof(key), key);
	nla_put_u64(m, RINGPROF_A_TABLE_BASE, 0x1000);
	nla_put_u32(m, RINGPROF_A_TABLE_N_ROWS, 3);
	nla_put_u64(m, RINGPROF_A_TABLE_HITS, 1ULL << 40);
	nla_put_u64(m, RINGPROF_A_TABLE_BYTES, 999);
	CHECK_EQ(control_parse_table(attrs(m), attrs_len(m), &t), 0);
	CHECK(!memcmp(t.key, key, sizeof(key)));
	CHECK_EQ(t.id, 7);
	CHECK_EQ(t.base, 0x1000);
	CHECK_EQ(t.n_rows, 3);
	CHECK_EQ(t.hits, 1ULL << 40);
	CHECK_EQ(t.bytes, 999);
	CHECK(t.committed);
	/* rows so far: it is still on its way */
	nla_put_u32(m, RINGPROF_A_TABLE_FIRST, 0);
	CHECK_EQ(control_parse_table(attrs(m), attrs_len(m), &t), 0);
	CHECK(!t.committed);
	nlmsg_free(m);
}

TEST(a_key_cut_short_is_no_key)
{
	uint8_t key[RINGPROF_KEY_SIZE - 1] = { 1 }, none[RINGPROF_KEY_SIZE] = { 0 };
	struct nl_msg *m = new_msg(RINGPROF_CMD_TABLE_GET);
	struct control_table_info t;

	nla_put(m, RINGPROF_A_TABLE_KEY, sizeof(key), key);
	CHECK_EQ(control_parse_table(attrs(m), attrs_len(m), &t), 0);
	CHECK(!memcmp(t.key, none, sizeof(none)));
	nlmsg_free(m);
}

TEST(an_answer_without_an_id_is_none)
{
	struct nl_msg *m = new_msg(RINGPROF_CMD_TABLE_NEW);
	uint32_t id = 1;

	CHECK_EQ(control_parse_table_id(attrs(m), attrs_len(m), &id), -EBADMSG);
	nla_put_u32(m, RINGPROF_A_TABLE_ID, 12);
	CHECK_EQ(control_parse_table_id(attrs(m), attrs_len(m), &id), 0);
	CHECK_EQ(id, 12);
	nlmsg_free(m);
}

/* A daemon that is newer than the module, which would refuse the whole table. */
TEST(rows_that_the_module_does_not_know)
{
	const struct ringprof_row rows[] = {
		{ 0, RINGPROF_CFA_ROOT },
		{ 4, ringprof_rule(RINGPROF_CFA_SP, 2, RINGPROF_BP_AT_CFA, -2) },
		{ 8, ringprof_rule(RINGPROF_CFA_CLONE, 1, RINGPROF_BP_SAME, 0) },
	};
	struct control_table t = { .rows = rows, .n_rows = 3 };

	for (int old = 0; old < 2; old++) {
		struct nl_msg *m = new_msg(RINGPROF_CMD_TABLE_ROWS);
		const struct ringprof_row *sent;
		struct nlattr *data;

		t.no_clone = old;
		CHECK_EQ(control_put_rows(m, &t, 7, 1, 2), 0);
		data = nla_find(attrs(m), attrs_len(m), RINGPROF_A_TABLE_DATA);
		CHECK(data);
		CHECK_EQ(nla_len(data), 2 * sizeof(rows[0]));
		sent = nla_data(data);
		CHECK(!memcmp(sent, rows + 1, sizeof(rows[0])));
		CHECK_EQ(sent[1].pc, 8);
		CHECK_EQ(ringprof_rule_cfa(sent[1].rule),
			 old ? RINGPROF_CFA_SP : RINGPROF_CFA_CLONE);
		CHECK_EQ(ringprof_rule_off(sent[1].rule), 8);
		nlmsg_free(m);
	}
}

TEST(unwind_counters_and_the_budget)
{
	uint64_t counters[40] = { [RINGPROF_UNW_TABLES] = 5, [31] = 1 };
	struct control_config in = { .table_budget = 1ULL << 33, .set_table_budget = true }, out;
	struct nl_msg *m = new_msg(RINGPROF_CMD_STATS);
	struct control_stats st;

	nla_put(m, RINGPROF_A_UNWIND, sizeof(counters), counters);
	CHECK_EQ(control_parse_stats(attrs(m), attrs_len(m), &st), 0);
	CHECK_EQ(st.n_unwind, 32);
	CHECK_EQ(st.unwind[RINGPROF_UNW_TABLES], 5);
	CHECK_EQ(control_put_config(m, &in), 0);
	CHECK_EQ(control_parse_config(attrs(m), attrs_len(m), &out), 0);
	CHECK_EQ(out.table_budget, 1ULL << 33);
	nlmsg_free(m);
}

TEST(every_counter_has_a_name_of_its_own)
{
	for (unsigned int i = 0; i < __RINGPROF_UNW_MAX; i++)
		for (unsigned int j = 0; j < i; j++)
			CHECK(strcmp(control_unwind_name(i), control_unwind_name(j)));
	CHECK_STR(control_unwind_name(99), "other");
}

int main(void)
{
	return tap_main();
}
