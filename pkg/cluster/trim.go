package cluster

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/netmode-io/netmode/pkg/api"
)

// trimmedService is all that the cache keeps of a Service: a third of what its
// view takes, of which a decision reads few.
type trimmedService struct {
	object
	namespace, name, resourceVersion string
	kind, clusterIP                  string  // kind is spec.type
	mode                             *string // the annotation; nil: it has none
	publishes                        bool    // addresses of pods that are not ready
	selector                         []label
	ports                            []api.ServicePort
}

type label struct{ key, value string }

// GetObjectMeta is what informers read of an object (metav1.ObjectMetaAccessor).
func (s *trimmedService) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: s.namespace, Name: s.name, ResourceVersion: s.resourceVersion}
}

// DeepCopyObject implements runtime.Object. A trimmed object does not change.
func (s *trimmedService) DeepCopyObject() runtime.Object { return s }

// view is what decisions read.
func (s *trimmedService) view() api.Service {
	view := api.Service{
		Metadata: api.ObjectMeta{Name: s.name, Namespace: s.namespace},
		Spec:     api.ServiceSpec{Type: s.kind, ClusterIP: s.clusterIP, Ports: s.ports, PublishNotReadyAddresses: s.publishes},
	}
	if s.mode != nil {
		view.Metadata.Annotations = map[string]string{api.AnnotationMode: *s.mode}
	}
	if len(s.selector) > 0 {
		view.Spec.Selector = make(map[string]string, len(s.selector))
		for _, l := range s.selector {
			view.Spec.Selector[l.key] = l.value
		}
	}
	return view
}

// trimmedNamespace is all that the cache keeps of a Namespace.
type trimmedNamespace struct {
	object
	name, resourceVersion string
	view                  api.Namespace
	selected              atomic.Pointer[selection]
}

// GetObjectMeta is what informers read of an object (metav1.ObjectMetaAccessor).
func (n *trimmedNamespace) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Name: n.name, ResourceVersion: n.resourceVersion}
}

// DeepCopyObject implements runtime.Object. A trimmed object does not change.
func (n *trimmedNamespace) DeepCopyObject() runtime.Object { return n }

// trimmer makes trimmed objects, which share the words that they have in common.
// It lets through what it does not know: tombstones, and what is trimmed
// already.
type trimmer struct {
	mu    sync.Mutex
	words map[string]string
}

// mostWords bounds what a trimmer remembers.
const mostWords = 4096

// word returns a string equal to s that others may have, too.
func (t *trimmer) word(s string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.words[s]
	if ok {
		return known
	}
	if t.words == nil || len(t.words) == mostWords {
		t.words = make(map[string]string)
	}
	t.words[s] = s
	return s
}

func (t *trimmer) service(found any) (any, error) {
	s, ok := found.(*corev1.Service)
	if !ok {
		return found, nil
	}
	view := viewOfService(s)
	trimmed := &trimmedService{
		namespace: s.Namespace, name: s.Name, resourceVersion: s.ResourceVersion,
		kind: t.word(view.Spec.Type), clusterIP: s.Spec.ClusterIP, ports: slices.Clip(view.Spec.Ports),
		publishes: s.Spec.PublishNotReadyAddresses,
	}
	if trimmed.clusterIP == api.ClusterIPNone {
		trimmed.clusterIP = api.ClusterIPNone
	}
	if mode, ok := view.Metadata.Annotations[api.AnnotationMode]; ok {
		trimmed.mode = new(t.word(mode))
	}
	for i := range trimmed.ports {
		p := &trimmed.ports[i]
		p.Name, p.Protocol, p.TargetPort.Name = t.word(p.Name), t.word(p.Protocol), t.word(p.TargetPort.Name)
	}
	if len(view.Spec.Selector) > 0 {
		trimmed.selector = make([]label, 0, len(view.Spec.Selector))
		for key, value := range view.Spec.Selector {
			trimmed.selector = append(trimmed.selector, label{t.word(key), t.word(value)})
		}
		slices.SortFunc(trimmed.selector, func(a, b label) int { return strings.Compare(a.key, b.key) })
	}
	return trimmed, nil
}

func (t *trimmer) namespace(found any) (any, error) {
	n, ok := found.(*corev1.Namespace)
	if !ok {
		return found, nil
	}
	trimmed := &trimmedNamespace{name: n.Name, resourceVersion: n.ResourceVersion, view: viewOfNamespace(n)}
	trimmed.view.Labels = make(map[string]string, len(n.Labels))
	for key, value := range n.Labels {
		if value == n.Name {
			value = n.Name // one string for both
		} else {
			value = t.word(value)
		}
		trimmed.view.Labels[t.word(key)] = value
	}
	return trimmed, nil
}
