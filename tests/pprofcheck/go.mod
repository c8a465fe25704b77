module ringprof/tests/pprofcheck

go 1.20
