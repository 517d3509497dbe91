package manifest

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// Template is the pod template of a workload, with the first pod that its
// controller would make of it.
type Template struct {
	// Pointer is the template's place in the workload: "/spec/template".
	Pointer string
	// JSON is the template as it stands in the workload.
	JSON []byte
	// Pod is that pod as the API server would show it to a webhook.
	Pod []byte
	// Workload is what rules read of the workload itself.
	Workload api.Workload
}

// Field is Pointer as a field path: "spec.template".
func (t *Template) Field() string { return strings.ReplaceAll(t.Pointer[1:], "/", ".") }

// workload is the part of the six workload kinds that their pods depend on
// (apps/v1, batch/v1).
type workload struct {
	Metadata struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
	} `json:"metadata"`
	Spec   workloadSpec `json:"spec"`
	Status struct {
		StartTime jsontext.Value `json:"startTime"`
	} `json:"status"`
}

type workloadSpec struct {
	Paused         bool           `json:"paused"`
	Suspend        bool           `json:"suspend"`
	Replicas       *int32         `json:"replicas"`
	Parallelism    *int32         `json:"parallelism"`
	CompletionMode string         `json:"completionMode"`
	ManualSelector bool           `json:"manualSelector"`
	ServiceName    string         `json:"serviceName"`
	Ordinals       ordinals       `json:"ordinals"`
	Strategy       updateStrategy `json:"strategy"`
	UpdateStrategy updateStrategy `json:"updateStrategy"`
	Template       jsontext.Value `json:"template"`
	JobTemplate    *struct {
		Spec workloadSpec `json:"spec"`
	} `json:"jobTemplate"`
}

type ordinals struct {
	Start int32 `json:"start"`
}

type updateStrategy struct {
	Type          string `json:"type"`
	RollingUpdate struct {
		MaxSurge  jsontext.Value `json:"maxSurge"`
		Partition int32          `json:"partition"`
	} `json:"rollingUpdate"`
}

// WorkloadType is what PodTemplate reads of an object beside its pod template.
func WorkloadType() reflect.Type { return reflect.TypeFor[workload]() }

// PodTemplate returns the pod template of a workload object; nil for an object
// of another kind. An error names the field that cannot be read.
func PodTemplate(o *Object, namespace string) (*Template, error) {
	controller, ok := podController(o.APIVersion, o.Kind)
	if !ok {
		return nil, nil
	}
	var w workload
	if err := api.Decode(o.JSON, &w, ""); err != nil {
		return nil, err
	}
	t := &Template{Pointer: "/spec/template"}
	spec := &w.Spec
	fields := "spec."
	name := w.Metadata.Name
	if name == "" {
		name = w.Metadata.GenerateName
	}
	if o.Kind == "CronJob" {
		if spec.JobTemplate == nil {
			return nil, fmt.Errorf("spec.jobTemplate: Required value: a CronJob has one")
		}
		t.Pointer, fields, spec = "/spec/jobTemplate/spec/template", "spec.jobTemplate.spec.", &spec.JobTemplate.Spec
	}
	if len(spec.Template) == 0 || spec.Template.Kind() == 'n' {
		return nil, fmt.Errorf("%stemplate: Required value: a %s has one", fields, o.Kind)
	}
	t.JSON = spec.Template
	t.Workload = api.Workload{Kind: o.Kind, Name: name, Template: t.Field()}
	spec.count(&t.Workload, fields)
	spec.hold(&t.Workload)
	if started := string(w.Status.StartTime); o.Kind == "Job" {
		t.Workload.Suspended, t.Workload.Started = spec.Suspend, started != "" && started != "null"
	}
	labels := map[string]string{}
	if o.Kind == "Job" && w.Metadata.Name != "" && !spec.ManualSelector {
		// The API server labels the template with the Job's name (batch/v1).
		labels["job-name"], labels["batch.kubernetes.io/job-name"] = name, name
	}
	var err error
	if t.Pod, err = spec.firstPod(controller, name, namespace, t.Field(), labels); err != nil {
		return nil, err
	}
	return t, nil
}

// podController is the kind that owns the pods of a workload kind.
func podController(apiVersion, kind string) (string, bool) {
	switch apiVersion + "/" + kind {
	case "apps/v1/Deployment", "apps/v1/ReplicaSet":
		return "ReplicaSet", true
	case "apps/v1/StatefulSet", "apps/v1/DaemonSet":
		return kind, true
	case "batch/v1/Job", "batch/v1/CronJob":
		return "Job", true
	}
	return "", false
}

// count fills in how many pods run at once, whether an update adds one, and
// whether their hostnames differ.
func (s *workloadSpec) count(w *api.Workload, fields string) {
	count := func(n *int32, field string) {
		w.Replicas, w.ReplicasField = 1, fields+field
		if n != nil {
			w.Replicas = *n
		}
	}
	switch w.Kind {
	case "Deployment":
		count(s.Replicas, "replicas")
		// The default is RollingUpdate with 25 %, rounded up (apps/v1).
		w.SurgeField = fields + "strategy"
		w.Surges = s.Strategy.Type != "Recreate" && !isZero(s.Strategy.RollingUpdate.MaxSurge, false)
	case "ReplicaSet", "StatefulSet":
		count(s.Replicas, "replicas")
		w.OwnHostnames = w.Kind == "StatefulSet"
	case "DaemonSet":
		w.SurgeField = fields + "updateStrategy"
		w.Surges = !isZero(s.UpdateStrategy.RollingUpdate.MaxSurge, true)
	case "Job", "CronJob":
		count(s.Parallelism, "parallelism")
		w.OwnHostnames = s.CompletionMode == "Indexed"
	}
}

// hold fills in what keeps running pods as they are, and where the pods'
// subdomain comes from.
func (s *workloadSpec) hold(w *api.Workload) {
	switch {
	case w.Kind == "Deployment" && s.Paused:
		w.HeldBy, w.HeldUntil = "spec.paused", "the rollout is resumed"
	case (w.Kind == "StatefulSet" || w.Kind == "DaemonSet") && s.UpdateStrategy.Type == "OnDelete":
		w.HeldBy, w.HeldUntil = "spec.updateStrategy.type", "they are deleted"
	case w.Kind == "StatefulSet" && s.UpdateStrategy.RollingUpdate.Partition > 0:
		w.HeldBy, w.HeldUntil = "spec.updateStrategy.rollingUpdate.partition", "the partition reaches them"
	}
	if w.Kind == "StatefulSet" && s.ServiceName != "" {
		w.SubdomainField = "spec.serviceName"
	}
}

// isZero reads an IntOrString; byDefault stands for one that is absent.
func isZero(v jsontext.Value, byDefault bool) bool {
	switch string(v) {
	case "", "null":
		return byDefault
	case "0", `"0"`, `"0%"`:
		return true
	}
	return false
}

// firstPod is the pod that the controller makes first: names, hostname,
// subdomain, labels and owner as it sets them. Of the template's metadata it
// takes the labels, annotations and finalizers. The template stands in field.
func (s *workloadSpec) firstPod(controller, name, namespace, field string, ownLabels map[string]string) ([]byte, error) {
	var template struct {
		Metadata map[string]jsontext.Value `json:"metadata"`
		Spec     map[string]jsontext.Value `json:"spec"`
	}
	if err := api.Decode(s.Template, &template, field); err != nil {
		return nil, err
	}
	metadata, spec := map[string]jsontext.Value{}, template.Spec
	for _, taken := range []string{"annotations", "finalizers"} {
		if value, ok := template.Metadata[taken]; ok {
			metadata[taken] = value
		}
	}
	if spec == nil {
		spec = map[string]jsontext.Value{}
	}
	labels := map[string]string{}
	if raw, ok := template.Metadata["labels"]; ok {
		if err := api.Decode(raw, &labels, field+".metadata.labels"); err != nil {
			return nil, err
		}
	}
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, ownLabels)
	metadata["generateName"] = text(name + "-")
	switch {
	case controller == "StatefulSet":
		pod := fmt.Sprintf("%s-%d", name, s.Ordinals.Start)
		metadata["name"] = text(pod)
		labels["statefulset.kubernetes.io/pod-name"] = pod
		labels["apps.kubernetes.io/pod-index"] = fmt.Sprint(s.Ordinals.Start)
		spec["hostname"], spec["subdomain"] = text(pod), text(s.ServiceName)
		if s.ServiceName == "" {
			delete(spec, "subdomain")
		}
	case controller == "Job" && s.CompletionMode == "Indexed":
		metadata["generateName"] = text(name + "-0-")
		labels["batch.kubernetes.io/job-completion-index"] = "0"
		spec["hostname"] = text(name + "-0")
	}
	var err error
	if len(labels) > 0 {
		if metadata["labels"], err = json.Marshal(labels, json.Deterministic(true)); err != nil {
			return nil, err
		}
	}
	if metadata["ownerReferences"], err = json.Marshal([]map[string]any{{
		"apiVersion": map[bool]string{true: "batch/v1", false: "apps/v1"}[controller == "Job"],
		"kind":       controller, "name": name, "controller": true, "blockOwnerDeletion": true,
	}}, json.Deterministic(true)); err != nil {
		return nil, err
	}
	return pod(metadata, spec, namespace)
}

func pod(metadata, spec map[string]jsontext.Value, namespace string) ([]byte, error) {
	metadata["namespace"] = text(namespace)
	defaults := map[string]jsontext.Value{
		"dnsPolicy": text(api.DNSClusterFirst), "restartPolicy": text("Always"), "securityContext": jsontext.Value("{}"),
		"schedulerName": text("default-scheduler"), "terminationGracePeriodSeconds": jsontext.Value("30"), "enableServiceLinks": jsontext.Value("true"),
	}
	fill(spec, defaults)
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, json.Deterministic(true))
}

// Admitted returns a Pod or Service manifest as the API server would show it to
// a webhook: in a namespace, with the defaults that decisions may meet. Other
// objects come back as they are. An error names the field that is of the wrong
// type.
func Admitted(o *Object, namespace string) ([]byte, error) {
	var object struct {
		Metadata map[string]jsontext.Value `json:"metadata"`
		Spec     map[string]jsontext.Value `json:"spec"`
	}
	if o.APIVersion != "v1" || o.Kind != "Pod" && o.Kind != "Service" {
		return o.JSON, nil
	}
	if err := api.Decode(o.JSON, &object, ""); err != nil {
		return nil, err
	}
	if object.Metadata == nil {
		object.Metadata = map[string]jsontext.Value{}
	}
	if object.Spec == nil {
		object.Spec = map[string]jsontext.Value{}
	}
	if o.Kind == "Pod" {
		return pod(object.Metadata, object.Spec, namespace)
	}
	object.Metadata["namespace"] = text(namespace)
	fill(object.Spec, map[string]jsontext.Value{
		"type": text(api.ServiceClusterIP), "sessionAffinity": text("None"), "internalTrafficPolicy": text("Cluster"),
	})
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": object.Metadata, "spec": object.Spec}, json.Deterministic(true))
}

func fill(members, defaults map[string]jsontext.Value) {
	for name, value := range defaults {
		if _, ok := members[name]; !ok {
			members[name] = value
		}
	}
}

func text(s string) jsontext.Value {
	quoted, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8, which Read has refused
		return jsontext.Value(`""`)
	}
	return quoted
}
