# SPDX-License-Identifier: GPL-2.0
# bash completion for ringprof(1)
# shellcheck shell=bash

_ringprof() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb="" opts=""
	local global='--json --socket --url --config --help'
	local verbs='status start stop set stats record query top diff flame services events annotate pin unpin pins export import symbolize doctor version'

	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $w in -*) ;; *) verb=$w && break ;; esac
	done
	case $prev in
	--source) mapfile -t COMPREPLY < <(compgen -W 'auto kmod perf' -- "$cur") && return ;;
	--event | -e) mapfile -t COMPREPLY < <(compgen -W 'cpu-clock cycles' -- "$cur") && return ;;
	--unwind) mapfile -t COMPREPLY < <(compgen -W 'rows fp' -- "$cur") && return ;;
	--only) mapfile -t COMPREPLY < <(compgen -W 'user kernel both' -- "$cur") && return ;;
	--user-stacks) mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$cur") && return ;;
	--format | -f) mapfile -t COMPREPLY < <(compgen -W 'pprof folded speedscope flamegraph top' -- "$cur") && return ;;
	--kind) mapfile -t COMPREPLY < <(compgen -W 'deploy note' -- "$cur") && return ;;
	--inconclusive) mapfile -t COMPREPLY < <(compgen -W 'pass fail' -- "$cur") && return ;;
	--base | --head | -a | -b) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
	--socket | --config) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
	esac
	case $verb in
	'') opts=$verbs ;;
	set) opts='--frequency -F --cpus --event -e --pids -p --cgroup -G --unit -u --only --user-stacks
		--ring-size --max-depth --budget' ;;
	stats) opts='--cpu' ;;
	record) opts='--frequency -F --source --unwind --perf-stack --max-depth --duration -d --pid -p --output -o --format -f --query -q' ;;
	query) opts='--from --until --output -o --max-nodes --group-by --focus --ignore --hide --invert --merge
		--busiest --step' ;;
	diff) opts='--base -a --head -b --max-regress --min-share --per-base --per-head --shares --confidence --sample-type --inconclusive --markdown' ;;
	flame) opts='--from --until --invert --focus --merge --group-by --width -w' ;;
	services | events | pin) opts='--from --until' ;;
	export) opts='--pin --from --until' ;;
	annotate) opts='--service --version --git-ref --text --kind --time' ;;
	symbolize) opts='--output -o' ;;
	top) opts='--delay -d --rows -n --once -1' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$opts $global" -- "$cur")
	case $verb in
	export | import | symbolize) [[ $cur = -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}
complete -F _ringprof ringprof
