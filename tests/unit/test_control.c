// SPDX-License-Identifier: GPL-2.0
/* The module's netlink messages, made and taken apart without a module. */
#include <errno.h>
#include <stdlib.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "source/control_msg.h"
#include "source/source.h"
#include "tap.h"

static struct nl_msg *new_msg(void)
{
	struct nl_msg *m = nlmsg_alloc_size(16384);

	CHECK(m);
	CHECK(genlmsg_put(m, 0, 0, 30, 0, 0, RINGPROF_CMD_INFO, RINGPROF_GENL_VERSION));
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

TEST(info)
{
	struct nl_msg *m = new_msg();
	struct control_info info;

	nla_put_u32(m, RINGPROF_A_ABI_MAJOR, 1);
	nla_put_u32(m, RINGPROF_A_ABI_MINOR, 7);
	nla_put_string(m, RINGPROF_A_VERSION, "0.1.0");
	nla_put_u64(m, RINGPROF_A_FEATURES, 31);
	nla_put_u32(m, RINGPROF_A_STATE, RINGPROF_STATE_RUNNING);
	nla_put_u32(m, RINGPROF_A_READER_PID, 4711);
	nla_put_string(m, RINGPROF_A_READER_COMM,
		       "a comm that is far longer than any comm can ever be");
	nla_put_u32(m, 999, 1); /* a newer module's */
	CHECK_EQ(control_parse_info(attrs(m), attrs_len(m), &info), 0);
	CHECK_EQ(info.abi_minor, 7);
	CHECK_STR(info.version, "0.1.0");
	CHECK_EQ(info.features, 31);
	CHECK_EQ(info.state, RINGPROF_STATE_RUNNING);
	CHECK_EQ(info.reader_pid, 4711);
	CHECK_EQ(strlen(info.reader_comm), sizeof(info.reader_comm) - 1);
	CHECK_EQ(info.instance, 0);
	nlmsg_free(m);
}

TEST(a_config_goes_out_and_comes_back)
{
	struct control_config in = { .hz = 499,
				     .set_hz = true,
				     .n_tgids = 2,
				     .set_tgids = true,
				     .tgids = { 5, 6 },
				     .cpus = "0-3",
				     .set_cpus = true,
				     .set_cgroup = true,
				     .flags = 3,
				     .max_depth = 9 };
	struct control_config out;
	struct nl_msg *m = new_msg();

	CHECK_EQ(control_put_config(m, &in), 0);
	CHECK_EQ(control_parse_config(attrs(m), attrs_len(m), &out), 0);
	CHECK_EQ(out.hz, 499);
	CHECK_STR(out.cpus, "0-3");
	CHECK_EQ(out.n_tgids, 2);
	CHECK(out.tgids[0] == 5 && out.tgids[1] == 6);
	/* not marked as set: not sent */
	CHECK_EQ(out.flags, 0);
	CHECK_EQ(out.max_depth, 0);
	CHECK(nla_find(attrs(m), attrs_len(m), RINGPROF_A_CGROUP));
	CHECK(!nla_find(attrs(m), attrs_len(m), RINGPROF_A_FLAGS));
	nlmsg_free(m);
}

TEST(stats)
{
	uint64_t outcomes[20] = { 1, 2, 3 };
	struct nl_msg *m = new_msg();
	struct control_stats st;

	nla_put_u64(m, RINGPROF_A_CALLS, 6);
	nla_put(m, RINGPROF_A_OUTCOMES, sizeof(outcomes), outcomes);
	CHECK_EQ(control_parse_stats(attrs(m), attrs_len(m), &st), 0);
	CHECK_EQ(st.cpu, -1);
	CHECK_EQ(st.calls, 6);
	CHECK_EQ(st.n_outcomes, 16);
	CHECK_EQ(st.outcomes[2], 3);
	nla_put_u32(m, RINGPROF_A_CPU, 5);
	CHECK_EQ(control_parse_stats(attrs(m), attrs_len(m), &st), 0);
	CHECK_EQ(st.cpu, 5);
	nlmsg_free(m);
}

TEST(attributes_of_a_wrong_size_are_refused)
{
	struct nl_msg *m = new_msg();
	struct control_stats st;

	nla_put_u16(m, RINGPROF_A_CALLS, 6);
	CHECK_EQ(control_parse_stats(attrs(m), attrs_len(m), &st), -EBADMSG);
	nlmsg_free(m);
}

/* An NLMSG_ERROR in a heap block of its own size. */
static struct nlmsghdr *error_msg(const char *text, bool capped, size_t *len)
{
	size_t inner = capped ? 0 : 20, n = text ? NLA_HDRLEN + strlen(text) + 1 : 0;
	struct nlmsghdr *h;
	struct nlmsgerr *e;

	*len = NLMSG_HDRLEN + sizeof(*e) + inner + n;
	h = calloc(1, *len);
	CHECK(h);
	h->nlmsg_len = (uint32_t)*len;
	h->nlmsg_type = NLMSG_ERROR;
	h->nlmsg_flags = (uint16_t)((text ? NLM_F_ACK_TLVS : 0) | (capped ? NLM_F_CAPPED : 0));
	e = nlmsg_data(h);
	e->error = -EINVAL;
	e->msg.nlmsg_len = (uint32_t)(sizeof(e->msg) + inner);
	if (text) {
		struct nlattr *a = (void *)((char *)h + NLMSG_HDRLEN + sizeof(*e) + inner);

		a->nla_type = NLMSGERR_ATTR_MSG;
		a->nla_len = (uint16_t)n;
		strcpy(nla_data(a), text);
	}
	return h;
}

TEST(extack_texts)
{
	char err[64] = "untouched";
	size_t len;

	for (int capped = 0; capped < 2; capped++) {
		struct nlmsghdr *h = error_msg("hz: 1 to 10000", capped, &len);

		CHECK(control_extack(h, err, sizeof(err)));
		CHECK_STR(err, "hz: 1 to 10000");
		CHECK(control_extack(h, err, 4));
		CHECK_STR(err, "hz:");
		free(h);
		h = error_msg(NULL, capped, &len);
		CHECK(!control_extack(h, err, sizeof(err)));
		free(h);
	}
}

TEST(mangled_extacks_are_not_read_outside)
{
	size_t len, found = 0;
	char err[64];

	for (int capped = 0; capped < 2; capped++) {
		struct nlmsghdr *h = error_msg("flags: unknown bits", capped, &len);

		for (size_t i = 4; i < len; i++) {
			for (unsigned int bit = 0; bit < 8; bit++) {
				((unsigned char *)h)[i] ^= (unsigned char)(1U << bit);
				found += control_extack(h, err, sizeof(err));
				((unsigned char *)h)[i] ^= (unsigned char)(1U << bit);
			}
		}
		for (uint32_t cut = NLMSG_HDRLEN; cut < len; cut++) {
			struct nlmsghdr *part = malloc(cut);

			CHECK(part);
			memcpy(part, h, cut);
			part->nlmsg_len = cut;
			found += control_extack(part, err, sizeof(err));
			free(part);
		}
		free(h);
	}
	CHECK(found > 100);
}

TEST(names_are_there_for_all_and_differ)
{
	for (unsigned int i = 0; i <= RINGPROF_OUT_MAX; i++)
		for (unsigned int j = 0; j < i; j++)
			CHECK(strcmp(control_outcome_name(i), control_outcome_name(j)));
	for (unsigned int i = 0; i <= RINGPROF_END_MAX; i++)
		for (unsigned int j = 0; j < i; j++)
			CHECK(strcmp(control_end_name(i), control_end_name(j)));
	CHECK_STR(control_outcome_name(RINGPROF_LOST_RING_FULL), "ring full");
	CHECK_STR(control_end_name(RINGPROF_END_DEPTH), "depth limit");
	CHECK_STR(control_outcome_name(99), "other");
	CHECK_STR(control_end_name(4095), "other");
}

TEST(an_absent_module_is_said_to_be_absent)
{
	struct control *c = NULL;
	char err[256] = "";
	int r = control_open(&c, err, sizeof(err));

	if (!r) {
		control_close(c);
		SKIP("the module is loaded here");
	}
	printf("# %s\n", err);
	CHECK_EQ(r, -ENOENT);
	CHECK(strstr(err, "not loaded"));
}

TEST(auto_tells_why_it_took_perf)
{
	struct source_config cfg = { .kind = SOURCE_AUTO };
	struct chains *chains = chains_new(1 << 20);
	struct source *s = NULL;
	char err[512] = "";
	int r = source_open(&s, &cfg, chains, err, sizeof(err));

	if (r)
		printf("# %s\n", err);
	if (r == -EPERM || r == -EACCES)
		SKIP("perf_event_open is refused here");
	CHECK_EQ(r, 0);
	printf("# %s: %s\n", source_info(s)->name, source_info(s)->why);
	CHECK(strstr(source_info(s)->why, "module"));
	source_close(s);
	cfg.kind = SOURCE_KMOD;
	r = source_open(&s, &cfg, chains, err, sizeof(err));
	if (!r)
		source_close(s);
	else
		CHECK(strstr(err, "ringprof"));
	chains_free(chains);
}

int main(void)
{
	return tap_main();
}
