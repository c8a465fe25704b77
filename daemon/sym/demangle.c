// SPDX-License-Identifier: GPL-2.0
/*
 * C++, Rust and D names by libiberty's demanglers, in the form pprof shows: the
 * qualified name with template arguments, without parameters and return type;
 * Rust without its hash.
 *
 * A mangled name is a small program, and a hostile one of 100 bytes may print
 * for longer than the host lives (each substitution doubles the text). The
 * demanglers print through a callback: ours stops at the end of the caller's
 * buffer and leaves them by longjmp, so memory and time are bounded by what
 * was printed. libiberty's C++ demangler keeps everything on its stack, its
 * Rust one too, but for an identifier in Punycode, which would be left behind: of
 * names that may hold one only those are shown that are printed soon to their end.
 *
 * The demangler of D knows no callback, allocates, and ends the program when
 * there is no memory. So it gets only names from which it cannot make much: of
 * bounded length, with few back references (each may double the text).
 *
 * libiberty's own recursion limit stays on; it refuses C++ names of more than
 * 1 KiB, which are then shown as they are.
 *
 * No state; any thread.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "sym/symbols.h"
#include "sym/symtab.h"

struct out {
	char *text;
	size_t len, cap;
	bool to_its_end; /* what there is no room for is dropped */
	bool over;
	jmp_buf full;
};

static void append(const char *s, size_t n, void *arg)
{
	struct out *o = arg;

	if (!n || o->over)
		return;
	o->over = n >= o->cap - o->len;
	if (o->over && !o->to_its_end)
		longjmp(o->full, 1);
	if (o->over)
		return;
	memcpy(o->text + o->len, s, n);
	o->len += n;
}

/* setjmp alone in its frame: no local of the caller can be clobbered */
static int run(const char *name, struct out *o)
{
	if (setjmp(o->full))
		return 0;
	/* Rust's first mangling looks like C++ and must be tried before it */
	if (rust_demangle_callback(name, DMGL_NO_OPTS, append, o))
		return !o->over;
	o->len = 0;
	o->over = false;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, append, o);
}

#define R_MAX_NAME 1024
#define R_MAX_REFS 8 /* 'B's: back references, or letters of identifiers; and 'G's */

/* A 'u' and a length: Punycode, or letters of an identifier. */
static bool may_hold_punycode(const char *name)
{
	if (strncmp(name, "_R", 2))
		return false;
	for (const char *p = strchr(name, 'u'); p; p = strchr(p + 1, 'u'))
		if (p[1] >= '0' && p[1] <= '9')
			return true;
	return false;
}

static size_t count(const char *name, char c)
{
	size_t n = 0;

	for (; *name; name++)
		n += *name == c;
	return n;
}

/*
 * Is it printed soon? Back references may double the text each, and a 'G' has so many
 * lifetimes printed as the number behind it says: of one digit, that is.
 */
static bool ends_soon(const char *name)
{
	for (const char *p = strchr(name, 'G'); p; p = strchr(p + 1, 'G'))
		if (isalnum((unsigned char)p[1]) && isalnum((unsigned char)p[2]))
			return false;
	return strlen(name) <= R_MAX_NAME && count(name, 'B') + count(name, 'G') <= R_MAX_REFS;
}

#define D_MAX_NAME 1024
#define D_MAX_REFS 8 /* 'Q's, likewise */

/* Without the parameters: "a.b!(int).f(char)" becomes "a.b!(int).f". */
static size_t without_parameters(const char *s, size_t n)
{
	size_t depth = 0;

	if (!n || s[n - 1] != ')')
		return n;
	for (size_t i = n; i-- > 0;) {
		depth += s[i] == ')';
		depth -= s[i] == '(';
		if (!depth)
			return i ? i : n;
	}
	return n;
}

static bool demangle_d(const char *name, char *out, size_t outlen)
{
	size_t n = strlen(name);
	char *text;

	if (n > D_MAX_NAME || count(name, 'Q') > D_MAX_REFS)
		return false;
	text = dlang_demangle(name, DMGL_NO_OPTS);
	if (!text)
		return false;
	n = without_parameters(text, strlen(text));
	if (n && n < outlen) {
		memcpy(out, text, n);
		out[n] = '\0';
	}
	free(text);
	return n && n < outlen;
}

bool sym_is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

const char *sym_demangle(const char *name, char *out, size_t outlen)
{
	struct out o = { .text = out, .cap = outlen };

	if (!outlen || !sym_is_mangled(name))
		return name;
	if (name[1] == 'D')
		return demangle_d(name, out, outlen) ? out : name;
	if (strlen(name) >= SYM_NAME_MAX)
		return name;
	o.to_its_end = may_hold_punycode(name);
	if (o.to_its_end && !ends_soon(name))
		return name;
	if (!run(name, &o) || !o.len)
		return name;
	out[o.len] = '\0';
	return out;
}
