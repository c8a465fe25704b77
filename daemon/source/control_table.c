// SPDX-License-Identifier: GPL-2.0
/*
 * Unwind tables over netlink, see control_table.h. Every request is waited for:
 * the module checks each piece as it comes, and its sentence about a bad one
 * is the answer to that piece.
 */
#include "source/control_table.h"

#include <errno.h>
#include <stdio.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "source/control_msg.h"
#include "source/control_request.h"

struct piece {
	const struct control_table *t;
	uint32_t id, first, n;
};

static int put_begin(struct nl_msg *msg, const void *arg)
{
	const struct control_table *t = arg;
	int r = nla_put(msg, RINGPROF_A_TABLE_KEY, RINGPROF_KEY_SIZE, t->key);

	if (t->fd >= 0)
		r |= nla_put_u32(msg, RINGPROF_A_TABLE_FD, (uint32_t)t->fd);
	r |= nla_put_u64(msg, RINGPROF_A_TABLE_BASE, t->base);
	r |= nla_put(msg, RINGPROF_A_TABLE_SEGMENTS, (int)(t->n_segments * sizeof(t->segments[0])),
		     t->segments);
	r |= nla_put_u32(msg, RINGPROF_A_TABLE_N_ROWS, t->n_rows);
	return r ? -EMSGSIZE : 0;
}

static int put_piece(struct nl_msg *msg, const void *arg)
{
	const struct piece *p = arg;

	return control_put_rows(msg, p->t, p->id, p->first, p->n);
}

static int put_id(struct nl_msg *msg, const void *arg)
{
	return nla_put_u32(msg, RINGPROF_A_TABLE_ID, *(const uint32_t *)arg) ? -EMSGSIZE : 0;
}

static int put_key(struct nl_msg *msg, const void *arg)
{
	return nla_put(msg, RINGPROF_A_TABLE_KEY, RINGPROF_KEY_SIZE, arg) ? -EMSGSIZE : 0;
}

static int parse_id(struct control_request *rq, struct nlattr *attrs, int len)
{
	int r = control_parse_table_id(attrs, len, rq->ret);

	rq->n += !r;
	return r;
}

static int parse_table(struct control_request *rq, struct nlattr *attrs, int len)
{
	struct control_table_info *all = rq->ret;
	int r;

	if (rq->n == rq->max)
		return 0;
	r = control_parse_table(attrs, len, &all[rq->n]);
	rq->n += !r;
	return r;
}

int control_table_begin(struct control *c, const struct control_table *t, uint32_t *ret_id)
{
	struct control_request rq = { .put = put_begin, .arg = t, .parse = parse_id, .ret = ret_id };

	if (!t->n_segments || t->n_segments > RINGPROF_MAX_SEGMENTS)
		return control_fail(c, -EINVAL, "unwind table: it must have 1 to 16 segments");
	return control_request_one(c, RINGPROF_CMD_TABLE_NEW, &rq);
}

int control_table_send(struct control *c, const struct control_table *t, uint32_t id,
		       uint32_t max_rows, uint32_t *done)
{
	uint32_t sent = 0;

	while (*done < t->n_rows && sent < max_rows) {
		uint32_t left = t->n_rows - *done;
		struct piece p = {
			.t = t,
			.id = id,
			.first = *done,
			.n = left < RINGPROF_ROWS_A_MESSAGE ? left : RINGPROF_ROWS_A_MESSAGE,
		};
		struct control_request rq = { .put = put_piece, .arg = &p };
		int r = control_request(c, RINGPROF_CMD_TABLE_ROWS, NLM_F_ACK, &rq);

		if (r)
			return r;
		*done += p.n;
		sent += p.n;
	}
	return 0;
}

int control_table_commit(struct control *c, uint32_t id)
{
	struct control_request rq = { .put = put_id, .arg = &id };

	return control_request(c, RINGPROF_CMD_TABLE_COMMIT, NLM_F_ACK, &rq);
}

int control_table_del(struct control *c, uint32_t id)
{
	struct control_request rq = { .put = put_id, .arg = &id };

	return control_request(c, RINGPROF_CMD_TABLE_DEL, NLM_F_ACK, &rq);
}

int control_table_del_key(struct control *c, const uint8_t key[RINGPROF_KEY_SIZE])
{
	struct control_request rq = { .put = put_key, .arg = key };

	return control_request(c, RINGPROF_CMD_TABLE_DEL, NLM_F_ACK, &rq);
}

/* Gives up what was begun; the first failure's sentence is the one to keep. */
static int give_up(struct control *c, uint32_t id, int r)
{
	char err[256];

	snprintf(err, sizeof(err), "%s", control_error(c));
	control_table_del(c, id);
	return control_fail(c, r, err);
}

int control_table_add(struct control *c, const struct control_table *t, uint32_t *ret_id)
{
	uint32_t id = 0, done = 0;
	int r = control_table_begin(c, t, &id);

	if (r)
		return r;
	r = control_table_send(c, t, id, t->n_rows, &done);
	if (!r)
		r = control_table_commit(c, id);
	if (r)
		return give_up(c, id, r);
	if (ret_id)
		*ret_id = id;
	return 0;
}

int control_table_list(struct control *c, struct control_table_info *ret, size_t max)
{
	struct control_request rq = { .parse = parse_table, .ret = ret, .max = max };
	int r = control_request(c, RINGPROF_CMD_TABLE_GET, NLM_F_DUMP, &rq);

	return r ? r : (int)rq.n;
}
