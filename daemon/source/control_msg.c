// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of the netlink family "ringprof" to structs and back, see
 * control_msg.h. Absent attributes leave zeroes: an older module has fewer.
 */
#include "source/control_msg.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "ringprof/row.h"

static struct nla_policy policy[RINGPROF_A_MAX + 1] = {
	[RINGPROF_A_ABI_MAJOR] = { .type = NLA_U32 },
	[RINGPROF_A_ABI_MINOR] = { .type = NLA_U32 },
	[RINGPROF_A_VERSION] = { .type = NLA_STRING },
	[RINGPROF_A_FEATURES] = { .type = NLA_U64 },
	[RINGPROF_A_STATE] = { .type = NLA_U32 },
	[RINGPROF_A_READER_PID] = { .type = NLA_U32 },
	[RINGPROF_A_READER_COMM] = { .type = NLA_STRING },
	[RINGPROF_A_HZ] = { .type = NLA_U32 },
	[RINGPROF_A_PERIOD] = { .type = NLA_U64 },
	[RINGPROF_A_UNIT] = { .type = NLA_U32 },
	[RINGPROF_A_EVENT] = { .type = NLA_U32 },
	[RINGPROF_A_CPUS] = { .type = NLA_STRING },
	[RINGPROF_A_CPUS_ACTIVE] = { .type = NLA_STRING },
	[RINGPROF_A_RING_SIZE] = { .type = NLA_U32 },
	[RINGPROF_A_MAX_DEPTH] = { .type = NLA_U32 },
	[RINGPROF_A_FLAGS] = { .type = NLA_U32 },
	[RINGPROF_A_TGIDS] = { .type = NLA_UNSPEC },
	[RINGPROF_A_CGROUP] = { .type = NLA_STRING },
	[RINGPROF_A_BUDGET] = { .type = NLA_U32 },
	[RINGPROF_A_INSTANCE] = { .type = NLA_U64 },
	[RINGPROF_A_CPU] = { .type = NLA_U32 },
	[RINGPROF_A_CALLS] = { .type = NLA_U64 },
	[RINGPROF_A_OUTCOMES] = { .type = NLA_UNSPEC },
	[RINGPROF_A_MISSED] = { .type = NLA_U64 },
	[RINGPROF_A_EVENT_COUNT] = { .type = NLA_U64 },
	[RINGPROF_A_ELAPSED] = { .type = NLA_U64 },
	[RINGPROF_A_CHAIN_HITS] = { .type = NLA_U64 },
	[RINGPROF_A_NODES] = { .type = NLA_U64 },
	[RINGPROF_A_BYTES] = { .type = NLA_U64 },
	[RINGPROF_A_FRAMES] = { .type = NLA_U64 },
	[RINGPROF_A_EPOCH] = { .type = NLA_U32 },
	[RINGPROF_A_HANDLER_NS] = { .type = NLA_U64 },
	[RINGPROF_A_NODE_LIMIT_HITS] = { .type = NLA_U64 },
	[RINGPROF_A_MEMORY] = { .type = NLA_U64 },
	[RINGPROF_A_NODE_BUDGET] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_KEY] = { .type = NLA_UNSPEC },
	[RINGPROF_A_TABLE_ID] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_BASE] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_N_ROWS] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_FIRST] = { .type = NLA_U32 },
	[RINGPROF_A_TABLE_HITS] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_BYTES] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_BUDGET] = { .type = NLA_U64 },
	[RINGPROF_A_TABLE_COUNT] = { .type = NLA_U32 },
	[RINGPROF_A_UNWIND] = { .type = NLA_UNSPEC },
};

struct attrs {
	struct nlattr *a[RINGPROF_A_MAX + 1];
};

static int parse(struct nlattr *attrs, int len, struct attrs *ret)
{
	return nla_parse(ret->a, RINGPROF_A_MAX, attrs, len, policy) < 0 ? -EBADMSG : 0;
}

static uint32_t u32(const struct attrs *t, int type)
{
	return t->a[type] ? nla_get_u32(t->a[type]) : 0;
}

static uint64_t u64(const struct attrs *t, int type)
{
	return t->a[type] ? nla_get_u64(t->a[type]) : 0;
}

static void string(const struct attrs *t, int type, char *ret, size_t size)
{
	const struct nlattr *a = t->a[type];
	size_t n = a ? strnlen(nla_data(a), (size_t)nla_len(a)) : 0;

	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(ret, nla_data(a), n);
	ret[n] = 0;
}

/* Copies whole elements, at most max; gives their number. */
static uint32_t array(const struct attrs *t, int type, void *ret, size_t elem, size_t max)
{
	const struct nlattr *a = t->a[type];
	size_t n = a ? (size_t)nla_len(a) / elem : 0;

	if (n > max)
		n = max;
	if (n)
		memcpy(ret, nla_data(a), n * elem);
	return (uint32_t)n;
}

int control_parse_info(struct nlattr *attrs, int len, struct control_info *ret)
{
	struct attrs t;
	int r = parse(attrs, len, &t);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->abi_major = u32(&t, RINGPROF_A_ABI_MAJOR);
	ret->abi_minor = u32(&t, RINGPROF_A_ABI_MINOR);
	ret->features = u64(&t, RINGPROF_A_FEATURES);
	ret->instance = u64(&t, RINGPROF_A_INSTANCE);
	ret->memory = u64(&t, RINGPROF_A_MEMORY);
	ret->table_bytes = u64(&t, RINGPROF_A_TABLE_BYTES);
	ret->table_count = u32(&t, RINGPROF_A_TABLE_COUNT);
	ret->state = u32(&t, RINGPROF_A_STATE);
	ret->reader_pid = u32(&t, RINGPROF_A_READER_PID);
	string(&t, RINGPROF_A_VERSION, ret->version, sizeof(ret->version));
	string(&t, RINGPROF_A_READER_COMM, ret->reader_comm, sizeof(ret->reader_comm));
	return 0;
}

int control_parse_config(struct nlattr *attrs, int len, struct control_config *ret)
{
	struct attrs t;
	int r = parse(attrs, len, &t);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->hz = u32(&t, RINGPROF_A_HZ);
	ret->unit = u32(&t, RINGPROF_A_UNIT);
	ret->event = u32(&t, RINGPROF_A_EVENT);
	ret->ring_size = u32(&t, RINGPROF_A_RING_SIZE);
	ret->max_depth = u32(&t, RINGPROF_A_MAX_DEPTH);
	ret->flags = u32(&t, RINGPROF_A_FLAGS);
	ret->budget = u32(&t, RINGPROF_A_BUDGET);
	ret->node_budget = u32(&t, RINGPROF_A_NODE_BUDGET);
	ret->period = u64(&t, RINGPROF_A_PERIOD);
	ret->table_budget = u64(&t, RINGPROF_A_TABLE_BUDGET);
	string(&t, RINGPROF_A_CPUS, ret->cpus, sizeof(ret->cpus));
	string(&t, RINGPROF_A_CPUS_ACTIVE, ret->cpus_active, sizeof(ret->cpus_active));
	string(&t, RINGPROF_A_CGROUP, ret->cgroup, sizeof(ret->cgroup));
	ret->n_tgids = array(&t, RINGPROF_A_TGIDS, ret->tgids, sizeof(ret->tgids[0]), 256);
	return 0;
}

int control_parse_stats(struct nlattr *attrs, int len, struct control_stats *ret)
{
	struct attrs t;
	int r = parse(attrs, len, &t);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->cpu = t.a[RINGPROF_A_CPU] ? (int32_t)u32(&t, RINGPROF_A_CPU) : -1;
	ret->calls = u64(&t, RINGPROF_A_CALLS);
	ret->n_outcomes = array(&t, RINGPROF_A_OUTCOMES, ret->outcomes, sizeof(uint64_t), 16);
	ret->missed = u64(&t, RINGPROF_A_MISSED);
	ret->event_count = u64(&t, RINGPROF_A_EVENT_COUNT);
	ret->elapsed = u64(&t, RINGPROF_A_ELAPSED);
	ret->chain_hits = u64(&t, RINGPROF_A_CHAIN_HITS);
	ret->nodes = u64(&t, RINGPROF_A_NODES);
	ret->bytes = u64(&t, RINGPROF_A_BYTES);
	ret->frames = u64(&t, RINGPROF_A_FRAMES);
	ret->handler_ns = u64(&t, RINGPROF_A_HANDLER_NS);
	ret->node_limit_hits = u64(&t, RINGPROF_A_NODE_LIMIT_HITS);
	ret->n_unwind = array(&t, RINGPROF_A_UNWIND, ret->unwind, sizeof(uint64_t), 32);
	ret->epoch = u32(&t, RINGPROF_A_EPOCH);
	return 0;
}

int control_parse_table(struct nlattr *attrs, int len, struct control_table_info *ret)
{
	struct attrs t;
	int r = parse(attrs, len, &t);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	array(&t, RINGPROF_A_TABLE_KEY, ret->key, sizeof(ret->key), 1);
	ret->id = u32(&t, RINGPROF_A_TABLE_ID);
	ret->n_rows = u32(&t, RINGPROF_A_TABLE_N_ROWS);
	ret->base = u64(&t, RINGPROF_A_TABLE_BASE);
	ret->hits = u64(&t, RINGPROF_A_TABLE_HITS);
	ret->bytes = u64(&t, RINGPROF_A_TABLE_BYTES);
	ret->committed = !t.a[RINGPROF_A_TABLE_FIRST];
	return 0;
}

int control_parse_table_id(struct nlattr *attrs, int len, uint32_t *ret)
{
	struct attrs t;
	int r = parse(attrs, len, &t);

	if (r)
		return r;
	*ret = u32(&t, RINGPROF_A_TABLE_ID);
	return *ret ? 0 : -EBADMSG;
}

static void without_clone(struct ringprof_row *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (ringprof_rule_cfa(rows[i].rule) == RINGPROF_CFA_CLONE)
			rows[i].rule = ringprof_rule_by(rows[i].rule, RINGPROF_CFA_SP);
}

int control_put_rows(struct nl_msg *msg, const struct control_table *t, uint32_t id, uint32_t first,
		     uint32_t n)
{
	struct nlattr *data;

	if (nla_put_u32(msg, RINGPROF_A_TABLE_ID, id) ||
	    nla_put_u32(msg, RINGPROF_A_TABLE_FIRST, first))
		return -EMSGSIZE;
	data = nla_reserve(msg, RINGPROF_A_TABLE_DATA, (int)(n * sizeof(t->rows[0])));
	if (!data)
		return -EMSGSIZE;
	memcpy(nla_data(data), t->rows + first, n * sizeof(t->rows[0]));
	if (t->no_clone)
		without_clone(nla_data(data), n);
	return 0;
}

int control_put_config(struct nl_msg *msg, const struct control_config *cfg)
{
	const struct {
		bool set;
		int type;
		uint32_t value;
	} numbers[] = {
		{ cfg->set_hz, RINGPROF_A_HZ, cfg->hz },
		{ cfg->set_event, RINGPROF_A_EVENT, cfg->event },
		{ cfg->set_ring_size, RINGPROF_A_RING_SIZE, cfg->ring_size },
		{ cfg->set_max_depth, RINGPROF_A_MAX_DEPTH, cfg->max_depth },
		{ cfg->set_flags, RINGPROF_A_FLAGS, cfg->flags },
		{ cfg->set_budget, RINGPROF_A_BUDGET, cfg->budget },
		{ cfg->set_node_budget, RINGPROF_A_NODE_BUDGET, cfg->node_budget },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].set)
			r |= nla_put_u32(msg, numbers[i].type, numbers[i].value);
	if (cfg->set_cpus)
		r |= nla_put_string(msg, RINGPROF_A_CPUS, cfg->cpus);
	if (cfg->set_cgroup)
		r |= nla_put_string(msg, RINGPROF_A_CGROUP, cfg->cgroup);
	if (cfg->set_tgids)
		r |= nla_put(msg, RINGPROF_A_TGIDS, (int)(cfg->n_tgids * sizeof(cfg->tgids[0])),
			     cfg->tgids);
	if (cfg->set_table_budget)
		r |= nla_put_u64(msg, RINGPROF_A_TABLE_BUDGET, cfg->table_budget);
	return r ? -EMSGSIZE : 0;
}

bool control_extack(const struct nlmsghdr *nlh, char *err, size_t errlen)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);
	size_t len = nlh->nlmsg_len, skip = NLMSG_HDRLEN + sizeof(*e);
	struct nlattr *msg;
	size_t n;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || len < skip)
		return false;
	/* the request comes back too, unless it was left out */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg) || e->msg.nlmsg_len > len)
			return false;
		skip += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	}
	if (skip > len)
		return false;
	msg = nla_find((struct nlattr *)((char *)nlh + skip), (int)(len - skip), NLMSGERR_ATTR_MSG);
	if (!msg)
		return false;
	n = strnlen(nla_data(msg), (size_t)nla_len(msg));
	if (n >= errlen)
		n = errlen - 1;
	memcpy(err, nla_data(msg), n);
	err[n] = 0;
	return n;
}
