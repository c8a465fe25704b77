// SPDX-License-Identifier: GPL-2.0
/*
 * What a reader says (sym/reader.h): somebody may have taken it over. Input: a
 * byte that says what of: 0 a symbol table, 1 frames, 2 unwind rows, 3 the
 * bytes on its socket, 4 code of a JIT.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "ringprof/row_check.h"
#include "sym/jit_int.h"
#include "sym/lines_read.h"
#include "sym/reader_msg.h"
#include "sym/table_read.h"
#include "unwind/rows_read.h"

static volatile size_t sink;

static void must(int good)
{
	if (!good)
		abort();
}

static void table(const uint8_t *data, size_t size)
{
	char name[SYM_NAME_MAX];
	struct symtab t;
	bool bare;

	if (table_parse(data, size, &t, &bare))
		return;
	for (size_t i = 0; i < t.n; i++) {
		symtab_copy_name(&t, &t.syms[i], name);
		sink += strlen(symtab_name(&t, &t.syms[i]));
		symtab_find(&t, t.syms[i].addr);
	}
	symtab_find(&t, UINT64_MAX);
	symtab_free(&t);
}

static void read_frame(void *arg, const struct dwarf_frame *f)
{
	sink += strlen(f->name) + strlen(f->file);
	++*(int *)arg;
}

static void frames(const uint8_t *data, size_t size)
{
	int told = 0, n = lines_parse(data, size, read_frame, &told);

	must(n < 0 ? !told : n == told);
	must(told <= DWARF_MAX_FRAMES);
}

static void rows(const uint8_t *data, size_t size)
{
	struct rows r;

	if (rows_parse(data, size, &r))
		return;
	must(ringprof_rows_ok(r.rows, r.n, 0) == r.n);
	must(r.n_segments <= RINGPROF_MAX_SEGMENTS);
	sink += strlen(r.origin);
	rows_free(&r);
}

static void socket_bytes(const uint8_t *data, size_t size)
{
	struct reader_msg m;
	int s[2];

	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return;
	must(write(s[0], data, size) == (ssize_t)size);
	close(s[0]);
	while (!reader_recv(s[1], &m, 4096, false, 0)) {
		must(m.len <= 4096 && m.op < READER_OPS && m.fds[0] < 0);
		if (m.data)
			sink += strlen(m.data);
		reader_msg_done(&m);
	}
	close(s[1]);
}

static void read_code(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		      size_t len, struct jit_lines *lines)
{
	must(start < end && len < JIT_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		sink += (unsigned char)name[i];
	for (uint32_t i = 0; lines && i < lines->n; i++)
		sink += strlen(lines->texts + lines->at[i].file);
	free(lines);
	++*(int *)arg;
}

static void read_move(void *arg, uint64_t old, uint64_t start, uint64_t size, uint64_t time)
{
	must(size && start <= UINT64_MAX - size);
	++*(int *)arg;
}

static void jit(const uint8_t *data, size_t size)
{
	int told = 0, r;
	struct jit_sink s = { .arg = &told, .code = read_code, .move = read_move };
	struct jit_place p = { .lines = NULL };

	r = jit_take_answer(data, size, &p, &s);
	must(r != -EPROTO || (!told && !p.lines && !p.at.off && !s.taken));
	must(r <= 0 || p.at.off);
	jit_place_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(const uint8_t *data, size_t size) = { table, frames, rows,
									   socket_bytes, jit };

	if (size)
		parts[data[0] % 5](data + 1, size - 1);
	return 0;
}
