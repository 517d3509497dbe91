package engine_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/workload"
)

// A mode that is asked for by a label changes nothing, and is not silent.
func TestModeAsLabel(t *testing.T) {
	const text = `"hostnetwork" asks for nothing here: the label counts on a Namespace: write it as an annotation, netmode.io/mode, and remove the label`
	const metadata = `{"metadata":{"name":"web","labels":{"netmode.io/mode":"hostnetwork"}},"spec":`
	const nothing = "kept NothingAsked"
	at := "warned ModeLabel metadata.labels[netmode.io/mode]: " + text
	wantFindings(t, decidePod(t, metadata+`{}}`, &snapshot{}), at, nothing)
	wantFindings(t, decideService(t, metadata+`{}}`), at, nothing)

	c := workloadOf("Deployment", "", "")
	c.Metadata.Labels = map[string]string{api.LabelMode: "hostnetwork"}
	wantFindings(t, decideWorkload(c, &snapshot{}), at, nothing)
	c.Metadata.Labels, c.Pod.Metadata.Labels = nil, map[string]string{api.LabelMode: "hostnetwork"}
	wantFindings(t, decideWorkload(c, &snapshot{}), "warned ModeLabel spec.template.metadata.labels[netmode.io/mode]: "+text, nothing)
}

// A Namespace that asks by an annotation: who asks for nothing itself, and is not
// labelled, is told.
func TestModeAsAnnotationOfNamespace(t *testing.T) {
	const told = "warned NamespaceAnnotation namespace.metadata.annotations[netmode.io/mode]: it asks for nothing, since it is an annotation: write it as a label of the Namespace, with the same key"
	around := &snapshot{annotated: true}
	wantFindings(t, decidePod(t, `{"spec":{}}`, around), told, "kept NothingAsked")
	wantFindings(t, decideWorkload(workloadOf("Deployment", "", ""), around), told, "kept NothingAsked")
	wantFindings(t, decidePod(t, annotated(`{}`, api.AnnotationMode, "default"), around), "kept ModeDefault")
	around.labels = map[string]string{api.LabelMode: "default"}
	wantFindings(t, decidePod(t, `{"spec":{}}`, around), "kept ModeInherited namespace.metadata.labels[netmode.io/mode]", "kept ModeDefault")
}

// What is asked on objects that netmode does not handle.
func TestOther(t *testing.T) {
	const mode, service = "metadata.annotations[netmode.io/mode]: ", "metadata.annotations[netmode.io/service]: "
	const cure = ": write it in the metadata of a pod template, or on a Pod, a Service or a workload"
	own := workload.Asked{Own: []string{api.AnnotationMode, api.AnnotationService}}
	both := workload.Asked{Own: own.Own[:1], Templates: []string{"spec.template"}, InTemplates: []string{"spec.template.metadata.annotations"}, Elsewhere: []string{"spec.other"}}
	for name, tt := range map[string]struct {
		object *engine.Other
		want   []string
	}{
		"a ConfigMap": {&engine.Other{APIVersion: "v1", Kind: "ConfigMap", Asked: own},
			[]string{"warned AnnotationMisplaced " + mode + "it means nothing on this ConfigMap" + cure, "warned AnnotationMisplaced " + service + "it means nothing on this ConfigMap" + cure}},
		"a Rollout": {&engine.Other{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Asked: both},
			[]string{"warned AnnotationMisplaced " + mode + "it means nothing on this Rollout itself, whose pods are made of spec.template" + cure,
				"kept NotRendered spec.template.metadata.annotations", "kept NotRendered spec.other"}},
		"a Rollout's own work": {&engine.Other{APIVersion: "apps/v1", Kind: "ControllerRevision", Asked: own,
			Metadata: &api.ObjectMeta{OwnerReferences: []api.OwnerReference{{Kind: "StatefulSet", Controller: true}}}}, nil},
		"of another time": {&engine.Other{APIVersion: "apps/v1beta2", Kind: "DaemonSet", Asked: both},
			[]string{"warned APIVersionOld apiVersion: Kubernetes serves apps/v1beta2 no more, so nobody reads the annotations of netmode: write apps/v1, or batch/v1 for a Job or a CronJob"}},
		"of another group": {&engine.Other{APIVersion: "batch.volcano.sh/v1alpha1", Kind: "Job", Asked: workload.Asked{Own: own.Own[:1]}},
			[]string{"warned AnnotationMisplaced " + mode + "it means nothing on this Job" + cure}},
		"a Namespace": {&engine.Other{APIVersion: "v1", Kind: "Namespace", Asked: own, Metadata: &api.ObjectMeta{Annotations: map[string]string{api.AnnotationMode: "headless"}}},
			[]string{"warned NamespaceAnnotation " + mode + "it asks for nothing, since it is an annotation: write it as a label of the Namespace, with the same key",
				"warned AnnotationMisplaced " + service + "it means nothing on this Namespace" + cure}},
		"being deleted": {&engine.Other{APIVersion: "v1", Kind: "ConfigMap", Asked: own, Metadata: &api.ObjectMeta{DeletionTimestamp: new("2026-11-23T05:01:01Z")}},
			[]string{"kept BeingDeleted metadata.deletionTimestamp"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.object.Metadata == nil {
				tt.object.Metadata = &api.ObjectMeta{}
			}
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: &snapshot{}, Namespace: namespace, Object: tt.object})
			wantFindings(t, p, tt.want...)
			if p.Refused() || p.Changes() {
				t.Errorf("refused %t, changes %t", p.Refused(), p.Changes())
			}
		})
	}
}

// A ReplicaSet's annotations are its Deployment's business, and its own mean nothing.
func TestReplicaSetAsks(t *testing.T) {
	c := workloadOf("ReplicaSet", "mode=hostnetwork", "")
	wantNoChange(t, decideWorkload(c, &snapshot{}))
	wantFindings(t, decideWorkload(c, &snapshot{}), "warned AnnotationMisplaced metadata.annotations[netmode.io/mode]: it means nothing on this ReplicaSet itself, whose pods are made of spec.template: "+
		"write it in the metadata of a pod template, or on a Pod, a Service or a workload", "kept NothingAsked")
	c.Metadata.OwnerReferences = []api.OwnerReference{{Kind: "Deployment", Controller: true}}
	wantFindings(t, decideWorkload(c, &snapshot{}), "kept NothingAsked")
}

// A CronJob's Jobs may ask for what nobody shows.
func TestJobsOfCronJobAsk(t *testing.T) {
	c := workloadOf("CronJob", "", "")
	c.Asked.Elsewhere = []string{"spec.jobTemplate.metadata.annotations", "spec.jobTemplate.other"}
	wantFindings(t, decideWorkload(c, &snapshot{}), "kept NothingAsked", "kept NotRendered spec.jobTemplate.metadata.annotations")
}
