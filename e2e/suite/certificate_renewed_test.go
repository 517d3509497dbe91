package suite

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/flags"
)

const (
	// The Secrets with what the webhook's pods serve, and with the CA's key.
	serving   = "netmode-webhook-tls"
	authority = "netmode-webhook-tls-ca"
	// rotationBound is for a whole rotation: a new CA is trusted for 90 seconds before it
	// signs, and a Secret takes kubelet up to 90 to bring to the pods.
	rotationBound = 5 * time.Minute
	// callEvery is how often pods are created meanwhile, callsAfter how many after it.
	callEvery  = 50 * time.Millisecond
	callsAfter = 100
)

// testCertificateRenewed takes the CA's key away, which makes netmode rotate CA and certificate,
// and creates pods until the webhook's pods serve the new certificate. No call may fail.
func testCertificateRenewed(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "certificate")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before := s.servedSerial(ctx, t)
	created := make(chan error)
	go c.keepCreating(ctx, created)

	secrets := s.client.CoreV1().Secrets(flags.DefaultNamespace)
	began := time.Now()
	ca, err := secrets.Get(ctx, authority, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ca.Data = nil
	if _, err := secrets.Update(ctx, ca, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	deadline, stop := context.WithTimeoutCause(ctx, rotationBound, fmt.Errorf("not within %s", rotationBound))
	defer stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	after, missing := "", "the certificate is the old one, "+before
	calls, left := 0, -1
	for left != 0 {
		select {
		case <-deadline.Done():
			t.Fatalf("%v: %s", context.Cause(deadline), missing)
		case err := <-created:
			if err != nil {
				t.Fatalf("%.0f s after the CA's key was taken, after %d calls: %v", time.Since(began).Seconds(), calls, err)
			}
			calls++
			left = max(left-1, -1)
		case <-look.C:
			if after == "" {
				if now := s.servedSerial(ctx, t); now != before {
					after = now
					t.Logf("%.0f s: certificate %s follows %s", time.Since(began).Seconds(), after, before)
				}
			}
			if after != "" && left < 0 {
				if missing = s.notServing(ctx, after); missing == "" {
					t.Logf("%.0f s: all of the webhook's pods serve it", time.Since(began).Seconds())
					left = callsAfter
				}
			}
		}
	}
	t.Logf("%d pods were created meanwhile, and no call failed", calls)
}

// keepCreating creates pods in dry runs until ctx ends, and sends what came of each.
func (s *scene) keepCreating(ctx context.Context, created chan<- error) {
	ticker := time.NewTicker(callEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		made, err := s.client.CoreV1().Pods(s.namespace).Create(ctx, pod("made", mode(api.ModeHostNetwork), distrolessContainer(hostPort)),
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && !made.Spec.HostNetwork {
			err = errors.New("the pod was not changed")
		}
		select {
		case created <- err:
		case <-ctx.Done():
			return
		}
	}
}

// servedSerial is the serial number, in hex, of the certificate for the webhook's pods to serve.
func (s *suite) servedSerial(ctx context.Context, t *testing.T) string {
	t.Helper()
	secret, err := s.client.CoreV1().Secrets(flags.DefaultNamespace).Get(ctx, serving, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		t.Fatalf("Secret %s holds no certificate", serving)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.SerialNumber.Text(16)
}

// notServing says which of the webhook's pods has not loaded the certificate; "" if all have.
func (s *suite) notServing(ctx context.Context, serial string) string {
	pods := s.client.CoreV1().Pods(flags.DefaultNamespace)
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
	if err != nil {
		return err.Error()
	}
	if len(list.Items) == 0 {
		return "the webhook has no pods"
	}
	for i := range list.Items {
		log, err := pods.GetLogs(list.Items[i].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(string(log), serial) {
			return "pod " + list.Items[i].Name + " has not loaded certificate " + serial
		}
	}
	return ""
}
