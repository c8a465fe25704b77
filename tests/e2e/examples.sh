#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Each example is read by the program it is for, or by that program's parser.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp scripts/examples/* "$tmp"

ok "prometheus.yml" promtool check config "$tmp/prometheus.yml"
ok "alert rules" promtool check rules "$tmp/ringprof-alerts.yml"

# every metric that an alert names is one that we write
names_exist() {
	local n missing=0
	while read -r n; do
		grep -qF "\"$n\"" daemon/metrics.c daemon/http/metrics.c || { echo "$n"; missing=1; }
	done < <(grep -oE '\bringprof_[a-z_]+' "$tmp/ringprof-alerts.yml" | sort -u)
	return $missing
}
ok "alerts name metrics that exist" names_exist

parca() {
	# Debian's own python: the one whose modules scripts/need installs
	/usr/bin/python3 - "$tmp/parca.yaml" <<'P'
import sys, yaml
c = yaml.safe_load(open(sys.argv[1]))
job = c["scrape_configs"][0]
on = {k for k, v in job["profiling_config"]["pprof_config"].items() if v["enabled"]}
off = {k for k, v in job["profiling_config"]["pprof_config"].items() if not v["enabled"]}
assert on == {"process_cpu"} and off == {"memory", "block", "goroutine", "mutex"}, (on, off)
assert job["normalized_addresses"] is True and job["static_configs"][0]["targets"]
P
}
ok "parca.yaml scrapes CPU alone" parca

grafana() {
	/usr/bin/python3 - "$tmp/grafana-datasource.yaml" <<'P'
import sys, yaml
c = yaml.safe_load(open(sys.argv[1]))
d = c["datasources"][0]
assert c["apiVersion"] == 1 and d["type"] == "grafana-pyroscope-datasource" and d["url"].endswith(":4099"), d
P
}
ok "grafana-datasource.yaml" grafana

alloy() {
	cp -r tests/examples "$tmp/alloy" && cd "$tmp/alloy" && go run . "$tmp/alloy.config"
}
if go_is 1 21; then
	ok "alloy.config, by Alloy's own parser" alloy
else
	skip "alloy.config, by Alloy's own parser" "$(go env GOVERSION) is older than go1.21"
fi
done_testing
