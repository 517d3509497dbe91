// Package dnstest is a nameserver for tests.
package dnstest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Serve runs a real nameserver on loopback until the test ends, and nothing of it
// stays. The functions get a query and return the messages to send back; without
// one for TCP, nobody listens there.
func Serve(t testing.TB, udp, tcp func(*dnsmessage.Message) [][]byte) netip.AddrPort {
	t.Helper()
	packets, connections := listen(t)
	var group sync.WaitGroup
	group.Go(func() { servePackets(packets, udp) })
	if tcp == nil {
		if err := connections.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		group.Go(func() { serveConnections(connections, tcp) })
	}
	t.Cleanup(func() {
		if err := packets.Close(); err != nil {
			t.Error(err)
		}
		_ = connections.Close() // a second time, without TCP
		group.Wait()
	})
	return netip.MustParseAddrPort(packets.LocalAddr().String())
}

// listen takes one port for both protocols. One that is free for UDP may be
// taken for TCP: then another is tried.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var listening net.ListenConfig
	for range 20 {
		packets, err := listening.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		connections, err := listening.Listen(t.Context(), "tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, connections
		}
		_ = packets.Close() // the next one is as good
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

func servePackets(packets net.PacketConn, answer func(*dnsmessage.Message) [][]byte) {
	buffer := make([]byte, 512)
	for {
		n, from, err := packets.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:n]) != nil {
			continue
		}
		for _, message := range answer(&query) {
			_, _ = packets.WriteTo(message, from) // who asked may have gone
		}
	}
}

func serveConnections(connections net.Listener, answer func(*dnsmessage.Message) [][]byte) {
	for {
		conn, err := connections.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		var query dnsmessage.Message
		_, err = io.ReadFull(conn, length[:])
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if err == nil {
			_, err = io.ReadFull(conn, message)
		}
		if err == nil && query.Unpack(message) == nil {
			for _, m := range answer(&query) {
				_, _ = conn.Write(m) // who asked may have gone
			}
		}
		_ = conn.Close()
	}
}
