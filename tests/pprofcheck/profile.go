// SPDX-License-Identifier: GPL-2.0

package main

import "fmt"

type valueType struct{ typ, unit int64 }

type label struct{ key, str, num, unit int64 }

type sample struct {
	locations []uint64
	values    []int64
	labels    []label
}

type mapping struct {
	id, start, limit, offset             uint64
	filename, buildID                    int64
	functions, filenames, lines, inlines bool
}

type line struct {
	function uint64
	line     int64
}

type location struct {
	id, mapping, address uint64
	lines                []line
}

type function struct {
	id                                    uint64
	name, systemName, filename, startLine int64
}

type profile struct {
	sampleTypes []valueType
	samples     []sample
	mappings    []mapping
	locations   []location
	functions   []function
	strings     []string
	timeNanos   int64
	duration    int64
	periodType  *valueType
	period      int64
	comments    []int64
	defaultType int64
	seen        map[int]int // how often a field that must not repeat came
}

// scalars reads a message of numbers alone into the places given by number.
func scalars(b []byte, places map[int]*int64) error {
	return each(b, func(f field) error {
		p := places[f.num]
		if p == nil || f.isLen {
			return fmt.Errorf("unexpected field %d", f.num)
		}
		*p = int64(f.value)
		return nil
	})
}

func decodeValueType(b []byte) (v valueType, err error) {
	err = scalars(b, map[int]*int64{1: &v.typ, 2: &v.unit})
	return v, err
}

func decodeSample(b []byte) (s sample, err error) {
	err = each(b, func(f field) error {
		var err error
		switch f.num {
		case 1:
			s.locations, err = numbers(s.locations, f)
		case 2:
			var v []uint64
			v, err = numbers(nil, f)
			for _, x := range v {
				s.values = append(s.values, int64(x))
			}
		case 3:
			var l label
			err = scalars(f.bytes, map[int]*int64{1: &l.key, 2: &l.str, 3: &l.num, 4: &l.unit})
			s.labels = append(s.labels, l)
		default:
			err = fmt.Errorf("unexpected field %d", f.num)
		}
		return err
	})
	return s, err
}

func decodeMapping(b []byte) (m mapping, err error) {
	var v [11]int64
	places := map[int]*int64{}
	for i := 1; i < len(v); i++ {
		places[i] = &v[i]
	}
	err = scalars(b, places)
	m = mapping{uint64(v[1]), uint64(v[2]), uint64(v[3]), uint64(v[4]), v[5], v[6],
		v[7] != 0, v[8] != 0, v[9] != 0, v[10] != 0}
	return m, err
}

func decodeLocation(b []byte) (l location, err error) {
	err = each(b, func(f field) error {
		switch f.num {
		case 1:
			l.id = f.value
		case 2:
			l.mapping = f.value
		case 3:
			l.address = f.value
		case 4:
			var fn, column int64
			var row line
			if err := scalars(f.bytes, map[int]*int64{1: &fn, 2: &row.line, 3: &column}); err != nil {
				return err
			}
			row.function = uint64(fn)
			l.lines = append(l.lines, row)
		case 5:
		default:
			return fmt.Errorf("unexpected field %d", f.num)
		}
		return nil
	})
	return l, err
}

func decodeFunction(b []byte) (f function, err error) {
	var id int64
	err = scalars(b, map[int]*int64{1: &id, 2: &f.name, 3: &f.systemName, 4: &f.filename, 5: &f.startLine})
	f.id = uint64(id)
	return f, err
}

func add[T any](list *[]T, decode func([]byte) (T, error), b []byte) error {
	v, err := decode(b)
	*list = append(*list, v)
	return err
}

func (p *profile) decodeField(f field) (err error) {
	switch f.num {
	case 1:
		err = add(&p.sampleTypes, decodeValueType, f.bytes)
	case 2:
		err = add(&p.samples, decodeSample, f.bytes)
	case 3:
		err = add(&p.mappings, decodeMapping, f.bytes)
	case 4:
		err = add(&p.locations, decodeLocation, f.bytes)
	case 5:
		err = add(&p.functions, decodeFunction, f.bytes)
	case 6:
		p.strings = append(p.strings, string(f.bytes))
	case 13:
		var v []uint64
		v, err = numbers(nil, f)
		for _, x := range v {
			p.comments = append(p.comments, int64(x))
		}
	default:
		p.seen[f.num]++
		err = p.decodeOnce(f)
	}
	return err
}

func (p *profile) decodeOnce(f field) error {
	switch f.num {
	case 9:
		p.timeNanos = int64(f.value)
	case 10:
		p.duration = int64(f.value)
	case 11:
		v, err := decodeValueType(f.bytes)
		p.periodType = &v
		return err
	case 12:
		p.period = int64(f.value)
	case 14:
		p.defaultType = int64(f.value)
	case 7, 8, 15:
	default:
		return fmt.Errorf("unexpected field %d", f.num)
	}
	return nil
}

func decode(b []byte) (*profile, error) {
	p := &profile{seen: map[int]int{}}
	err := each(b, func(f field) error {
		if err := p.decodeField(f); err != nil {
			return fmt.Errorf("field %d: %w", f.num, err)
		}
		return nil
	})
	return p, err
}
