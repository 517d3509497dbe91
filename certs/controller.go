package certs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/flowcontrol"
)

// Lifetimes that hold unless configured otherwise. A CA lives for at least three
// leaves: one that was issued just before the CA is due still ends before it.
const (
	DefaultCALifetime   = 365 * 24 * time.Hour
	DefaultLeafLifetime = 90 * 24 * time.Hour
	// MinLeafLifetime leaves time, in the last third, for a rotation and for
	// kubelets to bring the leaf to the pods.
	MinLeafLifetime = 5 * time.Minute
)

const (
	callTimeout = 15 * time.Second // of one API call
	recheckTime = time.Hour        // between rounds without an event, at most
	minPause    = time.Second      // between rounds without an event, at least
	maxPasses   = 25               // of a round; a whole first start takes three
	// Rounds come at once after events, but no more than roundBurst in a row,
	// then roundRate a second: another writer may want something else.
	roundRate  = 0.2
	roundBurst = 10
)

// ControllerConfig says which certificates to keep, and where.
type ControllerConfig struct {
	// Namespace of the Secrets and of the Service.
	Namespace string
	// Secret is the serving Secret: tls.crt, tls.key and ca.crt, for the webhook's
	// pods to mount.
	Secret string
	// Service is what API servers call; the certificate bears its DNS names.
	Service string
	// WebhookConfigurations are the names of the MutatingWebhookConfigurations
	// whose caBundle is kept, where their webhooks call the Service.
	WebhookConfigurations []string
	// CALifetime and LeafLifetime hold for what is made from now on.
	CALifetime, LeafLifetime time.Duration
}

// AuthoritySecret is the name of the Secret with the CA's private key and the
// state of the rotation: the serving Secret's, and "-ca". No pod mounts it.
func (c ControllerConfig) AuthoritySecret() string { return c.Secret + "-ca" }

// DNSNames are the names by which a cluster's API servers and pods call the
// Service.
func (c ControllerConfig) DNSNames() []string {
	return []string{c.Service + "." + c.Namespace + ".svc", c.Service + "." + c.Namespace, c.Service}
}

// ControllerHooks are called with what a Controller does, from Run's goroutine,
// so they must return soon. A nil field is not called.
type ControllerHooks struct {
	// Stepped: a step was taken.
	Stepped func(Step)
	// InOrder: nothing is left to do now; when leaf and CA expire.
	InOrder func(leaf, ca time.Time)
	// Failed: a round ended with an error, and is tried again.
	Failed func(error)
}

// secretClient is the part of client-go's that is needed, for one namespace.
type secretClient interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error)
	Update(ctx context.Context, secret *corev1.Secret, o metav1.UpdateOptions) (*corev1.Secret, error)
}

// Controller makes the certificates of an admission webhook in a cluster, renews
// them, and keeps the caBundle of its webhook configurations. It fills Secrets
// that are there, and makes none. Any number may run at once: each write holds
// only for the version that was read.
type Controller struct {
	config         ControllerConfig
	rules          rules
	secrets        secretClient
	configurations configurationClient
	watch          func(ctx context.Context, changed func())
	hooks          ControllerHooks
	log            logr.Logger
	recheck        time.Duration
	ready          atomic.Bool
	said           map[string]string // the last text of each kind of note
}

// Ready says whether the last round ended with everything in order.
func (k *Controller) Ready() bool { return k.ready.Load() }

// Run keeps the certificates until ctx ends. An error of the API is reported, and
// tried again with a growing delay of at most a minute. Call it once.
func (k *Controller) Run(ctx context.Context) {
	changes := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		k.watch(ctx, func() {
			select {
			case changes <- struct{}{}:
			default: // one is waiting already
			}
		})
	})

	limit := flowcontrol.NewTokenBucketRateLimiter(roundRate, roundBurst)
	backoff := newBackoff()
	for limit.Wait(ctx) == nil {
		wake, err := k.round(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := k.recheck
		if !wake.IsZero() {
			pause = max(minPause, min(k.recheck, time.Until(wake)))
		}
		k.ready.Store(err == nil)
		if err != nil {
			pause = backoff.Step()
			k.log.Error(err, "certificates not in order", "retryIn", pause)
			if k.hooks.Failed != nil {
				k.hooks.Failed(err)
			}
		} else {
			backoff = newBackoff()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-changes:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func newBackoff() *wait.Backoff {
	return &wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.2, Steps: 10, Cap: time.Minute}
}

// round looks and acts until there is nothing left to do. It gives the time of
// the next step that the dates ask for; zero: none.
func (k *Controller) round(ctx context.Context) (time.Time, error) {
	var cause error
	for range maxPasses {
		wrote, wake, err := k.pass(ctx)
		switch {
		case isStale(err):
			cause = err
			k.log.V(1).Info("another writer was faster, looking again", "cause", err.Error())
		case err != nil || !wrote:
			return wake, err
		}
	}
	return time.Time{}, errors.Join(fmt.Errorf("not in order after %d attempts in a row: see which other writer changes Secret %s/%s, its -ca Secret or the webhook configurations",
		maxPasses, k.config.Namespace, k.config.Secret), cause)
}

// pass looks once and does the one thing that comes next, or the writes that
// can be done side by side.
func (k *Controller) pass(ctx context.Context) (wrote bool, wake time.Time, err error) {
	seen, held, err := k.readState(ctx)
	if err != nil {
		return false, time.Time{}, err
	}
	now := time.Now()
	d := decide(&seen, now, k.rules)
	k.note("waiting", d.waiting)
	if d.step != "" {
		err := k.change(ctx, &seen, held.authority, d, now)
		return err == nil, time.Time{}, err
	}
	var errs []error
	for i := range seen.configurations {
		errs = append(errs, seen.configurations[i].err)
	}
	for i := range d.bundles {
		err := k.writeBundle(ctx, &d.bundles[i], encodeCertificates(seen.record.cas()))
		wrote = wrote || err == nil
		errs = append(errs, err)
	}
	if d.serve != nil {
		err := k.serve(ctx, held.serving, d)
		wrote = wrote || err == nil
		errs = append(errs, err)
	}
	if wrote {
		return true, time.Time{}, nil // what failed will fail again without this cover
	}
	if err := errors.Join(errs...); err != nil {
		return false, time.Time{}, err
	}
	if r := &seen.record; k.hooks.InOrder != nil && r.signer != nil && r.leaf != nil {
		k.hooks.InOrder(r.leaf.leaf().NotAfter, r.signer.cert.NotAfter)
	}
	return false, d.wake, nil
}
