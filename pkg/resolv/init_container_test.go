package resolv_test

import (
	"bytes"
	stdjson "encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// podSpec decodes a spec strictly: a member that the API does not know is an error.
func podSpec(t *testing.T, spec string) corev1.PodSpec {
	t.Helper()
	decoder := stdjson.NewDecoder(bytes.NewReader([]byte(spec)))
	decoder.DisallowUnknownFields()
	var decoded corev1.PodSpec
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatalf("%v in %s", err, spec)
	}
	return decoded
}

func initContainerCase(spec string) rewriteCase {
	return rewriteCase{spec: spec, asked: api.SearchInitContainer, settings: resolv.Settings{
		Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "registry.example/netmode:1"},
	}}
}

func wantInitContainer() corev1.Container {
	quantities := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("50m"),
		corev1.ResourceMemory: resource.MustParse("32Mi"),
	}
	return corev1.Container{
		Name:      "netmode-resolvconf",
		Image:     "registry.example/netmode:1",
		Command:   []string{"/netmode", "resolvconf", "peers.default.svc.cluster.local"},
		Resources: corev1.ResourceRequirements{Limits: quantities, Requests: quantities},
		SecurityContext: &corev1.SecurityContext{
			RunAsUser:                new(int64(0)),
			RunAsNonRoot:             new(false),
			AllowPrivilegeEscalation: new(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

func TestInitContainer(t *testing.T) {
	p, spec := initContainerCase(`{"containers":[{"name":"main"}]}`).run(t)
	got := podSpec(t, spec)
	want := corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}, InitContainers: []corev1.Container{wantInitContainer()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pod differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]plan.Finding{{
		Rule: "search rewrite", Verdict: plan.Changed, Reason: plan.SearchByInitContainer, Field: "spec.initContainers",
		Detail: "netmode-resolvconf puts peers.default.svc.cluster.local first in resolv.conf",
	}}, p.Trace); diff != "" {
		t.Errorf("trace differs (-want +got):\n%s", diff)
	}
}

// It comes before the init containers that look names up themselves.
func TestInitContainerIsFirst(t *testing.T) {
	for _, before := range []string{"", `"initContainers":null,`, `"initContainers":[],`, `"initContainers":[{"name":"a","newer":1},{"name":"b"}],`} {
		c := initContainerCase(`{` + before + `"containers":[{"name":"main"}]}`)
		p, spec := c.run(t)
		var got struct{ InitContainers []map[string]any }
		if err := stdjson.Unmarshal([]byte(spec), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.InitContainers) == 0 || got.InitContainers[0]["name"] != "netmode-resolvconf" {
			t.Errorf("%s: init containers are %v", before, got.InitContainers)
		}
		if len(got.InitContainers) == 3 && (got.InitContainers[1]["newer"] != 1.0 || got.InitContainers[2]["name"] != "b") {
			t.Errorf("%s: init containers are %v", before, got.InitContainers)
		}
		checkIdempotence(t, c, p, spec)
	}
}

func TestInitContainerImageSettings(t *testing.T) {
	tests := []struct {
		name        string
		policy      string
		secrets     []string
		has         string
		wantSecrets []corev1.LocalObjectReference
	}{
		{"neither", "", nil, "", nil},
		{"pull policy", "Always", nil, "", nil},
		{"one secret", "", []string{"pull"}, "", []corev1.LocalObjectReference{{Name: "pull"}}},
		{"two secrets", "Never", []string{"a", "b"}, "", []corev1.LocalObjectReference{{Name: "a"}, {Name: "b"}}},
		{"a secret that is there", "", []string{"a", "b"}, `"imagePullSecrets":[{"name":"own"},{"name":"a"}],`, []corev1.LocalObjectReference{{Name: "own"}, {Name: "a"}, {Name: "b"}}},
		{"null secrets", "", []string{"a"}, `"imagePullSecrets":null,`, []corev1.LocalObjectReference{{Name: "a"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := initContainerCase(`{` + tt.has + `"containers":[{"name":"main"}]}`)
			c.settings.InitContainer.PullPolicy, c.settings.InitContainer.PullSecrets = tt.policy, tt.secrets
			p, spec := c.run(t)
			got := podSpec(t, spec)
			want := wantInitContainer()
			want.ImagePullPolicy = corev1.PullPolicy(tt.policy)
			if diff := cmp.Diff([]corev1.Container{want}, got.InitContainers); diff != "" {
				t.Errorf("init containers differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantSecrets, got.ImagePullSecrets); diff != "" {
				t.Errorf("pull secrets differ (-want +got):\n%s", diff)
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

func TestInitContainerRefused(t *testing.T) {
	const annotation = `metadata.annotations[netmode.io/search-rewrite]: Invalid value: "init-container": `
	const restricted = annotation + `the namespace enforces PodSecurity restricted, and the init container must run as root: ` +
		`use netmode.io/search-rewrite: auto (InitContainerRoot)`
	const noImage = annotation + `netmode has no image for its init container: ` +
		`start netmode with --init-image, or use netmode.io/search-rewrite: auto and no netmode.io/wait (InitContainerImage)`
	const taken = `: Invalid value: "netmode-resolvconf": the name belongs to netmode's init container: rename that container, or remove it where it is a copy of netmode's (InitContainerName)`
	image := "netmode:1"
	tests := []struct {
		name, level, image, spec, want string
	}{
		{"restricted", "restricted", image, `{}`, restricted},
		{"baseline", "baseline", image, `{}`, ""},
		{"privileged", "privileged", image, `{}`, ""},
		{"no image", "", "", `{}`, noImage},
		{"restricted and no image", "restricted", "", `{}`, "2 problems: " + restricted + "; " + noImage},
		{"name of a container", "", image, `{"containers":[{"name":"main"},{"name":"netmode-resolvconf"}]}`, "spec.containers[1].name" + taken},
		{"name of an init container", "", image, `{"initContainers":[{"name":"netmode-resolvconf","command":["/app"]}]}`, "spec.initContainers[0].name" + taken},
		{
			"init container for another Service", "", image,
			`{"initContainers":[{"name":"a"},{"name":"netmode-resolvconf","command":["/netmode","resolvconf","web.default.svc.cluster.local"]}]}`,
			"spec.initContainers[1].name" + taken,
		},
		{
			"container with the right command", "", image,
			`{"containers":[{"name":"netmode-resolvconf","command":["/netmode","resolvconf","peers.default.svc.cluster.local"]}]}`,
			"spec.containers[0].name" + taken,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := initContainerCase(tt.spec)
			c.settings.InitContainer.Image = tt.image
			if tt.level != "" {
				c.labels = map[string]string{api.LabelPodSecurityEnforce: tt.level}
			}
			p, spec := c.run(t)
			if diff := cmp.Diff(tt.want, p.Denial()); diff != "" {
				t.Errorf("denial differs (-want +got):\n%s", diff)
			}
			if p.Refused() && (len(p.Mutations) > 0 || spec != tt.spec) {
				t.Errorf("refused, and yet changed: %s", spec)
			}
		})
	}
}
