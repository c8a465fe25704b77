// SPDX-License-Identifier: GPL-2.0
/*
 * The tables that there are: identities, budget, which one goes. How one is
 * filled is in table_fill.c. See table.h.
 *
 * Tables stand in one list in the order of their ids, those in use also in a
 * hash by file. A table not committed belongs to a netlink socket; its close
 * is told in whatever context the kernel calls notifiers in, so all that is
 * done there is to mark, under a spinlock, and to wake a work item.
 *
 * The least used goes first: hits since the last look plus half of what it had
 * before, so that yesterday's load does not keep out today's.
 */
#include <linux/file.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "compat/genl.h"
#include "mm.h"
#include "table.h"
#include "table_fill.h"

#define FILE_BITS 10

/* tables, their rows, lists of address spaces: all that netlink and worker change (mm.h) */
DEFINE_MUTEX(rp_registry);
LIST_HEAD(rp_tables);

static struct hlist_head by_file[1 << FILE_BITS];
static LIST_HEAD(pending);	      /* not committed, oldest message first */
static DEFINE_SPINLOCK(pending_lock); /* the list and the orphan marks */
static u64 budget = RP_DEFAULT_TABLE_BUDGET;
static u64 bytes_used, bytes_committed;
static u32 n_committed, n_pending;
static struct rp_table_counters counters;

u64 rp_table_bytes(void)
{
	return READ_ONCE(bytes_used);
}

u32 rp_table_count(void)
{
	return READ_ONCE(n_committed);
}

struct rp_table_counters rp_table_counters(void)
{
	return counters;
}

void rp_table_inode_id(const struct inode *inode, struct rp_file_id *ret)
{
	ret->dev = inode->i_sb->s_dev;
	ret->ino = inode->i_ino;
	ret->generation = inode->i_generation;
	ret->ctime = rp_inode_ctime(inode);
}

int rp_table_file_id(int fd, struct rp_file_id *ret, struct netlink_ext_ack *extack)
{
	struct file *file = fget(fd);
	struct inode *inode;
	int err = -EINVAL;

	if (!file) {
		NL_SET_ERR_MSG(extack, "table file: no such descriptor in the calling process; "
				       "open the file for reading");
		return -EBADF;
	}
	inode = rp_file_real_inode(file);
	if (!S_ISREG(inode->i_mode)) {
		NL_SET_ERR_MSG(extack, "table file: not a regular file; open the ELF file itself");
	} else if (!(file->f_mode & FMODE_READ)) {
		NL_SET_ERR_MSG(extack, "table file: not open for reading; open it O_RDONLY");
	} else {
		rp_table_inode_id(inode, ret);
		err = 0;
	}
	fput(file);
	return err;
}

/*
 * Inode numbers and generations are their users' choice: without a secret they
 * could all be of one chain, which the sampler would walk with interrupts off.
 */
static u32 secret;
#define MAX_CHAIN 32 /* looked at; at most RP_MAX_TABLES >> FILE_BITS are there on average */

static struct hlist_head *bucket(const struct rp_file_id *id)
{
	const u32 words[] = { (u32)id->ino, (u32)(id->ino >> 32), (u32)id->dev, id->generation };

	return &by_file[jhash2(words, ARRAY_SIZE(words), secret) & ((1U << FILE_BITS) - 1)];
}

struct rp_table *rp_table_find(const struct rp_file_id *file)
{
	struct rp_table *t;
	u32 left = MAX_CHAIN;

	/* without lockdep's question: both kinds of caller come here */
	hlist_for_each_entry_rcu_notrace (t, bucket(file), file_link) {
		if (!left--)
			break;
		if (rp_file_id_same_inode(&t->file, file) && t->file.ctime == file->ctime)
			return t;
	}
	return NULL;
}

/* What a new table of this file takes the place of: the inode's table of any ctime. */
static struct rp_table *find_predecessor(const struct rp_file_id *file)
{
	struct rp_table *t;

	hlist_for_each_entry (t, bucket(file), file_link) {
		if (rp_file_id_same_inode(&t->file, file))
			return t;
	}
	return NULL;
}

struct rp_table *rp_table_by_id(u32 id)
{
	struct rp_table *t;

	/* who asks by id asks for a new one, most of the time */
	list_for_each_entry_reverse (t, &rp_tables, list) {
		if (t->id <= id)
			return t->id == id ? t : NULL;
	}
	return NULL;
}

struct rp_table *rp_table_pending(u32 id, u32 portid)
{
	struct rp_table *t = rp_table_by_id(id);

	if (!t || t->committed || t->portid != portid)
		return NULL;
	t->touched = jiffies;
	spin_lock_bh(&pending_lock);
	list_move_tail(&t->pending, &pending);
	spin_unlock_bh(&pending_lock);
	return t;
}

void rp_table_link(struct rp_table *t)
{
	t->touched = jiffies;
	list_add_tail(&t->list, &rp_tables);
	spin_lock_bh(&pending_lock);
	list_add_tail(&t->pending, &pending);
	spin_unlock_bh(&pending_lock);
	n_pending++;
}

static void leave_pending(struct rp_table *t)
{
	spin_lock_bh(&pending_lock);
	list_del(&t->pending);
	spin_unlock_bh(&pending_lock);
	n_pending--;
}

/* Out of everything, to be freed when samplers that see it are done. */
static void unlink_table(struct rp_table *t, struct rp_table *next, struct list_head *dead)
{
	if (t->committed) {
		hlist_del_rcu(&t->file_link);
		WRITE_ONCE(n_committed, n_committed - 1);
		bytes_committed -= t->bytes;
		rp_mm_detach_table(t, next);
	} else {
		leave_pending(t);
	}
	WRITE_ONCE(bytes_used, bytes_used - t->bytes);
	list_move(&t->list, dead);
}

void rp_table_put_in_use(struct rp_table *t, struct list_head *dead)
{
	struct rp_table *old = find_predecessor(&t->file);

	leave_pending(t);
	t->committed = true;
	/* other contents under the same inode: what is mapped now has to be looked at again */
	if (old)
		unlink_table(old, memcmp(old->key, t->key, sizeof(t->key)) ? NULL : t, dead);
	hlist_add_head_rcu(&t->file_link, bucket(&t->file));
	WRITE_ONCE(n_committed, n_committed + 1);
	bytes_committed += t->bytes;
	counters.committed++;
}

void rp_table_reap(struct list_head *dead)
{
	struct rp_table *t, *next;

	if (list_empty(dead))
		return;
	rp_synchronize();
	list_for_each_entry_safe (t, next, dead, list)
		rp_table_free(t);
}

bool rp_table_reserve(u64 bytes)
{
	if (bytes_used + bytes > budget)
		return false;
	WRITE_ONCE(bytes_used, bytes_used + bytes);
	return true;
}

void rp_table_unreserve(u64 bytes)
{
	WRITE_ONCE(bytes_used, bytes_used - bytes);
}

u64 rp_table_budget(void)
{
	return budget;
}

u64 rp_table_pending_bytes(void)
{
	return bytes_used - bytes_committed;
}

u32 rp_table_n_pending(void)
{
	return n_pending;
}

/* No message for so long, or nobody left to send one. */
#define IDLE_JIFFIES (5 * HZ)

static struct rp_table *stale_pending(void)
{
	struct rp_table *t = list_first_entry_or_null(&pending, struct rp_table, pending);

	return t && (t->orphan || time_after(jiffies, t->touched + IDLE_JIFFIES)) ? t : NULL;
}

static u64 use_of(const struct rp_table *t)
{
	return t->use + READ_ONCE(t->hits) - t->seen_hits;
}

static struct rp_table *least_used(void)
{
	struct rp_table *t, *least = NULL;

	list_for_each_entry (t, &rp_tables, list) {
		if (t->committed && (!least || use_of(t) < use_of(least)))
			least = t;
	}
	return least;
}

bool rp_table_drop_stale(struct list_head *dead)
{
	struct rp_table *t = stale_pending();

	if (t)
		unlink_table(t, NULL, dead);
	return t;
}

bool rp_table_evict(bool pending_too, struct list_head *dead)
{
	struct rp_table *t = stale_pending();

	if (!t) {
		t = least_used();
		counters.evicted += !!t;
	}
	if (!t && pending_too)
		t = list_first_entry_or_null(&pending, struct rp_table, pending);
	if (t)
		unlink_table(t, NULL, dead);
	return t;
}

void rp_table_set_budget(u64 bytes)
{
	LIST_HEAD(dead);

	mutex_lock(&rp_registry);
	budget = bytes;
	while (bytes_used > budget && rp_table_evict(true, &dead))
		;
	mutex_unlock(&rp_registry);
	rp_table_reap(&dead);
}

int rp_table_del_id(u32 id)
{
	struct rp_table *t;
	LIST_HEAD(dead);

	mutex_lock(&rp_registry);
	t = rp_table_by_id(id);
	if (t)
		unlink_table(t, NULL, &dead);
	mutex_unlock(&rp_registry);
	rp_table_reap(&dead);
	return t ? 0 : -ENOENT;
}

int rp_table_del_key(const u8 *key)
{
	struct rp_table *t, *next;
	LIST_HEAD(dead);
	int ret = -ENOENT;

	mutex_lock(&rp_registry);
	list_for_each_entry_safe (t, next, &rp_tables, list) {
		if (memcmp(t->key, key, sizeof(t->key)))
			continue;
		unlink_table(t, NULL, &dead);
		ret = 0;
	}
	mutex_unlock(&rp_registry);
	rp_table_reap(&dead);
	return ret;
}

void rp_table_age(void)
{
	struct rp_table *t;

	list_for_each_entry (t, &rp_tables, list) {
		t->use = use_of(t) / 2;
		t->seen_hits = READ_ONCE(t->hits);
	}
}

static void drop_orphans(struct work_struct *work)
{
	struct rp_table *t, *next;
	LIST_HEAD(dead);

	mutex_lock(&rp_registry);
	list_for_each_entry_safe (t, next, &rp_tables, list) {
		if (!t->committed && READ_ONCE(t->orphan))
			unlink_table(t, NULL, &dead);
	}
	mutex_unlock(&rp_registry);
	rp_table_reap(&dead);
}

static DECLARE_WORK(orphan_work, drop_orphans);

/* A netlink socket somewhere was closed. In another net namespace its number says nothing. */
static int on_netlink(struct notifier_block *nb, unsigned long event, void *arg)
{
	const struct netlink_notify *n = arg;
	struct rp_table *t;
	bool found = false;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net))
		return NOTIFY_DONE;
	spin_lock_bh(&pending_lock);
	list_for_each_entry (t, &pending, pending) {
		if (t->portid == n->portid) {
			WRITE_ONCE(t->orphan, true);
			found = true;
		}
	}
	spin_unlock_bh(&pending_lock);
	if (found)
		schedule_work(&orphan_work);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_nb = { .notifier_call = on_netlink };

int rp_table_init(void)
{
	get_random_bytes(&secret, sizeof(secret));
	return netlink_register_notifier(&netlink_nb);
}

void rp_table_exit(void)
{
	struct rp_table *t, *next;

	netlink_unregister_notifier(&netlink_nb);
	cancel_work_sync(&orphan_work);
	rp_synchronize();
	list_for_each_entry_safe (t, next, &rp_tables, list) {
		list_del(&t->list);
		rp_table_free(t);
	}
}
