// SPDX-License-Identifier: GPL-2.0
/*
 * TABLE_* commands: attributes in and out; what they do is table.c's. The
 * genl mutex is held, so they come one at a time; rp_lock is not needed.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "netlink_attr.h"
#include "table.h"

#define REFUSE(info, err, text)                        \
	({                                             \
		NL_SET_ERR_MSG(RP_EXTACK(info), text); \
		-(err);                                \
	})

static int get_segments(struct genl_info *info, struct rp_table_desc *d,
			struct ringprof_segment *segment)
{
	struct nlattr *a = info->attrs[RINGPROF_A_TABLE_SEGMENTS];

	if (nla_len(a) % sizeof(*segment))
		return REFUSE(info, EINVAL,
			      "table segments: not whole ones; 24 bytes each: offset, vaddr, size");
	/* the attribute is aligned to 4 bytes only */
	memcpy(segment, nla_data(a), nla_len(a));
	d->segment = segment;
	d->n_segments = nla_len(a) / sizeof(*segment);
	return 0;
}

static int get_desc(struct genl_info *info, struct rp_table_desc *d,
		    struct ringprof_segment *segment)
{
	struct nlattr **a = info->attrs;

	if (!a[RINGPROF_A_TABLE_KEY] || !a[RINGPROF_A_TABLE_BASE] ||
	    !a[RINGPROF_A_TABLE_SEGMENTS] || !a[RINGPROF_A_TABLE_N_ROWS])
		return REFUSE(info, EINVAL,
			      "table: an attribute is missing; TABLE_KEY, TABLE_BASE, "
			      "TABLE_SEGMENTS and TABLE_N_ROWS are needed");
	if (nla_len(a[RINGPROF_A_TABLE_KEY]) != RINGPROF_KEY_SIZE)
		return REFUSE(info, EINVAL, "table key: of a wrong size; it has 20 bytes");
	memcpy(d->key, nla_data(a[RINGPROF_A_TABLE_KEY]), RINGPROF_KEY_SIZE);
	d->base = nla_get_u64(a[RINGPROF_A_TABLE_BASE]);
	d->n_rows = nla_get_u32(a[RINGPROF_A_TABLE_N_ROWS]);
	d->portid = info->snd_portid;
	if (a[RINGPROF_A_TABLE_FD]) {
		int ret = rp_table_file_id(nla_get_u32(a[RINGPROF_A_TABLE_FD]), &d->file,
					   RP_EXTACK(info));
		if (ret)
			return ret;
	}
	return get_segments(info, d, segment);
}

static int reply_id(struct genl_info *info, u32 id)
{
	void *head;
	struct sk_buff *skb = rp_netlink_new_reply(info, &head);

	if (!skb)
		return -ENOMEM;
	if (nla_put_u32(skb, RINGPROF_A_TABLE_ID, id)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

#define BIT_OF(attr) (1ULL << RINGPROF_A_##attr)

int rp_netlink_table_new(struct genl_info *info)
{
	struct ringprof_segment segment[RINGPROF_MAX_SEGMENTS];
	struct rp_table_desc d = { .n_rows = 0 };
	u32 id;
	int ret = rp_netlink_check_only(info, BIT_OF(TABLE_KEY) | BIT_OF(TABLE_FD) |
						      BIT_OF(TABLE_BASE) | BIT_OF(TABLE_SEGMENTS) |
						      BIT_OF(TABLE_N_ROWS));

	if (!ret)
		ret = get_desc(info, &d, segment);
	if (!ret)
		ret = rp_table_new(&d, &id, RP_EXTACK(info));
	if (ret)
		return ret;
	ret = reply_id(info, id);
	/* nobody knows of it */
	if (ret)
		rp_table_del_id(id);
	return ret;
}

int rp_netlink_table_rows(struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	u32 len;
	int ret = rp_netlink_check_only(info, BIT_OF(TABLE_ID) | BIT_OF(TABLE_FIRST) |
						      BIT_OF(TABLE_DATA));

	if (ret)
		return ret;
	if (!a[RINGPROF_A_TABLE_ID] || !a[RINGPROF_A_TABLE_FIRST] || !a[RINGPROF_A_TABLE_DATA])
		return REFUSE(info, EINVAL,
			      "table rows: an attribute is missing; TABLE_ID, TABLE_FIRST and "
			      "TABLE_DATA are needed");
	len = nla_len(a[RINGPROF_A_TABLE_DATA]);
	if (!len || len % sizeof(struct ringprof_row))
		return REFUSE(info, EINVAL, "table rows: not whole ones, or none; 8 bytes each");
	return rp_table_rows(nla_get_u32(a[RINGPROF_A_TABLE_ID]), info->snd_portid,
			     nla_get_u32(a[RINGPROF_A_TABLE_FIRST]),
			     nla_data(a[RINGPROF_A_TABLE_DATA]), len / sizeof(struct ringprof_row),
			     RP_EXTACK(info));
}

int rp_netlink_table_commit(struct genl_info *info)
{
	int ret = rp_netlink_check_only(info, BIT_OF(TABLE_ID));

	if (ret)
		return ret;
	if (!info->attrs[RINGPROF_A_TABLE_ID])
		return REFUSE(info, EINVAL, "table: which one is missing; give TABLE_ID");
	return rp_table_commit(nla_get_u32(info->attrs[RINGPROF_A_TABLE_ID]), info->snd_portid,
			       RP_EXTACK(info));
}

int rp_netlink_table_del(struct genl_info *info)
{
	struct nlattr *id = info->attrs[RINGPROF_A_TABLE_ID];
	struct nlattr *key = info->attrs[RINGPROF_A_TABLE_KEY];
	int ret = rp_netlink_check_only(info, BIT_OF(TABLE_ID) | BIT_OF(TABLE_KEY));

	if (ret)
		return ret;
	if (!id == !key)
		return REFUSE(info, EINVAL,
			      "table: which one is unclear; give TABLE_ID or TABLE_KEY");
	if (key && nla_len(key) != RINGPROF_KEY_SIZE)
		return REFUSE(info, EINVAL, "table key: of a wrong size; it has 20 bytes");
	ret = id ? rp_table_del_id(nla_get_u32(id)) : rp_table_del_key(nla_data(key));
	if (ret)
		return REFUSE(info, ENOENT,
			      "table: there is none of that id or key; TABLE_GET lists them");
	return 0;
}

static int put_table(struct sk_buff *skb, const struct rp_table *t)
{
	if (nla_put_u32(skb, RINGPROF_A_TABLE_ID, t->id) ||
	    nla_put(skb, RINGPROF_A_TABLE_KEY, sizeof(t->key), t->key) ||
	    rp_put_u64(skb, RINGPROF_A_TABLE_BASE, t->view.base) ||
	    nla_put_u32(skb, RINGPROF_A_TABLE_N_ROWS, t->n_rows) ||
	    rp_put_u64(skb, RINGPROF_A_TABLE_HITS, READ_ONCE(t->hits)) ||
	    rp_put_u64(skb, RINGPROF_A_TABLE_BYTES, t->bytes))
		return -EMSGSIZE;
	/* only while it is handed over */
	return t->committed ? 0 : nla_put_u32(skb, RINGPROF_A_TABLE_FIRST, t->view.n_rows);
}

static int put_message(struct sk_buff *skb, struct netlink_callback *cb, const struct rp_table *t)
{
	void *head = rp_netlink_dump_head(skb, cb, RINGPROF_CMD_TABLE_GET);

	if (!head)
		return -EMSGSIZE;
	if (put_table(skb, t)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* cb->args[0]: the id of the last one told; ids ascend, so what goes meanwhile does no harm */
int rp_netlink_dump_tables(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rp_table *t;
	int ret = 0;

	if (!rp_netlink_capable(cb->skb))
		return -EPERM;
	mutex_lock(&rp_registry);
	list_for_each_entry (t, &rp_tables, list) {
		if (t->id <= (u32)cb->args[0])
			continue;
		ret = put_message(skb, cb, t);
		if (ret)
			break;
		cb->args[0] = t->id;
	}
	mutex_unlock(&rp_registry);
	return skb->len ? skb->len : ret;
}
