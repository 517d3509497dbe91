package dnswait

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netmode-io/netmode/pkg/dnswait/dnstest"
)

// framed puts its length before a message, as TCP needs it.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...) //nolint:gosec // G115: none of them is longer
}

// answering makes an answer to the query with so many addresses.
func answering(t *testing.T, query *dnsmessage.Message, count int) *dnsmessage.Message {
	t.Helper()
	m := &dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true}, Questions: query.Questions}
	addr := netip.MustParseAddr("10.0.0.0")
	for range count {
		addr = addr.Next()
		m.Answers = append(m.Answers, addressRecord(strings.TrimSuffix(query.Questions[0].Name.String(), "."), addr.String()))
	}
	return m
}

func ask(t *testing.T, server netip.AddrPort, limit time.Duration) (Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return Network{}.Ask(ctx, server, questionA)
}

func TestNetworkPassesOverStrays(t *testing.T) {
	strays := map[string]func(m *dnsmessage.Message) []byte{
		"garbage":          func(*dnsmessage.Message) []byte { return []byte("\x00\xff garbage") },
		"an empty one":     func(*dnsmessage.Message) []byte { return nil },
		"a large one":      func(*dnsmessage.Message) []byte { return make([]byte, 60000) },
		"another id":       func(m *dnsmessage.Message) []byte { m.ID++; return packed(t, m) },
		"another question": func(m *dnsmessage.Message) []byte { m.Questions[0].Type++; return packed(t, m) },
	}
	for title, stray := range strays {
		t.Run(title, func(t *testing.T) {
			server := dnstest.Serve(t, func(query *dnsmessage.Message) [][]byte {
				lie := answering(t, query, 3)
				lie.Questions = []dnsmessage.Question{query.Questions[0]}
				return [][]byte{stray(lie), packed(t, answering(t, query, 1))}
			}, nil)
			got, err := ask(t, server, 10*time.Second)
			if err != nil || len(got.Addresses) != 1 {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

// A server that sends nothing but strays is given up before its time is over.
func TestNetworkGivesUpOnStrays(t *testing.T) {
	server := dnstest.Serve(t, func(*dnsmessage.Message) [][]byte {
		return make([][]byte, 4*maxStray)
	}, nil)
	if _, err := ask(t, server, time.Minute); err == nil || err.Error() != "udp: it sends what is no answer" {
		t.Errorf("error %v", err)
	}
}

// Another sender's answer is not read, even to the very port that asked.
func TestNetworkHearsOnlyTheServer(t *testing.T) {
	var listening net.ListenConfig
	packets, err := listening.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		buffer := make([]byte, 512)
		n, from, err := packets.ReadFrom(buffer)
		var query dnsmessage.Message
		if err != nil || query.Unpack(buffer[:n]) != nil {
			return
		}
		other, err := listening.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			return
		}
		_, _ = other.WriteTo(packed(t, answering(t, &query, 2)), from)
		_ = other.Close()
		_, _ = packets.WriteTo(packed(t, answering(t, &query, 1)), from)
	})
	t.Cleanup(func() {
		if err := packets.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
	server := netip.MustParseAddrPort(packets.LocalAddr().String())
	if got, err := ask(t, server, 10*time.Second); err != nil || len(got.Addresses) != 1 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

// truncated answers over UDP with one address and the remark that there are more.
func truncated(t *testing.T) func(*dnsmessage.Message) [][]byte {
	return func(query *dnsmessage.Message) [][]byte {
		m := answering(t, query, 1)
		m.Truncated = true
		return [][]byte{packed(t, m)}
	}
}

func TestNetworkAsksOverTCPForMore(t *testing.T) {
	tests := map[string]struct {
		tcp   func(query *dnsmessage.Message) [][]byte
		count int
		cut   string
	}{
		"the whole answer": {func(q *dnsmessage.Message) [][]byte { return [][]byte{framed(packed(t, answering(t, q, 2000)))} }, 2000, ""},
		"truncated again": {func(q *dnsmessage.Message) [][]byte {
			m := answering(t, q, 20)
			m.Truncated = true
			return [][]byte{framed(packed(t, m))}
		}, 20, "it is longer than DNS can say"},
		"no TCP":  {nil, 1, "tcp: connect: connection refused"},
		"nothing": {func(*dnsmessage.Message) [][]byte { return nil }, 1, "tcp: EOF"},
		"less than it says": {func(q *dnsmessage.Message) [][]byte {
			return [][]byte{framed(packed(t, answering(t, q, 2)))[:40]}
		}, 1, "tcp: unexpected EOF"},
		"garbage": {func(*dnsmessage.Message) [][]byte { return [][]byte{framed([]byte("garbage"))} }, 1, "tcp: "},
		"another id": {func(q *dnsmessage.Message) [][]byte {
			m := answering(t, q, 2)
			m.ID++
			return [][]byte{framed(packed(t, m))}
		}, 1, "tcp: the answer is to another query"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			got, err := ask(t, dnstest.Serve(t, truncated(t), tt.tcp), 10*time.Second)
			if err != nil || len(got.Addresses) != tt.count || (got.Cut == nil) != (tt.cut == "") {
				t.Fatalf("%d addresses, cut %v, error %v", len(got.Addresses), got.Cut, err)
			}
			if got.Cut != nil && !strings.HasPrefix(got.Cut.Error(), tt.cut) {
				t.Errorf("cut because %v, want %s", got.Cut, tt.cut)
			}
		})
	}
}

// An answer without any address, and no TCP, is no answer.
func TestNetworkNeedsTCP(t *testing.T) {
	server := dnstest.Serve(t, func(query *dnsmessage.Message) [][]byte {
		m := answering(t, query, 0)
		m.Truncated = true
		return [][]byte{packed(t, m)}
	}, nil)
	if _, err := ask(t, server, 10*time.Second); err == nil || err.Error() != "tcp: connect: connection refused" {
		t.Errorf("error %v", err)
	}
}

func TestNetworkEndsWithItsContext(t *testing.T) {
	came := make(chan bool, 1)
	server := dnstest.Serve(t, func(*dnsmessage.Message) [][]byte { came <- true; return nil }, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-came; cancel() }()
	if _, err := (Network{}).Ask(ctx, server, questionA); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := (Network{}).Ask(ctx, server, questionA); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: error %v", err)
	}
	if _, err := (Network{}).Ask(t.Context(), server, Question{Name: "a..b"}); err == nil || !strings.Contains(err.Error(), "give a DNS name") {
		t.Errorf("a bad name: error %v", err)
	}
}

// What /etc/hosts says does not count: localhost stands there, and Go's
// resolver finds it.
func TestHostsFileDoesNotCount(t *testing.T) {
	if _, err := net.DefaultResolver.LookupHost(t.Context(), "localhost"); err != nil {
		t.Fatalf("/etc/hosts does not name localhost, so this test tests nothing: %v", err)
	}
	server := dnstest.Serve(t, func(query *dnsmessage.Message) [][]byte {
		m := answering(t, query, 0)
		m.RCode = dnsmessage.RCodeNameError
		return [][]byte{packed(t, m)}
	}, nil)
	_, err := Wait(t.Context(), Options{
		Targets: names("localhost"), Servers: []netip.AddrPort{server}, Timeout: 300 * time.Millisecond,
		Asker: Network{}, Progress: io.Discard,
	})
	if err == nil || !strings.Contains(err.Error(), "localhost: NXDOMAIN") {
		t.Errorf("error %v", err)
	}
}

// A wait over the network: a first server that is unreachable, a second one that
// knows the name after a while, and no goroutine left behind.
func TestWaitOverTheNetwork(t *testing.T) {
	var polls atomic.Int32
	server := dnstest.Serve(t, func(query *dnsmessage.Message) [][]byte {
		m := answering(t, query, 0)
		switch q := query.Questions[0]; {
		case q.Type >= firstPrivate:
			if polls.Add(1) <= 2 {
				m.RCode = dnsmessage.RCodeNameError
			}
		case q.Type == dnsmessage.TypeA && polls.Load() > 3:
			m = answering(t, query, 1)
		}
		return [][]byte{packed(t, m)}
	}, nil)
	_, err := Wait(t.Context(), Options{
		Targets: names(questionA.Name), Servers: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.77"), server.Port()), server},
		Timeout: time.Minute, Asker: Network{}, Progress: io.Discard,
	})
	if err != nil || polls.Load() != 4 {
		t.Errorf("%d polls, error %v", polls.Load(), err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, frame := range []string{"dnswait.(*waiter)", "dnswait.Network"} {
		if strings.Contains(string(stacks), frame) {
			t.Errorf("%s goes on:\n%s", frame, stacks)
		}
	}
}
