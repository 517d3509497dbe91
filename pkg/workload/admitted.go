package workload

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// Admitted returns a Pod or Service manifest as the API server would show it to
// a webhook: in a namespace, with the defaults that decisions may meet. Other
// objects come back as they are. An error names the field that is of the wrong
// type.
func Admitted(apiVersion, kind string, object []byte, namespace string) ([]byte, error) {
	if apiVersion != "v1" || kind != "Pod" && kind != "Service" {
		return object, nil
	}
	var parts struct {
		Metadata map[string]jsontext.Value `json:"metadata"`
		Spec     map[string]jsontext.Value `json:"spec"`
	}
	if err := api.Decode(object, &parts, ""); err != nil {
		return nil, err
	}
	if parts.Metadata == nil {
		parts.Metadata = map[string]jsontext.Value{}
	}
	if parts.Spec == nil {
		parts.Spec = map[string]jsontext.Value{}
	}
	if kind == "Pod" {
		return podOf(parts.Metadata, parts.Spec, namespace)
	}
	return objectOf("Service", parts.Metadata, parts.Spec, namespace, map[string]jsontext.Value{
		"type": text(api.ServiceClusterIP), "sessionAffinity": text("None"), "internalTrafficPolicy": text("Cluster"),
	})
}

func podOf(metadata, spec map[string]jsontext.Value, namespace string) ([]byte, error) {
	return objectOf("Pod", metadata, spec, namespace, map[string]jsontext.Value{
		"dnsPolicy": text(api.DNSClusterFirst), "restartPolicy": text("Always"), "securityContext": jsontext.Value("{}"),
		"schedulerName": text("default-scheduler"), "terminationGracePeriodSeconds": jsontext.Value("30"), "enableServiceLinks": jsontext.Value("true"),
	})
}

func objectOf(kind string, metadata, spec map[string]jsontext.Value, namespace string, defaults map[string]jsontext.Value) ([]byte, error) {
	metadata["namespace"] = text(namespace)
	for name, value := range defaults {
		if _, ok := spec[name]; !ok {
			spec[name] = value
		}
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}, json.Deterministic(true))
}

func text(s string) jsontext.Value {
	quoted, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8, which every reader of objects refuses
		return jsontext.Value(`""`)
	}
	return quoted
}
