package suite

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

const dnsSelector = "k8s-app=kube-dns"

// query is one question that CoreDNS was asked, such as {A web-1.peers.}.
type query struct{ kind, name string }

// queryLine is how CoreDNS's plugin log writes one down: [INFO] client:port - id "type class name …
var queryLine = regexp.MustCompile(`\[INFO\] (\S+):\d+ - \d+ "(\S+) IN (\S+) `)

// queries returns what CoreDNS was asked when a pod looked up a name once. The pod's container
// is of the peercheck image, and asks nothing else meanwhile.
//
// Marks that are looked up before and after, at each of CoreDNS's pods, show where in its log
// to begin, and that the log is whole.
func (s *scene) queries(ctx context.Context, t *testing.T, client *corev1.Pod, name string) []query {
	t.Helper()
	began := metav1.NewTime(time.Now().Add(-time.Second))
	servers, err := s.client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: dnsSelector})
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("before-%s-%s.%s.", name, client.UID, domain)
	after := fmt.Sprintf("after-%s-%s.%s.", name, client.UID, domain)
	mark := func(mark string) {
		for i := range servers.Items {
			// It fails, since there is no such name.
			_, _ = s.exec(ctx, client.Name, distroless, "/peercheck", "resolve", "--server", servers.Items[i].Status.PodIP, mark)
		}
	}
	mark(before)
	s.mustExec(ctx, t, client.Name, distroless, resolve(name)...)
	mark(after)

	var asked []query
	for i := range servers.Items {
		var log []query
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			text, err := s.client.CoreV1().Pods(metav1.NamespaceSystem).
				GetLogs(servers.Items[i].Name, &corev1.PodLogOptions{SinceTime: &began}).DoRaw(ctx)
			if err != nil {
				return false, err.Error()
			}
			log = log[:0]
			for _, match := range queryLine.FindAllStringSubmatch(string(text), -1) {
				if match[1] == client.Status.PodIP {
					log = append(log, query{match[2], match[3]})
				}
			}
			marked := func(mark string) bool {
				return slices.ContainsFunc(log, func(q query) bool { return q.name == mark })
			}
			return marked(before) && marked(after), fmt.Sprintf("%s has not logged %s and %s", servers.Items[i].Name, before, after)
		})
		first := slices.IndexFunc(log, func(q query) bool { return q.name == before })
		for _, q := range log[first:] {
			if q.name != before && q.name != after {
				asked = append(asked, q)
			}
		}
	}
	return asked
}

// cost is what look-ups by one strategy asked CoreDNS.
type cost struct {
	first         string // of the search list
	peer, service int    // queries for a peer's short name, and for a Service's
}

// costs are those of all strategies.
type costs struct {
	mu sync.Mutex
	of map[api.SearchRewrite]cost
}

func (c *costs) set(strategy api.SearchRewrite, of cost) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[api.SearchRewrite]cost{}
	}
	c.of[strategy] = of
}

// report prints the table, and checks what each strategy promises: one name is asked for, in
// two address families, where the peer domain is first.
func (c *costs) report(t *testing.T) {
	t.Helper()
	var table strings.Builder
	fmt.Fprintf(&table, "DNS queries for one look-up:\n%-16s%-28s%14s%14s\n", "strategy", "first search domain", "peer (web-1)", "Service (web)")
	for _, strategy := range strategies() {
		of, measured := c.of[strategy]
		if !measured {
			t.Errorf("%s was not measured", strategy)
			continue
		}
		fmt.Fprintf(&table, "%-16s%-28s%14d%14d\n", strategy, of.first, of.peer, of.service)
		if first := of.peer == 2; first != (strategy != api.SearchAppend) {
			t.Errorf("%s: %d queries for a peer's short name", strategy, of.peer)
		}
	}
	t.Log(table.String())
}
