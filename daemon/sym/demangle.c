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
 * Rust one at most the decoded form of one Punycode identifier (under 4 KiB,
 * once per such name that is longer than the buffer).
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
	jmp_buf full;
};

static void append(const char *s, size_t n, void *arg)
{
	struct out *o = arg;

	if (!n)
		return;
	if (n >= o->cap - o->len)
		longjmp(o->full, 1);
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
		return 1;
	o->len = 0;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, append, o);
}

#define D_MAX_NAME 1024
#define D_MAX_REFS 8 /* 'Q's: back references, or letters of identifiers */

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
	size_t n = strlen(name), refs = 0;
	char *text;

	for (const char *p = name; *p; p++)
		refs += *p == 'Q';
	if (n > D_MAX_NAME || refs > D_MAX_REFS)
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

const char *sym_demangle(const char *name, char *out, size_t outlen)
{
	struct out o = { .text = out, .cap = outlen };

	if (outlen && !strncmp(name, "_D", 2))
		return demangle_d(name, out, outlen) ? out : name;
	if (!outlen || (strncmp(name, "_Z", 2) && strncmp(name, "_R", 2)) ||
	    strlen(name) >= SYM_NAME_MAX)
		return name;
	if (!run(name, &o) || !o.len)
		return name;
	out[o.len] = '\0';
	return out;
}
