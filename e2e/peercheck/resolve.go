package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// lookupFunc finds the addresses of a name.
type lookupFunc func(ctx context.Context, name string) ([]string, error)

// lookup asks the given DNS server; with none, whom resolv.conf names. Its search list and
// ndots hold in both cases.
func lookup(server string) lookupFunc {
	resolver := &net.Resolver{PreferGo: true}
	if server != "" {
		resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(server, "53"))
		}
	}
	return resolver.LookupHost
}

// resolve returns the addresses of name, sorted. While there is none it asks again until
// retryFor has passed; the error is the last answer's.
func resolve(ctx context.Context, look lookupFunc, name string, retryFor time.Duration) ([]string, error) {
	deadline := time.Now().Add(retryFor)
	for {
		addresses, err := look(ctx, name)
		if err == nil {
			slices.Sort(addresses)
			return addresses, nil
		}
		if !time.Now().Before(deadline) {
			return nil, fmt.Errorf("%s does not resolve: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not resolve: %w: %w", name, context.Cause(ctx), err)
		case <-time.After(retryEvery):
		}
	}
}
