package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	servingSecret   = "netmode-webhook-tls"    //nolint:gosec // a name
	authoritySecret = "netmode-webhook-tls-ca" //nolint:gosec // a name
	serverName      = "netmode-webhook.netmode-system.svc"
)

// chain is what an API server and the webhook meet with: the certificate of the serving Secret,
// and the bundle that every webhook entry trusts.
type chain struct {
	serving *corev1.Secret
	leaf    *x509.Certificate
	bundle  []byte
}

// configuration reads netmode's webhook configuration.
func (w *world) configuration(ctx context.Context) (*registrationv1.MutatingWebhookConfiguration, error) {
	return w.admin.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, "netmode", metav1.GetOptions{})
}

// chain reads it, and is an error if it does not hold.
func (w *world) chain(ctx context.Context) (*chain, error) {
	mutating, err := w.configuration(ctx)
	if err != nil {
		return nil, err
	}
	c := &chain{bundle: mutating.Webhooks[0].ClientConfig.CABundle}
	bundles := map[string][]byte{}
	for _, webhook := range mutating.Webhooks {
		bundles[webhook.Name] = webhook.ClientConfig.CABundle
	}
	for name, bundle := range bundles {
		if !bytes.Equal(bundle, c.bundle) {
			return nil, fmt.Errorf("%s has another caBundle than %s", name, mutating.Webhooks[0].Name)
		}
	}
	if c.serving, err = w.admin.CoreV1().Secrets(system).Get(ctx, servingSecret, metav1.GetOptions{}); err != nil {
		return nil, err
	}
	if !bytes.Equal(c.serving.Data["ca.crt"], c.bundle) {
		return nil, errors.New("ca.crt is not the caBundle")
	}
	pair, err := tls.X509KeyPair(c.serving.Data[corev1.TLSCertKey], c.serving.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, err
	}
	c.leaf = pair.Leaf
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.bundle)
	_, err = c.leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: serverName})
	return c, err
}

// authorities is how many CAs the bundle has.
func (c *chain) authorities() int { return bytes.Count(c.bundle, []byte("BEGIN CERTIFICATE")) }

// presented is an error unless the webhook shows the chain's certificate to who calls it.
func (w *world) presented(ctx context.Context, c *chain) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.bundle)
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS13}}
	connection, err := dialer.DialContext(ctx, "tcp", w.webhook.started.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	handshake, ok := connection.(*tls.Conn)
	if !ok {
		return fmt.Errorf("a %T is no TLS connection", connection)
	}
	if shown := handshake.ConnectionState().PeerCertificates[0]; !shown.Equal(c.leaf) {
		return fmt.Errorf("the webhook shows certificate %x, and not %x", shown.SerialNumber, c.leaf.SerialNumber)
	}
	return nil
}
