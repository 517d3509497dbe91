package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
)

// engineCluster is one namespace as the engine sees it.
type engineCluster struct {
	engine.NoCluster
	services  []api.Service
	namespace api.Namespace
}

// Services returns the namespace's Services.
func (c engineCluster) Services(string) ([]api.Service, bool) { return c.services, true }

// Namespace returns the namespace.
func (c engineCluster) Namespace(string) (api.Namespace, bool) { return c.namespace, true }

// around reads a namespace as it is stored, and returns when the webhook has seen its Services,
// too.
func (w *world) around(t *testing.T, namespace string) engineCluster {
	t.Helper()
	ns, err := w.admin.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.admin.CoreV1().Services(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := engineCluster{namespace: api.Namespace{Labels: ns.Labels}}
	for i := range list.Items {
		raw, err := json.Marshal(&list.Items[i])
		if err != nil {
			t.Fatal(err)
		}
		var service api.Service
		if err := api.Decode(raw, &service, ""); err != nil {
			t.Fatal(err)
		}
		c.services = append(c.services, service)
		w.waitUntilSeen(t, namespace, service.Metadata.Name)
	}
	return c
}

// waitUntilSeen returns when the webhook's cache has the Service. It asks with a pod that names
// the Service.
func (w *world) waitUntilSeen(t *testing.T, namespace, service string) {
	t.Helper()
	if namespace == "kube-system" || namespace == system {
		return
	}
	probe := fmt.Sprintf(`{"metadata":{"name":"probe-0","annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":%q}},"spec":{"containers":[{"name":"c","image":"i"}]}}`, service)
	for {
		a := w.post(t.Context(), namespace, "pods", []byte(probe), dryRun)
		if a.err != nil && !strings.Contains(a.err.Error(), "violates PodSecurity") {
			t.Fatal(a.err)
		}
		if !strings.Contains(strings.Join(a.warnings, " "), "GoverningServiceMissing") {
			return
		}
	}
}
