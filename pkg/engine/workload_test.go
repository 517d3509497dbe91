package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// updated makes the case an update from other annotations, of itself and of its
// template.
func updated(c *engine.WorkloadCase, own, template string) *engine.WorkloadCase {
	old := *c.Workload
	annotations := words(template)
	c.Old = &engine.OldWorkload{
		Annotations: words(own), TemplateAnnotations: annotations, Workload: &old,
		SameTemplate: cmp.Equal(annotations, c.Pod.Metadata.Annotations),
	}
	return c
}

func decideWorkload(c *engine.WorkloadCase, cluster engine.Snapshot) *plan.Plan {
	p := engine.Decide(engine.Request{Settings: settings(), Snapshot: cluster, Namespace: namespace, Object: c})
	return p
}

// Every finding names a field of the workload: its own annotation where that is
// the cause, else the template's field.
func TestWorkloadFindings(t *testing.T) {
	const asks = "mode=headless service=peers"
	headless := workloadOf("Deployment", asks, "")
	headless.Workload.Replicas, headless.Workload.Surges, headless.Workload.SurgeField = 2, true, "spec.strategy"
	missing := &snapshot{known: true, labels: map[string]string{"team": "storm"}}
	wantFindings(t, decideWorkload(headless, missing),
		"changed AnnotationCopied spec.template.metadata.annotations[netmode.io/mode]",
		"changed AnnotationCopied spec.template.metadata.annotations[netmode.io/service]",
		"kept GoverningServiceNamed metadata.annotations[netmode.io/service]",
		"warned GoverningServiceMissing metadata.annotations[netmode.io/service]: there is no Service peers in namespace storm: create it",
		"changed HostnameSet spec.template.spec.hostname",
		"changed SubdomainSet spec.template.spec.subdomain",
		"warned HostnameShared spec.replicas: 2 pods would share one hostname: run one pod, or use netmode.io/mode: statefulset-headless, with no hostname in the pod template",
		"warned HostnameSurge spec.strategy: a rolling update runs the old and the new pod at once, and they would share one hostname: "+
			"write strategy: {type: Recreate}, or in a DaemonSet maxSurge: 0")

	rejected := workloadOf("CronJob", "mode=hostnetwork", "mode=hostnetwork")
	wantFindings(t, decideWorkload(rejected, &snapshot{labels: map[string]string{api.LabelPodSecurityEnforce: "baseline"}}),
		"changed HostNetworkSet spec.jobTemplate.spec.template.spec.hostNetwork",
		"changed DNSPolicySet spec.jobTemplate.spec.template.spec.dnsPolicy",
		"warned NodeHostname spec.jobTemplate.spec.template.spec.hostNetwork: hostname(1) in the pod is the node's name",
		"warned PodSecurityRejects spec.jobTemplate.spec.template.spec.hostNetwork: namespace storm enforces PodSecurity baseline, which rejects hostNetwork: "+
			"run the pod in a namespace whose PodSecurity level allows it, or choose another mode")

	differs := workloadOf("StatefulSet", "mode=statefulset-headless service=a", "")
	differs.Pod.Spec.Hostname, differs.Pod.Spec.Subdomain, differs.Workload.SubdomainField = "web-0", "b", "spec.serviceName"
	if p := decideWorkload(differs, missing); !strings.HasPrefix(p.Denial(), `metadata.annotations[netmode.io/service]: Invalid value: "a": spec.serviceName is b: `) {
		t.Errorf("serviceName: %s", p.Denial())
	}
	differs = workloadOf("StatefulSet", "mode=statefulset-headless", "")
	differs.Pod.Spec.Hostname, differs.Pod.Spec.Subdomain, differs.Workload.SubdomainField = "web-0", "b", "spec.serviceName"
	if p := decideWorkload(differs, missing); !hasReason(p, plan.Warned, plan.GoverningServiceMissing) || p.Findings(plan.Warned)[0].Field != "spec.serviceName" {
		t.Errorf("serviceName: %q", describeAll(p))
	}
	inherits := workloadOf("DaemonSet", "", "")
	p := decideWorkload(inherits, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
	if p.Mode != api.ModeHostNetwork || p.Source != plan.SourceNamespace || p.Changes() ||
		!slices.Contains(describeAll(p), "kept ModeInherited namespace.metadata.labels[netmode.io/mode]") {
		t.Errorf("mode %s from %s, %v, %q", p.Mode, p.Source, p.Mutations, describeAll(p))
	}
}

func TestWorkloadScope(t *testing.T) {
	deleted := "2026-11-24T05:01:01Z"
	for _, tt := range []struct {
		name, namespace string
		edit            func(*engine.WorkloadCase)
		want            []string
	}{
		{"kube-system", "kube-system", func(*engine.WorkloadCase) {}, []string{"kept ExemptNamespace metadata.namespace"}},
		{"being deleted", namespace, func(c *engine.WorkloadCase) { c.Metadata.DeletionTimestamp = &deleted }, []string{"kept BeingDeleted metadata.deletionTimestamp"}},
		{"ignored", namespace, func(c *engine.WorkloadCase) { c.Metadata.Labels = map[string]string{api.LabelIgnore: "true"} },
			[]string{"kept IgnoreLabel metadata.labels[netmode.io/ignore]", "kept NothingAsked"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := workloadOf("Deployment", "mode=hostnet", "")
			if p := decideWorkload(c, engine.EmptySnapshot{}); !p.Refused() {
				t.Fatalf("without the edit: %q", describeAll(p))
			}
			tt.edit(c)
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: tt.namespace, Object: c})
			wantFindings(t, p, tt.want...)
			wantNoChange(t, p)
		})
	}
}

// The label stops the copying, and the pods of the template are told of as
// they are.
func TestIgnoredWorkloadIsStillJudged(t *testing.T) {
	c := workloadOf("Deployment", "", "mode=hostnet")
	c.Metadata.Labels = map[string]string{api.LabelIgnore: "true"}
	if p := decideWorkload(c, engine.EmptySnapshot{}); !p.Refused() {
		t.Errorf("its pods would be refused: %q", describeAll(p))
	}
	c = workloadOf("Deployment", "mode=hostnetwork", "mode=hostnetwork")
	c.Metadata.Labels = map[string]string{api.LabelIgnore: "true"}
	set := policies(t, "web", `{"namespaceSelector":{},"allowedModes":["headless"]}`)
	if p := decideWorkload(c, &snapshot{policies: set}); !hasReason(p, plan.Refused, plan.PolicyModeNotAllowed) {
		t.Errorf("a policy has no say: %q", describeAll(p))
	}
}

// What is refused: a creation, and an update that has to do with it.
func TestWorkloadRefusals(t *testing.T) {
	const good, bad = "mode=hostnetwork", "mode=hostnet"
	const templateBad = bad + " copied=netmode.io/mode"
	for _, tt := range []struct {
		name    string
		c       *engine.WorkloadCase
		refused bool
	}{
		{"created", workloadOf("Deployment", bad, ""), true},
		{"the annotation is new", updated(workloadOf("Deployment", bad, ""), "", ""), true},
		{"the annotation changes", updated(workloadOf("Deployment", bad, "mode=hostnetwork copied=netmode.io/mode"), good, "mode=hostnetwork copied=netmode.io/mode"), true},
		{"another of netmode's changes", updated(workloadOf("Deployment", bad+" service=a", ""), bad, ""), true},
		{"the template changes", updated(workloadOf("Deployment", bad, "example.com/restarted=now"), bad, ""), true},
		{"another annotation changes", updated(workloadOf("Deployment", bad+" example.com/a=b", ""), bad, ""), false},
		{"nothing changes", updated(workloadOf("Deployment", bad, ""), bad, ""), false},
		{"a bad template, and nothing changes", updated(workloadOf("Deployment", "", bad), "", bad), false},
		{"a bad copy, and nothing changes", updated(workloadOf("Deployment", bad, templateBad), bad, templateBad), false},
		{"a bad copy is mended", updated(workloadOf("Deployment", good, templateBad), bad, templateBad), false},
		{"a bad copy is removed", updated(workloadOf("Deployment", "", templateBad), bad, templateBad), false},
		{"a bad template appears", updated(workloadOf("Deployment", "", bad), "", ""), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := decideWorkload(tt.c, engine.EmptySnapshot{})
			if p.Refused() != tt.refused {
				t.Errorf("refused %v, want %v: %q", p.Refused(), tt.refused, describeAll(p))
			}
			if mended := strings.HasSuffix(tt.name, "mended") || strings.HasSuffix(tt.name, "removed"); !tt.refused && mended != p.Changes() {
				t.Errorf("changes %v: %v", p.Changes(), p.Mutations)
			}
			if said := hasReason(p, plan.Warned, plan.AnnotationInvalid) || p.Refused(); said == (!tt.refused && p.Changes()) {
				t.Errorf("its author is told: %v, %q", said, describeAll(p))
			}
		})
	}
}

// What would be refused is not copied by an update that is about other things.
func TestNoCopyOfWhatWouldBeRefused(t *testing.T) {
	c := updated(workloadOf("Deployment", "mode=hostnetwork", ""), "mode=hostnetwork", "")
	no := false
	c.Pod.Spec.HostUsers = &no
	p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: c})
	pod := p.FirstPod
	if p.Refused() || len(p.Mutations) > 0 || !hasReason(p, plan.Warned, plan.UserNamespace) || pod != c.Pod {
		t.Errorf("%v, %q, pod %v", p.Mutations, describeAll(p), pod.Metadata.Annotations)
	}
	c.Old = nil
	if p := decideWorkload(c, engine.EmptySnapshot{}); !p.Refused() || p.Changes() {
		t.Errorf("created: %q", describeAll(p))
	}
}

// A Job's template may be written until the Job has made pods.
func TestJobCopies(t *testing.T) {
	const asks = "mode=hostnetwork"
	for _, tt := range []struct {
		name               string
		created            bool
		suspended, started bool // before
		copies             bool
	}{
		{"created", true, false, false, true},
		{"created suspended", true, true, false, true},
		{"suspended, never started", false, true, false, true},
		{"suspended after it had started", false, true, true, false},
		{"running", false, false, true, false},
		{"not suspended, and not seen by its controller yet", false, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := workloadOf("Job", asks, "")
			c.Workload.Suspended, c.Workload.Started = tt.suspended, tt.started
			if !tt.created {
				updated(c, "", "")
			}
			c.Workload.Suspended = false // resumed by the same request
			p := decideWorkload(c, engine.EmptySnapshot{})
			if p.Changes() != tt.copies || p.Refused() {
				t.Errorf("copies %v: %q", p.Changes(), describeAll(p))
			}
			if !tt.copies {
				wantFindings(t, p, "warned JobTemplateFixed metadata.annotations[netmode.io/mode]: the pods of this Job stay as they are: delete the Job, and create it anew with the annotation")
			}
		})
	}
	running := updated(workloadOf("Job", asks, ""), asks, "")
	if p := decideWorkload(running, engine.EmptySnapshot{}); len(describeAll(p)) > 0 || p.Changes() {
		t.Errorf("told again at every update: %q", describeAll(p))
	}
	removed := updated(workloadOf("Job", "", "mode=hostnetwork copied=netmode.io/mode"), asks, "mode=hostnetwork copied=netmode.io/mode")
	if p := decideWorkload(removed, engine.EmptySnapshot{}); !hasReason(p, plan.Warned, plan.JobTemplateFixed) || p.Changes() {
		t.Errorf("a removal: %q", describeAll(p))
	}
}

// The Job of a CronJob has the template with its copies, and none of the
// annotations that they came from.
func TestJobOfCronJobKeepsItsTemplate(t *testing.T) {
	const template = "mode=hostnetwork copied=netmode.io/mode"
	job := workloadOf("Job", "", template)
	job.Metadata.OwnerReferences = []api.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: "web", Controller: true}}
	p := decideWorkload(job, engine.EmptySnapshot{})
	if p.Mode != api.ModeHostNetwork || p.Changes() || !hasReason(p, plan.Kept, plan.CopiedByOwner) {
		t.Errorf("mode %q, %v, %q", p.Mode, p.Mutations, describeAll(p))
	}
	// One that was annotated by itself, in jobTemplate.metadata.
	job.Metadata.Annotations, job.Pod.Metadata.Annotations = words("mode=default"), nil
	if p := decideWorkload(job, engine.EmptySnapshot{}); p.Mode != api.ModeDefault || !p.Changes() {
		t.Errorf("mode %q, %v, %q", p.Mode, p.Mutations, describeAll(p))
	}
	others := workloadOf("Job", "", template)
	if p := decideWorkload(others, engine.EmptySnapshot{}); p.Mode != "" || !p.Changes() {
		t.Errorf("without the owner: mode %q, %v", p.Mode, p.Mutations)
	}
}

// Pods that will not follow by themselves, and a template that came back.
func TestRolloutWarnings(t *testing.T) {
	const asks, copied = "mode=hostnetwork", "mode=hostnetwork copied=netmode.io/mode"
	const again = "warned CopiedAgain spec.template.metadata.annotations: they follow those of the StatefulSet again, which the request left as they were: " +
		"to go back, change or remove the annotation of the workload itself"
	held := func(c *engine.WorkloadCase, by, until string) *engine.WorkloadCase {
		c.Workload.HeldBy, c.Workload.HeldUntil = by, until
		return c
	}
	for _, tt := range []struct {
		name string
		c    *engine.WorkloadCase
		want string
	}{
		{"rolls out by itself", updated(workloadOf("StatefulSet", asks, ""), "", ""), ""},
		{"OnDelete", held(updated(workloadOf("StatefulSet", asks, ""), "", ""), "spec.updateStrategy.type", "they are deleted"),
			"warned RolloutHeld spec.updateStrategy.type: the pods that run stay as they are until they are deleted"},
		{"OnDelete, removed", held(updated(workloadOf("DaemonSet", "", copied), asks, copied), "spec.updateStrategy.type", "they are deleted"),
			"warned RolloutHeld spec.updateStrategy.type: the pods that run stay as they are until they are deleted"},
		{"paused", held(updated(workloadOf("Deployment", asks, ""), "", ""), "spec.paused", "the rollout is resumed"),
			"warned RolloutHeld spec.paused: the pods that run stay as they are until the rollout is resumed"},
		{"partition", held(updated(workloadOf("StatefulSet", asks, ""), "", ""), "spec.updateStrategy.rollingUpdate.partition", "the partition reaches them"),
			"warned RolloutHeld spec.updateStrategy.rollingUpdate.partition: the pods that run stay as they are until the partition reaches them"},
		{"OnDelete, created", held(workloadOf("StatefulSet", asks, ""), "spec.updateStrategy.type", "they are deleted"), ""},
		{"OnDelete, copied before", held(updated(workloadOf("StatefulSet", asks, copied), asks, copied), "spec.updateStrategy.type", "they are deleted"), ""},
		{"undone to before the annotation", updated(workloadOf("StatefulSet", asks, ""), asks, copied), again},
		{"undone to another value", updated(workloadOf("StatefulSet", asks, "mode=default copied=netmode.io/mode"), asks, copied), again},
		{"undone to what was removed since", updated(workloadOf("StatefulSet", "", copied), "", ""), again},
		{"undone to the same annotations", updated(workloadOf("StatefulSet", asks, copied+" example.com/image=old"), asks, copied), ""},
		{"the template's annotation is new beside the workload's", updated(workloadOf("StatefulSet", asks, ""), "", copied), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := decideWorkload(tt.c, engine.EmptySnapshot{})
			var got []string
			for _, f := range p.Trace {
				if f.Rule == "rollout" {
					got = append(got, describe(p, &f))
				}
			}
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// Policies judge the template as its pods will be.
func TestWorkloadPolicies(t *testing.T) {
	set := policies(t, "web", `{"namespaceSelector":{},"allowedModes":["headless"]}`)
	c := workloadOf("Deployment", "mode=hostnetwork", "")
	p := decideWorkload(c, &snapshot{policies: set})
	if !strings.HasPrefix(p.Denial(), "metadata.annotations[netmode.io/mode]: ") || !hasReason(p, plan.Refused, plan.PolicyModeNotAllowed) {
		t.Errorf("%s", p.Denial())
	}
	if p := decideWorkload(updated(c, "mode=hostnetwork", ""), &snapshot{policies: set}); p.Refused() || !hasReason(p, plan.Warned, plan.PolicyModeNotAllowed) {
		t.Errorf("an update of something else: %q", describeAll(p))
	}
}
