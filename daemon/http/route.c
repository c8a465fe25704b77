// SPDX-License-Identifier: GPL-2.0
/*
 * The table of what there is. Whoever adds a path adds a row; the catch-all
 * rows say how what is not there is answered. Any thread.
 */
#include <string.h>

#include "http/internal.h"

static const struct route routes[] = {
	/* path, methods, open, family, lane, handler */
	{ "/-/healthy", M_READ, true, F_PLAIN, LANE_NONE, healthy_handler },
	{ "/-/ready", M_READ, true, F_PLAIN, LANE_NONE, ready_handler },
	{ "/metrics", M_READ, true, F_PLAIN, LANE_LIGHT, metrics_handler },
	{ "/debug/pprof", M_READ, false, F_PPROF, LANE_NONE, pprof_redirect },
	{ "/debug/pprof/", M_READ, false, F_PPROF, LANE_NONE, pprof_index },
	{ "/debug/pprof/cmdline", M_READ, false, F_PPROF, LANE_NONE, pprof_cmdline },
	{ "/debug/pprof/profile", M_READ, false, F_PPROF, LANE_NONE, pprof_profile },
	{ "/debug/pprof/symbol", M_READ | M_POST, false, F_PPROF, LANE_LIGHT, pprof_symbol },
	{ "/api/v1/profile", M_READ, false, F_API, LANE_HEAVY, api_profile },
	{ "/api/v1/diff", M_READ, false, F_API, LANE_HEAVY, api_diff },
	{ "/api/v1/processes", M_READ, false, F_API, LANE_LIGHT, api_processes },
	{ "/api/v1/targets", M_READ, false, F_API, LANE_LIGHT, api_targets },
	{ "/api/v1/labels", M_READ, false, F_API, LANE_HEAVY, api_label_names },
	{ "/api/v1/series", M_READ, false, F_API, LANE_HEAVY, api_series },
	{ "/api/v1/services", M_READ, false, F_API, LANE_HEAVY, api_services },
	{ "/api/v1/tiers", M_READ, false, F_API, LANE_LIGHT, api_tiers },
	{ "/api/v1/events", M_READ | M_POST, false, F_API, LANE_LIGHT, api_events },
	{ "/api/v1/pins", M_READ | M_POST | M_DELETE, false, F_API, LANE_HEAVY, api_pins },
	{ "/api/v1/export", M_READ, false, F_API, LANE_HEAVY, api_export },
	{ "/api/v1/import", M_POST | M_UPLOAD, false, F_API, LANE_HEAVY, api_import },
	{ "/api/v1/status", M_READ, false, F_API, LANE_LIGHT, api_status },
	{ "/pyroscope/render", M_READ, false, F_API, LANE_HEAVY, pyroscope_render },
	{ "/pyroscope/render-diff", M_READ, false, F_API, LANE_HEAVY, pyroscope_render_diff },
	{ "/pyroscope/label-values", M_READ, false, F_API, LANE_HEAVY, pyroscope_label_values },
	/* below: by prefix */
	{ "/querier.v1.QuerierService/", M_POST, false, F_CONNECT, LANE_HEAVY, querier_handler },
	{ "/api/v1/label/", M_READ, false, F_API, LANE_HEAVY, api_label_values },
	{ "/debug/", M_READ | M_POST | M_OTHER | M_DELETE, false, F_PPROF, LANE_NONE,
	  pprof_unknown },
	{ "/api/", M_READ | M_POST | M_OTHER | M_DELETE, false, F_API, LANE_NONE, api_unknown },
	{ "", M_READ, false, F_PLAIN, LANE_NONE, page_handler },
};

#define N_PREFIXES 5

const struct route *route_find(const char *path)
{
	const size_t n = sizeof(routes) / sizeof(routes[0]);
	size_t i;

	for (i = 0; i < n - N_PREFIXES; i++)
		if (!strcmp(path, routes[i].path))
			return &routes[i];
	while (strncmp(path, routes[i].path, strlen(routes[i].path)))
		i++; /* the last one matches everything */
	return &routes[i];
}
