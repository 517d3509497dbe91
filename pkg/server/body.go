package server

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// firstBuffer holds most reviews of Pods.
	firstBuffer = 8 << 10
	// keepBuffer is the largest buffer that is kept for the next request.
	keepBuffer = 128 << 10
	// trustLength is the part of the promised length that must have come before
	// room is made for all of it.
	trustLength = 4
)

// errTooLarge is a body over the limit.
var errTooLarge = errors.New("too large")

// body is one that is being read. Its room is taken before its buffer grows, so
// that a client holds as much as it has sent, and not as much as it promised.
type body struct {
	data   []byte
	limits *Limits
	room   *semaphore.Weighted // where held was taken
	held   int64
}

// bodies hands out buffers.
type bodies struct{ pool sync.Pool }

func (p *bodies) get(limits *Limits) *body {
	b, ok := p.pool.Get().(*body)
	if !ok {
		b = &body{data: make([]byte, 0, firstBuffer)}
	}
	b.limits, b.room = limits, limits.smallBytes
	return b
}

// put gives back the room, and the buffer unless it is large.
func (p *bodies) put(b *body) {
	if b.held > 0 {
		b.room.Release(b.held)
		b.held = 0
	}
	if cap(b.data) <= keepBuffer {
		b.data = b.data[:0]
		p.pool.Put(b)
	}
}

// read reads to the end. length is what the client promises, or -1. The error is
// errNoRoom, errTooLarge, or the reader's.
func (b *body) read(ctx context.Context, from io.Reader, length, most int64) error {
	if err := b.reserve(ctx, cap(b.data)); err != nil {
		return err
	}
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(ctx, length, most); err != nil {
				return err
			}
		}
		n, err := from.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case int64(len(b.data)) > most:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// grow doubles the buffer, or makes it what the body will need in the end, once
// enough of that has come. One byte more tells where the body ends.
func (b *body) grow(ctx context.Context, length, most int64) error {
	size := int64(2 * cap(b.data))
	if length > 0 && length < trustLength*int64(cap(b.data)) {
		size = length + 1
	}
	size = max(min(size, most+1), int64(cap(b.data))+1)
	if err := b.reserve(ctx, int(size)); err != nil {
		return err
	}
	grown := make([]byte, len(b.data), size)
	copy(grown, b.data)
	b.data = grown
	return nil
}

// reserve takes the room for a buffer of the size. What outgrows the share of
// small bodies leaves it.
func (b *body) reserve(ctx context.Context, size int) error {
	n := int64(size)
	if size <= smallBody || b.room == b.limits.largeBytes {
		if err := b.limits.take(ctx, b.room, n-b.held); err != nil {
			return err
		}
		b.held = n
		return nil
	}
	if err := b.limits.take(ctx, b.limits.largeBytes, n); err != nil {
		return err
	}
	b.room.Release(b.held)
	b.room, b.held = b.limits.largeBytes, n
	return nil
}
