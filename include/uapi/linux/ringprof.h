/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ringprof: the contract between the kernel module and user space
 *
 * This comment is the manual of it; ringprof(4) repeats it for readers of man pages. Everything
 * here is fixed width, naturally aligned, native endian, and compiles as C90.
 *
 * VERSIONS
 * RINGPROF_ABI_MAJOR changes when an existing field moves or changes its meaning, or nodes come in
 * another record (2: NODES16); RINGPROF_ABI_MINOR when something is added. A reader refuses a major
 * it does not know, ignores record types, flags, counters and header bytes it does not know (every
 * record carries its size, the header its own size and the number of its counters), and asks
 * `features` before it relies on anything optional. The layout is asserted in both worlds
 * (include/ringprof/abi_check.h) and kept in tests/abi/layout.txt; a layout that changed without a
 * version fails the tests.
 *
 * THE DEVICE /dev/ringprof
 * open(2) needs CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace and takes the one
 * reader's place: EBUSY while another file is open (netlink INFO names the holder), EPERM without
 * the right or under lockdown. Each open starts a new epoch (see below) on every CPU. The place is
 * free again when the last reference, mappings included, is gone.
 *
 * mmap(2), MAP_SHARED, once or twice per CPU:
 *
 *   offset RINGPROF_MMAP_TAIL_OF(cpu)   one page, PROT_READ | PROT_WRITE:
 *                                    struct ringprof_ring_tail
 *   offset RINGPROF_MMAP_HEAD_OF(cpu)   PROT_READ only: one page, struct
 *                                    ringprof_ring_head, alone (one page) or
 *                                    followed by the data area twice over
 *                                    (1 page + 2 * data_size), so that a
 *                                    record never wraps for the reader
 *
 * ENXIO: that CPU has no ring (never was in the mask while online). EINVAL: a size, offset or flag
 * that is none of these. EPERM: PROT_WRITE or PROT_EXEC on the head. mprotect to writable, mremap
 * to grow and fork inheritance are refused (VM_MAYWRITE, VM_DONTEXPAND, VM_DONTCOPY).
 *
 * poll(2) gives POLLIN when any ring is at least half full. A reader that drains once a second
 * needs no poll.
 *
 * THE RING
 * head->head and tail->tail are byte positions that only grow; the data of position p is at data[p
 * & (data_size - 1)]. The ordering, both sides:
 *
 *   module                              reader
 *   load_acquire(tail)          (A)     load_acquire(head)      (B)
 *   write records                       read records
 *   store_release(head)         (B)     store_release(tail)     (A)
 *
 * The module never trusts tail: a value with head - tail > data_size counts as a full ring
 * (RINGPROF_LOST_BAD_TAIL). It keeps its own copy of head.
 *
 * Records are 8-byte aligned, sizes multiples of 8, and start with struct ringprof_rec. One head
 * store makes the nodes of a sample and the sample visible together, or none of them.
 *
 * CALL CHAINS
 * A sample is a leaf pc and the id of its caller chain: a node of the CPU's call trie. A node is
 * (parent node, address); the parent is the frame's caller, so walking parents goes towards the
 * root. Node 0 is the empty chain. Chains run user frames and kernel frames as one: kernel
 * addresses are those with bit 63 set that are not end marks. The user pc below a system call or
 * exception is an ordinary node. Addresses of nodes are return addresses (look up address - 1)
 * except that user pc.
 *
 * The first node below node 0 is an end mark: RINGPROF_END_MARK | enum ringprof_end: why the walk
 * ended there. It is no canonical address.
 *
 * RINGPROF_REC_NODES16 brings new nodes: the first one's parent is `parent`, each next one's the
 * one before it. They get the next ids of the epoch, which count from 1 without a gap; the SAMPLE
 * behind the record names the last of them, so that a reader finds out if it missed any. (ABI 1 had
 * RINGPROF_REC_NODES: whole addresses, with the ids first, first + 1, ...) An address is a signed
 * difference to its parent's address (node 0: to 0), or the whole of it, in units of 16 bits, low
 * ones first:
 *
 *   bit 0 of the first unit is 0    one unit, bits 1..15: the difference
 *   its bits 0..1 are 01            two units, bits 2..31: the difference
 *   it is RINGPROF_NODES_WHOLE (3)  four units follow it: the address
 *
 * The record's flags say how many units at its end only fill it up.
 *
 * An epoch ends when the table is full or a reader attaches: RINGPROF_REC_EPOCH says so, and all
 * ids before it are void. Bits 24..31 of every id in the ring are the low 8 bits of its epoch, bits
 * 0..23 the node. A reader that finds another epoch, a node that did not come or anything else that
 * cannot be must drop up to the next EPOCH record, counting what it drops.
 *
 * A reader that attaches drops everything up to the first EPOCH record whose epoch is not older
 * than `attach_epoch` (set by open(2), read after open): the samples before it were taken for
 * nobody (count them: reason "detached").
 *
 * WEIGHT
 * A sample stands for as much as the last RINGPROF_REC_WEIGHT before it says: nanoseconds of CPU
 * time (unit RINGPROF_UNIT_NS) or events of a counter (RINGPROF_UNIT_CYCLES). A WEIGHT record
 * follows every EPOCH record and every change of the period.
 *
 * COUNTERS
 * Every overflow of the sampling event ends in exactly one of the counters of enum
 * ringprof_outcome; calls is their sum. RINGPROF_OUT_EMITTED counts SAMPLE records. What is called
 * a loss has a name here; nothing else is.
 *
 * TIME
 * Nanoseconds of the clock that head->clock names (a clockid: CLOCK_MONOTONIC unless the kernel has
 * no NMI-safe reader for it).
 *
 * UNWIND TABLES
 * A user stack is walked by unwind rows where user space handed some over, by frame pointers
 * elsewhere. One table serves all processes that map its file:
 *
 *   TABLE_NEW     TABLE_KEY, TABLE_FD (absent: the vDSO), TABLE_BASE,
 *                 TABLE_SEGMENTS, TABLE_N_ROWS -> TABLE_ID
 *   TABLE_ROWS    TABLE_ID, TABLE_FIRST, TABLE_DATA: rows [first, first + n),
 *                 in order, from the socket that began; checked as they come
 *   TABLE_COMMIT  TABLE_ID: all rows are there; in use from now on
 *   TABLE_DEL     TABLE_ID or TABLE_KEY (all of that key)
 *   TABLE_GET     dump: every table, its counters; TABLE_FIRST: rows that came so far
 *
 * The file is identified by the module from TABLE_FD's own inode (device, number, generation,
 * ctime), the one thing an address space can be compared with; the key is opaque, the same that
 * user space keeps symbols by. Another table for the same inode takes the place of the one before;
 * two files of one content have two tables. A mapping that has its table keeps it when the ctime
 * changes afterwards (the file is unlinked or renamed). A table never committed goes when the
 * socket that began it is closed or when its bytes are wanted. All tables together keep to
 * TABLE_BUDGET bytes: the least used goes first; ENOSPC when the new one alone is larger.
 *
 * What an address space maps the module finds out by itself: the first sample of an address space
 * not known, or one whose amount of executable memory has changed, has its mappings read in process
 * context and compared with the tables. Until then a table is found by the page that a pc lies on,
 * where that can be told (not in NMI), and the rest is walked by frame pointers
 * (RINGPROF_SAMPLE_NEW_MM); a forked child by its parent's mappings, as long as they are the same.
 * Where only anonymous executable memory comes and goes, the mappings of files are used meanwhile.
 *
 * Rows (struct ringprof_row) are sorted by pc, which counts from the table's base address; a row
 * holds up to the next one's pc. The caller's registers by a row: ra = *(CFA - 8), sp = CFA, bp by
 * the row's second rule. A row that does not fit is RINGPROF_CFA_OPAQUE, never an approximation; a
 * field that its kind has no use for is 0 (include/ringprof/row_check.h). A pc that a signal
 * interrupted, found below a signal frame, is stored in the chain + 1, so that every caller's node
 * is looked up at address - 1.
 *
 * NETLINK
 * Generic netlink family "ringprof", version 1, grows by attributes. Every command needs
 * CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace, INFO and STATS too, as counters tell
 * about others. Unknown flags and attributes are refused with an extack text. The multicast group
 * "events" carries notifications of state and settings (RINGPROF_CMD_EVENT).
 */
#ifndef _UAPI_LINUX_RINGPROF_H
#define _UAPI_LINUX_RINGPROF_H

#include <linux/types.h>

#define RINGPROF_ABI_MAJOR	2
#define RINGPROF_ABI_MINOR	3

#define RINGPROF_DEVICE		"/dev/ringprof"
#define RINGPROF_GENL_NAME	"ringprof"
#define RINGPROF_GENL_VERSION	1
#define RINGPROF_GENL_GROUP	"events"

/* "RINGPROF" read as a little endian number */
#define RINGPROF_MAGIC		0x464f5250474e4952ULL

/* mmap offsets; shift 32 leaves 4 GiB a CPU, more than any data area */
#define RINGPROF_MMAP_CPU_SHIFT	32
#define RINGPROF_MMAP_TAIL_OF(cpu) ((__u64)(cpu) << RINGPROF_MMAP_CPU_SHIFT)
#define RINGPROF_MMAP_HEAD_OF(cpu) (RINGPROF_MMAP_TAIL_OF(cpu) + 0x1000)

#define RINGPROF_MIN_DATA_SIZE	0x4000		/* 16 KiB: one largest record and room */
#define RINGPROF_MAX_DATA_SIZE	0x4000000	/* 64 MiB */

#define RINGPROF_MIN_HZ		1
#define RINGPROF_MAX_HZ		10000
#define RINGPROF_DEFAULT_HZ	99
#define RINGPROF_MAX_DEPTH	512		/* user frames, unless more are asked for */
#define RINGPROF_DEPTH_LIMIT	2048		/* most that can be asked for */
#define RINGPROF_MAX_KDEPTH	128		/* kernel frames */

/* head->features */
#define RINGPROF_FEAT_MONOTONIC	(1ULL << 0)	/* clock is CLOCK_MONOTONIC, NMI-safe */
#define RINGPROF_FEAT_CGROUP	(1ULL << 1)	/* samples carry a cgroup id */
#define RINGPROF_FEAT_KERNEL	(1ULL << 2)	/* kernel frames by the arch unwinder */
#define RINGPROF_FEAT_USER	(1ULL << 3)	/* user frames by frame pointers */
#define RINGPROF_FEAT_CGROUP_V1	(1ULL << 4)	/* cgroup ids are of a v1 hierarchy */
#define RINGPROF_FEAT_ROWS	(1ULL << 5)	/* takes unwind tables */

enum ringprof_unit {
	RINGPROF_UNIT_NS = 0,
	RINGPROF_UNIT_CYCLES = 1,
	__RINGPROF_UNIT_MAX
};

/* what one overflow came to; the order is the ABI, append only */
enum ringprof_outcome {
	RINGPROF_OUT_EMITTED = 0,	/* a SAMPLE record */
	RINGPROF_OUT_IDLE,		/* the idle task, but in interrupts: counted, not shown */
	RINGPROF_OUT_FILTERED,		/* a filter in force left it out */
	RINGPROF_OUT_THROTTLED,		/* the governor skipped it */
	RINGPROF_OUT_NESTED,		/* hit the sampler in the middle of a sample */
	RINGPROF_LOST_RING_FULL,	/* no room: the reader is slow or gone */
	RINGPROF_LOST_BAD_TAIL,		/* the reader's position is impossible */
	RINGPROF_LOST_NO_RING,		/* this CPU has no ring (allocation failed) */
	RINGPROF_LOST_TOO_BIG,		/* record larger than the ring allows */
	__RINGPROF_OUT_MAX
};
#define RINGPROF_OUT_MAX (__RINGPROF_OUT_MAX - 1)

/* why a call chain ends where it does; append only, below 4096 */
enum ringprof_end {
	RINGPROF_END_NONE = 0,		/* no user part asked for (filter) */
	RINGPROF_END_KTHREAD,		/* kernel thread: kernel frames to the root */
	RINGPROF_END_FP_ZERO,		/* frame pointer 0: the root, if code kept the rules */
	RINGPROF_END_FP_RANGE,		/* frame pointer outside user space or unaligned */
	RINGPROF_END_FP_ORDER,		/* next frame not above this one: no frame pointer */
	RINGPROF_END_FAULT,		/* stack memory not readable now */
	RINGPROF_END_PC_RANGE,		/* return address outside user space */
	RINGPROF_END_DEPTH,		/* more user frames than the limit */
	RINGPROF_END_KDEPTH,		/* more kernel frames than the limit */
	RINGPROF_END_NO_MM,		/* exiting task, or io_uring worker: no user memory */
	RINGPROF_END_BORROWED_MM,	/* NMI while another mm is loaded */
	RINGPROF_END_COMPAT,		/* 32-bit frame could not be walked */
	RINGPROF_END_NO_REGS,		/* no registers of the interrupted context */
	RINGPROF_END_NODE_LIMIT,	/* this process used up its new nodes of the epoch */
	RINGPROF_END_KERNEL_UNWIND,	/* the kernel's unwinder gave up: frames missing */
	RINGPROF_END_ROOT,		/* unwind rows say: the outermost frame */
	RINGPROF_END_OPAQUE,		/* unwind information that no row expresses */
	RINGPROF_END_CFA_ORDER,		/* the CFA is not above the stack pointer */
	RINGPROF_END_SP_RANGE,		/* stack pointer outside user space or unaligned */
	RINGPROF_END_NO_INFO,		/* no row for this code and no frame pointer to go on with */
	RINGPROF_END_STACK_CUT,		/* perf source: beyond the stack bytes that were copied */
	RINGPROF_END_URETPROBE,		/* a uretprobe has put the return address away */
	__RINGPROF_END_MAX
};
#define RINGPROF_END_MAX (__RINGPROF_END_MAX - 1)

/* bit 63 set, bit 62 clear: never a canonical x86-64 or arm64 address */
#define RINGPROF_END_MARK	0x8000000000000000ULL
#define RINGPROF_END_MASK	0xfffffffffffff000ULL

#define RINGPROF_NODE_BITS	24
#define RINGPROF_NODE_MASK	0x00ffffffU

enum ringprof_rec_type {
	RINGPROF_REC_NONE = 0,		/* never written */
	RINGPROF_REC_SAMPLE = 1,
	RINGPROF_REC_NODES = 2,		/* ABI 1 alone */
	RINGPROF_REC_EPOCH = 3,
	RINGPROF_REC_WEIGHT = 4,
	RINGPROF_REC_NODES16 = 5
};

/* head of every record */
struct ringprof_rec {
	__u8	type;
	__u8	flags;		/* of its type; unknown ones are ignored */
	__u16	size;		/* bytes, this head included, multiple of 8 */
};

/* flags of a sample */
#define RINGPROF_SAMPLE_KERNEL	0x01	/* the CPU was in kernel mode */
#define RINGPROF_SAMPLE_USER_FP	0x02	/* user frames by frame pointers */
#define RINGPROF_SAMPLE_NMI	0x04	/* taken in NMI context */
#define RINGPROF_SAMPLE_COMPAT	0x08	/* a 32-bit task */
#define RINGPROF_SAMPLE_ROWS	0x10	/* at least one user frame by an unwind row */
#define RINGPROF_SAMPLE_NEW_MM	0x20	/* mappings not known yet: a frame may lack its table */

struct ringprof_rec_sample {
	struct ringprof_rec rec;
	__u32	chain;		/* id of the caller chain's leafmost node */
	__u64	time;
	__u32	tgid;		/* in the initial pid namespace */
	__u32	tid;
	__u64	cgroup;		/* id (v2: also the inode of its directory); 0 unknown */
	__u64	leaf;		/* the sampled pc itself */
};

struct ringprof_rec_nodes {
	struct ringprof_rec rec;
	__u32	parent;		/* id; node bits 0 = the empty chain */
	__u32	first;		/* id of addr[0] */
	__u32	count;
	/* __u64 addr[count], root side first */
};

#define RINGPROF_NODES_FILL	0x03	/* flags of NODES16: units at its end that say nothing */
#define RINGPROF_NODES_WHOLE	3	/* a unit */

struct ringprof_rec_nodes16 {
	struct ringprof_rec rec;
	__u32	parent;		/* id; node bits 0 = the empty chain */
	/* __u16 unit[], root side first: see CALL CHAINS */
};

struct ringprof_rec_epoch {
	struct ringprof_rec rec;
	__u32	epoch;		/* of everything that follows */
	__u64	time;
};

struct ringprof_rec_weight {
	struct ringprof_rec rec;
	__u32	unit;		/* enum ringprof_unit */
	__u64	time;
	__u64	weight;		/* of one sample */
};

/*
 * First page of a CPU's ring, read only. Fields of one cache line are written together; head stands
 * alone.
 */
struct ringprof_ring_head {
	__u64	magic;
	__u16	abi_major;
	__u16	abi_minor;
	__u32	header_size;	/* bytes of this struct that the module knows */
	__u64	features;
	__u32	cpu;
	__u32	clock;		/* clockid of every time here */
	__u64	data_size;	/* bytes, power of two */
	__u64	instance;	/* random per module load: two loads are never mixed up */
	__u32	outcomes;	/* entries of outcome[] in use */
	__u32	attach_epoch;	/* see CALL CHAINS */
	__u8	pad1[8];
	__u64	head;		/* offset 64 */
	__u8	pad2[56];
	/* offset 128: written by the CPU's sampler only */
	__u64	calls;		/* overflows seen; sum of outcome[] when stopped */
	__u64	outcome[16];
	__u64	chain_hits;	/* samples whose whole chain was known */
	__u64	nodes;		/* trie nodes written, all epochs */
	__u64	bytes;		/* bytes written to the ring */
	__u64	frames;		/* frames walked */
	__u32	epoch;		/* in force */
	__u32	node_limit_hits;	/* samples cut by RINGPROF_END_NODE_LIMIT */
	__u64	handler_ns;	/* the sampler's own time, 0 where not measured */
	__u64	last_time;	/* time of the last overflow seen */
	__u8	pad3[8];
};

/* the reader's page; the module believes nothing in it */
struct ringprof_ring_tail {
	__u64	tail;
	__u8	pad[56];
};

/* ---- unwind tables ---- */

#define RINGPROF_KEY_SIZE	20
#define RINGPROF_MAX_SEGMENTS	16		/* executable PT_LOADs of a file */
#define RINGPROF_MAX_ROWS	(16U << 20)	/* of a table: 128 MiB */
#define RINGPROF_ROWS_A_MESSAGE	4000		/* an attribute holds 64 KiB at most */

struct ringprof_row {
	__u32	pc;	/* first address it holds for, from the table's base */
	__u32	rule;	/* see below */
};

/*
 * rule, from bit 0: 4 bits enum ringprof_cfa, 2 bits enum ringprof_bp, 10 bits bp offset / 8
 * (signed), 16 bits CFA offset / 8 (signed; for PLT and REG as said there).
 */
#define RINGPROF_RULE_CFA_SHIFT	0
#define RINGPROF_RULE_BP_SHIFT	4
#define RINGPROF_RULE_BPOFF_SHIFT 6
#define RINGPROF_RULE_OFF_SHIFT	16

enum ringprof_cfa {
	RINGPROF_CFA_GAP = 0,	/* no unwind information: frame pointers */
	RINGPROF_CFA_SP,	/* CFA = sp + off */
	RINGPROF_CFA_BP,	/* CFA = bp + off; with BP_AT_BP sp is in another stack */
	RINGPROF_CFA_BP_DEREF,	/* CFA = *(bp + off): a stack realigned at run time */
	RINGPROF_CFA_SP_DEREF,	/* CFA = *(sp + off) + 8: hand-written assembly */
	RINGPROF_CFA_PLT,	/* CFA = sp + 8 + ((pc & 15) >= off ? 8 : 0); off is not scaled */
	RINGPROF_CFA_REG,	/* CFA = register + off, leaf frames only; bp offset = DWARF number */
	RINGPROF_CFA_SIGNAL,	/* all registers from the rt_sigframe at sp */
	RINGPROF_CFA_ROOT,	/* the outermost frame */
	RINGPROF_CFA_OPAQUE,	/* information that does not fit into a row */
	RINGPROF_CFA_CLONE,	/* leaf frames only, behind clone()'s syscall: ROOT if rax is 0, else SP */
	__RINGPROF_CFA_MAX
};

enum ringprof_bp {
	RINGPROF_BP_SAME = 0,	/* not touched yet, or not any more */
	RINGPROF_BP_AT_CFA,	/* bp = *(CFA + off) */
	RINGPROF_BP_AT_BP,	/* bp = *(bp + off) */
	RINGPROF_BP_UNKNOWN	/* cannot be recovered: no frame pointer above */
};

/* an executable PT_LOAD: file bytes [offset, offset + size) are at vaddr */
struct ringprof_segment {
	__u64	offset;
	__u64	vaddr;
	__u64	size;
};

/* what unwinding came to; append only */
enum ringprof_unwind_counter {
	RINGPROF_UNW_ROW_FRAMES = 0,	/* frames stepped over by a row */
	RINGPROF_UNW_FP_FRAMES,		/* by frame pointers */
	RINGPROF_UNW_MM_KNOWN,		/* samples whose address space was known */
	RINGPROF_UNW_MM_NEW,		/* not yet: frame pointers */
	RINGPROF_UNW_MM_WALKS,		/* address spaces read */
	RINGPROF_UNW_MM_WALKS_FAILED,	/* gone, locked, no memory, no room: some are not begun */
	RINGPROF_UNW_MM_EVICTED,	/* forgotten, the limit was reached */
	RINGPROF_UNW_MM_LATE,		/* read more than 2 ms after the first sample */
	RINGPROF_UNW_TABLES,		/* committed so far */
	RINGPROF_UNW_TABLES_EVICTED,	/* to keep the budget */
	__RINGPROF_UNW_MAX
};
#define RINGPROF_UNW_MAX (__RINGPROF_UNW_MAX - 1)

/* ---- generic netlink ---- */

enum ringprof_cmd {
	RINGPROF_CMD_UNSPEC = 0,
	RINGPROF_CMD_INFO,	/* get: RINGPROF_A_* of module and state */
	RINGPROF_CMD_CONFIG_GET,
	RINGPROF_CMD_CONFIG_SET,	/* only the attributes given change */
	RINGPROF_CMD_START,
	RINGPROF_CMD_STOP,
	RINGPROF_CMD_STATS,	/* dump: one message a CPU; do: the totals */
	RINGPROF_CMD_EVENT,	/* multicast only */
	RINGPROF_CMD_TABLE_NEW,	/* see UNWIND TABLES */
	RINGPROF_CMD_TABLE_ROWS,
	RINGPROF_CMD_TABLE_COMMIT,
	RINGPROF_CMD_TABLE_DEL,
	RINGPROF_CMD_TABLE_GET,
	__RINGPROF_CMD_MAX
};
#define RINGPROF_CMD_MAX (__RINGPROF_CMD_MAX - 1)

enum ringprof_state {
	RINGPROF_STATE_STOPPED = 0,
	RINGPROF_STATE_RUNNING = 1,
	RINGPROF_STATE_OFF = 2		/* module parameter off=1: START gives ECANCELED */
};

enum ringprof_event_type {
	RINGPROF_EVENT_CPU_CLOCK = 0,
	RINGPROF_EVENT_CYCLES = 1
};

/* RINGPROF_A_FLAGS bits */
#define RINGPROF_F_NO_KERNEL	(1U << 0)	/* only samples taken in user mode */
#define RINGPROF_F_NO_USER	(1U << 1)	/* only samples taken in kernel mode */
#define RINGPROF_F_NO_USER_STACK (1U << 2)	/* end chains at the kernel's edge */
#define RINGPROF_F_ALL		0x7U

enum ringprof_attr {
	RINGPROF_A_UNSPEC = 0,
	RINGPROF_A_PAD,
	RINGPROF_A_ABI_MAJOR,		/* u32 */
	RINGPROF_A_ABI_MINOR,		/* u32 */
	RINGPROF_A_VERSION,		/* string: module version */
	RINGPROF_A_FEATURES,		/* u64 */
	RINGPROF_A_STATE,		/* u32, enum ringprof_state */
	RINGPROF_A_READER_PID,		/* u32: tgid of the holder, absent: none */
	RINGPROF_A_READER_COMM,		/* string */
	RINGPROF_A_HZ,			/* u32: wished for */
	RINGPROF_A_PERIOD,		/* u64: in force, in the unit's measure */
	RINGPROF_A_UNIT,		/* u32, enum ringprof_unit */
	RINGPROF_A_EVENT,		/* u32, enum ringprof_event_type */
	RINGPROF_A_CPUS,		/* string: CPU list ("0-3,8"); empty = default */
	RINGPROF_A_CPUS_ACTIVE,		/* string: CPUs that sample now */
	RINGPROF_A_RING_SIZE,		/* u32: bytes of data a CPU, 0 = by rate */
	RINGPROF_A_MAX_DEPTH,		/* u32: user frames */
	RINGPROF_A_FLAGS,		/* u32, RINGPROF_F_* */
	RINGPROF_A_TGIDS,		/* binary: u32 array, empty = all */
	RINGPROF_A_CGROUP,		/* string: path of a cgroup directory under its mount, or "" = all */
	RINGPROF_A_BUDGET,		/* u32: governor, 1/10000 of a CPU; 0 = off */
	RINGPROF_A_INSTANCE,		/* u64 */
	RINGPROF_A_CPU,			/* u32: whose stats these are; absent in totals */
	RINGPROF_A_CALLS,		/* u64 */
	RINGPROF_A_OUTCOMES,		/* binary: u64 array by enum ringprof_outcome */
	RINGPROF_A_MISSED,		/* u64: periods of the event's own clock - calls, never below 0 */
	RINGPROF_A_EVENT_COUNT,		/* u64: perf_event_read_value, all runs */
	RINGPROF_A_ELAPSED,		/* u64: ns sampled, all runs */
	RINGPROF_A_CHAIN_HITS,		/* u64 */
	RINGPROF_A_NODES,		/* u64 */
	RINGPROF_A_BYTES,		/* u64 */
	RINGPROF_A_FRAMES,		/* u64 */
	RINGPROF_A_EPOCH,		/* u32 */
	RINGPROF_A_HANDLER_NS,		/* u64 */
	RINGPROF_A_NODE_LIMIT_HITS,	/* u64 */
	RINGPROF_A_MEMORY,		/* u64: bytes the module holds for all but unwind tables */
	RINGPROF_A_NODE_BUDGET,		/* u32: trie nodes a CPU and epoch */
	RINGPROF_A_EVENT_REASON,	/* string: why a state changed ("governor", "user", ...) */
	RINGPROF_A_TABLE_KEY,		/* binary: RINGPROF_KEY_SIZE opaque bytes */
	RINGPROF_A_TABLE_ID,		/* u32: never 0, not used again in this load */
	RINGPROF_A_TABLE_FD,		/* u32: the file, open for reading in the caller */
	RINGPROF_A_TABLE_BASE,		/* u64: address that rows count from, as the file has it */
	RINGPROF_A_TABLE_SEGMENTS,	/* binary: struct ringprof_segment array */
	RINGPROF_A_TABLE_N_ROWS,	/* u32 */
	RINGPROF_A_TABLE_FIRST,		/* u32: number of the first row in TABLE_DATA */
	RINGPROF_A_TABLE_DATA,		/* binary: struct ringprof_row array */
	RINGPROF_A_TABLE_HITS,		/* u64: frames stepped over by its rows */
	RINGPROF_A_TABLE_BYTES,		/* u64: memory of one table, or of all in INFO */
	RINGPROF_A_TABLE_BUDGET,	/* u64: bytes for all tables; 0 = no tables */
	RINGPROF_A_TABLE_COUNT,		/* u32: tables in use */
	RINGPROF_A_UNWIND,		/* binary: u64 array by enum ringprof_unwind_counter */
	__RINGPROF_A_MAX
};
#define RINGPROF_A_MAX (__RINGPROF_A_MAX - 1)

#endif /* _UAPI_LINUX_RINGPROF_H */
