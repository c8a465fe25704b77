// SPDX-License-Identifier: GPL-2.0

// Reads an Alloy configuration with Alloy's own parser and checks which
// profiles it asks for.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = check(text)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(text []byte) error {
	file, err := parser.ParseFile("alloy.config", text)
	if err != nil {
		return err
	}
	got := map[string]bool{}
	walk(file.Body, got)
	for _, p := range []string{"memory", "block", "goroutine", "mutex"} {
		if on, there := got[p]; !there || on {
			return fmt.Errorf("profile.%s is not switched off", p)
		}
	}
	if !got["process_cpu"] {
		return fmt.Errorf("profile.process_cpu is not switched on")
	}
	return nil
}

func walk(body ast.Body, got map[string]bool) {
	for _, s := range body {
		b, ok := s.(*ast.BlockStmt)
		if !ok {
			continue
		}
		if b.Name[0] == "profile" {
			got[b.Name[1]] = enabled(b.Body)
		}
		walk(b.Body, got)
	}
}

func enabled(body ast.Body) bool {
	for _, s := range body {
		a, ok := s.(*ast.AttributeStmt)
		if ok && a.Name.Name == "enabled" {
			l, ok := a.Value.(*ast.LiteralExpr)
			return ok && strings.EqualFold(l.Value, "true")
		}
	}
	return false
}
