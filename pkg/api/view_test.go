package api_test

import (
	"bytes"
	stdjson "encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// fixture reads an object of which every member that a view has is set.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", filepath.Base(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode[T any](text []byte) (T, error) {
	var view T
	err := json.Unmarshal(text, &view)
	return view, err
}

var wantMeta = api.ObjectMeta{
	Name: "app-0", GenerateName: "app-", Namespace: "default",
	Labels:            map[string]string{"app": "db"},
	Annotations:       map[string]string{"netmode.io/mode": "headless"},
	OwnerReferences:   []api.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "app", Controller: true}},
	DeletionTimestamp: new("2026-11-23T10:00:00Z"),
}

func TestPodView(t *testing.T) {
	container := api.Container{
		Name: "main", Command: []string{"/app"}, Args: []string{"-v"}, Env: []api.EnvVar{{Name: "A", Value: "b"}},
		Ports:           []api.ContainerPort{{Name: "web", HostPort: 8080, ContainerPort: 8080, Protocol: "TCP", HostIP: "10.0.0.1"}},
		RestartPolicy:   new("Always"),
		SecurityContext: &api.SecurityContext{RunAsUser: new(int64(7)), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true)},
		Lifecycle: &api.Lifecycle{PostStart: &api.LifecycleHandler{
			Exec: &api.ExecAction{Command: []string{"/bin/true"}}, HTTPGet: &struct{}{}, TCPSocket: &struct{}{}, Sleep: &struct{}{},
		}},
	}
	want := api.Pod{Metadata: wantMeta, Spec: api.PodSpec{
		HostNetwork: true, HostUsers: new(false), Hostname: "app-0", Subdomain: "peers",
		HostnameOverride: new("other"), SetHostnameAsFQDN: new(true),
		DNSPolicy: "None",
		DNSConfig: &api.PodDNSConfig{
			Nameservers: []string{"10.96.0.10"}, Searches: []string{"peers.default.svc.cluster.local"},
			Options: []api.PodDNSConfigOption{{Name: "ndots", Value: new("5")}},
		},
		OS: &api.PodOS{Name: "linux"}, NodeSelector: map[string]string{"kubernetes.io/os": "linux"},
		SecurityContext:  &api.PodSecurityContext{RunAsUser: new(int64(0)), RunAsNonRoot: new(false), Sysctls: []api.Sysctl{{Name: "net.core.somaxconn"}}},
		ImagePullSecrets: []api.LocalObjectReference{{Name: "pull"}},
		RestartPolicy:    "Never",
		InitContainers:   []api.Container{container},
		Containers:       []api.Container{container},
	}}
	got, err := decode[api.Pod](fixture(t, "pod.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("view differs (-want +got):\n%s", diff)
	}
}

// The value of a variable may be of any type: the API server sees to it.
func TestLiteral(t *testing.T) {
	for value, want := range map[string]api.Literal{`"a\u0062"`: "ab", "8080": "", "true": "", `{"a":[1]}`: "", `["a"]`: "", "null": ""} {
		got, err := decode[[]api.EnvVar]([]byte(`[{"name":"A","value":` + value + `},{"name":"B","value":"c"}]`))
		if diff := cmp.Diff([]api.EnvVar{{Name: "A", Value: want}, {Name: "B", Value: "c"}}, got); err != nil || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", value, err, diff)
		}
	}
}

func TestServiceView(t *testing.T) {
	want := api.Service{Metadata: wantMeta, Spec: api.ServiceSpec{
		Type: "ClusterIP", ClusterIP: "None", ClusterIPs: []string{"None"}, Selector: map[string]string{"app": "db"},
		Ports: []api.ServicePort{
			{Name: "web", Port: 80, Protocol: "TCP", TargetPort: api.TargetPort{Number: 8080}},
			{Name: "admin", Port: 81, Protocol: "UDP", TargetPort: api.TargetPort{Name: "admin"}},
		},
		SessionAffinity: "ClientIP", ExternalIPs: []string{"192.0.2.1"}, PublishNotReadyAddresses: true,
	}}
	got, err := decode[api.Service](fixture(t, "service.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("view differs (-want +got):\n%s", diff)
	}
}

// The fixtures are what the API knows, in its own spelling.
func TestFixturesAreOfTheAPI(t *testing.T) {
	for name, object := range map[string]any{"pod.json": &corev1.Pod{}, "service.json": &corev1.Service{}} {
		decoder := stdjson.NewDecoder(bytes.NewReader(fixture(t, name)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(object); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// pointers returns the JSON Pointers of all members and items below value.
func pointers(value any, base string) []string {
	var found []string
	below := func(token string, member any) {
		pointer := base + "/" + strings.ReplaceAll(token, "/", "~1")
		found = append(append(found, pointer), pointers(member, pointer)...)
	}
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			below(key, member)
		}
	case []any:
		for i, item := range v {
			below(strconv.Itoa(i), item)
		}
	}
	return found
}

// change applies operations to a fixture.
func change(t *testing.T, text []byte, operations ...string) []byte {
	t.Helper()
	patch, err := jsonpatch.DecodePatch([]byte("[" + strings.Join(operations, ",") + "]"))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := patch.Apply(text)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// A null member is as good as none; a null in a list or a map is a zero value.
func TestViewsTakeNullEverywhere(t *testing.T) {
	checkNulls[api.Pod](t, "pod.json")
	checkNulls[api.Service](t, "service.json")
	for _, text := range []string{"null", "{}", `{"metadata":null,"spec":null}`} {
		pod, err := decode[api.Pod]([]byte(text))
		if diff := cmp.Diff(api.Pod{}, pod); err != nil || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", text, err, diff)
		}
	}
}

var (
	inList = regexp.MustCompile(`/\d+$`)
	inMap  = regexp.MustCompile(`/(labels|annotations|selector|nodeSelector)/[^/]+$`)
)

func checkNulls[T any](t *testing.T, name string) {
	t.Helper()
	text := fixture(t, name)
	object, err := decode[any](text)
	if err != nil {
		t.Fatal(err)
	}
	for _, pointer := range pointers(object, "") {
		got, err := decode[T](change(t, text, `{"op":"replace","path":"`+pointer+`","value":null}`))
		if err != nil {
			t.Errorf("%s: null at %s: %v", name, pointer, err)
			continue
		}
		if inList.MatchString(pointer) || inMap.MatchString(pointer) {
			continue
		}
		want, err := decode[T](change(t, text, `{"op":"remove","path":"`+pointer+`"}`))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: null at %s is not as if it were absent: %v (-absent +null):\n%s", name, pointer, err, diff)
		}
	}
}

// Members of a newer Kubernetes, and known ones in another spelling.
func TestViewsPassOverUnknownFields(t *testing.T) {
	checkUnknown[api.Pod](t, "pod.json")
	checkUnknown[api.Service](t, "service.json")
}

func checkUnknown[T any](t *testing.T, name string) {
	t.Helper()
	text := fixture(t, name)
	want, err := decode[T](text)
	if err != nil {
		t.Fatal(err)
	}
	object, err := decode[any](text)
	if err != nil {
		t.Fatal(err)
	}
	if added := addUnknown(object, ""); added < 6 {
		t.Fatalf("%s: members were added to %d objects only", name, added)
	}
	text, err = json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode[T](text)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v, (-want +got):\n%s", name, err, diff)
	}
}

// addUnknown adds members to every object below value that is no map of
// strings, and returns to how many.
func addUnknown(value any, pointer string) int {
	added := 0
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			added += addUnknown(member, pointer+"/"+key)
		}
		if !inMap.MatchString(pointer + "/x") {
			v["ofANewerKubernetes"] = []any{1.5, map[string]any{"name": nil}}
			v["Name"], v["SPEC"], v["hostnetwork"] = 7.0, "no object", "no bool"
			added++
		}
	case []any:
		for _, item := range v {
			added += addUnknown(item, pointer+"/0")
		}
	}
	return added
}

func TestViewsRefuseWrongTypes(t *testing.T) {
	tests := []struct{ object, where string }{
		{`{"spec":{"hostNetwork":"true"}}`, `"/spec/hostNetwork"`},
		{`{"spec":{"containers":{}}}`, `"/spec/containers"`},
		{`{"spec":{"containers":[{"ports":[{"hostPort":80.5}]}]}}`, `"/spec/containers/0/ports/0/hostPort"`},
		{`{"spec":{"containers":[{"ports":[{"hostPort":4294967376}]}]}}`, `"/spec/containers/0/ports/0/hostPort"`},
		{`{"metadata":{"annotations":{"netmode.io/mode":true}}}`, `"/metadata/annotations/netmode.io~1mode"`},
		{`{"spec":{"hostname":"a","hostname":"b"}}`, `"hostname"`},
	}
	for _, tt := range tests {
		if _, err := decode[api.Pod]([]byte(tt.object)); err == nil || !strings.Contains(err.Error(), tt.where) {
			t.Errorf("%s: got error %v, want one that names %s", tt.object, err, tt.where)
		}
	}
}
