// SPDX-License-Identifier: GPL-2.0

package main

import (
	"strings"
	"testing"
)

func good() *profile {
	return &profile{
		sampleTypes: []valueType{{1, 2}, {3, 4}},
		samples: []sample{
			{locations: []uint64{2, 1}, values: []int64{1, 10}, labels: []label{{key: 5, str: 6}}},
			{locations: []uint64{1}, values: []int64{2, 20}, labels: []label{{key: 7, num: 0, unit: 7}}},
		},
		mappings: []mapping{{id: 1, start: 0x1000, limit: 0x2000, filename: 8, functions: true}},
		locations: []location{
			{id: 1, mapping: 1, address: 0x1000, lines: []line{{function: 1}}},
			{id: 2, mapping: 1, address: 0x1fff, lines: []line{{function: 2}}},
		},
		functions: []function{{id: 1, name: 9, systemName: 9}, {id: 2, name: 10, systemName: 10}},
		strings: []string{"", "samples", "count", "cpu", "nanoseconds", "service_name", "api",
			"cpu_number", "/bin/x", "main", "leaf"},
		periodType:  &valueType{3, 4},
		defaultType: 3,
		seen:        map[int]int{9: 1, 10: 1, 11: 1, 12: 1, 14: 1},
	}
}

func TestGoodIsAccepted(t *testing.T) {
	if errors := check(good()); errors != nil {
		t.Fatal(errors)
	}
}

func TestBrokenIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		breakIt func(*profile)
		want    string
	}{
		"first text":      {func(p *profile) { p.strings[0] = "x" }, "string_table[0]"},
		"not UTF-8":       {func(p *profile) { p.strings[9] = "a\xff" }, "not UTF-8"},
		"control":         {func(p *profile) { p.strings[9] = "a\x1b[2J" }, "control"},
		"text twice":      {func(p *profile) { p.strings[10] = "main" }, "twice"},
		"no such text":    {func(p *profile) { p.functions[0].name = 99 }, "text 99"},
		"dash in type":    {func(p *profile) { p.strings[1] = "in-use" }, "selector"},
		"default type":    {func(p *profile) { p.defaultType = 9 }, "default_sample_type"},
		"no period type":  {func(p *profile) { p.periodType = nil }, "period_type"},
		"time twice":      {func(p *profile) { p.seen[9] = 2 }, "concatenated"},
		"no mapping":      {func(p *profile) { p.mappings = nil }, "no mapping"},
		"mapping id":      {func(p *profile) { p.mappings[0].id = 2 }, "mapping 1 has id 2"},
		"symbolize again": {func(p *profile) { p.mappings[0].functions = false }, "has_functions"},
		"empty mapping":   {func(p *profile) { p.mappings[0].limit = 0x1000 }, "mapping 1 is"},
		"location id":     {func(p *profile) { p.locations[1].id = 3 }, "location 2 has id 3"},
		"outside":         {func(p *profile) { p.locations[1].address = 0x2000 }, "outside"},
		"no line":         {func(p *profile) { p.locations[0].lines = nil }, "no line"},
		"nil function":    {func(p *profile) { p.locations[0].lines[0].function = 0 }, "has function 0"},
		"lines not said":  {func(p *profile) { p.locations[0].lines[0].line = 3 }, "does not say so"},
		"function id":     {func(p *profile) { p.functions[0].id = 0 }, "function 1 has id 0"},
		"no system name":  {func(p *profile) { p.functions[0].systemName = 0 }, "system_name"},
		"values":          {func(p *profile) { p.samples[0].values = []int64{1} }, "1 values"},
		"negative":        {func(p *profile) { p.samples[0].values[0] = -1 }, "negative"},
		"zero":            {func(p *profile) { p.samples[0].values = []int64{0, 0} }, "zero"},
		"no location":     {func(p *profile) { p.samples[0].locations = nil }, "no location"},
		"bad location":    {func(p *profile) { p.samples[0].locations[0] = 3 }, "location 3"},
		"label key":       {func(p *profile) { p.samples[0].labels[0].key = 0 }, "label key"},
		"reserved label":  {func(p *profile) { p.strings[5] = "pprof::base" }, "label key"},
		"label twice": {func(p *profile) {
			p.samples[0].labels = append(p.samples[0].labels, label{key: 5, str: 9})
		}, "twice"},
		"label of both":   {func(p *profile) { p.samples[0].labels[0].num = 3 }, "a text and a number"},
		"label of none":   {func(p *profile) { p.samples[1].labels[0].unit = 0 }, "no value"},
		"sample repeated": {func(p *profile) { p.samples[1] = p.samples[0] }, "sample 1 is there twice"},
	} {
		p := good()
		c.breakIt(p)
		if got := strings.Join(check(p), "; "); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestDecoderRefusesNonsense(t *testing.T) {
	for _, b := range []string{"\x08", "\x12\x7f", "\x0d\x00\x00\x00\x00", "\x12\x02\x08", "\x7a\x00\xff", "\xf8\x7f\x01"} {
		if _, err := decode([]byte(b)); err == nil {
			t.Errorf("%q was decoded", b)
		}
	}
}
