#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The judge of the corpus must be able to say no: chains of a program whose call
# graph is plain to see, right ones and spoiled ones.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# nobody calls lonely; pointed is called by pointer; middle ends in a jump to tail
cat > "$tmp/p.s" <<'END'
	.macro func name
	.globl \name
	.type \name, @function
	\name:
	.cfi_startproc
	.endm
	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm
	.text
	func _start
	.cfi_undefined rip
	call main
	hlt
	end _start
	func main
	call middle
	lea pointed(%rip), %rax
	call *%rax
	nop
	ret
	end main
	func middle
	call leaf
	jmp tail
	end middle
	func tail
	call leaf
	nop
	ret
	end tail
	func pointed
	call leaf
	nop
	ret
	end pointed
	func lonely
	call leaf
	nop
	ret
	end lonely
	func leaf
	nop
	ret
	end leaf
	func elsewhere
	mov $15, %rax
	syscall
	end elsewhere
END
gcc -nostdlib -static -o "$tmp/p" "$tmp/p.s" || fail "compile"

# behind FUNCTION N: a caller's address, within its Nth call; at FUNCTION: its second byte
behind() {
	objdump -d --no-show-raw-insn "--disassemble=$1" "$tmp/p" | awk -v n="$2" '
		found { sub(":", "", $1); print $1; exit } /\tcall/ && !--n { found = 1 }' |
		{ read -r a; printf '%x' $((0x$a - 1)); }
}
at() { nm "$tmp/p" | awk -v s="$1" '$3 == s { print $1 }' | { read -r a; printf '%x' $((0x$a)); }; }

# chain ADDRESS[=NAME]...: a sample as perf script prints it, leaf first
chain() {
	local a name
	echo "dw: "
	for a; do
		name=${a#"${a%%=*}"}
		printf '\t%16s %s+0x1 (%s)\n' "${a%%=*}" "${name#=}" "$tmp/p"
	done
	echo
}
# judged "SAMPLES ROOTS PAIRS WRONG" ADDRESS...
judged() {
	local want=$1 got
	shift
	chain "$@" > "$tmp/s"
	got=$(python3 tests/corpus/judge.py perf "$tmp/s" "$tmp/p")
	[ "$(head -n 1 <<< "$got" | tr '\t' ' ')" = "dw $want" ] || { echo "$got"; return 1; }
}
start=$(behind _start 1) main1=$(behind main 1) main2=$(behind main 2) leaf=$(at leaf)
ok "a whole chain of direct calls" judged "1 1 3 0" "$leaf" "$(behind middle 1)" "$main1" "$start"
ok "a jump's target stands in the place of the jumping one" \
	judged "1 1 3 0" "$leaf" "$(behind tail 1)" "$main1" "$start"
ok "by a pointer" judged "1 1 3 0" "$leaf" "$(behind pointed 1)" "$main2" "$start"
ok "a missing frame is a wrong pair" judged "1 1 2 1" "$leaf" "$main1" "$start"
ok "the wrong call of the right function" \
	judged "1 1 3 1" "$leaf" "$(behind pointed 1)" "$main1" "$start"
ok "a function that nobody has the address of" \
	judged "1 1 3 1" "$leaf" "$(behind lonely 1)" "$main2" "$start"
ok "an address that is behind no call" judged "1 1 3 2" "$leaf" "$(at lonely)" "$main1" "$start"
ok "an address without code" judged "1 1 3 2" "$leaf" 10 "$main1" "$start"
ok "a chain that ends early" judged "1 0 2 0" "$leaf" "$(behind middle 1)" "$main1"
ok "a chain that goes on behind the root" \
	judged "1 0 2 1" "$main1" "$start" "$main1"
ok "what a signal interrupted is no caller" judged "1 1 5 0" "$(at pointed)" "$(at elsewhere)" \
	"$leaf" "$(behind middle 1)" "$main1" "$start"
ok "nor is it when the handler is on its way back, in the system call" judged "1 1 4 0" \
	"$(printf '%x' $((0x$(at elsewhere) + 9)))" "$leaf" "$(behind middle 1)" "$main1" "$start"
ok "Go preempts by a call that is not in the code" judged "1 1 4 0" "$(at pointed)=runtime.asyncPreempt" \
	"$leaf" "$(behind middle 1)" "$main1" "$start"
ok "a handler that nobody has the address of" \
	judged "1 0 1 1" "$(at lonely)" "$(at elsewhere)"

# the verdict on a table of such figures
verdict() { # EXPECTED-WORDS KIND V.SAMPLES V.ROOTS V.PAIRS V.WRONG P.SAMPLES P.ROOTS
	python3 - "$@" <<-'END'
	import sys
	sys.path.insert(0, "tests/corpus")
	import judge, table
	def verdict(samples, roots, pairs=1000, wrong=0):
	    v = judge.Verdict()
	    v.samples, v.roots, v.pairs, v.wrong = samples, roots, pairs, wrong
	    return v
	kind, *n = sys.argv[2:]
	n = [int(a) for a in n]
	got = "; ".join(table.problems(verdict(*n[:4]), verdict(*n[4:]), kind))
	print(got)
	sys.exit((sys.argv[1] or "nothing") not in (got or "nothing"))
	END
}
ok "a program passes" verdict "" compiled 1000 995 10000 5 500 500
ok "98.0 % are too few of one build" verdict "980 of 1000" compiled 1000 980 10000 0 500 450
all_builds() { # WANTED BUILD_PROGRAM=ROOTS...: of 1000 stacks each
	PYTHONPATH=tests/corpus python3 - "$@" <<-'END'
	import sys
	import judge, table
	results = []
	for a in sys.argv[2:]:
	    name, roots = a.split("=")
	    v = judge.Verdict()
	    v.samples, v.roots = 1000, int(roots)
	    results.append((name, "compiled", (v, v, v)))
	got = " ".join(f"{text.split(',')[0]}={fine}" for text, fine in table.by_program(results))
	print(got)
	sys.exit(got != sys.argv[1])
	END
}
ok "98.9 % are too few of all builds" all_builds "deep=True wide=False" a_deep=985 b_deep=996 a_wide=989 b_wide=989
ok "perf's roots are more" verdict "perf" compiled 4000 3961 10000 0 4000 4000
ok "perf's lead is chance" verdict "" compiled 400 398 10000 0 400 400
ok "no share is asked of alternate stacks" verdict "" altstack 1000 850 10000 5 500 420
ok "but perf's is" verdict "perf" altstack 1000 850 10000 5 500 500
ok "too many wrong pairs" verdict "wrong" compiled 1000 1000 10000 51 500 500
ok "too few samples to say" verdict "only 149" compiled 149 149 1000 0 500 500
ok "in all: 0.1 % wrong and no more" python3 -c "
import sys; sys.path.insert(0, 'tests/corpus')
import judge, table
v = judge.Verdict(); v.pairs, v.wrong = 10000, 10
assert table.total([('x', 'compiled', [v])])[1]
v.wrong = 11
assert not table.total([('x', 'compiled', [v])])[1]
assert table.total([('x', 'packaged', [v])])[1]"
done_testing
