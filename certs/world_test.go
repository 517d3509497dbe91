package certs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// propagation is how long an API server may act on a caBundle, and a pod serve a
// certificate, after it was replaced.
const propagation = time.Minute

const (
	servingAt   = secretsPath + "/webhook-tls"
	authorityAt = secretsPath + "/webhook-tls-ca"
	mutateAt    = mutatingPath + "/netmode"
	secondAt    = mutatingPath + "/netmode-too"
)

var testConfig = ControllerConfig{ //nolint:gosec // G101: names
	Namespace: "netmode-system", Secret: "webhook-tls", Service: "webhook", WebhookConfigurations: []string{"netmode", "netmode-too"},
	CALifetime: 90 * day, LeafLifetime: 30 * day,
}

var testNames = testConfig.DNSNames()

// world is a cluster: an API server, Controllers, API servers that act on caBundles,
// and pods that serve what the Secret holds.
type world struct {
	*testing.T
	api *apiServer
	log *logLines

	recheck time.Duration // of Controllers

	mu sync.Mutex
	// stuck: a pod may serve a certificate for ever that it once served.
	stuck bool
	// lawless: what is served and what is trusted need not fit now.
	lawless bool
	served  []served
	bundles map[string][]believed
	// until is when a certificate ceases to verify with a caBundle: signatures
	// are checked once.
	until map[[2]string]time.Time
	// told is what the Controllers told.
	told toldByController
}

type toldByController struct {
	steps          map[Step]int
	leafEnd, caEnd time.Time
	failures       []time.Time
	failure        error
}

// served is a certificate in service; replaced is zero for the latest.
type served struct {
	leaf     *leaf
	replaced time.Time
}

type believed struct {
	bundle   []byte
	replaced time.Time
}

// logLines keeps a log.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) logger() logr.Logger {
	return funcr.New(func(_, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, args)
	}, funcr.Options{})
}

func (l *logLines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.Join(l.lines, "\n")
	l.lines = nil
	return text
}

// inWorld runs a test in a bubble, in a cluster as the manifests leave it: two
// configurations, and two Secrets without data.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, api: newAPIServer(t), log: &logLines{}, recheck: day, bundles: map[string][]believed{}, until: map[[2]string]time.Time{}, told: toldByController{steps: map[Step]int{}}}
		w.api.put(mutateAt, configuration("netmode", "", ""))
		w.api.put(secondAt, configuration("netmode-too", ""))
		w.applySecrets()
		w.api.written = w.written
		test(w)
	})
}

// applySecrets makes the Secrets that are missing, as kubectl apply does.
func (w *world) applySecrets() {
	for at, name := range map[string]string{servingAt: "webhook-tls", authorityAt: "webhook-tls-ca"} {
		if w.api.get(at) == nil {
			w.api.put(at, `{"metadata":{"name":"`+name+`"},"type":"Opaque"}`)
		}
	}
}

// configuration is a webhook configuration with these caBundles, and with fields
// that no Go type knows.
func configuration(name string, bundles ...string) string {
	var hooks []string
	for i, bundle := range bundles {
		hooks = append(hooks, fmt.Sprintf(`{"name":"w%d.netmode.io","admissionReviewVersions":["v1"],"sideEffects":"None","later":{"than":["this",1.5]},
			"clientConfig":{"service":{"namespace":"netmode-system","name":"webhook","path":"/mutate","later":true},"caBundle":%q}}`,
			i, base64.StdEncoding.EncodeToString([]byte(bundle))))
	}
	return fmt.Sprintf(`{"kind":"MutatingWebhookConfiguration","apiVersion":"admissionregistration.k8s.io/v1","later":"field","metadata":{"name":%q,"labels":{"a":"b"}},"webhooks":[%s,
		{"name":"other.example.com","clientConfig":{"service":{"namespace":"netmode-system","name":"other"}}},
		{"name":"url.example.com","clientConfig":{"url":"https://example.com","caBundle":"b3RoZXI="}}]}`, name, strings.Join(hooks, ","))
}

// controller runs a Controller until stop is called, which waits for its end.
func (w *world) controller(config ControllerConfig) (k *Controller, stop func()) {
	w.Helper()
	k = NewController(w.api.client(), config, w.hooks(), w.log.logger())
	k.recheck = w.recheck
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	return k, func() {
		cancel()
		running.Wait()
		synctest.Wait()
	}
}

func (w *world) hooks() ControllerHooks {
	return ControllerHooks{
		Stepped: func(step Step) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told.steps[step]++
		},
		InOrder: func(leaf, ca time.Time) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told.leafEnd, w.told.caEnd = leaf, ca
		},
		Failed: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told.failures, w.told.failure = append(w.told.failures, time.Now()), err
		},
	}
}

// controllersTold is what the Controllers have told so far.
func (w *world) controllersTold() toldByController {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	told.steps, told.failures = maps.Clone(told.steps), slices.Clone(told.failures)
	return told
}

// pass lets time go by, and checks the promise at its end.
func (w *world) pass(d time.Duration) {
	w.Helper()
	<-time.After(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.check(time.Now())
}

// written keeps the books of what is served and trusted, and checks them. It
// runs at every write, within the API server's lock.
func (w *world) written(at string, o object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	switch at {
	case servingAt:
		data := decodeData(w, o)
		l, err := newLeaf(data[certFile], data[keyFile])
		if err == nil {
			_, err = parse(KeyPair{Cert: l.cert, Key: l.key, CA: data[caFile]})
		}
		if err != nil {
			break // pods go on with what they have
		}
		if n := len(w.served); n > 0 {
			if bytes.Equal(w.served[n-1].leaf.cert, l.cert) {
				break
			}
			w.served[n-1].replaced = now
		}
		w.served = append(w.served, served{leaf: l})
	case mutateAt, secondAt:
		w.believe(at, o, now)
	}
	w.check(now)
}

func (w *world) believe(at string, o object, now time.Time) {
	hooks, _ := o["webhooks"].([]any)
	for i := range hooks {
		client, _ := hooks[i].(object)["clientConfig"].(object)
		service, _ := client["service"].(object)
		if service["name"] != "webhook" {
			continue
		}
		text, _ := client["caBundle"].(string)
		bundle, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			w.Error(err)
		}
		key := fmt.Sprintf("%s/%d", at, i)
		all := w.bundles[key]
		if n := len(all); n > 0 {
			if bytes.Equal(all[n-1].bundle, bundle) {
				continue
			}
			all[n-1].replaced = now
		}
		w.bundles[key] = append(all, believed{bundle: bundle})
	}
}

func decodeData(w *world, o object) map[string][]byte {
	var secret struct{ Data map[string][]byte }
	if err := json.Unmarshal(encode(w, o), &secret); err != nil {
		w.Error(err)
	}
	return secret.Data
}

// check is the promise: what may be served verifies with what may be trusted.
func (w *world) check(now time.Time) {
	if w.lawless {
		return
	}
	gone := func(replaced time.Time) bool { return !replaced.IsZero() && now.Sub(replaced) > propagation }
	for i, s := range w.served {
		if gone(s.replaced) && !w.stuck {
			continue
		}
		if end := s.leaf.leaf().NotAfter; now.After(end) {
			if i == len(w.served)-1 {
				w.Errorf("at %s: the certificate served expired at %s", stamp(now), stamp(end))
			}
			continue
		}
		for key, all := range w.bundles {
			for j, b := range all {
				if gone(b.replaced) || j == 0 { // the first one was empty: before the installation
					continue
				}
				if until := w.verifiesUntil(s.leaf, b.bundle); now.After(until) {
					w.Errorf("at %s: certificate %d of %d verifies with caBundle %d of %d of %s until %s", stamp(now), i+1, len(w.served), j+1, len(all), key, stamp(until))
				}
			}
		}
	}
}

func (w *world) verifiesUntil(l *leaf, bundle []byte) time.Time {
	key := [2]string{string(l.cert), string(bundle)}
	until, known := w.until[key]
	if !known {
		cas, err := parseCertificates(bundle)
		if err != nil {
			w.Errorf("caBundle %q: %v", bundle, err)
		}
		if chains, err := l.under(cas...).verify(l.leaf().NotAfter); err == nil {
			until = lastEnd(chains)
		}
		w.until[key] = until
	}
	return until
}

// state is what the cluster holds now, as a Controller sees it.
func (w *world) state() currentState {
	w.Helper()
	k := NewController(w.api.client(), testConfig, ControllerHooks{}, logr.Discard())
	seen, _, err := k.readState(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return seen
}

// wantOrder checks that all is in order: nothing to do, one CA trusted if alone.
func (w *world) wantOrder() currentState {
	w.Helper()
	seen := w.state()
	d := decide(&seen, time.Now(), rules{testNames, testConfig.CALifetime, testConfig.LeafLifetime})
	if d.step != "" || len(d.bundles) > 0 || d.serve != nil || d.waiting != "" {
		w.Fatalf("not in order: step %q because %q, %d caBundles, serve %t because %q, waiting %q",
			d.step, d.reason, len(d.bundles), d.serve != nil, d.serveReason, d.waiting)
	}
	if needs, reason := NeedsRenewal(seen.serving, testNames, time.Now()); needs {
		w.Fatalf("the serving Secret: %s", reason)
	}
	for _, at := range []string{servingAt, authorityAt, mutateAt, secondAt} {
		if w.api.get(at) == nil {
			w.Fatalf("%s is missing", at)
		}
	}
	return seen
}
