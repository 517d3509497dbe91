package integration

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const badMode = `metadata.annotations[netmode.io/mode]: Unsupported value: "hostnet": ` +
	`supported values: "default", "hostnetwork", "headless", "statefulset-headless" (AnnotationInvalid)`

// TestWorkloadRefused: what could not be served is refused where it is asked for, and leaves
// updates alone that are about something else.
func TestWorkloadRefused(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Deployment", shared.namespace(t, nil)}
	wantDenied(t, w.create(t, "{netmode.io/mode: hostnet}", "{}", ""), workloadsEntry, badMode)
	if a := w.create(t, "{}", "{}", ""); a.err != nil {
		t.Fatal(a.err)
	}
	wantDenied(t, w.annotate(t, "netmode.io/mode: hostnet"), workloadsEntry, badMode)
	wantDenied(t, w.merge(t, "spec: {template: {metadata: {annotations: {netmode.io/mode: hostnet}}}}"), workloadsEntry, "spec.template."+badMode)

	// One that is stored all the same: it was ignored.
	if a := w.merge(t, "metadata: {labels: {netmode.io/ignore: 'true'}, annotations: {netmode.io/mode: hostnet}}"); a.err != nil {
		t.Fatal(a.err)
	}
	for _, tt := range []struct {
		about    string
		warnings []string
	}{
		{"metadata: {labels: {netmode.io/ignore: null}}", []string{"netmode: " + badMode}},
		{"metadata: {annotations: {example.com/a: b}}", []string{"netmode: " + badMode}},
		{"spec: {replicas: 3}", nil}, // of which netmode is not asked
		{"spec: {paused: true}", nil},
	} {
		a := w.merge(t, tt.about)
		if a.err != nil {
			t.Errorf("%s: %v", tt.about, a.err)
		}
		wantWarnings(t, a, tt.warnings...)
	}
	wantDenied(t, w.merge(t, "spec: {template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}}}}"), workloadsEntry, badMode)
	wantDenied(t, w.annotate(t, "netmode.io/service: db"), workloadsEntry, badMode)
	w.wantTemplate(t, w.annotate(t, "netmode.io/mode: default"), "{netmode.io/mode: default, "+copiedMode+"}")
}

// TestWorkloadBeingDeleted: the finalizer leaves an object that would be refused.
func TestWorkloadBeingDeleted(t *testing.T) {
	t.Parallel()
	w := testWorkload{"StatefulSet", shared.namespace(t, nil)}
	if a := w.create(t, "{}", "{}", ""); a.err != nil {
		t.Fatal(a.err)
	}
	if a := w.merge(t, "metadata: {labels: {netmode.io/ignore: 'true'}, finalizers: [example.com/hold], annotations: {netmode.io/mode: hostnet}}"); a.err != nil {
		t.Fatal(a.err)
	}
	if a := w.merge(t, "metadata: {labels: {netmode.io/ignore: null}}"); a.err != nil {
		t.Fatal(a.err)
	}
	wantDenied(t, w.annotate(t, "netmode.io/service: db"), workloadsEntry, badMode)
	sets := shared.admin.AppsV1().StatefulSets(w.namespace)
	if err := sets.Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	annotated := w.annotate(t, "netmode.io/service: db")
	w.wantTemplate(t, annotated, "{}")
	wantWarnings(t, annotated)
	removed := w.merge(t, "metadata: {finalizers: null}")
	if removed.err != nil {
		t.Fatal(removed.err)
	}
	wantWarnings(t, removed)
	wantGone(t, func(ctx context.Context) error {
		_, err := sets.Get(ctx, "web", metav1.GetOptions{})
		return err
	})
}

// TestWorkloadWarnings: what would hide in the events of controllers is told to the person.
func TestWorkloadWarnings(t *testing.T) {
	t.Parallel()
	baseline := map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}
	for _, tt := range []struct {
		name, kind string
		labels     map[string]string
		service    string // a manifest; "" is none
		own, spec  string
		want       []string // parts of the warnings
	}{
		{"PodSecurity", "Deployment", baseline, "", "{netmode.io/mode: hostnetwork}", "{strategy: {type: Recreate}}",
			[]string{"spec.template.spec.hostNetwork: namespace %NS enforces PodSecurity baseline, which rejects hostNetwork", "NodeHostname"}},
		{"maxSurge", "Deployment", nil, "", "{netmode.io/mode: hostnetwork}", "", []string{"spec.strategy: a rolling update starts a new pod", "NodeHostname"}},
		{"a surge of a DaemonSet", "DaemonSet", nil, "", "{netmode.io/mode: hostnetwork}", "{updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}}",
			[]string{"spec.updateStrategy: a rolling update starts a new pod", "NodeHostname"}},
		{"replicas", "Deployment", nil, "", "{netmode.io/mode: headless, netmode.io/service: db}", "{replicas: 3, strategy: {type: Recreate}}",
			[]string{"spec.replicas: 3 pods would share one hostname", "metadata.annotations[netmode.io/service]: there is no Service db in namespace %NS"}},
		{"no governing Service", "Deployment", nil, "", "{netmode.io/mode: headless}", "{strategy: {type: Recreate}}",
			[]string{"spec.template.metadata.annotations[netmode.io/service]: the pod names no governing Service"}},
		{"a Service that is not headless", "StatefulSet", nil, "{metadata: {name: db}, spec: {selector: {app: web}, ports: [{port: 80}]}}",
			"{netmode.io/mode: statefulset-headless}", "{serviceName: db}", []string{"spec.serviceName: Service db is not headless"}},
		{"a Service that translates ports", "StatefulSet", nil, "{metadata: {name: db}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}",
			"{netmode.io/mode: statefulset-headless}", "{serviceName: db}", []string{"Service db has port 80, and its targetPort is 8080"}},
		{"OnDelete", "StatefulSet", nil, "", "", "{updateStrategy: {type: OnDelete}}",
			[]string{"spec.updateStrategy.type: the pods that run stay as they are until they are deleted", "NodeHostname"}},
		{"partition", "StatefulSet", nil, "", "", "{updateStrategy: {rollingUpdate: {partition: 1}}}",
			[]string{"spec.updateStrategy.rollingUpdate.partition: the pods that run stay as they are until the partition reaches them", "NodeHostname"}},
		{"paused", "Deployment", nil, "", "", "{paused: true, strategy: {type: Recreate}}",
			[]string{"spec.paused: the pods that run stay as they are until the rollout is resumed", "NodeHostname"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := testWorkload{tt.kind, shared.namespace(t, tt.labels)}
			if tt.service != "" {
				if a := shared.post(t.Context(), w.namespace, "services", toJSON(t, tt.service)); a.err != nil {
					t.Fatal(a.err)
				}
				shared.waitUntilSeen(t, w.namespace, "db")
			}
			var a *answer
			if tt.own != "" {
				a = w.create(t, tt.own, "{}", tt.spec)
			} else if a = w.create(t, "{}", "{}", tt.spec); a.err == nil {
				a = w.annotate(t, "netmode.io/mode: hostnetwork")
			}
			if a.err != nil {
				t.Fatal(a.err)
			}
			var ours []string
			for _, warning := range a.warnings {
				if strings.HasPrefix(warning, "netmode: ") {
					ours = append(ours, warning)
				}
			}
			if len(ours) != len(tt.want) {
				t.Errorf("%d warnings, want %d: %q", len(ours), len(tt.want), ours)
			}
			for _, part := range tt.want {
				if part = strings.ReplaceAll(part, "%NS", w.namespace); !strings.Contains(strings.Join(ours, "\n"), part) {
					t.Errorf("warnings %q\nwant %s", ours, part)
				}
			}
		})
	}
	t.Run("a serviceName that differs", func(t *testing.T) {
		w := testWorkload{"StatefulSet", shared.namespace(t, nil)}
		wantDenied(t, w.create(t, "{netmode.io/mode: statefulset-headless, netmode.io/service: db}", "{}", "{serviceName: other}"), workloadsEntry,
			`metadata.annotations[netmode.io/service]: Invalid value: "db": spec.serviceName is other: `+
				"make netmode.io/service and subdomain (a StatefulSet's serviceName) equal, or remove the annotation (GoverningServiceConflict)")
	})
}

// TestCallsOfWorkloads: who asks for nothing pays nothing; a change of scale or status never
// does. Calls are counted, so it runs alone.
func TestCallsOfWorkloads(t *testing.T) {
	ns := shared.namespace(t, nil)
	called := []string{workloadsEntry}
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"} {
		t.Run(kind, func(t *testing.T) {
			w := testWorkload{kind, ns}
			spec := "{}"
			if kind == "Job" {
				spec = "{suspend: true}"
			}
			ok := func(do func() *answer) func() {
				return func() {
					if a := do(); a.err != nil {
						t.Error(a.err)
					}
				}
			}
			calls := shared.entryCounter(t)
			calls.want(t, nil,
				ok(func() *answer { return w.create(t, "{example.com/netmode.io: x}", "{netmode.iox/mode: x}", spec) }),
				ok(func() *answer { return w.annotate(t, "example.com/a: b, netmode.io/status: '{}'") }))
			calls.want(t, called,
				ok(func() *answer { return w.annotate(t, "netmode.io/mode: default") }),
				ok(func() *answer { return w.annotate(t, "example.com/a: c") }))
			idle := []func(){ok(func() *answer { return w.merge(t, "metadata: {annotations: {example.com/a: d}}", "status") })}
			if kind == "Deployment" || kind == "StatefulSet" {
				idle = append(idle, ok(func() *answer { return w.merge(t, "spec: {replicas: 4}", "scale") }))
			}
			calls.want(t, nil, idle...)
			calls.want(t, called, ok(func() *answer { return w.annotate(t, "netmode.io/mode: null") }))
			calls.want(t, nil, ok(func() *answer { return w.annotate(t, "example.com/a: e") }))
			if kind != "Job" {
				calls.want(t, called, ok(func() *answer {
					template := "template: {metadata: {annotations: {netmode.io/mode: default}}}"
					if kind == "CronJob" {
						template = "jobTemplate: {spec: {" + template + "}}"
					}
					return w.merge(t, "spec: {"+template+"}")
				}))
			}
		})
	}
	system := testWorkload{"Deployment", "kube-system"}
	shared.entryCounter(t).want(t, nil, func() { system.create(t, "{netmode.io/mode: hostnet}", "{}", "") })
	if err := shared.admin.AppsV1().Deployments("kube-system").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
