package workload

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// Template is the pod template of a workload, with the first pod that its
// controller would make of it.
type Template struct {
	// Metadata is the workload's own.
	Metadata api.ObjectMeta
	// Workload is what rules read of the workload itself.
	Workload Workload
	// Pod is that pod as the API server would show it to a webhook.
	Pod []byte
}

// view is the part of the workload kinds that their pods depend on (apps/v1,
// batch/v1).
type view struct {
	Metadata api.ObjectMeta `json:"metadata"`
	Spec     spec           `json:"spec"`
	Status   struct {
		StartTime jsontext.Value `json:"startTime"`
	} `json:"status"`
}

type spec struct {
	Paused         bool           `json:"paused"`
	Suspend        bool           `json:"suspend"`
	Replicas       *int32         `json:"replicas"`
	Parallelism    *int32         `json:"parallelism"`
	Completions    *int32         `json:"completions"`
	CompletionMode string         `json:"completionMode"`
	ManualSelector bool           `json:"manualSelector"`
	ServiceName    string         `json:"serviceName"`
	PodManagement  string         `json:"podManagementPolicy"`
	Ordinals       ordinals       `json:"ordinals"`
	Strategy       updateStrategy `json:"strategy"`
	UpdateStrategy updateStrategy `json:"updateStrategy"`
	Template       jsontext.Value `json:"template"`
	JobTemplate    *struct {
		Spec spec `json:"spec"`
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

// View is the type that Parse decodes an object into, but for its pod template.
func View() reflect.Type { return reflect.TypeFor[view]() }

// ErrNoTemplate says that a workload has no pod template: no API server takes it,
// but a patch of kustomize or of a server-side apply may be so.
var ErrNoTemplate = errors.New("Required value") //nolint:staticcheck // the API server's words

// Parse reads a workload in a namespace; it is nil for an object of a kind
// without a pod template. An error names the field that cannot be read.
func Parse(apiVersion, kind string, object []byte, namespace string) (*Template, error) {
	k, ok := find(apiVersion, kind)
	if !ok {
		return nil, nil
	}
	var v view
	if err := api.Decode(object, &v, ""); err != nil {
		return nil, err
	}
	s, fields, field := &v.Spec, "spec.", TemplateField
	if k.name == "CronJob" {
		if s.JobTemplate == nil {
			return nil, fmt.Errorf("spec.jobTemplate: %w: a CronJob has one", ErrNoTemplate)
		}
		s, fields, field = &s.JobTemplate.Spec, "spec.jobTemplate.spec.", CronJobTemplateField
	}
	if len(s.Template) == 0 || s.Template.Kind() == 'n' {
		return nil, fmt.Errorf("%s: %w: a %s has one", field, ErrNoTemplate, k.name)
	}
	t := &Template{Metadata: v.Metadata, Workload: Workload{Kind: k.name, Name: v.Metadata.DisplayName(), Template: field}}
	s.count(&t.Workload, fields)
	s.hostnames(&t.Workload, fields, &v.Metadata)
	s.hold(&t.Workload)
	if started := string(v.Status.StartTime); k.name == "Job" {
		t.Workload.Suspended, t.Workload.Started = s.Suspend, started != "" && started != "null"
	}
	labels := map[string]string{}
	if k.name == "Job" && v.Metadata.Name != "" && !s.ManualSelector {
		// The API server labels the template with the Job's name (batch/v1).
		labels["job-name"], labels["batch.kubernetes.io/job-name"] = v.Metadata.Name, v.Metadata.Name
	}
	var err error
	s.overwrites(&t.Workload)
	maker := t.Workload.Name
	if k.name == "CronJob" {
		maker += jobSuffix
	}
	t.Pod, err = s.firstPod(k, maker, namespace, field, labels)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// FirstPod is what a decision reads of Pod.
func (t *Template) FirstPod() (*api.Pod, error) {
	var pod api.Pod
	if err := api.Decode(t.Pod, &pod, t.Workload.Template); err != nil {
		return nil, err
	}
	return &pod, nil
}

// count fills in how many pods run at once, whether an update adds one, and
// whether their hostnames differ.
func (s *spec) count(w *Workload, fields string) {
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
		w.InOrder = w.OwnHostnames && s.PodManagement != "Parallel"
	case "DaemonSet":
		w.SurgeField = fields + "updateStrategy"
		w.Surges = !isZero(s.UpdateStrategy.RollingUpdate.MaxSurge, true)
	case "Job", "CronJob":
		count(s.Parallelism, "parallelism")
		if w.OwnHostnames = s.CompletionMode == "Indexed"; w.OwnHostnames && s.Completions != nil {
			w.Completions = *s.Completions
		}
	}
}

// hold fills in what keeps running pods as they are, and where the pods'
// subdomain comes from.
func (s *spec) hold(w *Workload) {
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
	} else if w.Kind == "StatefulSet" {
		w.LacksSubdomain = "spec.serviceName"
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
