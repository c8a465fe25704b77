// SPDX-License-Identifier: GPL-2.0
/* Functions that nothing calls: where a stack that was walked whole ends. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/symbols.h"

/* sorted by strcmp */
static const char *const roots[] = {
	"__clone",
	"__clone3",
	"__start_context", /* makecontext(3) */
	"_dl_start_user",  /* the dynamic linker before the program's _start */
	"_rt0_amd64",
	"_rt0_amd64_linux",
	"_start",
	"_start_c",
	"clone",
	"clone3",
	"common_startup_64",	/* idle threads of the kernel, 6.10 and later */
	"coroutine_trampoline", /* QEMU */
	"ret_from_fork",	/* kernel threads */
	"ret_from_fork_asm",
	/*
	 * mcall, morestack, systemstack and asmcgocall leave a goroutine's stack for
	 * the thread's own, where they are the first: topofstack() of Go's
	 * runtime/traceback.go
	 */
	"runtime.asmcgocall",
	"runtime.goexit",
	"runtime.mcall",
	"runtime.morestack",
	"runtime.mstart",
	"runtime.rt0_go",
	"runtime.systemstack",
	"secondary_startup_64",
	"secondary_startup_64_no_verify",
	/* glibc: called by clone3 with frame pointer 0 and saving none itself */
	"start_thread",
};

static int compare(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

int sym_is_root(const char *name)
{
	size_t n = strlen(name);
	char go[64];

	/* Go names its assembly functions by ABI too */
	if (n > 5 && n < sizeof(go) && !strcmp(name + n - 5, ".abi0")) {
		memcpy(go, name, n - 5);
		go[n - 5] = '\0';
		name = go;
	}
	return bsearch(name, roots, ARRAY_SIZE(roots), sizeof(roots[0]), compare) != NULL;
}
