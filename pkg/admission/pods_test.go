package admission

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// testdata holds reviews as a Kubernetes 1.37 API server sent them.
//
//go:embed testdata/*.json
var testdata embed.FS

const (
	replicaSetPod  = "review-pod-replicaset.json"
	statefulSetPod = "review-pod-statefulset.json"
	serviceCreate  = "review-service-create.json"
	serviceUpdate  = "review-service-update.json"
)

func fixtures() []string {
	return []string{replicaSetPod, statefulSetPod, serviceCreate, serviceUpdate}
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// edited is the fixture with its request and its object changed. The members of
// the request keep the order in which the API server writes them.
func edited(tb testing.TB, name string, change func(request *admissionv1.AdmissionRequest, object map[string]any)) []byte {
	tb.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(fixture(tb, name), &review); err != nil {
		tb.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(review.Request.Object.Raw, &object); err != nil {
		tb.Fatal(err)
	}
	change(review.Request, object)
	review.Request.Object.Raw = marshal(tb, object)
	return marshal(tb, review)
}

// withObject is the fixture with another object.
func withObject(tb testing.TB, name string, object []byte) []byte {
	tb.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(fixture(tb, name), &review); err != nil {
		tb.Fatal(err)
	}
	review.Request.Object.Raw = object
	return marshal(tb, review)
}

// annotated is the fixture with an object that has the annotations, given as
// key=value below netmode.io/, and no other.
func annotated(tb testing.TB, name string, annotations ...string) []byte {
	tb.Helper()
	return edited(tb, name, func(_ *admissionv1.AdmissionRequest, object map[string]any) { annotate(object, annotations...) })
}

func annotate(object map[string]any, annotations ...string) {
	values := map[string]any{}
	for _, a := range annotations {
		key, value, _ := strings.Cut(a, "=")
		values["netmode.io/"+key] = value
	}
	member(object, "metadata")["annotations"] = values
}

// member returns the object at the path, made where there is none.
func member(object map[string]any, path ...string) map[string]any {
	for _, name := range path {
		next, ok := object[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[name] = next
		}
		object = next
	}
	return object
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// knownDNS are settings with which every strategy works.
func knownDNS(tb testing.TB) *engine.Settings {
	tb.Helper()
	facts, err := resolv.Declare([]string{"10.96.0.10"}, "cluster.local")
	if err != nil {
		tb.Fatal(err)
	}
	return &engine.Settings{
		ExemptNamespaces: []string{"kube-system", "netmode-system"},
		Search:           resolv.Settings{Facts: facts, InitContainer: resolv.InitContainer{Image: "example.com/netmode:test"}},
	}
}

func newReviewer(tb testing.TB) *Reviewer {
	tb.Helper()
	return &Reviewer{Entry: api.EntryAsked, Settings: knownDNS(tb), Snapshots: FixedSnapshot{engine.EmptySnapshot{}}}
}

// largeReview is a review of about 62 kB: a Pod of a StatefulSet as large
// applications have them, with sidecars, many variables and mounts, the
// annotations of several operators, and a managedFields entry for every field.
// It is the same, byte for byte, at every call.
func largeReview(tb testing.TB, annotations ...string) []byte {
	tb.Helper()
	const size, tolerance = 62_000, 1_000
	for n := 1; ; n++ {
		body := edited(tb, statefulSetPod, func(_ *admissionv1.AdmissionRequest, pod map[string]any) {
			annotate(pod, annotations...)
			grow(pod, n)
		})
		switch {
		case len(body) > size+tolerance:
			tb.Fatalf("the Pod has %d bytes with %d of each thing, which is too many", len(body), n)
		case len(body) > size-tolerance:
			return body
		}
	}
}

// grow gives each container n variables and mounts, the pod n volumes and
// annotations, and managedFields an owner for all of them.
func grow(pod map[string]any, n int) {
	spec, metadata := member(pod, "spec"), member(pod, "metadata")
	owned := map[string]any{}
	var containers, volumes []any
	for i := range n {
		name := fmt.Sprintf("config-%03d", i)
		volumes = append(volumes, map[string]any{
			"name":      name,
			"configMap": map[string]any{"name": "storm-" + name, "defaultMode": 420, "items": []any{map[string]any{"key": "storm.yaml", "path": name + ".yaml"}}},
		})
		member(owned, "f:spec", "f:volumes", `k:{"name":"`+name+`"}`)["f:configMap"] = map[string]any{".": map[string]any{}, "f:defaultMode": map[string]any{}, "f:items": map[string]any{}, "f:name": map[string]any{}}
		key := fmt.Sprintf("example.com/checksum-%03d", i)
		member(metadata, "annotations")[key] = fmt.Sprintf("sha256:%064x", i)
		member(owned, "f:metadata", "f:annotations")["f:"+key] = map[string]any{}
	}
	for _, name := range []string{"worker", "metrics", "log-shipper"} {
		containers = append(containers, growContainer(name, n, owned))
	}
	spec["volumes"], spec["containers"] = volumes, containers
	metadata["managedFields"] = []any{map[string]any{
		"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
		"time": "2026-11-23T05:01:01Z", "fieldsType": "FieldsV1", "fieldsV1": owned,
	}}
}

func growContainer(name string, n int, owned map[string]any) map[string]any {
	var env, mounts []any
	fields := member(owned, "f:spec", "f:containers", `k:{"name":"`+name+`"}`)
	for i := range n {
		variable := fmt.Sprintf("STORM_%s_OPTION_%03d", strings.ToUpper(strings.ReplaceAll(name, "-", "_")), i)
		env = append(env, map[string]any{"name": variable, "value": fmt.Sprintf("-Dstorm.%s.option.%03d=\"on\"", name, i)})
		member(fields, "f:env")[`k:{"name":"`+variable+`"}`] = map[string]any{".": map[string]any{}, "f:name": map[string]any{}, "f:value": map[string]any{}}
		mounts = append(mounts, map[string]any{"name": fmt.Sprintf("config-%03d", i), "mountPath": fmt.Sprintf("/etc/storm/%03d", i), "readOnly": true})
	}
	return map[string]any{
		"name": name, "image": "example.com/storm/" + name + ":2.8.1", "command": []any{"/bin/storm", name},
		"env": env, "volumeMounts": mounts,
		"ports":           []any{map[string]any{"name": "port", "containerPort": 6700 + len(name), "protocol": "TCP"}},
		"resources":       map[string]any{"requests": map[string]any{"cpu": "500m", "memory": "1Gi"}, "limits": map[string]any{"memory": "1Gi"}},
		"livenessProbe":   map[string]any{"tcpSocket": map[string]any{"port": "port"}, "periodSeconds": 10, "failureThreshold": 3},
		"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}},
		"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
	}
}
