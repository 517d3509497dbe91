package install

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

const manifests = "../../deploy/kustomize"

func render(t *testing.T, path string, o Options) []*unstructured.Unstructured {
	t.Helper()
	objects, err := Render(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func strict(t *testing.T, o *unstructured.Unstructured) runtime.Object {
	t.Helper()
	objects, err := Decode(o)
	if err != nil {
		t.Fatal(err)
	}
	return objects[0]
}

// deployment decodes all objects and returns the Deployment of this name, nil if there is none.
func deployment(t *testing.T, objects []*unstructured.Unstructured, name string) *appsv1.Deployment {
	t.Helper()
	var found *appsv1.Deployment
	for _, o := range objects {
		if d, ok := strict(t, o).(*appsv1.Deployment); ok && d.Name == name {
			found = d
		}
	}
	return found
}

func lines(objects []*unstructured.Unstructured) []string {
	all := make([]string, len(objects))
	for i, o := range objects {
		all[i] = describe(o)
	}
	return all
}

func TestRenderEachFolder(t *testing.T) {
	base := []string{
		"Namespace netmode-system",
		"ResourceQuota netmode-system/netmode-critical-pods",
		"CustomResourceDefinition networkmodepolicies.policy.netmode.io",
		"ServiceAccount netmode-system/netmode-certificates",
		"ServiceAccount netmode-system/netmode-policies",
		"ServiceAccount netmode-system/netmode-webhook",
		"Role netmode-system/netmode-certificates",
		"ClusterRole netmode-certificates",
		"ClusterRole netmode-policies",
		"ClusterRole netmode-webhook",
		"RoleBinding netmode-system/netmode-certificates",
		"ClusterRoleBinding netmode-certificates",
		"ClusterRoleBinding netmode-policies",
		"ClusterRoleBinding netmode-webhook",
		"Secret netmode-system/netmode-webhook-tls",
		"Secret netmode-system/netmode-webhook-tls-ca",
		"Service netmode-system/netmode-certificates",
		"Service netmode-system/netmode-policies",
		"Service netmode-system/netmode-webhook",
		"Deployment netmode-system/netmode-certificates",
		"Deployment netmode-system/netmode-policies",
		"Deployment netmode-system/netmode-webhook",
		"PodDisruptionBudget netmode-system/netmode-webhook",
		"ValidatingAdmissionPolicy promises.pods.netmode.io",
		"ValidatingAdmissionPolicy promises.services.netmode.io",
		"ValidatingAdmissionPolicy updates.services.netmode.io",
		"ValidatingAdmissionPolicyBinding promises.pods.netmode.io",
		"ValidatingAdmissionPolicyBinding promises.services.netmode.io",
		"ValidatingAdmissionPolicyBinding updates.services.netmode.io",
		"MutatingWebhookConfiguration netmode",
	}
	certManager := slices.DeleteFunc(slices.Clone(base), func(line string) bool {
		return strings.HasSuffix(line, "netmode-certificates") || strings.HasPrefix(line, "Secret ")
	})
	certManager = slices.Insert(certManager, len(certManager)-1,
		"Certificate netmode-system/netmode-webhook-ca",
		"Certificate netmode-system/netmode-webhook-tls",
		"Issuer netmode-system/netmode-selfsigned",
		"Issuer netmode-system/netmode-webhook-ca",
	)
	networkPolicy := slices.Insert(slices.Clone(base), len(base)-1,
		"NetworkPolicy netmode-system/netmode",
		"NetworkPolicy netmode-system/netmode-webhook",
	)
	for folder, want := range map[string][]string{"base": base, "host-network": base, "observe-only": base, "network-policy": networkPolicy, "cert-manager": certManager} {
		objects := render(t, filepath.Join(manifests, folder), Options{})
		if have := lines(objects); !slices.Equal(have, want) {
			t.Errorf("%s:\nhave %q\nwant %q", folder, have, want)
		}
		for _, o := range objects {
			strict(t, o)
		}
	}
}

// Whoever writes an overlay sets the image in one place, over any folder.
func TestImageIsSetEverywhere(t *testing.T) {
	for _, folder := range []string{"base", "host-network", "observe-only", "cert-manager"} {
		for image, want := range map[string]string{
			"":                                "ghcr.io/netmode-io/netmode:devel",
			"localhost/netmode:v1-dirty":      "localhost/netmode:v1-dirty",
			"registry:5000/n/netmode:v1":      "registry:5000/n/netmode:v1",
			"registry:5000/netmode@sha256:ab": "registry:5000/netmode@sha256:ab",
			"r.io/netmode:v1@sha256:ab":       "r.io/netmode:v1@sha256:ab",
		} {
			var found []string
			for _, o := range render(t, filepath.Join(manifests, folder), Options{Image: image}) {
				d, ok := strict(t, o).(*appsv1.Deployment)
				if !ok {
					continue
				}
				c := d.Spec.Template.Spec.Containers[0]
				found = append(found, c.Image)
				if slices.Contains(c.Args, "--init-image=$(NETMODE_IMAGE)") {
					at := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "NETMODE_IMAGE" })
					found = append(found, c.Env[at].Value)
				}
			}
			wanted := 4
			if folder == "cert-manager" {
				wanted = 3
			}
			if !slices.Equal(found, slices.Repeat([]string{want}, wanted)) {
				t.Errorf("%s with %q: %q, want %d times %s", folder, image, found, wanted, want)
			}
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		o    Options
		want string
	}{
		"no tag":       {"base", Options{Image: "registry:5000/netmode"}, `image "registry:5000/netmode": want NAME:TAG or NAME@DIGEST`},
		"no name":      {"base", Options{Image: ":v1"}, `image ":v1": want NAME:TAG or NAME@DIGEST`},
		"no folder":    {"nowhere", Options{}, "nowhere: no such file or directory"},
		"no component": {"base", Options{Components: []string{"nowhere"}}, "nowhere: no such file or directory"},
		"no manifests": {"..", Options{}, "unable to find one of 'kustomization.yaml'"},
		"bad patch":    {"base", Options{Patches: []Patch{{Kind: "Service", Operations: "[{"}}}, "render ../../deploy/kustomize/base: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Render(filepath.Join(manifests, test.path), test.o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestPatchesFindTheirObjects(t *testing.T) {
	objects := render(t, filepath.Join(manifests, "base"), Options{Patches: []Patch{
		{Kind: "Deployment", Operations: `[{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a": "1"}}]`},
		{Kind: "Deployment", Name: "netmode-webhook", Operations: `[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--log-level=debug"}]`},
	}})
	for name, debug := range map[string]bool{"netmode-webhook": true, "netmode-certificates": false} {
		template := deployment(t, objects, name).Spec.Template
		if template.Annotations["a"] != "1" || slices.Contains(template.Spec.Containers[0].Args, "--log-level=debug") != debug {
			t.Errorf("%s: %v, %q", name, template.Annotations, template.Spec.Containers[0].Args)
		}
	}
}

// On the host network the webhook listens where its ports say, and Services name these ports.
func TestHostNetwork(t *testing.T) {
	check := func(t *testing.T, objects []*unstructured.Unstructured) {
		t.Helper()
		pod := deployment(t, objects, "netmode-webhook").Spec.Template.Spec
		if !pod.HostNetwork || pod.DNSPolicy != corev1.DNSClusterFirstWithHostNet {
			t.Errorf("hostNetwork %t, dnsPolicy %s", pod.HostNetwork, pod.DNSPolicy)
		}
		ports := map[string]int32{}
		for _, p := range pod.Containers[0].Ports {
			ports[p.Name] = p.ContainerPort
			if p.HostPort != p.ContainerPort {
				t.Errorf("port %s: hostPort %d, containerPort %d", p.Name, p.HostPort, p.ContainerPort)
			}
		}
		for flag, port := range map[string]string{"--listen": "https", "--ops-listen": "ops"} {
			want := flag + "=" + net.JoinHostPort("", fmt.Sprint(ports[port]))
			if args := pod.Containers[0].Args; !slices.Contains(args, want) || ports[port] < 10000 {
				t.Errorf("no %s among %q", want, args)
			}
		}
	}
	t.Run("alone", func(t *testing.T) {
		objects := render(t, filepath.Join(manifests, "host-network"), Options{})
		check(t, objects)
		if d := deployment(t, objects, "netmode-certificates"); d.Spec.Template.Spec.HostNetwork {
			t.Error("the certificates Deployment needs no host network")
		}
	})
	t.Run("with cert-manager", func(t *testing.T) {
		component := filepath.Join(manifests, "host-network", "component")
		objects := render(t, filepath.Join(manifests, "cert-manager"), Options{Components: []string{component}, Image: "r.io/netmode:v1"})
		check(t, objects)
		if deployment(t, objects, "netmode-certificates") != nil || deployment(t, objects, "netmode-webhook").Spec.Template.Spec.Containers[0].Image != "r.io/netmode:v1" {
			t.Error("not all three changes were made")
		}
	})
}

// The overlays that the README shows, each in a folder beside base.
func TestReadmeOverlays(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(manifests, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n").FindAllStringSubmatch(string(readme), -1)
	if len(shown) != 5 {
		t.Fatalf("the README shows %d overlays", len(shown))
	}
	for _, block := range shown {
		objects := render(t, overlayBeside(t, block[1]), Options{})
		webhook := deployment(t, objects, "netmode-webhook").Spec.Template.Spec
		policies := deployment(t, objects, "netmode-policies").Spec.Template.Spec
		for _, args := range [][]string{webhook.Containers[0].Args, policies.Containers[0].Args} {
			if flag := regexp.MustCompile(`--system-namespaces=\S+`).FindString(block[1]); flag != "" && !slices.Contains(args, flag) {
				t.Errorf("no %s among %q", flag, args)
			}
			if observes := slices.Contains(args, "--observe-only"); observes != strings.Contains(block[1], "observe-only") {
				t.Errorf("--observe-only %t by\n%s", observes, block[1])
			}
		}
		if guarded := slices.Contains(lines(objects), "NetworkPolicy netmode-system/netmode"); guarded != strings.Contains(block[1], "network-policy") {
			t.Errorf("NetworkPolicies %t by\n%s", guarded, block[1])
		}
		if strings.Contains(block[1], "images:") && webhook.Containers[0].Image != "registry.example.com/netmode:v1" {
			t.Errorf("image %s of\n%s", webhook.Containers[0].Image, block[1])
		}
		if strings.Contains(block[1], "host-network") && !webhook.HostNetwork {
			t.Errorf("no host network by\n%s", block[1])
		}
	}
}

// overlayBeside writes a kustomization as if its folder were beside base, and returns the folder.
func overlayBeside(t *testing.T, content string) string {
	t.Helper()
	root, err := filepath.Abs(manifests)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	relative, err := filepath.Rel(dir, root)
	if err != nil {
		t.Fatal(err)
	}
	content = strings.ReplaceAll(content, "../", relative+"/")
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(content), 0o600); err != nil { //nolint:gosec // G703: in a temporary folder of ours
		t.Fatal(err)
	}
	return dir
}
