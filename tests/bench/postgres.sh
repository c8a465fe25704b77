# SPDX-License-Identifier: GPL-2.0
# PostgreSQL's TPC-B on a data directory in memory, without fsync. Sourced.
#
#   postgres_begin DIR                a server of its own below DIR, filled, up
#   postgres_work DIR TRANSACTIONS    pgbench, one client; its words are in DIR/log.bench
#   postgres_end DIR                  asks the server to end, if there is one
# shellcheck shell=bash
postgres_bin=$(for d in /usr/lib/postgresql/*/bin; do echo "$d"; done | sort -V | tail -n 1)

as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
postgres_begin() {
	chmod 755 "$1"
	install -d -m 700 -o postgres "$1/pg"
	as_postgres "$postgres_bin/initdb" -D "$1/pg" -N -A trust > "$1/log.pg"
	as_postgres "$postgres_bin/postgres" -D "$1/pg" -k "$1/pg" -h '' -c fsync=off -c autovacuum=off \
		-c checkpoint_timeout=1d -c bgwriter_lru_maxpages=0 > "$1/log.pg" 2>&1 &
	for _ in $(seq 300); do
		! as_postgres "$postgres_bin/pg_isready" -q -h "$1/pg" || break
		sleep 0.1
	done
	as_postgres "$postgres_bin/pgbench" -q -i -s 1 -h "$1/pg" postgres > "$1/log.init" 2>&1
}
postgres_work() {
	as_postgres "$postgres_bin/pgbench" -n -t "$2" -h "$1/pg" postgres > "$1/log.bench" 2>&1
}
postgres_end() {
	[ ! -e "$1/pg/postmaster.pid" ] || kill -INT "$(head -n 1 "$1/pg/postmaster.pid")"
}
