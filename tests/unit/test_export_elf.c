// SPDX-License-Identifier: GPL-2.0
/*
 * pprof of a real file with the real symbolizer: this program's own. What a
 * location says must lead back to the code. With an argument it writes such a
 * profile there, for `go tool pprof -disasm` (test_pprof.sh).
 */
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "export/export.h"
#include "profile.pb-c.h"
#include "tap.h"
#include "test_query_windows.h"

/* global and not inlined, so that it has a symbol and code of its own */
int ringprof_known_function(int x);
__attribute__((noinline)) int ringprof_known_function(int x)
{
	return x * 3 + 1;
}

struct place {
	uintptr_t address, base;
	uint64_t offset; /* in the file */
};

static int find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct place *p = arg;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + h->p_vaddr;

		if (h->p_type != PT_LOAD || p->address < start || p->address >= start + h->p_filesz)
			continue;
		p->base = info->dlpi_addr;
		p->offset = p->address - start + h->p_offset;
		return 1;
	}
	return 0;
}

static struct place known_place(void)
{
	struct place p = { .address = (uintptr_t)ringprof_known_function };

	if (!dl_iterate_phdr(find_program, &p))
		p.offset = 0;
	return p;
}

struct real {
	struct files *files;
	struct query_env env;
	struct window *w;
	struct window_list list;
};

static void real_make(struct real *r)
{
	char exe[4096] = "";
	struct file_where where = { .path = exe };
	struct symbols_config cfg = { .max_bytes = 64 << 20, .kallsyms = "/dev/null" };
	struct model *m = model_new();
	struct file *f;
	struct window_entry e;
	uint32_t object, thread;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		exe[0] = '\0';
	memset(r, 0, sizeof(*r));
	r->files = files_new(64 << 20);
	r->env.symbols = symbols_new(&cfg, r->files);
	f = files_get(r->files, &where);
	object = model_add_object(m, FRAME_USER, f, exe, f ? f->build_id : "");
	thread = fix_thread(m, fix_series(m, "self", NULL, NULL), 1, "self");
	e = fix_entry(FIX_STACK(m, object, known_place().offset), thread, 7);
	r->w = fix_window(m, 1, &e, 0, NULL, 0);
	r->list = (struct window_list){ .w = &r->w, .n = 1 };
	file_unref(f);
	model_unref(m);
}

static void real_free(struct real *r)
{
	window_unref(r->w);
	symbols_free(r->env.symbols);
	files_free(r->files);
}

TEST(a_real_address_leads_back)
{
	struct place known = known_place();
	Ringprof__Pprof__Profile *p;
	Ringprof__Pprof__Mapping *m;
	struct buf b = { 0 };
	struct real r;

	CHECK_EQ(ringprof_known_function(2), 7);
	CHECK(known.offset);
	real_make(&r);
	CHECK_EQ(export_pprof(&r.env, QUERY_LIST(&r.list), NULL, NULL, NULL, sink_buf(&b)), 0);
	p = ringprof__pprof__profile__unpack(NULL, b.len, (const uint8_t *)b.data);
	CHECK(p && p->n_location == 1 && p->n_mapping == 1);
	m = p->mapping[0];
	CHECK_STR(p->string_table[p->function[0]->name], "ringprof_known_function");
	CHECK_EQ(p->location[0]->address, known.address - known.base);
	CHECK_EQ(p->location[0]->address - m->memory_start + m->file_offset, known.offset);
	CHECK_EQ(m->memory_start % 4096, 0);
	CHECK_EQ(m->memory_limit % 4096, 0);
	CHECK(m->has_filenames && m->has_line_numbers && !m->has_inline_frames);
	CHECK(strstr(p->string_table[p->function[0]->filename], "test_export_elf.c"));
	CHECK(p->function[0]->start_line > 0);
	CHECK(p->location[0]->line[0]->line >= p->function[0]->start_line);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	buf_free(&b);
	real_free(&r);
}

/* an hour ago it is told by the history, now by the file: one program */
TEST(the_history_knows_the_same_mapping)
{
	struct place known = known_place();
	struct stored_names in = { .table = name_table_new(), .kind = FRAME_USER, .name = "x" };
	const struct sym_line line = { .name = "then", .system_name = "then", .file = "" };
	struct name_row row = { .off = known.offset + 1,
				.has_vaddr = true,
				.module = "",
				.n_lines = 1,
				.lines = &line };
	const Ringprof__Pprof__Mapping *m;
	struct window_entry e[2];
	Ringprof__Pprof__Profile *p;
	struct buf b = { 0 };
	const struct file *f;
	struct real r;
	uint32_t stored;

	real_make(&r);
	f = model_object(r.w->model, 0)->file;
	memcpy(in.key.file, f->key, sizeof(in.key.file));
	row.bias = (int64_t)(known.address - known.base - known.offset);
	CHECK_EQ(name_table_add(in.table, &row), 0);
	stored = model_add_stored(r.w->model, FRAME_USER, f->path, "",
				  name_table_object(in.table, &in));
	e[0] = fix_entry(FIX_STACK(r.w->model, stored, row.off), r.w->entries[0].thread, 3);
	e[1] = r.w->entries[0];
	r.list = (struct window_list){
		.w = (struct window *[]){ fix_window(r.w->model, 2, e, 0, NULL, 0) }, .n = 1
	};
	CHECK_EQ(export_pprof(&r.env, QUERY_LIST(&r.list), NULL, NULL, NULL, sink_buf(&b)), 0);
	p = ringprof__pprof__profile__unpack(NULL, b.len, (const uint8_t *)b.data);
	CHECK(p && p->n_location == 2 && p->n_mapping == 1);
	m = p->mapping[0];
	for (size_t i = 0; i < 2; i++)
		CHECK(p->location[i]->address >= m->memory_start &&
		      p->location[i]->address < m->memory_limit);
	/* the whole segment, more than the page of both */
	CHECK(m->memory_limit - m->memory_start > 4096);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	buf_free(&b);
	fix_free(&r.list);
	real_free(&r);
	name_table_unref(in.table);
}

TEST(a_tree_of_it_has_the_name)
{
	struct tree *t = NULL;
	struct real r;

	real_make(&r);
	CHECK_EQ(query_tree(&r.env, QUERY_LIST(&r.list), NULL, NULL, &t), 0);
	CHECK_EQ(t->n_nodes, 2);
	CHECK_STR(t->funcs[t->nodes[1].func].name, "ringprof_known_function");
	CHECK(strstr(t->funcs[t->nodes[1].func].file, "test_export_elf.c"));
	CHECK(t->funcs[t->nodes[1].func].line > 0);
	tree_free(t);
	r.env.view.merge = MERGE_LINE;
	CHECK_EQ(query_tree(&r.env, QUERY_LIST(&r.list), NULL, NULL, &t), 0);
	CHECK(strstr(t->funcs[t->nodes[1].func].name, "ringprof_known_function /"));
	CHECK(strstr(t->funcs[t->nodes[1].func].name, "test_export_elf.c:"));
	tree_free(t);
	real_free(&r);
}

static int write_profile(const char *path)
{
	struct buf b = { 0 };
	struct real r;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), bad;

	real_make(&r);
	bad = export_pprof(&r.env, QUERY_LIST(&r.list), NULL, NULL, NULL, sink_buf(&b)) ||
	      write(fd, b.data, b.len) != (ssize_t)b.len;
	real_free(&r);
	buf_free(&b);
	close(fd);
	return bad;
}

int main(int argc, char **argv)
{
	return argc > 1 ? write_profile(argv[1]) : tap_main();
}
