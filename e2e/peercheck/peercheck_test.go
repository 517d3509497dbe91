package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunRefuses(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":      {nil, usage},
		"unknown":      {[]string{"look"}, `unknown command "look": ` + usage},
		"no name":      {[]string{"resolve"}, "resolve: want one NAME, have 0: " + usage},
		"empty name":   {[]string{"wait-for-peer", ""}, "wait-for-peer: want one NAME, have 1: " + usage},
		"two names":    {[]string{"resolve", "a", "b"}, "resolve: want one NAME, have 2: " + usage},
		"unknown flag": {[]string{"serve", "--port", "1"}, "serve: flag provided but not defined: -port: " + usage},
		"bad duration": {[]string{"resolve", "--retry-for", "long", "a"}, `resolve: invalid value "long" for flag -retry-for: parse error: ` + usage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), test.args, &bytes.Buffer{}); err == nil || err.Error() != test.want {
				t.Errorf("have %v, want %q", err, test.want)
			}
		})
	}
}

func TestRunResolve(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"resolve", "127.0.0.1"}, &out); err != nil || out.String() != "127.0.0.1\n" {
		t.Errorf("have %q, %v", out.String(), err)
	}
}

func TestShow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("search a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := show(&out, path); err != nil || out.String() != "hostname "+hostname+"\nsearch a b\n" {
		t.Errorf("have %q, %v", out.String(), err)
	}
	if err := show(&out, path+".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("have %v", err)
	}
}

// after answers no until the given time has passed.
func after(wait time.Duration) lookupFunc {
	began := time.Now()
	return func(context.Context, string) ([]string, error) {
		if time.Since(began) < wait {
			return nil, errors.New("no such host")
		}
		return []string{"10.0.0.2", "10.0.0.1"}, nil
	}
}

func TestResolve(t *testing.T) {
	tests := map[string]struct {
		wait, retry time.Duration
		want        string
	}{
		"at once":           {0, 0, ""},
		"not at once":       {time.Second, 0, "app-1 does not resolve: no such host"},
		"in time":           {9 * time.Second, 10 * time.Second, ""},
		"too late":          {11 * time.Second, 10 * time.Second, "app-1 does not resolve: no such host"},
		"the context's end": {time.Hour, time.Hour, "app-1 does not resolve: enough: no such host"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("enough"))
				defer cancel()
				got, err := resolve(ctx, after(test.wait), "app-1", test.retry)
				if test.want != "" {
					if err == nil || err.Error() != test.want {
						t.Errorf("have %v, want %q", err, test.want)
					}
					return
				}
				if err != nil || !slices.Equal(got, []string{"10.0.0.1", "10.0.0.2"}) {
					t.Errorf("have %q, %v", got, err)
				}
			})
		})
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}

func TestHandler(t *testing.T) {
	h := handler("app-0", alwaysReady)
	if code, body := get(t, h, "/"); code != http.StatusOK || body != "app-0 sees 192.0.2.1\n" {
		t.Errorf("have %d, %q", code, body)
	}
	if code, _ := get(t, h, "/ready"); code != http.StatusOK {
		t.Errorf("/ready: have %d", code)
	}
	if code, _ := get(t, h, "/else"); code != http.StatusNotFound {
		t.Errorf("/else: have %d", code)
	}
}

func TestReadyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A peer that comes after more than the hour that one try lasts.
		h := handler("app-0", readyOnce(t.Context(), after(90*time.Minute), "app-1"))
		<-time.After(time.Minute)
		if code, body := get(t, h, "/ready"); code != http.StatusServiceUnavailable || body != "app-1 does not resolve yet\n" {
			t.Errorf("have %d, %q", code, body)
		}
		<-time.After(2 * time.Hour)
		if code, body := get(t, h, "/ready"); code != http.StatusOK || body != "app-1 is 10.0.0.1 10.0.0.2\n" {
			t.Errorf("have %d, %q", code, body)
		}
	})
}

func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := serve(t.Context(), address, alwaysReady); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a taken port: have %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, address, alwaysReady) }()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			select {
			case ended := <-done:
				t.Fatalf("serve ended: %v", ended)
			case <-time.After(10 * time.Millisecond):
				continue
			}
		}
		if response.StatusCode != http.StatusOK {
			t.Errorf("have %s", response.Status)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		break
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("have %v after the context's end", err)
	}
}
