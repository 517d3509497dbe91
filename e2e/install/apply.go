package install

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/netmode-io/netmode/e2e/await"
)

// fieldManager owns what is applied, in metadata.managedFields.
const fieldManager = "netmode-install"

// pollEvery is how long to wait before trying or looking again.
const pollEvery = 500 * time.Millisecond

// Apply makes or changes the objects, in their order, by server-side apply. It takes over the
// fields that the objects have and leaves all others as they are, such as the caBundle of a
// webhook. What the API server cannot do now is tried again until ctx ends.
func Apply(ctx context.Context, config *rest.Config, objects []*unstructured.Unstructured) error {
	c, err := newClient(config)
	if err != nil {
		return err
	}
	return c.apply(ctx, objects)
}

// client finds any object of the cluster.
type client struct {
	objects dynamic.Interface
	kinds   meta.RESTMapper
}

func newClient(config *rest.Config) (*client, error) {
	config = unlimited(config)
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &client{objects: objects, kinds: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))}, nil
}

// unlimited waits for the cluster, not for its client: a limit would also end a call before its
// ctx, with an error that says nothing of the cluster.
func unlimited(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS, config.RateLimiter = -1, nil
	return config
}

// resource is where objects like this one are. That the cluster does not know their kind is an
// error of package meta.
func (c *client) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	mapping, err := c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	all := c.objects.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return all.Namespace(o.GetNamespace()), nil
	}
	return all, nil
}

func (c *client) apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	var failed error
	for _, o := range objects {
		err := await.Until(ctx, pollEvery, func(ctx context.Context) (bool, string) {
			failed = c.applyOne(ctx, o)
			return !isPassing(failed), fmt.Sprint(failed)
		})
		if err == nil {
			err = failed
		}
		if meta.IsNoMatchError(err) {
			err = fmt.Errorf("%w: install what brings this kind first, such as cert-manager", err)
		}
		if err != nil {
			return fmt.Errorf("apply %s: %w", describe(o), err)
		}
	}
	return nil
}

func (c *client) applyOne(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.resource(o)
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// isPassing says whether the same request may succeed soon: the API server starts, is busy, or
// still removes an earlier namespace of this name.
func isPassing(err error) bool {
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsConflict(err) ||
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

func describe(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
