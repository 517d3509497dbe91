package integration

import (
	"context"
	"fmt"
	"net"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/netmode-io/netmode/e2e/install"
)

// apply applies the manifests, with patches.
func (w *world) apply(ctx context.Context, patches ...install.Patch) error {
	objects, err := install.Render(base, install.Options{Patches: patches})
	if err != nil {
		return err
	}
	return install.Apply(ctx, rest.CopyConfig(w.config), objects)
}

// toLoopback leads calls of the Service to the webhook's port. A Service of type ExternalName is
// dialled by its name, at the port that the webhook configuration names.
func (w *world) toLoopback() ([]install.Patch, error) {
	host, port, err := net.SplitHostPort(w.webhook.started.Listen)
	if err != nil {
		return nil, err
	}
	patches := []install.Patch{{Kind: "Service", Name: "netmode-webhook", Operations: fmt.Sprintf(
		`[{"op": "replace", "path": "/spec", "value": {"type": "ExternalName", "externalName": %q}}]`, host)}}
	objects, err := install.Render(base, install.Options{})
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		entries, _, err := unstructured.NestedSlice(object.Object, "webhooks")
		if err != nil {
			return nil, fmt.Errorf("webhooks of %s: %w", object.GetName(), err)
		}
		var calls []string
		for i := range entries {
			calls = append(calls, fmt.Sprintf(`{"op": "replace", "path": "/webhooks/%d/clientConfig/service/port", "value": %s}`, i, port))
		}
		if len(calls) > 0 {
			patches = append(patches, install.Patch{Kind: object.GetKind(), Operations: "[" + strings.Join(calls, ",") + "]"})
		}
	}
	return patches, nil
}

// kubeconfig writes a file with a token of a ServiceAccount of netmode's, and returns its path.
func (w *world) kubeconfig(ctx context.Context, account string) (string, error) {
	request, err := w.admin.CoreV1().ServiceAccounts(system).CreateToken(ctx, account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of ServiceAccount %s: %w", account, err)
	}
	config := clientcmdapi.NewConfig()
	config.CurrentContext = account
	config.Clusters[account] = &clientcmdapi.Cluster{Server: w.config.Host, CertificateAuthorityData: w.config.CAData}
	config.AuthInfos[account] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
	config.Contexts[account] = &clientcmdapi.Context{Cluster: account, AuthInfo: account}
	path := w.life.path(account + ".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}
