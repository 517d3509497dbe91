package dnswait

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	// maxUDP is more than a nameserver may send that was not offered EDNS (512).
	// What is longer is cut by the kernel, and then not an answer.
	maxUDP = 4096
	// maxStray is how many datagrams that are no answer one query reads.
	maxStray = 16
)

// Network asks nameservers by UDP, and by TCP for what UDP had no room for. It
// reads no hosts file: a pod's own name stands there, and would always be found.
type Network struct{}

// Ask sends the question to the one server. It ends with its context.
func (Network) Ask(ctx context.Context, server netip.AddrPort, q Question) (Answer, error) {
	var random [2]byte
	_, _ = rand.Read(random[:]) // it never fails
	id := binary.BigEndian.Uint16(random[:])
	query, err := q.pack(id)
	if err != nil {
		return Answer{}, err
	}
	var answer Answer
	var truncated bool
	err = dialled(ctx, "udp", server, func(conn net.Conn) (err error) {
		answer, truncated, err = overUDP(conn, query, id, q)
		return err
	})
	if err != nil || !truncated {
		return answer, err
	}
	var whole Answer
	err = dialled(ctx, "tcp", server, func(conn net.Conn) (err error) {
		whole, err = overTCP(conn, query, id, q)
		return err
	})
	switch {
	case err == nil:
		return whole, nil
	case len(answer.Addresses) > 0:
		answer.Cut = err
		return answer, nil
	}
	return Answer{}, err
}

// dialled calls with a connection that is closed behind it, and whose reads and
// writes end with the context. From a connected UDP socket the kernel hands out
// only what the server's address sent.
func dialled(ctx context.Context, network string, server netip.AddrPort, call func(net.Conn) error) (err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return fmt.Errorf("%s: %w", network, withoutAddresses(err))
	}
	defer func() { _ = conn.Close() }() // all that it sent has been answered, or is given up
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := call(conn); err != nil {
		return fmt.Errorf("%s: %w", network, withoutAddresses(err))
	}
	return nil
}

// withoutAddresses takes the addresses out of an error of the network: they
// have been said, and the port of this side helps nobody.
func withoutAddresses(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// overUDP passes over what is no answer to the query: anybody can send datagrams.
func overUDP(conn net.Conn, query []byte, id uint16, q Question) (Answer, bool, error) {
	if _, err := conn.Write(query); err != nil {
		return Answer{}, false, err
	}
	buffer := make([]byte, maxUDP)
	for range maxStray {
		n, err := conn.Read(buffer)
		if err != nil {
			return Answer{}, false, err
		}
		if answer, truncated, err := parse(buffer[:n], id, q); err == nil {
			return answer, truncated, nil
		}
	}
	return Answer{}, false, errors.New("it sends what is no answer")
}

func overTCP(conn net.Conn, query []byte, id uint16, q Question) (Answer, error) {
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(query))) //nolint:gosec // G115: a query of one name has at most 271 bytes
	if _, err := conn.Write(append(framed, query...)); err != nil {
		return Answer{}, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return Answer{}, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return Answer{}, err
	}
	answer, truncated, err := parse(message, id, q)
	if err == nil && truncated {
		answer.Cut = errors.New("it is longer than DNS can say")
	}
	return answer, err
}
