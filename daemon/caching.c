// SPDX-License-Identifier: GPL-2.0
#include "caching.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/readonly.h"
#include "sym/file_opener.h"
#include "sym/symcache.h"
#include "unwind/tables.h"

static bool servers(const struct config *c)
{
	return !strcmp(c->debuginfod, "on");
}

void caching_make_dirs(const struct config *c)
{
	struct passwd *pw = *c->user ? getpwnam(c->user) : NULL;
	uid_t uid = pw ? pw->pw_uid : geteuid();
	gid_t gid = pw ? pw->pw_gid : getegid();
	int r = 0;

	if (c->unwind_disk)
		r = tables_make_dir(c->cache_dir, uid, gid);
	if (!r && c->symbol_disk)
		r = symcache_make_dir(c->cache_dir, uid, gid);
	if (!r && servers(c))
		r = debuginfod_make_dir(c->cache_dir, uid, gid);
	if (r)
		log_warn("%s: %s%s; unwind rows and symbols are made again at each start: make it, "
			 "or set cache-dir",
			 c->cache_dir, strerror(-r), readonly_hint(r));
}

static void start_debuginfod(const struct config *c, struct symbols_config *y)
{
	struct debuginfod_config dc = { .dir = c->cache_dir,
					.urls = c->debuginfod_urls,
					.max_disk = c->debuginfod_disk,
					.timeout = c->debuginfod_timeout };
	char err[512];

	y->debuginfod = debuginfod_new(&dc, err, sizeof(err));
	if (!y->debuginfod)
		log_warn("debuginfod: %s; nobody is asked for debug files", err);
}

int caching_use(const struct config *c, struct files *files, struct symbols_config *y,
		char **ret_dirs)
{
	if ((c->symbol_disk && files_set_cache(files, c->cache_dir, c->symbol_disk)) ||
	    files_open_aside(files, OPENER_WAIT_NS))
		return -ENOMEM;
	if (!servers(c)) {
		*ret_dirs = strdup(c->debug_dirs);
	} else {
		start_debuginfod(c, y);
		if (asprintf(ret_dirs, "%s:%s/debuginfod/" DEBUGINFOD_VERSION, c->debug_dirs,
			     c->cache_dir) < 0)
			*ret_dirs = NULL;
	}
	y->debug_dirs = *ret_dirs;
	if (*ret_dirs)
		return 0;
	debuginfod_free(y->debuginfod);
	return -ENOMEM;
}
