package workload_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/workload"
)

// only returns the one object of a manifest.
func only(t *testing.T, text string) *manifest.Object {
	t.Helper()
	f, err := manifest.Read("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Documents[0].Objects()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d objects: %v", len(all), err)
	}
	return &all[0]
}

// parse parses the one object of a manifest.
func parse(t *testing.T, text string) (*workload.Template, error) {
	t.Helper()
	o := only(t, text)
	return workload.Parse(o.APIVersion, o.Kind, o.JSON, "default")
}

// podOf reads a pod as an API server with strict field validation does.
func podOf(t *testing.T, raw []byte) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&pod); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	if pod.APIVersion != "v1" || pod.Kind != "Pod" {
		t.Errorf("it is a %s of %s", pod.Kind, pod.APIVersion)
	}
	return &pod
}

// firstPod is what a controller writes into the pods that it makes.
type firstPod struct {
	Name, GenerateName, Namespace, Hostname, Subdomain string
	Labels                                             map[string]string
	Owner                                              string
}

func TestFirstPod(t *testing.T) {
	const template = `template: {metadata: {name: ignored, namespace: ignored, generateName: ignored-, labels: {app: a}, annotations: {b: c}, finalizers: [x.io/f]}, spec: {hostname: own, subdomain: sub, containers: [{name: c, image: i}]}}`
	app := map[string]string{"app": "a"}
	tests := map[string]struct {
		apiVersion, kind, name, spec string
		pointer                      string
		want                         firstPod
	}{
		"Deployment":      {"apps/v1", "Deployment", "name: web", template, "", firstPod{GenerateName: "web-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "apps/v1 ReplicaSet web"}},
		"ReplicaSet":      {"apps/v1", "ReplicaSet", "name: web", template, "", firstPod{GenerateName: "web-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "apps/v1 ReplicaSet web"}},
		"DaemonSet":       {"apps/v1", "DaemonSet", "name: agent", template, "", firstPod{GenerateName: "agent-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "apps/v1 DaemonSet agent"}},
		"generateName":    {"apps/v1", "Deployment", "generateName: web-", template, "", firstPod{GenerateName: "web--", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "apps/v1 ReplicaSet web-"}},
		"bare template":   {"apps/v1", "DaemonSet", "name: agent", "template: {}", "", firstPod{GenerateName: "agent-", Owner: "apps/v1 DaemonSet agent"}},
		"null metadata":   {"apps/v1", "DaemonSet", "name: agent", "template: {metadata: , spec: }", "", firstPod{GenerateName: "agent-", Owner: "apps/v1 DaemonSet agent"}},
		"null labels":     {"apps/v1", "DaemonSet", "name: agent", "template: {metadata: {labels: }}", "", firstPod{GenerateName: "agent-", Owner: "apps/v1 DaemonSet agent"}},
		"odd text":        {"apps/v1", "DaemonSet", "name: agent", `template: {metadata: {labels: {"a\"b": "é\\"}}}`, "", firstPod{GenerateName: "agent-", Labels: map[string]string{`a"b`: `é\`}, Owner: "apps/v1 DaemonSet agent"}},
		"StatefulSet":     {"apps/v1", "StatefulSet", "name: db", "serviceName: peers, " + template, "", firstPod{Name: "db-0", GenerateName: "db-", Hostname: "db-0", Subdomain: "peers", Labels: map[string]string{"app": "a", "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0"}, Owner: "apps/v1 StatefulSet db"}},
		"ordinals":        {"apps/v1", "StatefulSet", "name: db", "ordinals: {start: 7}, serviceName: peers, " + template, "", firstPod{Name: "db-7", GenerateName: "db-", Hostname: "db-7", Subdomain: "peers", Labels: map[string]string{"app": "a", "statefulset.kubernetes.io/pod-name": "db-7", "apps.kubernetes.io/pod-index": "7"}, Owner: "apps/v1 StatefulSet db"}},
		"no serviceName":  {"apps/v1", "StatefulSet", "name: db", template, "", firstPod{Name: "db-0", GenerateName: "db-", Hostname: "db-0", Labels: map[string]string{"app": "a", "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0"}, Owner: "apps/v1 StatefulSet db"}},
		"Job":             {"batch/v1", "Job", "name: once", template, "", firstPod{GenerateName: "once-", Hostname: "own", Subdomain: "sub", Labels: map[string]string{"app": "a", "job-name": "once", "batch.kubernetes.io/job-name": "once"}, Owner: "batch/v1 Job once"}},
		"manual selector": {"batch/v1", "Job", "name: once", "manualSelector: true, " + template, "", firstPod{GenerateName: "once-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "batch/v1 Job once"}},
		"unnamed Job":     {"batch/v1", "Job", "generateName: once-", template, "", firstPod{GenerateName: "once--", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "batch/v1 Job once-"}},
		"Indexed Job":     {"batch/v1", "Job", "name: rank", "completionMode: Indexed, " + template, "", firstPod{GenerateName: "rank-0-", Hostname: "rank-0", Subdomain: "sub", Labels: map[string]string{"app": "a", "job-name": "rank", "batch.kubernetes.io/job-name": "rank", "batch.kubernetes.io/job-completion-index": "0"}, Owner: "batch/v1 Job rank"}},
		"NonIndexed Job":  {"batch/v1", "Job", "name: rank", "completionMode: NonIndexed, manualSelector: true, " + template, "", firstPod{GenerateName: "rank-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "batch/v1 Job rank"}},
		"CronJob":         {"batch/v1", "CronJob", "name: night", "jobTemplate: {spec: {" + template + "}}", "/spec/jobTemplate/spec/template", firstPod{GenerateName: "night-00000000-", Hostname: "own", Subdomain: "sub", Labels: app, Owner: "batch/v1 Job night-00000000"}},
		"Indexed CronJob": {"batch/v1", "CronJob", "name: night", "jobTemplate: {spec: {completionMode: Indexed, " + template + "}}", "/spec/jobTemplate/spec/template", firstPod{GenerateName: "night-00000000-0-", Hostname: "night-00000000-0", Subdomain: "sub", Labels: map[string]string{"app": "a", "batch.kubernetes.io/job-completion-index": "0"}, Owner: "batch/v1 Job night-00000000"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := only(t, "apiVersion: "+tt.apiVersion+"\nkind: "+tt.kind+"\nmetadata: {"+tt.name+"}\nspec: {"+tt.spec+"}\n")
			got, err := workload.Parse(o.APIVersion, o.Kind, o.JSON, "storm")
			if err != nil {
				t.Fatal(err)
			}
			if tt.pointer == "" {
				tt.pointer = "/spec/template"
			}
			if w := got.Workload; w.Pointer() != tt.pointer || w.Template != strings.ReplaceAll(tt.pointer[1:], "/", ".") {
				t.Errorf("pointer %s, field %s, want %s", w.Pointer(), w.Template, tt.pointer)
			}
			pod := podOf(t, got.Pod)
			owner := pod.OwnerReferences[0]
			if owner.Controller == nil || !*owner.Controller || owner.BlockOwnerDeletion == nil || !*owner.BlockOwnerDeletion || len(pod.OwnerReferences) != 1 {
				t.Errorf("owners %+v", pod.OwnerReferences)
			}
			tt.want.Namespace = "storm"
			have := firstPod{pod.Name, pod.GenerateName, pod.Namespace, pod.Spec.Hostname, pod.Spec.Subdomain, pod.Labels, owner.APIVersion + " " + owner.Kind + " " + owner.Name}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.want.Subdomain == "" && strings.Contains(string(got.Pod), "subdomain") {
				t.Errorf("an empty subdomain, which no API server shows: %s", got.Pod)
			}
			if strings.Contains(tt.spec, template) {
				if diff := cmp.Diff([]any{map[string]string{"b": "c"}, []string{"x.io/f"}}, []any{pod.Annotations, pod.Finalizers}); diff != "" {
					t.Errorf("taken from the template (-want +got):\n%s", diff)
				}
				if len(pod.Spec.Containers) != 1 || pod.Spec.Containers[0].Image != "i" {
					t.Errorf("containers %+v", pod.Spec.Containers)
				}
			}
		})
	}
}

// The workload's own metadata comes along, and the pod has only what pods have.
func TestParse(t *testing.T) {
	got, err := parse(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\n"+
		"spec: {template: {spec: {x: 1}, metadata: {name: a, annotations: {c: d}}, other: []}}\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(api.ObjectMeta{Name: "web", Labels: map[string]string{"a": "b"}}, got.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if strings.Contains(string(got.Pod), "other") {
		t.Errorf("the pod holds what no pod has: %s", got.Pod)
	}
	pod, err := got.FirstPod()
	if err != nil || pod.Metadata.Annotations["c"] != "d" || pod.Spec.DNSPolicy != api.DNSClusterFirst {
		t.Errorf("pod %+v, %v", pod, err)
	}
}

func TestParseOfOthers(t *testing.T) {
	for _, kind := range []string{"v1\nkind: Pod", "v1\nkind: Service", "extensions/v1beta1\nkind: Deployment", "apps/v1\nkind: Job", "batch/v1\nkind: Deployment", "v1\nkind: ReplicationController", "v1\nkind: PodTemplate"} {
		if got, err := parse(t, "apiVersion: "+kind+"\nspec: 5\n"); got != nil || err != nil {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
}

func TestParseCounts(t *testing.T) {
	replicas := func(kind string, n int32) workload.Workload {
		return workload.Workload{Kind: kind, Name: "a", Replicas: n, ReplicasField: "spec.replicas", OwnHostnames: kind == "StatefulSet"}
	}
	deployment := func(n int32, surges bool) workload.Workload {
		w := replicas("Deployment", n)
		w.Surges, w.SurgeField = surges, "spec.strategy"
		return w
	}
	daemonSet := func(surges bool) workload.Workload {
		return workload.Workload{Kind: "DaemonSet", Name: "a", Surges: surges, SurgeField: "spec.updateStrategy"}
	}
	job := func(kind string, n int32, field string) workload.Workload {
		return workload.Workload{Kind: kind, Name: "a", Replicas: n, ReplicasField: field}
	}
	indexed := func(w workload.Workload) workload.Workload {
		w.OwnHostnames = true
		return w
	}
	held := func(w workload.Workload, by, until string) workload.Workload {
		w.HeldBy, w.HeldUntil = by, until
		return w
	}
	governed := func(w workload.Workload) workload.Workload {
		w.SubdomainField = "spec.serviceName"
		return w
	}
	const cron = "spec.jobTemplate.spec.parallelism"
	completions := func(n int32, w workload.Workload) workload.Workload {
		w.Completions = n
		return w
	}
	tests := []struct {
		kind, spec string
		want       workload.Workload
	}{
		{"Deployment", "", deployment(1, true)},
		{"Deployment", "replicas: ,", deployment(1, true)},
		{"Deployment", "replicas: 0,", deployment(0, true)},
		{"Deployment", "replicas: 3, strategy: ,", deployment(3, true)},
		{"Deployment", "strategy: {type: Recreate},", deployment(1, false)},
		{"Deployment", "strategy: {type: RollingUpdate},", deployment(1, true)},
		{"Deployment", "strategy: {rollingUpdate: },", deployment(1, true)},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: }},", deployment(1, true)},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 0}},", deployment(1, false)},
		{"Deployment", `strategy: {rollingUpdate: {maxSurge: "0"}},`, deployment(1, false)},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 0%}},", deployment(1, false)},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 25%}},", deployment(1, true)},
		{"Deployment", "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}},", deployment(1, true)},
		{"ReplicaSet", "", replicas("ReplicaSet", 1)},
		{"ReplicaSet", "replicas: 2,", replicas("ReplicaSet", 2)},
		{"StatefulSet", "", replicas("StatefulSet", 1)},
		{"StatefulSet", "replicas: 5, updateStrategy: {type: OnDelete},", held(replicas("StatefulSet", 5), "spec.updateStrategy.type", "they are deleted")},
		{"StatefulSet", "updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}},", held(replicas("StatefulSet", 1), "spec.updateStrategy.rollingUpdate.partition", "the partition reaches them")},
		{"StatefulSet", "updateStrategy: {rollingUpdate: {partition: 0}},", replicas("StatefulSet", 1)},
		{"StatefulSet", "updateStrategy: {rollingUpdate: {partition: }},", replicas("StatefulSet", 1)},
		{"StatefulSet", "updateStrategy: {type: OnDelete, rollingUpdate: {partition: 2}},", held(replicas("StatefulSet", 1), "spec.updateStrategy.type", "they are deleted")},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {partition: 2}},", daemonSet(false)},
		{"StatefulSet", "serviceName: peers, updateStrategy: {type: RollingUpdate},", governed(replicas("StatefulSet", 1))},
		{"StatefulSet", "podManagementPolicy: Parallel,", replicas("StatefulSet", 1)},
		{"StatefulSet", "podManagementPolicy: OrderedReady,", replicas("StatefulSet", 1)},
		{"StatefulSet", "suspend: true, paused: true,", replicas("StatefulSet", 1)},
		{"DaemonSet", "", daemonSet(false)},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 1}},", daemonSet(false)},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxSurge: 0}},", daemonSet(false)},
		{"DaemonSet", "updateStrategy: {rollingUpdate: {maxSurge: 10%}},", daemonSet(true)},
		{"DaemonSet", "updateStrategy: {type: OnDelete},", held(daemonSet(false), "spec.updateStrategy.type", "they are deleted")},
		{"Deployment", "paused: true,", held(deployment(1, true), "spec.paused", "the rollout is resumed")},
		{"Deployment", "paused: false, suspend: true,", deployment(1, true)},
		{"Job", "", job("Job", 1, "spec.parallelism")},
		{"Job", "completions: 9, parallelism: 3,", job("Job", 3, "spec.parallelism")},
		{"CronJob", "", job("CronJob", 1, cron)},
		{"CronJob", "parallelism: 4,", job("CronJob", 4, cron)},
		{"Job", "completionMode: Indexed, parallelism: 3,", indexed(job("Job", 3, "spec.parallelism"))},
		{"Job", "completionMode: Indexed, completions: 5, parallelism: 3,", completions(5, indexed(job("Job", 3, "spec.parallelism")))},
		{"CronJob", "completionMode: Indexed, completions: 5,", completions(5, indexed(job("CronJob", 1, cron)))},
		{"Job", "completionMode: NonIndexed,", job("Job", 1, "spec.parallelism")},
		{"CronJob", "completionMode: Indexed,", indexed(job("CronJob", 1, cron))},
		{"Deployment", "completionMode: Indexed,", deployment(1, true)},
	}
	for _, tt := range tests {
		spec, apiVersion := tt.spec+" template: {}", "apps/v1"
		switch tt.kind {
		case "CronJob":
			spec, apiVersion = "jobTemplate: {spec: {"+spec+"}}", "batch/v1"
		case "Job":
			apiVersion = "batch/v1"
		}
		got, err := parse(t, "apiVersion: "+apiVersion+"\nkind: "+tt.kind+"\nmetadata: {name: a}\nspec: {"+spec+"}\n")
		if err != nil {
			t.Fatalf("%s %s: %v", tt.kind, tt.spec, err)
		}
		tt.want.Template = got.Workload.Template
		if tt.kind == "StatefulSet" {
			tt.want.InOrder = !strings.Contains(tt.spec, "Parallel")
			if tt.want.SubdomainField == "" {
				tt.want.LacksSubdomain = "spec.serviceName"
			}
		}
		tt.want.LastHostname, tt.want.HostnamesField = got.Workload.LastHostname, got.Workload.HostnamesField // TestLastHostname
		if diff := cmp.Diff(tt.want, got.Workload); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.kind, tt.spec, diff)
		}
	}
}

// A Job's template may change only before it was started, and while it is suspended.
func TestParseOfSuspendedJob(t *testing.T) {
	for text, want := range map[string]workload.Workload{
		"spec: {template: {}}":                                                             {},
		"spec: {suspend: false, template: {}}":                                             {},
		"spec: {suspend: , template: {}}":                                                  {},
		"spec: {suspend: true, template: {}}":                                              {Suspended: true},
		"spec: {suspend: true, template: {}}\nstatus: {startTime: }":                       {Suspended: true},
		"spec: {suspend: true, template: {}}\nstatus: {startTime: '2026-11-24T00:00:00Z'}": {Suspended: true, Started: true},
		"spec: {template: {}}\nstatus: {startTime: '2026-11-24T00:00:00Z', failed: 1}":     {Started: true},
		"spec: {suspend: true, template: {}}\nstatus: {conditions: [{type: Suspended}]}":   {Suspended: true},
	} {
		got, err := parse(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n"+text+"\n")
		if err != nil || got.Workload.Suspended != want.Suspended || got.Workload.Started != want.Started {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestParseMissing(t *testing.T) {
	tests := []struct{ kind, spec, want string }{
		{"apps/v1\nkind: Deployment", "{replicas: 1}", "spec.template: Required value: a Deployment has one"},
		{"apps/v1\nkind: StatefulSet", "{template: }", "spec.template: Required value: a StatefulSet has one"},
		{"apps/v1\nkind: DaemonSet", "", "spec.template: Required value: a DaemonSet has one"},
		{"batch/v1\nkind: CronJob", "{template: {}}", "spec.jobTemplate: Required value: a CronJob has one"},
		{"batch/v1\nkind: CronJob", "{jobTemplate: }", "spec.jobTemplate: Required value: a CronJob has one"},
		{"batch/v1\nkind: CronJob", "{jobTemplate: {}}", "spec.jobTemplate.spec.template: Required value: a CronJob has one"},
	}
	for _, tt := range tests {
		got, err := parse(t, "apiVersion: "+tt.kind+"\nspec: "+tt.spec+"\n")
		if got != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s %s: got %v\nwant %s", tt.kind, tt.spec, err, tt.want)
		}
	}
}

// TestParseOfWrongType: the error names the field in the object.
func TestParseOfWrongType(t *testing.T) {
	tests := []struct{ kind, spec, want string }{
		{"apps/v1\nkind: Deployment", "[]", "spec: "},
		{"apps/v1\nkind: Deployment", "{replicas: '3', template: {}}", "spec.replicas: "},
		{"apps/v1\nkind: Deployment", "{replicas: 99999999999, template: {}}", "spec.replicas: "},
		{"apps/v1\nkind: Deployment", "{template: []}", "spec.template: "},
		{"apps/v1\nkind: Deployment", "{template: x}", "spec.template: "},
		{"apps/v1\nkind: Deployment", "{template: {spec: []}}", "spec.template.spec: "},
		{"apps/v1\nkind: Deployment", "{template: {metadata: x}}", "spec.template.metadata: "},
		{"apps/v1\nkind: Deployment", "{template: {metadata: {labels: [a]}}}", "spec.template.metadata.labels: "},
		{"apps/v1\nkind: Deployment", "{template: {metadata: {labels: {a/b: 1}}}}", "spec.template.metadata.labels[a/b]: "},
		{"apps/v1\nkind: StatefulSet", "{ordinals: {start: x}, template: {}}", "spec.ordinals.start: "},
		{"batch/v1\nkind: CronJob", "{jobTemplate: []}", "spec.jobTemplate: "},
		{"batch/v1\nkind: CronJob", "{jobTemplate: {spec: {template: []}}}", "spec.jobTemplate.spec.template: "},
		{"batch/v1\nkind: CronJob", "{jobTemplate: {spec: {template: {metadata: {labels: 5}}}}}", "spec.jobTemplate.spec.template.metadata.labels: "},
	}
	for _, tt := range tests {
		got, err := parse(t, "apiVersion: "+tt.kind+"\nspec: "+tt.spec+"\n")
		if got != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v\nwant %s…", tt.spec, err, tt.want)
		}
	}
}

// TestFirstPodOfWrongType: the error names the field in the template.
func TestFirstPodOfWrongType(t *testing.T) {
	template, err := parse(t, "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {hostNetwork: x}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "spec.template.spec.hostNetwork: is a string, and must be true or false"
	if pod, err := template.FirstPod(); pod != nil || err == nil || err.Error() != want {
		t.Errorf("got %v, %v, want %s", pod, err, want)
	}
}

// Names that a pod waits for are those of its own StatefulSet, or not.
func TestOwnPods(t *testing.T) {
	w := workload.Workload{Kind: "StatefulSet", Name: "zk", FirstOrdinal: 1}
	for _, tt := range []struct {
		names      []string
		own, later bool
	}{
		{nil, false, false},
		{[]string{"zk-1"}, true, false},
		{[]string{"zk-1.zk"}, true, false},
		{[]string{"zk-1.zk.data"}, true, false},
		{[]string{"zk-1", "zk-2"}, true, true},
		{[]string{"zk-2.zk.data"}, true, true},
		{[]string{"zk-2.other", "zk-2.data", "zk-2.zk.other", "zk-02", "zk-+2", "zk-", "zk", "zkx-2", "zk-99999999999", "zk-2.example.org."}, false, false},
	} {
		if own, later := w.OwnPods(tt.names, "zk", "data"); own != tt.own || later != tt.later {
			t.Errorf("%q: own %t, later %t", tt.names, own, later)
		}
	}
	w.Kind = "Deployment"
	if own, _ := w.OwnPods([]string{"zk-1"}, "zk", "data"); own {
		t.Error("a Deployment's pods have no such names")
	}
}
