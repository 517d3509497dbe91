package dnswait

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxServers is how many nameservers resolvers ask (resolv.conf(5), MAXNS).
	maxServers = 3
	// asideFor is for how long a nameserver that did not answer is asked only
	// when no other answers. It is short, as the first may be the only one that
	// knows the cluster.
	asideFor = 10 * time.Second
)

// Nameservers returns the first three addresses among the nameservers of a
// resolv.conf; what is none is passed over, as resolvers do. An address is an IP
// address, or [IP address]:port as in OpenBSD's resolv.conf(5).
func Nameservers(values []string) []netip.AddrPort {
	var servers []netip.AddrPort
	for _, value := range values {
		server, ok := nameserver(value)
		if ok && len(servers) < maxServers && !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	return servers
}

func nameserver(value string) (netip.AddrPort, bool) {
	host, number := value, "53"
	if bracketed, ok := strings.CutPrefix(value, "["); ok {
		host, number, _ = strings.Cut(bracketed, "]:")
	}
	server, err := netip.ParseAddrPort(net.JoinHostPort(host, number))
	return server, err == nil && server.Port() > 0
}

// server is a nameserver and what is known of it.
type server struct {
	addr netip.AddrPort
	// aside is until when other servers are asked first.
	aside time.Time
	// plain servers take no questions of private types.
	plain bool
}

// servers are safe for concurrent use.
type servers struct {
	mu  sync.Mutex
	all []server
}

func newServers(addrs []netip.AddrPort) *servers {
	s := &servers{}
	for _, addr := range addrs {
		s.all = append(s.all, server{addr: addr})
	}
	return s
}

// order returns the servers as a resolver asks them, those that are set aside last.
func (s *servers) order(now time.Time) []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	ordered := slices.Clone(s.all)
	slices.SortStableFunc(ordered, func(a, b server) int {
		switch before, behind := now.Before(a.aside), now.Before(b.aside); {
		case before == behind:
			return 0
		case behind:
			return -1
		}
		return 1
	})
	return ordered
}

// setAside has other servers asked first for a while.
func (s *servers) setAside(addr netip.AddrPort, now time.Time) {
	s.learn(addr, func(s *server) { s.aside = now.Add(asideFor) })
}

// learn keeps something about a server.
func (s *servers) learn(addr netip.AddrPort, what func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		if s.all[i].addr == addr {
			what(&s.all[i])
		}
	}
}
