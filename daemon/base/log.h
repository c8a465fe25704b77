/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of the daemon and the CLI: one line each on stderr, with the
 * sd-daemon level prefix <N> when stderr is the journal. Only the top layers
 * log (ringprofd.c, collector, http server, cli); libraries return errors.
 * A message names the thing, the cause and the way out.
 */
#ifndef RINGPROF_BASE_LOG_H
#define RINGPROF_BASE_LOG_H

enum log_level { LOG_LVL_ERR = 3, LOG_LVL_WARN = 4, LOG_LVL_INFO = 6, LOG_LVL_DEBUG = 7 };

/* The program's name for the prefix and the most talkative level to print. */
void log_init(const char *program, enum log_level max);
void log_set_level(enum log_level max);
enum log_level log_level_get(void);

void log_msg(enum log_level lvl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_msg(LOG_LVL_ERR, __VA_ARGS__)
#define log_warn(...)  log_msg(LOG_LVL_WARN, __VA_ARGS__)
#define log_info(...)  log_msg(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_LVL_DEBUG, __VA_ARGS__)

#endif
