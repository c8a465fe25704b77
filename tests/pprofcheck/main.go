// SPDX-License-Identifier: GPL-2.0

// pprofcheck reads pprof profiles, checks them against the rules of every
// reader that ringprof's profiles must satisfy (google/pprof, Parca,
// Pyroscope, each being strict about something else), and prints totals and
// the top functions as JSON. It has its own decoder: the point is what is on
// the wire, before a library has mended it.
//
// Usage: pprofcheck [-n ROWS] FILE...
// Exit status: 0 all are good, 1 a rule is broken (said on stderr), 2 usage.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
)

type row struct {
	Name  string  `json:"name"`
	Self  []int64 `json:"self"`
	Total []int64 `json:"total"`
}

type summary struct {
	File      string           `json:"file"`
	Types     []string         `json:"types"`
	Totals    []int64          `json:"totals"`
	Samples   int              `json:"samples"`
	Locations int              `json:"locations"`
	Functions int              `json:"functions"`
	Mappings  []string         `json:"mappings"`
	TimeNanos int64            `json:"time_nanos"`
	Duration  int64            `json:"duration_nanos"`
	Period    int64            `json:"period"`
	Comments  []string         `json:"comments"`
	Labels    map[string]int64 `json:"labels"` // samples by label, of the first value
	Top       []row            `json:"top"`
	Errors    []string         `json:"errors,omitempty"`
}

func load(path string) (*profile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 2 || b[0] != 0x1f || b[1] != 0x8b {
		return nil, fmt.Errorf("not gzipped")
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if b, err = io.ReadAll(z); err != nil {
		return nil, err
	}
	return decode(b)
}

func (p *profile) stackNames(s sample) []string {
	var names []string
	for _, id := range s.locations {
		for _, l := range p.locations[id-1].lines {
			names = append(names, p.strings[p.functions[l.function-1].name])
		}
	}
	return names
}

func addTo(rows map[string]*row, name string, n int) *row {
	r := rows[name]
	if r == nil {
		r = &row{name, make([]int64, n), make([]int64, n)}
		rows[name] = r
	}
	return r
}

func (p *profile) top(max int) []row {
	rows := map[string]*row{}
	for _, s := range p.samples {
		seen := map[string]bool{}
		for i, name := range p.stackNames(s) {
			r := addTo(rows, name, len(s.values))
			for v, x := range s.values {
				if i == 0 {
					r.Self[v] += x
				}
				if !seen[name] {
					r.Total[v] += x
				}
			}
			seen[name] = true
		}
	}
	list := []row{}
	for _, r := range rows {
		list = append(list, *r)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		last := len(a.Self) - 1
		if a.Self[last] != b.Self[last] {
			return a.Self[last] > b.Self[last]
		}
		return a.Name < b.Name
	})
	if len(list) > max {
		list = list[:max]
	}
	return list
}

func (p *profile) sums(out *summary) {
	out.Totals = make([]int64, len(p.sampleTypes))
	for _, s := range p.samples {
		for i, v := range s.values {
			out.Totals[i] += v
		}
		for _, l := range s.labels {
			key := p.strings[l.key] + "=" + p.strings[l.str]
			if l.str == 0 {
				key = fmt.Sprintf("%s=%d", p.strings[l.key], l.num)
			}
			out.Labels[key] += s.values[0]
		}
	}
}

func summarize(path string, p *profile, max int) summary {
	out := summary{File: path, Samples: len(p.samples), Locations: len(p.locations),
		Functions: len(p.functions), TimeNanos: p.timeNanos, Duration: p.duration,
		Period: p.period, Labels: map[string]int64{}}
	out.Errors = check(p)
	if out.Errors != nil {
		return out
	}
	for _, t := range p.sampleTypes {
		out.Types = append(out.Types, p.strings[t.typ]+"/"+p.strings[t.unit])
	}
	for _, m := range p.mappings {
		out.Mappings = append(out.Mappings, p.strings[m.filename])
	}
	for _, i := range p.comments {
		out.Comments = append(out.Comments, p.strings[i])
	}
	p.sums(&out)
	out.Top = p.top(max)
	return out
}

func main() {
	max := flag.Int("n", 20, "rows of the top table")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	bad := 0
	for _, path := range flag.Args() {
		p, err := load(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			bad = 1
			continue
		}
		out := summarize(path, p, *max)
		for _, e := range out.Errors {
			fmt.Fprintf(os.Stderr, "%s: %s\n", path, e)
			bad = 1
		}
		b, _ := json.MarshalIndent(out, "", " ")
		fmt.Println(string(b))
	}
	os.Exit(bad)
}
