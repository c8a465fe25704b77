// SPDX-License-Identifier: GPL-2.0
/*
 * ringprof symbolize: names the frames of a profile that had no name when it
 * was taken. A file counts only if it has the build-id that the profile
 * states; its debug files are looked for as the daemon looks for them.
 *
 * The profile is somebody's file: what it says is checked before it is used.
 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "export/export.h"
#include "profile.pb-c.h"
#include "sym/symbols.h"

#define MAX_PROFILE (1U << 30) /* unpacked */
#define MEMORY	    (256U << 20)

typedef Ringprof__Pprof__Profile profile;
typedef Ringprof__Pprof__Location location;
typedef Ringprof__Pprof__Mapping mapping;

const struct cli_option symbolize_options[] = {
	{ "output", 'o', "FILE", "write there, not over the profile" },
	{ 0 },
};

struct job {
	profile *p;
	struct files *files;
	struct symbols *symbols;
	struct file **file; /* by place of the mapping, NULL: not to be had */
	struct sym_answer answer;
	size_t unnamed, named;
};

static int read_profile(const char *path, struct buf *b)
{
	gzFile in = gzopen(path, "rb");
	int n = 0;

	if (!in)
		return errno ? -errno : -ENOMEM;
	while (!buf_reserve(b, 65536) && (n = gzread(in, b->data + b->len, 65536)) > 0) {
		b->len += (size_t)n;
		if (b->len > MAX_PROFILE)
			n = -1;
		if (n < 0)
			break;
	}
	gzclose(in);
	return b->err ? -ENOMEM : n < 0 ? -EINVAL : 0;
}

static const char *text(const profile *p, int64_t i)
{
	return i >= 0 && (size_t)i < p->n_string_table ? p->string_table[i] : "";
}

/* -1: no memory */
static int64_t add_text(profile *p, const char *s)
{
	char **table = realloc(p->string_table, (p->n_string_table + 1) * sizeof(*table));

	if (!table)
		return -1;
	p->string_table = table;
	table[p->n_string_table] = strdup(s);
	return table[p->n_string_table] ? (int64_t)p->n_string_table++ : -1;
}

/* Ids are free to choose in the format; ours count from 1 in order, and nothing else is taken. */
static bool ids_in_order(const profile *p)
{
	for (size_t i = 0; i < p->n_mapping; i++)
		if (p->mapping[i]->id != i + 1)
			return false;
	for (size_t i = 0; i < p->n_function; i++)
		if (p->function[i]->id != i + 1)
			return false;
	return true;
}

/* Is the frame's only function one that was named by its address ("file+0x1234")? */
static bool is_unnamed(const profile *p, const location *l, const mapping *m)
{
	const char *file = text(p, m->filename), *base = strrchr(file, '/'), *name;
	size_t n;

	if (!l->n_line)
		return true;
	if (l->n_line != 1 || !l->line[0]->function_id || l->line[0]->function_id > p->n_function)
		return false;
	name = text(p, p->function[l->line[0]->function_id - 1]->name);
	base = base ? base + 1 : file;
	n = strlen(base);
	return *base && !strncmp(name, base, n) && !strncmp(name + n, "+0x", 3);
}

static uint64_t add_function(struct job *j, const struct sym_line *l)
{
	profile *p = j->p;
	Ringprof__Pprof__Function **list =
					  realloc(p->function, (p->n_function + 1) * sizeof(*list)),
				  *f;

	if (!list)
		return 0;
	p->function = list;
	f = malloc(sizeof(*f));
	if (!f)
		return 0;
	ringprof__pprof__function__init(f);
	f->id = p->n_function + 1;
	f->name = add_text(p, l->name);
	f->system_name = add_text(p, l->system_name);
	f->filename = *l->file ? add_text(p, l->file) : 0;
	f->start_line = *l->file ? l->start_line : 1; /* see export.h about the 1 */
	list[p->n_function++] = f;
	return f->name < 0 || f->system_name < 0 || f->filename < 0 ? 0 : f->id;
}

static int add_line(struct job *j, location *l, const struct sym_line *from)
{
	Ringprof__Pprof__Line **list = realloc(l->line, (l->n_line + 1) * sizeof(*list)), *line;

	if (!list)
		return -ENOMEM;
	l->line = list;
	line = malloc(sizeof(*line));
	if (!line)
		return -ENOMEM;
	ringprof__pprof__line__init(line);
	line->function_id = add_function(j, from);
	line->line = *from->file ? from->line : 0;
	list[l->n_line++] = line;
	return line->function_id ? 0 : -ENOMEM;
}

static int name_location(struct job *j, location *l, mapping *m)
{
	const struct sym_answer *a = &j->answer;
	int r = 0;

	while (l->n_line)
		ringprof__pprof__line__free_unpacked(l->line[--l->n_line], NULL);
	for (uint32_t i = 0; !r && i < a->n; i++) {
		r = add_line(j, l, &a->lines[i]);
		m->has_filenames |= *a->lines[i].file != '\0';
		m->has_line_numbers |= a->lines[i].line != 0;
	}
	m->has_functions = 1;
	m->has_inline_frames |= a->n > 1;
	j->named++;
	return r;
}

static struct file *open_mapping(struct job *j, const mapping *m)
{
	struct file_where w = { .path = text(j->p, m->filename) };
	const char *id = text(j->p, m->build_id);
	struct file *f;

	if (*w.path != '/' || !*id)
		return NULL;
	f = files_get(j->files, &w);
	if (f && strcmp(f->build_id, id)) {
		file_unref(f);
		f = NULL;
	}
	return f;
}

static int name_all(struct job *j)
{
	profile *p = j->p;
	int r = 0;

	for (size_t i = 0; i < p->n_mapping; i++)
		j->file[i] = open_mapping(j, p->mapping[i]);
	for (size_t i = 0; !r && i < p->n_location; i++) {
		location *l = p->location[i];
		mapping *m;

		if (!l->mapping_id || l->mapping_id > p->n_mapping)
			continue;
		m = p->mapping[l->mapping_id - 1];
		if (!is_unnamed(p, l, m))
			continue;
		j->unnamed++;
		if (!j->file[l->mapping_id - 1])
			continue;
		symbols_resolve(j->symbols, FRAME_USER, j->file[l->mapping_id - 1],
				l->address - m->memory_start + m->file_offset, &j->answer);
		if (j->answer.named)
			r = name_location(j, l, m);
	}
	for (size_t i = 0; i < p->n_mapping; i++)
		file_unref(j->file[i]);
	return r;
}

static int write_file(void *arg, const void *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n ? 0 : -EIO;
}

static int write_zipped(FILE *f, const uint8_t *bytes, size_t n)
{
	struct gzip_sink *gz = gzip_sink_new((struct sink){ write_file, f });
	int r = -ENOMEM;

	if (gz) {
		r = gzip_sink_sink(gz).write(gzip_sink_sink(gz).arg, bytes, n);
		r = r ? r : gzip_sink_finish(gz);
		gzip_sink_free(gz);
	}
	return r;
}

/* A full disk must not cost the profile: what was there stays until all is written. */
static int write_profile(const profile *p, const char *path)
{
	size_t n = ringprof__pprof__profile__get_packed_size(p);
	cleanup_free uint8_t *bytes = malloc(n ? n : 1);
	struct output out;
	int r = bytes ? output_begin(&out, path) : -ENOMEM;

	if (r)
		return r;
	ringprof__pprof__profile__pack(p, bytes);
	return output_end(&out, write_zipped(out.f, bytes, n));
}

static void say(const json_t *o)
{
	printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " frames without a name have "
	       "one now\n",
	       json_integer_value(json_object_get(o, "named")),
	       json_integer_value(json_object_get(o, "unnamed")));
}

static int symbolize(struct job *j, const char *out)
{
	struct symbols_config cfg = { .max_bytes = MEMORY, .kallsyms = "/dev/null" };
	int r = -ENOMEM;

	j->files = files_new(MEMORY);
	j->symbols = j->files ? symbols_new(&cfg, j->files) : NULL;
	j->file = calloc(j->p->n_mapping + 1, sizeof(*j->file));
	if (j->symbols && j->file)
		r = name_all(j);
	free(j->file);
	if (!r)
		r = write_profile(j->p, out);
	symbols_free(j->symbols);
	files_free(j->files);
	return r;
}

int verb_symbolize(struct cli *c)
{
	static struct job j;
	struct buf b = { 0 };
	const char *out = cli_value(c, "output"), *in = c->n_args == 1 ? c->args[0] : NULL;
	int r;

	if (!in)
		return cli_fail(CLI_USAGE, "symbolize: give one profile");
	r = read_profile(in, &b);
	if (!r) {
		j.p = ringprof__pprof__profile__unpack(NULL, b.len, (uint8_t *)b.data);
		r = j.p && ids_in_order(j.p) ? 0 : -EINVAL;
	}
	buf_free(&b);
	if (!r)
		r = symbolize(&j, out ? out : in);
	if (j.p)
		ringprof__pprof__profile__free_unpacked(j.p, NULL);
	if (r == -EINVAL)
		return cli_fail(CLI_FAILED, "%s: not a profile that ringprof wrote", in);
	if (r)
		return cli_fail(cli_status_of(r), "%s: %s", in, strerror(-r));
	return cli_emit(c,
			json_pack("{s:I,s:I}", "named", (json_int_t)j.named, "unnamed",
				  (json_int_t)j.unnamed),
			say);
}
