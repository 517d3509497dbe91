package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// No call is lost while a server drains: clients that keep their connections, as
// API servers do, some busy and some with pauses, and that learn only after a
// while that they should connect elsewhere.
func TestDrainLosesNoCall(t *testing.T) {
	t.Parallel()
	const drains, atOnce = 20, 4
	turns := make(chan struct{}, atOnce)
	for i := range drains {
		t.Run(fmt.Sprint("drain ", i), func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			drainUnderLoad(t, uint64(i)) //nolint:gosec // G115: not negative
		})
	}
}

func drainUnderLoad(t *testing.T, seed uint64) {
	t.Helper()
	const delay, notice = 400 * time.Millisecond, 150 * time.Millisecond
	draining := start(t, func(s *setup) { s.ShutdownDelay = delay })
	staying := start(t, nil)
	var target atomic.Pointer[string]
	address := draining.Addr().String()
	target.Store(&address)
	body := review(t, "u", "hostnetwork")

	stop := make(chan struct{})
	var clients sync.WaitGroup
	var calls atomic.Int64
	const busy, pausing = 6, 12
	for i := range busy + pausing {
		client := draining.client(t, false)
		transport := client.Transport.(*http.Transport) //nolint:errcheck // client makes it so
		roots := draining.roots.Clone()
		roots.AppendCertsFromPEM(staying.bundle)
		transport.TLSClientConfig.RootCAs, transport.TLSClientConfig.ServerName = roots, "localhost"
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, *target.Load())
		}
		random := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // G404, G115: the test's own dice
		clients.Go(func() {
			for {
				code, text, err := try(client, newRequest(t, http.MethodPost, "https://webhook.test/mutate/asked", jsonType, strings.NewReader(body)))
				calls.Add(1)
				if err != nil || code != http.StatusOK || !strings.Contains(text, `"patch":`) {
					t.Errorf("lost: %v: %d %s", err, code, text)
					return
				}
				pause := time.Duration(random.IntN(5)) * time.Millisecond
				if i >= busy {
					pause = time.Duration(random.IntN(300)) * time.Millisecond
				}
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	for begin := time.Now(); calls.Load() < 20*(busy+pausing) && time.Since(begin) < patience; {
		<-time.After(10 * time.Millisecond)
	}
	draining.cancel()
	draining.waitForReadiness(t, http.StatusServiceUnavailable)
	<-time.After(notice) // as EndpointSlices and kube-proxies take
	address2 := staying.Addr().String()
	target.Store(&address2)
	if err := draining.stopped(); err != nil {
		t.Errorf("Run: %v", err)
	}
	close(stop)
	clients.Wait()
	if n := len(staying.log.records(t, "review")); n == 0 {
		t.Error("nothing came to the other server, so nothing is proved")
	}
}
