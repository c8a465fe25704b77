// SPDX-License-Identifier: GPL-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checker gathers every broken rule instead of stopping at the first.
type checker struct {
	p      *profile
	errors []string
}

func (c *checker) fail(format string, args ...any) {
	if len(c.errors) < 50 {
		c.errors = append(c.errors, fmt.Sprintf(format, args...))
	}
}

func (c *checker) text(i int64, what string) string {
	if i < 0 || i >= int64(len(c.p.strings)) {
		c.fail("%s: text %d of %d", what, i, len(c.p.strings))
		return ""
	}
	return c.p.strings[i]
}

func (c *checker) strings() {
	if len(c.p.strings) == 0 || c.p.strings[0] != "" {
		c.fail("string_table[0] is not empty")
	}
	seen := map[string]bool{}
	for i, s := range c.p.strings {
		if !utf8.ValidString(s) {
			c.fail("text %d is not UTF-8: %q", i, s)
		}
		if strings.IndexFunc(s, unicode.IsControl) >= 0 {
			c.fail("text %d has control characters: %q", i, s)
		}
		if seen[s] {
			c.fail("text %d is there twice: %q", i, s)
		}
		seen[s] = true
	}
}

var typeName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c *checker) types() {
	if len(c.p.sampleTypes) == 0 {
		c.fail("no sample_type")
	}
	names := map[string]bool{}
	for _, t := range c.p.sampleTypes {
		name, unit := c.text(t.typ, "sample_type"), c.text(t.unit, "sample_type unit")
		if !typeName.MatchString(name) || !typeName.MatchString(unit) {
			c.fail("sample type %q/%q cannot stand in a selector", name, unit)
		}
		names[name] = true
	}
	if d := c.text(c.p.defaultType, "default_sample_type"); !names[d] {
		c.fail("default_sample_type %q is none of the sample types", d)
	}
	if c.p.periodType == nil {
		c.fail("no period_type")
	} else if c.text(c.p.periodType.typ, "period_type") == "" || c.text(c.p.periodType.unit, "period_type") == "" {
		c.fail("period_type without a name or unit")
	}
	for num, n := range c.p.seen {
		if n > 1 {
			c.fail("field %d comes %d times: concatenated profiles", num, n)
		}
	}
	if c.p.timeNanos < 0 || c.p.duration < 0 || c.p.period < 0 {
		c.fail("negative time, duration or period")
	}
}

func (c *checker) mappings() {
	if len(c.p.mappings) == 0 {
		c.fail("no mapping: pprof would make one up and look for binaries")
	}
	for i, m := range c.p.mappings {
		if m.id != uint64(i)+1 {
			c.fail("mapping %d has id %d", i+1, m.id)
		}
		if c.text(m.filename, "mapping filename") == "" {
			c.fail("mapping %d has no filename", m.id)
		}
		c.text(m.buildID, "build_id")
		if !m.functions {
			c.fail("mapping %d is not has_functions: pprof would symbolize again", m.id)
		}
		if m.limit < m.start || (m.limit == m.start && m.limit != 0) {
			c.fail("mapping %d is [%#x, %#x)", m.id, m.start, m.limit)
		}
	}
}

func (c *checker) functions() {
	for i, f := range c.p.functions {
		if f.id != uint64(i)+1 {
			c.fail("function %d has id %d", i+1, f.id)
		}
		if c.text(f.name, "function name") == "" || c.text(f.systemName, "system_name") == "" {
			c.fail("function %d has no name or no system_name", f.id)
		}
		c.text(f.filename, "function filename")
		if f.startLine < 0 {
			c.fail("function %d starts at line %d", f.id, f.startLine)
		}
	}
}

func (c *checker) location(l *location) {
	if l.mapping == 0 || l.mapping > uint64(len(c.p.mappings)) {
		c.fail("location %d has mapping %d", l.id, l.mapping)
		return
	}
	m := c.p.mappings[l.mapping-1]
	if m.limit != 0 && (l.address < m.start || l.address >= m.limit) {
		c.fail("location %d, address %#x, is outside its mapping [%#x, %#x)", l.id, l.address, m.start, m.limit)
	}
	if len(l.lines) == 0 {
		c.fail("location %d has no line", l.id)
	}
	if len(l.lines) > 1 && !m.inlines {
		c.fail("mapping %d has inlined functions and does not say so", m.id)
	}
	for _, row := range l.lines {
		if row.function == 0 || row.function > uint64(len(c.p.functions)) {
			c.fail("location %d has function %d", l.id, row.function)
		}
		if row.line != 0 && !m.lines {
			c.fail("mapping %d has lines and does not say so", m.id)
		}
	}
}

func (c *checker) locations() {
	for i := range c.p.locations {
		l := &c.p.locations[i]
		if l.id != uint64(i)+1 {
			c.fail("location %d has id %d", i+1, l.id)
		}
		c.location(l)
	}
}

var labelKey = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c *checker) labels(i int, labels []label) {
	keys := map[int64]bool{}
	for _, l := range labels {
		key := c.text(l.key, "label key")
		if l.key == 0 || !labelKey.MatchString(key) || strings.HasPrefix(key, "pprof::") {
			c.fail("sample %d has a label key %q", i, key)
		}
		if keys[l.key] {
			c.fail("sample %d has label %q twice", i, key)
		}
		keys[l.key] = true
		if l.str != 0 && (l.num != 0 || l.unit != 0) {
			c.fail("sample %d: label %q is a text and a number", i, key)
		}
		if l.str == 0 && l.num == 0 && l.unit == 0 {
			c.fail("sample %d: label %q has no value that readers keep", i, key)
		}
		c.text(l.str, "label")
		c.text(l.unit, "label unit")
	}
}

func (c *checker) samples() {
	stacks := map[string]bool{}
	for i, s := range c.p.samples {
		if len(s.values) != len(c.p.sampleTypes) {
			c.fail("sample %d has %d values", i, len(s.values))
		}
		zero := true
		for _, v := range s.values {
			if v < 0 {
				c.fail("sample %d has a negative value", i)
			}
			zero = zero && v == 0
		}
		if zero {
			c.fail("sample %d is zero", i)
		}
		if len(s.locations) == 0 {
			c.fail("sample %d has no location", i)
		}
		for _, l := range s.locations {
			if l == 0 || l > uint64(len(c.p.locations)) {
				c.fail("sample %d has location %d", i, l)
			}
		}
		c.labels(i, s.labels)
		key := fmt.Sprint(s.locations, s.labels)
		if stacks[key] {
			c.fail("sample %d is there twice", i)
		}
		stacks[key] = true
	}
}

// check gives the rules of all readers that the profile breaks.
func check(p *profile) []string {
	c := &checker{p: p}
	c.strings()
	c.types()
	c.mappings()
	c.functions()
	c.locations()
	c.samples()
	for _, i := range p.comments {
		c.text(i, "comment")
	}
	return c.errors
}
