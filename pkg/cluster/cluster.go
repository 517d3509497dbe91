// Package cluster is where netmode meets a Kubernetes cluster.
//
// A [Cache] keeps in memory what decisions read of it: its Services, Namespaces
// and NetworkModePolicies, watched by informers and trimmed to views. A
// [PolicyController] has the API server enforce the policies, and writes their
// status. Package offline, below this one, has its snapshots from manifests.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/policy"
)

// Cache answers from memory, and knows nothing before Run. It needs list and
// watch on Services, Namespaces and NetworkModePolicies, and get on Namespaces.
type Cache struct {
	services   *watched
	namespaces *watched
	policies   *watched
	set        policySet
	setSynced  cache.InformerSynced
	synced     atomic.Bool
	log        logr.Logger

	liveServices   *liveReads[[]api.Service]
	liveNamespaces *liveReads[namespaceRead]
}

// namespaceRead is what a live read of a Namespace found.
type namespaceRead struct {
	namespace api.Namespace
	exists    bool
}

// New makes a Cache that reads through client, and policies through dynamicClient.
func New(client kubernetes.Interface, dynamicClient dynamic.Interface, log logr.Logger) (*Cache, error) {
	c := &Cache{log: log}
	var errs [4]error
	core := client.CoreV1()
	trim := &trimmer{}
	byNamespace := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	c.services, errs[0] = newWatched(core.Services(metav1.NamespaceAll), &corev1.Service{}, byNamespace, trim.service, log)
	c.namespaces, errs[1] = newWatched(core.Namespaces(), &corev1.Namespace{}, nil, trim.namespace, log)
	c.policies, errs[2] = newWatched(dynamicClient.Resource(PolicyResource()), &unstructured.Unstructured{}, nil, trimPolicy, log)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	c.setSynced, errs[3] = c.set.follow(c.policies, log)
	c.liveServices = newLiveReads(false, func(ctx context.Context, namespace string) ([]api.Service, error) {
		return listServices(ctx, client, namespace)
	})
	// A Namespace's read is reused: nobody can create a pod before its Namespace.
	c.liveNamespaces = newLiveReads(true, func(ctx context.Context, name string) (namespaceRead, error) {
		return readNamespace(ctx, client, name)
	})
	return c, errs[3]
}

// watchFailed logs that a list or watch failed; the informer tries again by
// itself. Watches that ended as they do every few minutes are not logged.
func watchFailed(log logr.Logger, err error) {
	switch {
	case errors.Is(err, io.EOF), apierrors.IsResourceExpired(err), apierrors.IsGone(err):
	case apierrors.IsForbidden(err):
		log.Error(err, "may not watch: allow it in the ClusterRole of this ServiceAccount")
	case apierrors.IsNotFound(err):
		log.Error(err, "the cluster has no such kind: install the CustomResourceDefinition of NetworkModePolicy")
	default:
		log.Info("watch broken, opened again soon", "cause", err.Error())
	}
}

// Run keeps the cache up to date until ctx ends.
func (c *Cache) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, w := range c.all() {
		running.Go(func() { w.RunWithContext(ctx) })
	}
	if cache.WaitForCacheSync(ctx.Done(), c.services.HasSynced, c.namespaces.HasSynced, c.setSynced) {
		c.synced.Store(true)
		c.log.Info("cache is complete", "services", len(c.services.GetStore().ListKeys()), "namespaces", len(c.namespaces.GetStore().ListKeys()),
			"policies", len(c.policies.GetStore().ListKeys()))
	}
	running.Wait()
}

// Synced says whether everything has been read once. It stays true when the API
// server goes away: the cache then ages, and still answers.
func (c *Cache) Synced() bool { return c.synced.Load() }

func (c *Cache) all() []*watched { return []*watched{c.services, c.namespaces, c.policies} }

// Age is how long ago the API server was last heard, of whichever kind that is
// longest: up to about a minute where nothing is wrong, and more and more while
// the API server is away. Before the first answer it counts from New.
func (c *Cache) Age() time.Duration {
	var oldest time.Duration
	for _, w := range c.all() {
		oldest = max(oldest, w.age())
	}
	return oldest
}

// PoliciesLeftOut counts the policies that this build does not understand.
func (c *Cache) PoliciesLeftOut() int { return int(c.set.leftOut.Load()) }

// Snapshot returns what decisions about the objects of a namespace read. Only for a
// Namespace that the cache has not heard of does it ask the API server, for at
// most a second.
func (c *Cache) Snapshot(ctx context.Context, namespace string) engine.Snapshot {
	return c.snapshot(ctx, namespace)
}

func (c *Cache) snapshot(ctx context.Context, namespace string) *snapshot {
	s := &snapshot{namespace: namespace, list: sync.OnceValue(func() []api.Service { return c.cachedServices(namespace) })}
	found, exists, err := c.namespaces.GetStore().GetByKey(namespace)
	if cached, ok := found.(*trimmedNamespace); err == nil && exists && ok {
		s.own = namespaceRead{cached.view, true}
		s.policies = cached.policies(c.set.current.Load())
		return s
	}
	if s.own, err = c.liveNamespaces.get(ctx, namespace); err != nil {
		c.log.Info("namespace not known", "namespace", namespace, "cause", err.Error())
	}
	seen := s.own.namespace.Labels
	if !s.own.exists {
		seen = map[string]string{corev1.LabelMetadataName: namespace} // every Namespace has it
	}
	s.policies = c.set.current.Load().ForNamespace(seen)
	return s
}

// FreshSnapshot is Snapshot with the namespace's Services as the API server has them
// now: read after the call, and within a second. ok is false if they could not be
// read.
func (c *Cache) FreshSnapshot(ctx context.Context, namespace string) (fresh engine.Snapshot, ok bool) {
	services, err := c.liveServices.get(ctx, namespace)
	if err != nil {
		c.log.Info("Services not read, the cache decides", "namespace", namespace, "cause", err.Error())
		return nil, false
	}
	s := c.snapshot(ctx, namespace)
	s.list = func() []api.Service { return services }
	return s, true
}

func (c *Cache) cachedServices(namespace string) []api.Service {
	found, err := c.services.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil { // only for an index that is not there
		return nil
	}
	services := make([]api.Service, 0, len(found))
	for _, f := range found {
		if cached, ok := f.(*trimmedService); ok {
			services = append(services, cached.view())
		}
	}
	slices.SortFunc(services, byName)
	return services
}

func byName(a, b api.Service) int { return strings.Compare(a.Metadata.Name, b.Metadata.Name) }

func listServices(ctx context.Context, client kubernetes.Interface, namespace string) ([]api.Service, error) {
	list, err := client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Services of namespace %s: %w", namespace, err)
	}
	services := make([]api.Service, 0, len(list.Items))
	for i := range list.Items {
		services = append(services, viewOfService(&list.Items[i]))
	}
	slices.SortFunc(services, byName)
	return services, nil
}

func readNamespace(ctx context.Context, client kubernetes.Interface, name string) (namespaceRead, error) {
	found, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return namespaceRead{}, nil
	case err != nil:
		return namespaceRead{}, fmt.Errorf("read Namespace %s: %w", name, err)
	}
	return namespaceRead{viewOfNamespace(found), true}, nil
}

// snapshot is what one decision sees: the same, however often it looks.
type snapshot struct {
	namespace string
	own       namespaceRead
	policies  policy.Set
	list      func() []api.Service // the same at each call
}

// Services returns the Services of the decision's namespace, by name; of no
// other is anything known.
func (s *snapshot) Services(namespace string) ([]api.Service, bool) {
	if namespace != s.namespace {
		return nil, false
	}
	return s.list(), true
}

// Namespace returns the decision's Namespace.
func (s *snapshot) Namespace(name string) (api.Namespace, bool) {
	if name != s.namespace {
		return api.Namespace{}, false
	}
	return s.own.namespace, s.own.exists
}

// Policies returns the policies that select the decision's namespace, all of one
// state of the cluster.
func (s *snapshot) Policies(namespace string) policy.Set {
	if namespace != s.namespace {
		return policy.Set{}
	}
	return s.policies
}
