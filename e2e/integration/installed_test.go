package integration

import (
	"context"
	"errors"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/netmode-io/netmode/e2e/install"
)

// apply applies the manifests.
func (w *world) apply(ctx context.Context) error {
	objects, err := w.manifests()
	if err != nil {
		return err
	}
	return install.Apply(ctx, rest.CopyConfig(w.config), objects)
}

// manifests are the objects of base, led to the webhook.
func (w *world) manifests() ([]*unstructured.Unstructured, error) {
	objects, err := install.Render(base, install.Options{})
	if err != nil {
		return nil, err
	}
	return objects, w.toLoopback(objects)
}

// toLoopback leads calls of the Service to the webhook's port, once it listens. A Service of type
// ExternalName is dialled by its name, at the port that the webhook configuration names.
func (w *world) toLoopback(objects []*unstructured.Unstructured) error {
	if w.webhook == nil {
		return nil
	}
	host, port, err := w.webhook.listen()
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.GetKind() == "Service" && o.GetName() == "netmode-webhook" {
			o.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": host}
		}
		entries, found, err := unstructured.NestedSlice(o.Object, "webhooks")
		if err != nil {
			return fmt.Errorf("webhooks of %s: %w", o.GetName(), err)
		}
		if !found {
			continue
		}
		for _, entry := range entries {
			if fields, ok := entry.(map[string]any); ok {
				err = errors.Join(err, unstructured.SetNestedField(fields, int64(port), "clientConfig", "service", "port"))
			}
		}
		if err := errors.Join(err, unstructured.SetNestedSlice(o.Object, entries, "webhooks")); err != nil {
			return fmt.Errorf("webhooks of %s: %w", o.GetName(), err)
		}
	}
	return nil
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
