/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of addresses. One call resolves a normalised frame of any kind; the
 * answer may have several lines: inlined functions, innermost first, and last
 * the function whose code it is. Each says where in its source the frame is.
 *
 * Any thread may call. Strings in the answer live as long as the symbolizer
 * (interned, bounded by its byte limit: past it new names are not kept, the
 * fixed "[no room for names]" stands in for them, counted; the address is
 * still the caller's).
 */
#ifndef RINGPROF_SYM_SYMBOLS_H
#define RINGPROF_SYM_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/debuginfod.h"
#include "sym/files.h"

enum frame_kind {
	FRAME_USER,    /* file offset in a mapped file */
	FRAME_KERNEL,  /* kernel address, module text included */
	FRAME_VDSO,    /* offset in the vDSO */
	FRAME_ANON,    /* address in anonymous executable memory (JIT) */
	FRAME_UNKNOWN, /* address in no known mapping */
	FRAME_MARK,    /* not code: off is an enum frame_mark, see below */
};

/* marks are frames with fixed names: "[truncated: ...]", "[lost: ...]" */
enum frame_mark {
	MARK_END = 0,		/* + enum ringprof_end: [truncated: reason] */
	MARK_LOST = 4096,	/* + enum ringprof_outcome: [lost: reason] */
	MARK_LOST_OTHER = 8192, /* + enum mark_lost_other */
};

enum mark_lost_other {
	LOST_MISSED,
	LOST_DETACHED,
	LOST_QUEUE,
	LOST_CORRUPT,
	LOST_MEMORY,
	LOST_OTHER_MAX
};

struct sym_line {
	const char *name;	 /* readable, never NULL or "" */
	const char *system_name; /* as in the symbol table; == name where not mangled */
	const char *file;	 /* source file, "" unknown */
	uint32_t line;		 /* 0 unknown */
	uint32_t start_line;	 /* 0 unknown */
};

#define SYM_MAX_LINES 32

struct sym_answer {
	uint32_t n;	  /* >= 1 */
	bool unsettled;	  /* a mangled name of it may be readable later */
	bool unread;	  /* the file's symbols cannot be read now, but perhaps soon */
	bool reader_away; /* nor those of any other file; only from symbols_resolve_function */
	struct sym_line lines[SYM_MAX_LINES]; /* [0] innermost */
	uint64_t func_start; /* file vaddr or kernel address where the function begins, 0 unknown */
	int named;	     /* 0: no symbol was found, the name is made of the address */
	char module[64];     /* FRAME_KERNEL: module's name, "" = the kernel itself */
};

struct symbols;
struct reader;

struct symbols_config {
	size_t max_bytes;	    /* names, a quarter of it for answers that are kept */
	uint64_t max_line_bytes;    /* open debug information; 0: 256 MiB */
	struct reader *line_reader; /* who reads it (sym/reader.h), the caller's; NULL: we do */
	struct reader *jit_reader;  /* the same of perf maps and jitdumps */
	struct reader *demangler;   /* who makes names readable, likewise */
	const char *debug_dirs;	    /* colon separated, NULL: /usr/lib/debug */
	const char *kallsyms;	    /* NULL: /proc/kallsyms */
	/*
	 * kallsyms, opened by somebody with the right to its addresses and read
	 * from its begin each time, instead of that path; the caller's. 0: none
	 */
	int kallsyms_fd;
	/* who is asked for debug files that are nowhere; ours from now on. NULL: nobody */
	struct debuginfod *debuginfod;
	/* kernel addresses in names and answers are those of symbols_tell_kernel */
	bool hide_kernel;
};

struct symbols *symbols_new(const struct symbols_config *cfg, struct files *files);
void symbols_free(struct symbols *s);

/*
 * Names the frame. f: FRAME_USER's file, else NULL. off: offset or address as
 * enum frame_kind says. Always fills ret.
 */
void symbols_resolve(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
		     struct sym_answer *ret);

/*
 * The same for who must answer soon: *line_ns is the time left for reading
 * debug information, lowered by what was used of it. When it is used up the
 * answer is the function alone; the rest of it is read by a thread of its own
 * and is there for the next who asks. NULL: no limit.
 */
void symbols_resolve_within(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
			    uint64_t *line_ns, struct sym_answer *ret);

/*
 * The same from symbol tables alone: one line, without its place, and its name may be
 * mangled still. For who must not wait for debug information to be read, nor for names
 * to be made readable: the collector.
 */
void symbols_resolve_function(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
			      struct sym_answer *ret);

struct jit;
struct jit_table;
/* Who keeps the names of code that processes made themselves; NULL: there was no memory for it. */
struct jit *symbols_jit(struct symbols *s);
/* As symbols_resolve, for FRAME_ANON code of that table and version (sym/jit.h). */
void symbols_resolve_jit(struct symbols *s, struct jit_table *t, uint32_t version, uint64_t addr,
			 struct sym_answer *ret);

/*
 * Reads kallsyms again if modules came or went (cheap check), notices debug
 * files that came, closes those not asked for lately; collector, once a minute.
 */
void symbols_refresh_kernel(struct symbols *s);

/* Does it begin like one that sym_demangle knows? */
bool sym_is_mangled(const char *name);
/*
 * Demangled form of a C++, Rust or D name into out, without parameters; returns
 * out, or name itself if it is not mangled or its text is longer than outlen.
 */
const char *sym_demangle(const char *name, char *out, size_t outlen);

/*
 * A kernel address as it may be told, kernel_told where hide_kernel is set, else
 * as it is; and the address that is meant by one that was told. Any thread.
 */
uint64_t symbols_tell_kernel(struct symbols *s, uint64_t addr);
uint64_t symbols_told_kernel(struct symbols *s, uint64_t told);

struct symbols_counters {
	uint64_t kernel_symbols, resolved, unnamed, name_bytes, limit_hits;
	uint64_t put_off; /* times that a name was to be readable and nobody could tell */
	uint64_t answer_bytes, answer_hits;
	/* debug information: open now, bytes of it, files opened, closed for others' sake */
	uint64_t line_files, line_bytes, line_loads, line_evictions;
	uint64_t line_too_large, line_damaged; /* given up: over the limit, made no sense */
	/* answers given before their lines were read, and of them those never to be read */
	uint64_t without_lines, line_dropped;
	struct debuginfod_counters debuginfod;
	int kernel_hidden; /* kernel.kptr_restrict hides all kernel addresses from us */
};
void symbols_counters(struct symbols *s, struct symbols_counters *ret);

enum sym_root {
	SYM_ROOT_NONE,
	SYM_ROOT_ALWAYS,
	/* only of what it called: others call it as well, and until it has left their stack they are above */
	SYM_ROOT_CALLER
};

/* Is this function a root of stacks (DESIGN section 3: _start, clone, thread roots, goexit, ...)? */
enum sym_root sym_is_root(const char *system_name);

#endif
