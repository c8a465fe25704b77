// SPDX-License-Identifier: GPL-2.0
/* Functions that nothing calls: where a stack that was walked whole ends. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/symbols.h"

/* sorted by strcmp */
static const struct root {
	const char *name;
	enum sym_root is;
} roots[] = {
	{ "__clone", SYM_ROOT_CALLER },
	{ "__clone3", SYM_ROOT_CALLER },
	{ "__start_context", SYM_ROOT_ALWAYS }, /* makecontext(3) */
	{ "_dl_start_user", SYM_ROOT_ALWAYS },	/* the dynamic linker before the program's _start */
	{ "_rt0_amd64", SYM_ROOT_ALWAYS },
	{ "_rt0_amd64_linux", SYM_ROOT_ALWAYS },
	{ "_start", SYM_ROOT_ALWAYS },
	{ "_start_c", SYM_ROOT_ALWAYS },
	{ "clone", SYM_ROOT_CALLER },
	{ "clone3", SYM_ROOT_CALLER },
	{ "common_startup_64", SYM_ROOT_ALWAYS }, /* idle threads of the kernel, 6.10 and later */
	{ "coroutine_trampoline", SYM_ROOT_ALWAYS }, /* QEMU */
	{ "ret_from_fork", SYM_ROOT_ALWAYS },	     /* kernel threads */
	{ "ret_from_fork_asm", SYM_ROOT_ALWAYS },
	/*
	 * mcall, morestack, systemstack and asmcgocall leave a goroutine's stack for
	 * the thread's own, where they are the first: topofstack() of Go's
	 * runtime/traceback.go
	 */
	{ "runtime.asmcgocall", SYM_ROOT_CALLER },
	{ "runtime.goexit", SYM_ROOT_ALWAYS },
	{ "runtime.mcall", SYM_ROOT_CALLER },
	{ "runtime.morestack", SYM_ROOT_CALLER },
	{ "runtime.mstart", SYM_ROOT_ALWAYS },
	{ "runtime.rt0_go", SYM_ROOT_ALWAYS },
	{ "runtime.systemstack", SYM_ROOT_CALLER },
	{ "secondary_startup_64", SYM_ROOT_ALWAYS },
	{ "secondary_startup_64_no_verify", SYM_ROOT_ALWAYS },
	/* glibc: called by clone3 with frame pointer 0 and saving none itself */
	{ "start_thread", SYM_ROOT_ALWAYS },
};

static int compare(const void *key, const void *item)
{
	/* the name comes first */
	return strcmp(key, *(const char *const *)item);
}

enum sym_root sym_is_root(const char *name)
{
	size_t n = strlen(name);
	const struct root *found;
	char go[64];

	/* Go names its assembly functions by ABI too */
	if (n > 5 && n < sizeof(go) && !strcmp(name + n - 5, ".abi0")) {
		memcpy(go, name, n - 5);
		go[n - 5] = '\0';
		name = go;
	}
	found = bsearch(name, roots, ARRAY_SIZE(roots), sizeof(roots[0]), compare);
	return found ? found->is : SYM_ROOT_NONE;
}
