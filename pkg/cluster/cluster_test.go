package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/go-json-experiment/json"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
)

func newService(namespace, name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: "u", ResourceVersion: "7",
			Labels:        map[string]string{"any": "label"},
			Annotations:   map[string]string{api.AnnotationMode: "headless", "other": "annotation"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: corev1.ClusterIPNone, ClusterIPs: []string{corev1.ClusterIPNone},
			Selector: map[string]string{"app": "web"}, PublishNotReadyAddresses: true,
			Ports: []corev1.ServicePort{
				{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString("web")},
				{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(5353)},
			},
		},
	}
}

// The view made from the typed object is the one that the webhook decodes from
// JSON, in all that decisions about pods read.
func TestViewOfService(t *testing.T) {
	s := newService("a", "web")
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var want api.Service
	if err := api.Decode(text, &want, ""); err != nil {
		t.Fatal(err)
	}
	want.Metadata.Labels = nil
	delete(want.Metadata.Annotations, "other")
	want.Spec.ClusterIPs = nil
	if diff := cmp.Diff(want, viewOfService(s)); diff != "" {
		t.Errorf("view (-decoded +made):\n%s", diff)
	}
}

// Nothing but what is needed for the view, and what informers need, stays in
// memory, and the view comes out as it was.
func TestTrim(t *testing.T) {
	trim := &trimmer{}
	for _, s := range []*corev1.Service{newService("a", "web"), {ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "bare"}}} {
		made, err := trim.service(s)
		trimmed, ok := made.(*trimmedService)
		if err != nil || !ok {
			t.Fatalf("%v, %v", made, err)
		}
		if diff := cmp.Diff(viewOfService(s), trimmed.view()); diff != "" {
			t.Errorf("view of %s (-before +trimmed):\n%s", s.Name, diff)
		}
		wantMeta(t, trimmed, &metav1.ObjectMeta{Namespace: "a", Name: s.Name, ResourceVersion: s.ResourceVersion})
	}
	ns := newNamespace("a", map[string]string{corev1.LabelMetadataName: "a", "team": "b"})
	ns.ResourceVersion, ns.Annotations = "8", map[string]string{"any": "annotation", "linkerd.io/inject": "enabled", "kuma.io/sidecar-injection": strings.Repeat("x", 64)}
	made, err := trim.namespace(ns)
	trimmed, ok := made.(*trimmedNamespace)
	if err != nil || !ok {
		t.Fatalf("%v, %v", made, err)
	}
	if diff := cmp.Diff(ns.Labels, trimmed.view.Labels); diff != "" {
		t.Errorf("labels (-before +trimmed):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"linkerd.io/inject": "enabled"}, trimmed.view.Annotations); diff != "" {
		t.Errorf("annotations (-want +trimmed):\n%s", diff)
	}
	wantMeta(t, trimmed, &metav1.ObjectMeta{Name: "a", ResourceVersion: "8"})
	for _, other := range []any{trimmed, "a tombstone"} {
		for _, f := range []cache.TransformFunc{trim.service, trim.namespace, trimPolicy} {
			if again, err := f(other); err != nil || again != other {
				t.Errorf("%v became %v, %v", other, again, err)
			}
		}
	}
}

func wantMeta(t *testing.T, object any, want metav1.Object) {
	t.Helper()
	got, err := meta.Accessor(object)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

// Words are shared, and not all are remembered for ever.
func TestWords(t *testing.T) {
	trim := &trimmer{}
	first, again := strings.Clone("team"), strings.Clone("team")
	if trim.word(first) != "team" || unsafe.StringData(trim.word(again)) != unsafe.StringData(first) { //nolint:gosec // G103: it is only compared
		t.Error("one word is two strings")
	}
	for i := range 3 * mostWords {
		if word := fmt.Sprint(i); trim.word(word) != word {
			t.Fatalf("%s became another word", word)
		}
		if len(trim.words) > mostWords {
			t.Fatalf("%d words", len(trim.words))
		}
	}
}

// started is a Cache that has read all that the client has, and these policies.
func started(t *testing.T, client *fake.Clientset, policies ...runtime.Object) *Cache {
	t.Helper()
	return startedWith(t, client, newPolicies(policies...), logr.Discard())
}

func startedWith(t *testing.T, client *fake.Clientset, policies dynamic.Interface, log logr.Logger) *Cache {
	t.Helper()
	c, err := New(client, policies, log)
	if err != nil {
		t.Fatal(err)
	}
	if c.Synced() {
		t.Error("complete before it has run")
	}
	run(t, c)
	return c
}

// run has the Cache read everything.
func run(t *testing.T, c *Cache) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	eventually(t, c.Synced)
}

// eventually waits for what must come.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come within 20 s")
		}
		<-time.After(time.Millisecond)
	}
}

func names(services []api.Service) []string {
	var all []string
	for _, s := range services {
		all = append(all, s.Metadata.Name)
	}
	return all
}

func TestCacheFollows(t *testing.T) {
	client := fake.NewClientset(
		newService("a", "web"), newService("a", "db"), newService("b", "other"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{api.LabelPodSecurityEnforce: "restricted"}, Annotations: map[string]string{api.AnnotationMode: "x"}}})
	c := started(t, client)
	snapshot := c.Snapshot(t.Context(), "a")
	services, known := snapshot.Services("a")
	if diff := cmp.Diff([]string{"db", "web"}, names(services)); diff != "" || !known {
		t.Errorf("known %t (-want +got):\n%s", known, diff)
	}
	if _, known := snapshot.Services("b"); known {
		t.Error("a decision about namespace a knows b")
	}
	if ns, known := snapshot.Namespace("a"); !known || ns.Labels[api.LabelPodSecurityEnforce] != "restricted" || len(ns.Annotations) != 1 {
		t.Errorf("namespace %+v, known %t", ns, known)
	}
	if _, known := snapshot.Namespace("b"); known {
		t.Error("a decision about namespace a knows b")
	}

	if err := client.CoreV1().Services("a").Delete(t.Context(), "db", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Services("a").Create(t.Context(), newService("a", "new"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		services, _ := c.Snapshot(t.Context(), "a").Services("a")
		return cmp.Equal(names(services), []string{"new", "web"})
	})
	// A decision that had looked sees what it saw.
	if services, _ := snapshot.Services("a"); !cmp.Equal(names(services), []string{"db", "web"}) {
		t.Errorf("the older decision sees %v", names(services))
	}
	if services, known := c.Snapshot(t.Context(), "empty").Services("empty"); !known || len(services) > 0 {
		t.Errorf("an empty namespace has %v, known %t", names(services), known)
	}
}

// gets counts what was read live.
func gets(client *fake.Clientset, verb, resource string) int {
	n := 0
	for _, action := range client.Actions() {
		if action.GetVerb() == verb && action.GetResource().Resource == resource && action.GetNamespace() != metav1.NamespaceAll || action.Matches(verb, "namespaces") && resource == "namespaces" {
			n++
		}
	}
	return n
}

func TestNamespaceThatTheCacheHasNotHeardOf(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "known"}})
	client.PrependReactor("get", "namespaces", func(action kubetesting.Action) (bool, runtime.Object, error) {
		get, ok := action.(kubetesting.GetAction)
		switch {
		case ok && get.GetName() == "young":
			return true, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "young", Labels: map[string]string{"x": "y"}, Annotations: map[string]string{"linkerd.io/inject": "enabled"}}}, nil
		case ok && get.GetName() == "broken":
			return true, nil, errors.New("etcd is away")
		}
		return false, nil, nil
	})
	c := started(t, client)
	for range 3 {
		if ns, known := c.Snapshot(t.Context(), "young").Namespace("young"); !known || ns.Labels["x"] != "y" || ns.Annotations["linkerd.io/inject"] != "enabled" {
			t.Errorf("young: %+v, known %t", ns, known)
		}
		for _, name := range []string{"absent", "broken"} {
			if ns, known := c.Snapshot(t.Context(), name).Namespace(name); known {
				t.Errorf("%s: %+v is known", name, ns)
			}
		}
		if _, known := c.Snapshot(t.Context(), "known").Namespace("known"); !known {
			t.Error("known: not known")
		}
	}
	if n := gets(client, "get", "namespaces"); n != 3 {
		t.Errorf("%d namespaces were read live, want young, absent and broken, once each", n)
	}
}

func TestLatest(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"x": "y"}}})
	c := started(t, client)
	young := newService("a", "young")
	client.PrependReactor("list", "services", func(action kubetesting.Action) (bool, runtime.Object, error) {
		if action.GetNamespace() == "broken" {
			return true, nil, errors.New("etcd is away")
		}
		return true, &corev1.ServiceList{Items: []corev1.Service{*newService("a", "zoo"), *young}}, nil
	})
	latest, ok := c.FreshSnapshot(t.Context(), "a")
	if !ok {
		t.Fatal("nothing newer")
	}
	services, known := latest.Services("a")
	want := []api.Service{viewOfService(young), viewOfService(newService("a", "zoo"))}
	if diff := cmp.Diff(want, services, cmpopts.EquateEmpty()); diff != "" || !known {
		t.Errorf("known %t (-want +got):\n%s", known, diff)
	}
	if ns, known := latest.Namespace("a"); !known || ns.Labels["x"] != "y" || len(ns.Annotations) > 0 {
		t.Errorf("namespace %+v, known %t", ns, known)
	}
	if _, ok := c.FreshSnapshot(t.Context(), "broken"); ok {
		t.Error("a failed list counts as newer")
	}
}
