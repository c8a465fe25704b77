// SPDX-License-Identifier: GPL-2.0

package main

import (
	"errors"
	"fmt"
)

var errShort = errors.New("message ends within a field")

// field is one field of a message: a number (wire type 0) or bytes (2). The
// format uses no other wire types.
type field struct {
	num   int
	value uint64
	bytes []byte
	isLen bool
}

func varint(b []byte) (uint64, []byte, error) {
	var v uint64
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:], nil
		}
	}
	return 0, nil, errShort
}

func nextField(b []byte) (field, []byte, error) {
	tag, b, err := varint(b)
	if err != nil {
		return field{}, nil, err
	}
	f := field{num: int(tag >> 3)}
	switch tag & 7 {
	case 0:
		f.value, b, err = varint(b)
		return f, b, err
	case 2:
		n, b, err := varint(b)
		if err != nil || n > uint64(len(b)) {
			return f, nil, errShort
		}
		f.isLen = true
		f.bytes = b[:n]
		return f, b[n:], nil
	}
	return f, nil, fmt.Errorf("field %d has wire type %d", f.num, tag&7)
}

// each calls fn for every field of a message.
func each(b []byte, fn func(field) error) error {
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err != nil {
			return err
		}
		if err := fn(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// numbers appends the value or values (packed) of a repeated number.
func numbers(to []uint64, f field) ([]uint64, error) {
	if !f.isLen {
		return append(to, f.value), nil
	}
	for b := f.bytes; len(b) > 0; {
		v, rest, err := varint(b)
		if err != nil {
			return nil, err
		}
		to = append(to, v)
		b = rest
	}
	return to, nil
}
