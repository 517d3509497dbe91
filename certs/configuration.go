package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// kindMutating is the kind of webhook configuration that there is.
const kindMutating = "MutatingWebhookConfiguration"

// fieldManager owns what is written, in metadata.managedFields.
const fieldManager = "netmode-certificates"

// webhookConfiguration is what was seen of one configuration.
type webhookConfiguration struct {
	name            string
	uid             types.UID
	generation      int64 // grows with each change of its webhooks
	resourceVersion string
	entries         []webhookEntry // those that call the Service
	err             error          // why nothing was seen
}

type webhookEntry struct {
	index    int // in webhooks
	caBundle []byte
}

// holds says whether all entries have exactly this caBundle.
func (c *webhookConfiguration) holds(bundle []byte) bool {
	return !slices.ContainsFunc(c.entries, func(e webhookEntry) bool { return !bytes.Equal(e.caBundle, bundle) })
}

// newEntry notes a webhook if it calls the Service. One that calls another, or a
// URL, is none of the Controller's.
func (c *webhookConfiguration) newEntry(index int, client admissionv1.WebhookClientConfig, namespace, service string) {
	if client.Service != nil && client.Service.Namespace == namespace && client.Service.Name == service {
		c.entries = append(c.entries, webhookEntry{index: index, caBundle: client.CABundle})
	}
}

// bundlePatch is a JSON Patch (RFC 6902) that sets the caBundle of the entries
// that differ and nothing else. It fits only the version that was seen: the API
// server answers 409 Conflict for any other.
func (c *webhookConfiguration) bundlePatch(bundle []byte) ([]byte, error) {
	patch := []jsonpatch.Operation{jsonpatch.NewOperation("replace", "/metadata/resourceVersion", c.resourceVersion)}
	for _, e := range c.entries {
		if !bytes.Equal(e.caBundle, bundle) {
			patch = append(patch, jsonpatch.NewOperation("add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", e.index), bundle))
		}
	}
	return json.Marshal(patch)
}

// trusted are the certificates, valid now, that some caBundle holds. Bundles are
// read as leniently as API servers do: what is no certificate does not count.
func trusted(configurations []webhookConfiguration, now time.Time) []*x509.Certificate {
	var found []*x509.Certificate
	for _, c := range configurations {
		for _, e := range c.entries {
			for rest := e.caBundle; ; {
				var block *pem.Block
				if block, rest = pem.Decode(rest); block == nil {
					break
				}
				cert, err := x509.ParseCertificate(block.Bytes)
				if block.Type != pemCertificate || err != nil || now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
					continue
				}
				if !slices.ContainsFunc(found, cert.Equal) {
					found = append(found, cert)
				}
			}
		}
	}
	return found
}

// configurationClient is the part of client-go's client that is needed.
type configurationClient interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (*admissionv1.MutatingWebhookConfiguration, error)
	Patch(ctx context.Context, name string, t types.PatchType, data []byte, o metav1.PatchOptions, subresources ...string) (*admissionv1.MutatingWebhookConfiguration, error)
}

// readConfiguration fills in what was seen; that there is none is an error of
// the API.
func (k *Controller) readConfiguration(ctx context.Context, into *webhookConfiguration) error {
	found, err := k.configurations.Get(ctx, into.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	into.uid, into.generation, into.resourceVersion = found.UID, found.Generation, found.ResourceVersion
	for i := range found.Webhooks {
		into.newEntry(i, found.Webhooks[i].ClientConfig, k.config.Namespace, k.config.Service)
	}
	return nil
}

func (k *Controller) patchConfiguration(ctx context.Context, name string, patch []byte) error {
	_, err := k.configurations.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}
