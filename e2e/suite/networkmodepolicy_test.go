package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/netmode-io/netmode/pkg/api"
)

// testNetworkModePolicy checks what policies do to real pods: defaults, refusals, warnings, the
// API server's counts, and a status that tells of a namespace whose pods are not sent to netmode, and of conflicts.
func testNetworkModePolicy(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "policies")
	policies := c.policies(ctx, t)

	policies.create(ctx, t, "default", `{"defaultMode": "statefulset-headless"}`)
	policies.status(ctx, t, "default", "1 namespaces, 1 without the label")
	c.label(ctx, t, `{"netmode.io/policy": "enabled"}`)
	policies.status(ctx, t, "default", "1 namespaces, 0 without the label")
	c.create(ctx, t, service("web", mode(api.ModeStatefulSetHeadless)))
	// The webhook may hear of the label and of the policy a little later.
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		probe := pod("probe-0", nil, distrolessContainer())
		probe.Labels = appLabel("web")
		made, _, err := s.admit(ctx, c.namespace, probe)
		return err == nil && made.Spec.Subdomain == "web", "a pod that asks for nothing does not get the default" + errorText(err)
	})
	t.Run("default", func(t *testing.T) {
		c.create(ctx, t, statefulSet("web", "web", 2, template("web", nil, distrolessContainer())))
		pods := c.ready(ctx, t, "web", 2)
		if status := pods[0].Annotations[api.AnnotationStatus]; !strings.Contains(status, `"source":"policy","policy":"`+policies.name("default")+`"`) {
			t.Errorf("status %s", status)
		}
		until(ctx, t, dnsBound, func(ctx context.Context) (bool, string) {
			have, err := c.exec(ctx, "web-0", distroless, resolve("web-1")...)
			return strings.TrimSpace(have) == pods[1].Status.PodIP, fmt.Sprintf("in web-0, web-1 is %q, and not %s%s", have, pods[1].Status.PodIP, errorText(err))
		})
	})

	// Two pods of one namespace, and policies that each select one of them.
	t.Run("enforcement", func(t *testing.T) {
		const broken = `"hostNetwork": {"portRange": {"min": 20000, "max": 29999}}, "podSelector": {"matchLabels": {"app": "%s"}}}`
		policies.create(ctx, t, "warns", `{"enforcement": "Warn", `+fmt.Sprintf(broken, "warned"))
		policies.create(ctx, t, "audits", `{"enforcement": "Audit", `+fmt.Sprintf(broken, "audited"))
		onHost := func(app string) *corev1.Pod {
			p := pod(app, nil, distrolessContainer(hostPortWorkload))
			p.Spec.HostNetwork, p.Labels = true, appLabel(app)
			return p
		}
		want := "policy " + policies.name("warns") + " allows ports 20000 to 29999 of a node"
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			_, said, err := s.admit(ctx, c.namespace, onHost("warned"))
			return err == nil && strings.Contains(said, want), fmt.Sprintf("warned %q%s", said, errorText(err))
		})
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			_, said, err := s.admit(ctx, c.namespace, onHost("audited"))
			if err != nil || strings.Contains(said, "netmode") {
				t.Fatalf("Audit has refused or warned: %q%s", said, errorText(err))
			}
			metrics, err := s.client.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
			return strings.Contains(string(metrics), `enforcement_action="audit",error_type="invalid_error",policy="netmode-policy-`+policies.name("audits")+`"`),
				"the API server has counted no violation of policy " + policies.name("audits") + errorText(err)
		})
	})

	t.Run("conflict", func(t *testing.T) {
		for what, allows := range map[string]string{"one": "headless", "two": "hostnetwork"} {
			policies.create(ctx, t, what, `{"allowedModes": [`+fmt.Sprintf("%q", allows)+`], "podSelector": {"matchLabels": {"app": "torn"}}}`)
		}
		torn := pod("torn", mode(api.ModeHostNetwork), distrolessContainer(hostPortWorkload))
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			_, _, err := s.admit(ctx, c.namespace, torn)
			return err != nil && strings.Contains(err.Error(), "policy "+policies.name("one")+" allows headless"), "policy one refuses nothing" + errorText(err)
		})
		policies.condition(ctx, t, "one", "Conflict=True: "+policies.name("two"))
		policies.condition(ctx, t, "two", "Conflict=True: "+policies.name("one"))
	})

	t.Run("rules", func(t *testing.T) {
		policies.create(ctx, t, "rules", `{"allowedModes": ["statefulset-headless"], "hostNetwork": {"allowUnmanaged": false}}`)
		asking := pod("asks", mode(api.ModeHostNetwork), distrolessContainer(hostPortWorkload))
		want := "policy " + policies.name("rules") + " allows statefulset-headless"
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			_, _, err := s.admit(ctx, c.namespace, asking)
			return err != nil && strings.Contains(err.Error(), want), "a forbidden mode is not refused" + errorText(err)
		})
		byHand := pod("by-hand", nil, distrolessContainer(hostPortWorkload))
		byHand.Spec.HostNetwork, byHand.Labels = true, map[string]string{api.LabelIgnore: "true"}
		c.checkRefused(ctx, t, byHand, "denied request: spec.hostNetwork: Invalid value: true: policy "+
			policies.name("rules")+" allows the host network to no pod")
		c.create(ctx, t, pod("plain", mode(api.ModeDefault), shellContainer()))
		c.pod(ctx, t, "plain")
	})

	t.Run("nonsense", func(t *testing.T) {
		err := policies.post(ctx, "nonsense", `{"hostNetwork": {"portRange": {"min": 30000, "max": 20000}}}`)
		if err == nil || !strings.Contains(err.Error(), "exchange min and max") {
			t.Errorf("have %v, want a refusal with its cure", err)
		}
	})
}

// policies are those of one namespace, named after it.
type policies struct {
	*scene
	client dynamic.ResourceInterface
}

func (s *scene) policies(ctx context.Context, t *testing.T) *policies {
	t.Helper()
	client, err := dynamic.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	resource := client.Resource(schema.GroupVersionResource{Group: api.PolicyGroup, Version: api.PolicyVersion, Resource: api.PolicyResource})
	cleanUp(ctx, t, func(ctx context.Context) error {
		return resource.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "scene=" + s.namespace})
	})
	return &policies{scene: s, client: resource}
}

func (p *policies) name(what string) string { return p.namespace + "-" + what }

// post sends a policy for the scene's namespace alone; more is the rest of its spec, in JSON.
func (p *policies) post(ctx context.Context, what, more string) error {
	policy := &unstructured.Unstructured{}
	text := fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "metadata": {"name": %q, "labels": {"scene": %q}}, "spec": {"namespaceSelector": {"matchLabels": {%q: %q}}, %s`,
		api.PolicyAPIVersion, api.PolicyKind, p.name(what), p.namespace, corev1.LabelMetadataName, p.namespace, strings.TrimPrefix(more, "{"))
	if err := policy.UnmarshalJSON([]byte(text + "}")); err != nil {
		return err
	}
	_, err := p.client.Create(ctx, policy, metav1.CreateOptions{})
	return err
}

func (p *policies) create(ctx context.Context, t *testing.T, what, more string) {
	t.Helper()
	if err := p.post(ctx, what, more); err != nil {
		t.Fatal(err)
	}
}

// status waits until the policy's status says so.
func (p *policies) status(ctx context.Context, t *testing.T, what, want string) {
	t.Helper()
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		policy, err := p.client.Get(ctx, p.name(what), metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		selected, _, _ := unstructured.NestedInt64(policy.Object, "status", "selectedNamespaces")
		without, _, _ := unstructured.NestedInt64(policy.Object, "status", "unlabelledNamespaces")
		have := fmt.Sprintf("%d namespaces, %d without the label", selected, without)
		return have == want, fmt.Sprintf("the status of policy %s says %s, not %s", what, have, want)
	})
}

// condition waits until the policy has this condition, with this in its message.
func (p *policies) condition(ctx context.Context, t *testing.T, what, want string) {
	t.Helper()
	want, part, _ := strings.Cut(want, ": ")
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		policy, err := p.client.Get(ctx, p.name(what), metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		conditions, _, _ := unstructured.NestedSlice(policy.Object, "status", "conditions")
		for _, c := range conditions {
			c, _ := c.(map[string]any)
			message, _ := c["message"].(string)
			if fmt.Sprintf("%s=%s", c["type"], c["status"]) == want && strings.Contains(message, part) {
				return true, ""
			}
		}
		return false, fmt.Sprintf("policy %s has the conditions %v, want %s: %s", what, conditions, want, part)
	})
}

// label adds labels, in JSON, to the scene's namespace.
func (s *scene) label(ctx context.Context, t *testing.T, labels string) {
	t.Helper()
	_, err := s.client.CoreV1().Namespaces().Patch(ctx, s.namespace, types.MergePatchType, []byte(`{"metadata": {"labels": `+labels+`}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
