// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of /proc/kallsyms ("ffffffff81000000 T _stext", modules with a
 * tab and "[name]" behind) and the search. A line has no size, so a function
 * reaches to the next symbol, and never further than FUNCTION_MAX: behind the
 * last one of the kernel or of a module lie addresses of nobody.
 *
 * A symbol's module travels through the sort at the end of the name, and is
 * taken off again afterwards.
 */
#include "sym/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/hmap.h"

#define FUNCTION_MAX (1U << 20)
/* x86: __START_KERNEL and MODULES_VADDR of <asm/page_64_types.h>, <asm/pgtable_64_types.h> */
#define TOLD_TEXT    0xffffffff81000000ULL
#define TOLD_MODULES 0xffffffffc0000000ULL
#define NAME_LEN_MAX 1024 /* the kernel's own limit is 512 */

struct line {
	uint64_t addr;
	char type;
	const char *name, *module;
	size_t name_len, module_len;
};

struct parse {
	struct kernel_symbols *k;
	struct symtab_builder b;
	uint16_t last; /* module of the line before: they stand in runs */
	size_t lines, zeros;
};

static const char *hex(const char *p, const char *end, uint64_t *ret)
{
	const char *start = p;
	uint64_t v = 0;

	for (; p < end && p - start < 16; p++) {
		unsigned int c = (unsigned char)*p;
		unsigned int d = c - '0' < 10	      ? c - '0'
				 : (c | 32) - 'a' < 6 ? (c | 32) - 'a' + 10
						      : 16;

		if (d > 15)
			break;
		v = v << 4 | d;
	}
	*ret = v;
	return p > start ? p : NULL;
}

static size_t word_len(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && p[n] != ' ' && p[n] != '\t')
		n++;
	return n;
}

static bool parse_line(const char *p, const char *end, struct line *l)
{
	p = hex(p, end, &l->addr);
	if (!p || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return false;
	l->type = p[1];
	l->name = p + 3;
	l->name_len = word_len(l->name, end);
	l->module = l->name + l->name_len;
	while (l->module < end && (*l->module == ' ' || *l->module == '\t'))
		l->module++;
	l->module_len = word_len(l->module, end);
	if (l->module_len > 2 && l->module[0] == '[' && l->module[l->module_len - 1] == ']') {
		l->module++;
		l->module_len -= 2;
	} else {
		l->module_len = 0;
	}
	return l->name_len != 0;
}

static bool is_module(const struct kernel_symbols *k, size_t i, const char *name, size_t len)
{
	return !strncmp(k->modules[i], name, len) && !k->modules[i][len];
}

/* 0 for the kernel, and for modules past the limit. */
static uint16_t module_index(struct parse *p, const struct line *l)
{
	size_t len = l->module_len < KERNEL_MODULE_NAME ? l->module_len : KERNEL_MODULE_NAME - 1;
	struct kernel_symbols *k = p->k;

	if (is_module(k, p->last, l->module, len))
		return p->last;
	for (size_t i = 0; i < k->n_modules; i++)
		if (is_module(k, i, l->module, len))
			return p->last = (uint16_t)i;
	if (k->n_modules == KERNEL_MAX_MODULES)
		return 0;
	memcpy(k->modules[k->n_modules], l->module, len);
	k->modules[k->n_modules][len] = '\0';
	return p->last = (uint16_t)k->n_modules++;
}

/*
 * The module's number in three characters from '0' on: never a NUL, and the
 * same for aliases at one address, so that it does not disturb the choice.
 */
#define TAG 3

static void tag_write(char *t, uint16_t v)
{
	for (int i = 0; i < TAG; i++)
		t[i] = (char)('0' + ((v >> (6 * i)) & 63));
}

/* Takes the tag off a name. */
static uint16_t tag_cut(char *name)
{
	char *t = name + strlen(name) - TAG;
	unsigned int v = 0;

	for (int i = 0; i < TAG; i++)
		v |= (unsigned int)(t[i] - '0') << (6 * i);
	*t = '\0';
	return (uint16_t)v;
}

static int add_line(struct parse *p, const struct line *l)
{
	char name[NAME_LEN_MAX + TAG];
	struct sym_input in = { .addr = l->addr, .room = FUNCTION_MAX, .func = true };
	size_t len = l->name_len < NAME_LEN_MAX ? l->name_len : NAME_LEN_MAX;

	p->lines++;
	p->zeros += !l->addr;
	if (!l->addr || !strchr("tTwW", l->type))
		return 0;
	if (!l->module_len && l->name_len == 5 && !memcmp(l->name, "_text", 5))
		p->k->text = l->addr;
	if (!l->module_len && l->addr > p->k->last)
		p->k->last = l->addr;
	if (l->module_len && (!p->k->modules_start || l->addr < p->k->modules_start))
		p->k->modules_start = l->addr;
	memcpy(name, l->name, len);
	tag_write(name + len, module_index(p, l));
	in.name = name;
	in.len = len + TAG;
	in.bind = l->type == 'T' ? SYM_GLOBAL : l->type == 't' ? SYM_LOCAL : SYM_WEAK;
	return symtab_add(&p->b, &in);
}

static int untag(struct kernel_symbols *k)
{
	k->module = malloc((k->tab.n ? k->tab.n : 1) * sizeof(*k->module));
	if (!k->module)
		return -ENOMEM;
	for (size_t i = 0; i < k->tab.n; i++)
		k->module[i] = tag_cut(k->tab.names + k->tab.syms[i].name);
	return 0;
}

int kernel_parse(struct kernel_symbols *k, const char *text, size_t len)
{
	struct parse p = { .k = k };
	const char *end = text + len;
	struct line l;
	int r = 0;

	memset(k, 0, sizeof(*k));
	k->modules = calloc(KERNEL_MAX_MODULES, sizeof(*k->modules));
	if (!k->modules)
		return -ENOMEM;
	k->n_modules = 1; /* [0] = "" */
	while (!r && text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));

		if (parse_line(text, nl ? nl : end, &l))
			r = add_line(&p, &l);
		text = nl ? nl + 1 : end;
	}
	k->hidden = p.lines && p.zeros == p.lines;
	if (!r)
		r = symtab_finish(&p.b, &k->tab);
	if (!r)
		r = untag(k);
	symtab_builder_free(&p.b);
	if (r)
		kernel_free(k);
	return r;
}

void kernel_free(struct kernel_symbols *k)
{
	symtab_free(&k->tab);
	free(k->module);
	free(k->modules);
	memset(k, 0, sizeof(*k));
}

size_t kernel_bytes(const struct kernel_symbols *k)
{
	return symtab_bytes(&k->tab) + k->tab.n * sizeof(*k->module) +
	       (k->modules ? KERNEL_MAX_MODULES * KERNEL_MODULE_NAME : 0);
}

const struct sym *kernel_find(const struct kernel_symbols *k, uint64_t addr, const char **module)
{
	const struct sym *s = symtab_find(&k->tab, addr);

	if (s)
		*module = k->modules[k->module[s - k->tab.syms]];
	return s;
}

uint64_t kernel_told(const struct kernel_symbols *k, uint64_t addr)
{
	uint64_t text = k->text, modules = k->modules_start;

	if (modules && addr >= modules && (addr < text || modules > text))
		return addr - modules + TOLD_MODULES;
	if (text && addr >= text && addr < k->last + FUNCTION_MAX)
		return addr - text + TOLD_TEXT;
	return addr & 0xfff;
}

uint64_t kernel_meant(const struct kernel_symbols *k, uint64_t told)
{
	if (k->modules_start && told >= TOLD_MODULES)
		return told - TOLD_MODULES + k->modules_start;
	return k->text && told >= TOLD_TEXT ? told - TOLD_TEXT + k->text : told;
}

static uint64_t module_hash(uint64_t seed, const char *line, size_t len)
{
	size_t from = 0, word = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && line[i] != ' ')
			continue;
		if (word != 2 && word != 3)
			seed = XXH3_64bits_withSeed(line + from, i - from, seed);
		from = i + 1;
		word++;
	}
	return seed;
}

uint64_t kernel_modules_hash(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t h = 0;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		h = module_hash(h, text, n);
		text += n + 1;
	}
	return h;
}
