package integration

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/workload"
)

// TestGolden creates every Service, every Pod and the first pod of every template of the command
// line's golden cases. What is stored is what netmode's engine plans and nothing else, valid to
// the API server; what the engine refuses is refused in its words. The webhook has the flags of
// the case, and knows the cluster as it is rather than the manifests, their policies included.
func TestGolden(t *testing.T) {
	byFlags := map[string][]goldenCase{}
	for _, c := range goldenCases(t, shared.usual) {
		key := strings.Join(c.flags, " ")
		byFlags[key] = append(byFlags[key], c)
	}
	sent := make(chan int, 1)
	sent <- 0
	for key, cases := range byFlags {
		name := "flags of " + cases[0].name
		if key == strings.Join(shared.usual, " ") {
			name = "usual flags"
		}
		t.Run(name, func(t *testing.T) {
			if err := shared.restartWebhook(t.Context(), cases[0].flags...); err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					n := c.run(t)
					sent <- n + <-sent
				})
			}
		})
	}
	if err := shared.restartWebhook(t.Context(), shared.usual...); err != nil {
		t.Fatal(err)
	}
	if n := <-sent; n < 100 {
		t.Errorf("%d objects were sent, and there are more than 100", n)
	}
}

// invalid are the golden objects that Kubernetes itself refuses, and a part of its words.
func invalid() map[string]string {
	return map[string]string{
		"headless-service/Service db":          "spec.ports[0].name: Required value",
		"inherited-namespace/Deployment web":   "violates PodSecurity",
		"inherited-namespace/StatefulSet peer": "violates PodSecurity",
		"inherited-namespace/StatefulSet root": "violates PodSecurity",
		"unicode-and-dollars/Pod gate":         "name part must consist of alphanumeric characters",
		"untouched/Service netmode":            "spec.ports: Required value",
		"untouched/Pod mirror":                 "must set spec.nodeName if mirror pod annotation is set",
	}
}

// run creates the case's namespaces, policies, Services and pods, and returns how many Services and pods.
func (c *goldenCase) run(t *testing.T) (sent int) {
	settings, objects := c.settings(t), c.objects(t)
	c.createNamespaces(t, objects)
	policies := c.createPolicies(t, objects)
	for _, o := range objects {
		if o.APIVersion != "v1" || o.Kind != "Service" {
			continue
		}
		sent++
		t.Run("Service "+o.Name, func(t *testing.T) {
			(&admission{object: &o, settings: settings, around: shared.around(t, o.Namespace, policies), invalid: invalid()[c.key(&o)]}).check(t)
		})
	}
	for _, o := range objects {
		template, err := workload.Parse(o.APIVersion, o.Kind, o.JSON, o.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		if template == nil && (o.APIVersion != "v1" || o.Kind != "Pod") {
			continue
		}
		sent++
		t.Run(o.Kind+" "+o.Name, func(t *testing.T) {
			a := &admission{object: &o, settings: settings, around: shared.around(t, o.Namespace, policies), invalid: invalid()[c.key(&o)]}
			if template != nil {
				a.pod = template.Pod
			}
			a.check(t)
		})
	}
	return sent
}

func (c *goldenCase) key(o *manifest.Object) string { return c.name + "/" + o.Kind + " " + o.Name }

func (c *goldenCase) createNamespaces(t *testing.T, objects []manifest.Object) {
	t.Helper()
	made := map[string]bool{"kube-system": true, system: true}
	create := func(ns *corev1.Namespace) {
		if made[ns.Name] {
			return
		}
		made[ns.Name] = true
		like := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: bare(ns.Name), Labels: maps.Clone(ns.Labels)}}
		metav1.SetMetaDataLabel(&ns.ObjectMeta, caseLabel, c.label())
		for _, ns := range []*corev1.Namespace{ns, like} {
			if _, err := shared.admin.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, o := range objects {
		if o.Kind == "Namespace" {
			ns := &corev1.Namespace{}
			if err := json.Unmarshal(o.JSON, ns); err != nil {
				t.Fatal(err)
			}
			ns.Name = o.Name
			create(ns)
		}
	}
	for _, o := range objects {
		if o.Kind != "Namespace" && o.Kind != api.PolicyKind {
			create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.Namespace}})
		}
	}
}
