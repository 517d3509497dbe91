package workload

import (
	"fmt"
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// firstPod is the pod that the controller makes first: names, hostname,
// subdomain, labels and owner as it sets them. Of the template's metadata it
// takes the labels, annotations and finalizers. The template stands in field.
func (s *spec) firstPod(k registered, name, namespace, field string, ownLabels map[string]string) ([]byte, error) {
	var template struct {
		Metadata map[string]jsontext.Value `json:"metadata"`
		Spec     map[string]jsontext.Value `json:"spec"`
	}
	if err := api.Decode(s.Template, &template, field); err != nil {
		return nil, err
	}
	metadata, podSpec := map[string]jsontext.Value{}, template.Spec
	for _, taken := range []string{"annotations", "finalizers"} {
		if value, ok := template.Metadata[taken]; ok {
			metadata[taken] = value
		}
	}
	if podSpec == nil {
		podSpec = map[string]jsontext.Value{}
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
	case k.controller == "StatefulSet":
		pod := fmt.Sprintf("%s-%d", name, s.Ordinals.Start)
		metadata["name"] = text(pod)
		labels["statefulset.kubernetes.io/pod-name"] = pod
		labels["apps.kubernetes.io/pod-index"] = fmt.Sprint(s.Ordinals.Start)
		podSpec["hostname"], podSpec["subdomain"] = text(pod), text(s.ServiceName)
		if s.ServiceName == "" {
			delete(podSpec, "subdomain")
		}
	case k.controller == "Job" && s.CompletionMode == "Indexed":
		metadata["generateName"] = text(name + "-0-")
		labels[api.LabelCompletionIndex] = "0"
		podSpec["hostname"] = text(name + "-0")
	}
	var err error
	if len(labels) > 0 {
		if metadata["labels"], err = json.Marshal(labels, json.Deterministic(true)); err != nil {
			return nil, err
		}
	}
	if metadata["ownerReferences"], err = json.Marshal([]map[string]any{{
		"apiVersion": k.group + "/v1",
		"kind":       k.controller, "name": name, "controller": true, "blockOwnerDeletion": true,
	}}, json.Deterministic(true)); err != nil {
		return nil, err
	}
	return podOf(metadata, podSpec, namespace)
}
