/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind tables: rows of files, handed over by user space a piece at a time,
 * checked, and found again by the file that an address space maps.
 *
 * The sampler comes to a table through the mapping list of an address space
 * (mm.h), or by file where no list tells. A table that goes is first taken out
 * of all lists, then RCU is waited for, then its memory is freed, always in
 * process context.
 *
 * rp_registry guards tables and lists alike. It nests inside rp_lock; nothing
 * sleeps under it but for memory. All here in process context.
 */
#ifndef RINGPROF_KMOD_TABLE_H
#define RINGPROF_KMOD_TABLE_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ringprof.h>

#include "ringprof/row.h"

struct file;
struct inode;
struct netlink_ext_ack;

/* 64 MiB: rows of some hundred large binaries */
#define RP_DEFAULT_TABLE_BUDGET (64ULL << 20)
#define RP_MAX_TABLE_BUDGET	(64ULL << 30)

/* What a mapping and a table are compared by. All zero: the vDSO. */
struct rp_file_id {
	u64 ino;
	s64 ctime; /* ns */
	u32 dev;
	u32 generation;
};

/* Also if something about it was changed in between. */
static inline bool rp_file_id_same_inode(const struct rp_file_id *a, const struct rp_file_id *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->generation == b->generation;
}

struct rp_table {
	struct ringprof_table view; /* what the walker looks rows up in */
	/* the walker's, of all CPUs, no atomic: off by a few still tells used from not */
	u64 hits ____cacheline_aligned;

	/* under rp_registry */
	struct list_head list ____cacheline_aligned; /* of all tables, by id */
	struct hlist_node file_link;		     /* of those in use, by file */
	struct list_head pending;		     /* of the others */
	struct ringprof_row *rows;
	u32 *index;
	struct rp_file_id file;
	u8 key[RINGPROF_KEY_SIZE];
	u32 id;
	u32 n_rows; /* that there will be; view.n_rows came */
	u32 n_segments;
	u32 portid;	       /* whose it is until the commit */
	bool committed;	       /* complete, indexed, in use */
	bool orphan;	       /* its socket was closed before the commit */
	unsigned long touched; /* jiffies of the last message */
	u64 bytes;
	u64 use; /* aged hits */
	u64 seen_hits;
	struct ringprof_segment segment[RINGPROF_MAX_SEGMENTS];
};

/* One more frame stepped over by a row of t. Sampler. */
static inline void rp_table_hit(struct rp_table *t)
{
	WRITE_ONCE(t->hits, READ_ONCE(t->hits) + 1);
}

/* What TABLE_NEW brings. */
struct rp_table_desc {
	u8 key[RINGPROF_KEY_SIZE];
	struct rp_file_id file;
	u64 base;
	const struct ringprof_segment *segment;
	u32 n_segments;
	u32 n_rows;
	u32 portid;
};

struct rp_table_counters {
	u64 committed;
	u64 evicted;
};

extern struct mutex rp_registry;

int rp_table_init(void);
/* No command and no sampler runs any more, no list is left. */
void rp_table_exit(void);

/* The identity of the file behind an open descriptor of the caller. -errno with extack. */
int rp_table_file_id(int fd, struct rp_file_id *ret, struct netlink_ext_ack *extack);
/* Of an inode as address spaces map it. */
void rp_table_inode_id(const struct inode *inode, struct rp_file_id *ret);

/* The commands. 0 (rp_table_new: *ret_id) or -errno with extack. Take rp_registry. */
int rp_table_new(const struct rp_table_desc *d, u32 *ret_id, struct netlink_ext_ack *extack);
int rp_table_rows(u32 id, u32 portid, u32 first, const struct ringprof_row *rows, u32 n,
		  struct netlink_ext_ack *extack);
int rp_table_commit(u32 id, u32 portid, struct netlink_ext_ack *extack);
/* Both: the id, or all tables of the key. -ENOENT: none. */
int rp_table_del_id(u32 id);
int rp_table_del_key(const u8 *key);

/* Evicts at once what no longer fits. */
void rp_table_set_budget(u64 bytes);
/* Bytes of all tables, and how many are in use. No lock. */
u64 rp_table_bytes(void);
u32 rp_table_count(void);

/* The table in use for this file, NULL: none. rp_registry held, or sampler. */
struct rp_table *rp_table_find(const struct rp_file_id *file);

/* rp_registry held: */
/* all tables, ids ascending */
extern struct list_head rp_tables;
/*
 * addr - *ret_bias is the address as the file has it, for a mapping at start
 * of [offset, offset + len) of the file. False: no segment lies there.
 */
bool rp_table_bias(const struct rp_table *t, u64 start, u64 offset, u64 len, u64 *ret_bias);
/* hits count for less with time: once some seconds */
void rp_table_age(void);
struct rp_table_counters rp_table_counters(void);

#endif
