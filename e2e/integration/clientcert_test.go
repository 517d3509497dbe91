package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/netmode-io/netmode/pkg/api"
)

const (
	// clientCertificate is of who signed it, which makes one file do for both.
	clientCertificate = "webhook-client.crt"
	clientName        = "kube-apiserver"

	admissionConfiguration = `{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": [{
"name": "MutatingAdmissionWebhook",
"configuration": {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": %q}}]}`
)

// newClientCertificate makes the certificate that the API server presents to every webhook, and
// returns the path of the configuration that has it do so.
func newClientCertificate(life *lifeline) (string, error) {
	public, private, err := newCA(life.path(clientCertificate))
	if err != nil {
		return "", err
	}
	config := clientcmdapi.NewConfig()
	config.AuthInfos["*"] = &clientcmdapi.AuthInfo{ClientCertificateData: public, ClientKeyData: private}
	kubeconfig, path := life.path("webhooks.kubeconfig"), life.path("admission.json")
	return path, errors.Join(
		clientcmd.WriteToFile(*config, kubeconfig),
		os.WriteFile(path, fmt.Appendf(nil, admissionConfiguration, kubeconfig), 0o600),
	)
}

// newCA writes a certificate that it has signed itself, and returns it and its key, in PEM.
func newCA(path string) (public, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if private, err = keyutil.MarshalPrivateKeyToPEM(key); err != nil {
		return nil, nil, err
	}
	certificate, err := cert.NewSelfSignedCACert(cert.Config{CommonName: clientName}, key)
	if err != nil {
		return nil, nil, err
	}
	public, err = cert.EncodeCertificates(certificate)
	return public, private, errors.Join(err, cert.WriteCert(path, public))
}

// TestClientCertificate: a webhook that demands the API server's certificate answers the API server,
// and nobody without it. It is the webhook of all tests, started anew, so it runs alone.
func TestClientCertificate(t *testing.T) {
	namespace := shared.namespace(t, nil)
	t.Cleanup(func() {
		if err := shared.restartWebhook(context.WithoutCancel(t.Context()), shared.usual...); err != nil {
			t.Fatal(err)
		}
	})
	restart := func(flags ...string) {
		t.Helper()
		if err := shared.restartWebhook(t.Context(), append(flags, shared.usual...)...); err != nil {
			t.Fatal(err)
		}
	}
	asks := func() *answer { return shared.post(t.Context(), namespace, "pods", toJSON(t, asksForHost), dryRun) }

	restart("--client-ca-file="+shared.life.path(clientCertificate), "--client-name="+clientName)
	if pod := stored[corev1.Pod](t, asks()); !pod.Spec.HostNetwork {
		t.Error("not mutated")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+shared.webhook.started.Listen+api.EntryAsked.Path(), strings.NewReader(reviewOf("u", "p", "", "")))
	if err != nil {
		t.Fatal(err)
	}
	response, err := shared.neighbour(t).Do(request)
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("a neighbour without a certificate is answered: %s", response.Status)
	} else if !strings.Contains(err.Error(), "certificate required") {
		t.Error(err)
	}

	restart("--client-ca-file="+shared.life.path(clientCertificate), "--client-name=somebody")
	if a := asks(); a.err == nil || !strings.Contains(a.err.Error(), `the client's certificate is of "`+clientName) {
		t.Errorf("another name: got %v", a.err)
	}

	other := shared.life.path("other.crt")
	if _, _, err := newCA(other); err != nil {
		t.Fatal(err)
	}
	restart("--client-ca-file=" + other)
	if a := asks(); a.err == nil || !strings.Contains(a.err.Error(), "failed calling webhook") {
		t.Errorf("another CA: got %v", a.err)
	}
}
