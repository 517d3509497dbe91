//go:build linux

package cpubench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netmode-io/netmode/pkg/api"
)

// small and large are the two Pods under measure, named by the size of their
// AdmissionReview.
const (
	small = "3 kB"
	large = "62 kB"
)

// sentReview is what an API server sent for a Deployment of one container.
const sentReview = "../../admission/testdata/review-pod-replicaset.json"

// newReview is the AdmissionReview of a new Pod, byte for byte as an API server
// encodes it, which asks for the mode; "" asks for none. The small one is what
// an API server sent for a Deployment of one container; the large one has grown
// as Pods of real applications grow.
func newReview(tb testing.TB, size string, asked api.Mode) []byte {
	tb.Helper()
	raw, err := os.ReadFile(sentReview)
	if err != nil {
		tb.Fatal(err)
	}
	var review admissionv1.AdmissionReview
	decode(tb, raw, &review)
	var pod corev1.Pod
	decode(tb, review.Request.Object.Raw, &pod)
	if size == large {
		grow(tb, &pod)
	}
	if asked != "" {
		metav1.SetMetaDataAnnotation(&pod.ObjectMeta, api.AnnotationMode, string(asked))
	}
	if asked == api.ModeStatefulSetHeadless {
		becomeStatefulSets(&review, &pod)
	}
	review.Request.Object.Raw = encode(tb, &pod)
	return encode(tb, &review)
}

// becomeStatefulSets gives the Pod what it has when a StatefulSet creates it.
func becomeStatefulSets(review *admissionv1.AdmissionReview, pod *corev1.Pod) {
	review.Request.Name = "d1-0"
	review.Request.UserInfo.Username = "system:serviceaccount:kube-system:statefulset-controller"
	pod.Name, pod.GenerateName = "d1-0", "d1-"
	pod.Spec.Hostname, pod.Spec.Subdomain = "d1-0", "d1"
	pod.OwnerReferences[0].Kind, pod.OwnerReferences[0].Name = "StatefulSet", "d1"
	pod.Labels["apps.kubernetes.io/pod-index"] = "0"
	pod.Labels["statefulset.kubernetes.io/pod-name"] = "d1-0"
}

// grow makes the Pod one of six containers, with what the API defaults.
func grow(tb testing.TB, pod *corev1.Pod) {
	tb.Helper()
	token := pod.Spec.Volumes[0]
	pod.Annotations = map[string]string{
		"checksum/config":                   strings.Repeat("6d0f3c97a1b2e845", 4),
		"checksum/secret":                   strings.Repeat("b81f04d2c35e96a7", 4),
		"kubectl.kubernetes.io/restartedAt": "2026-11-23T04:58:11Z",
		"prometheus.io/path":                "/metrics",
		"prometheus.io/port":                "9100",
		"prometheus.io/scrape":              "true",
		"logs.example.com/processing":       `[{"container":"app","multiline":{"pattern":"^\\d{4}-\\d{2}-\\d{2}","negate":true},"drop":["DEBUG","TRACE"]},{"container":"queue","format":"json"}]`,
		"backup.example.com/pre-hook":       `["/bin/sh","-c","pg_dump --format=custom \"$DATABASE\" > /backup/app.dump && sync"]`,
	}
	pod.Spec.Volumes, pod.Spec.Containers = nil, nil
	for i := range 8 {
		name := fmt.Sprintf("config-%d", i)
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "d1-" + name},
				Items:                []corev1.KeyToPath{{Key: "application.yaml", Path: "application.yaml"}, {Key: "logging.xml", Path: "logging.xml"}},
				DefaultMode:          new(int32(420)),
			}}})
	}
	for i := range 4 {
		name := fmt.Sprintf("credentials-%d", i)
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: "d1-" + name, DefaultMode: new(int32(288))}}})
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: new(resource.MustParse("2Gi"))}}}, token)
	for i, name := range []string{"app", "queue", "search", "cache", "exporter", "log-shipper"} {
		pod.Spec.Containers = append(pod.Spec.Containers, container(name, i, mounts(pod.Spec.Volumes, i)))
	}
	pod.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(string(encode(tb, managed(tb, pod))))
}

// mounts are every other volume of configuration, and those that all containers share.
func mounts(volumes []corev1.Volume, container int) []corev1.VolumeMount {
	var mounted []corev1.VolumeMount
	for i := range volumes {
		switch volume := &volumes[i]; {
		case volume.EmptyDir != nil:
			mounted = append(mounted, corev1.VolumeMount{Name: volume.Name, MountPath: "/var/lib/d1"})
		case volume.Projected != nil:
			mounted = append(mounted, corev1.VolumeMount{Name: volume.Name, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true})
		case i%2 == container%2:
			mounted = append(mounted, corev1.VolumeMount{Name: volume.Name, MountPath: "/etc/d1/" + volume.Name, ReadOnly: true})
		}
	}
	return mounted
}

func container(name string, index int, mounts []corev1.VolumeMount) corev1.Container {
	port := int32(8080 + 10*index) //nolint:gosec // G115: a handful of containers
	probe := func(path string, threshold int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTP}},
			TimeoutSeconds:   5,
			PeriodSeconds:    10,
			SuccessThreshold: 1,
			FailureThreshold: threshold,
		}
	}
	return corev1.Container{
		Name:    name,
		Image:   "registry.example.com/platform/d1-" + name + ":v4.17.2@sha256:" + strings.Repeat("0123456789abcdef", 4),
		Command: []string{"/bin/sh", "-ec"},
		Args: []string{"umask 027\nfor f in /etc/d1/*/*.yaml; do\n  test -r \"$f\" || { echo \"cannot read $f\" >&2; exit 1; }\ndone\nexec /usr/local/bin/" +
			name + " --config=/etc/d1/config-0/application.yaml --listen=:" + fmt.Sprint(port)},
		Ports: []corev1.ContainerPort{
			{Name: "http", ContainerPort: port, Protocol: corev1.ProtocolTCP},
			{Name: "metrics", ContainerPort: port + 1, Protocol: corev1.ProtocolTCP},
		},
		Env: environment(name),
		Resources: corev1.ResourceRequirements{
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("1536Mi")},
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("512Mi")},
		},
		VolumeMounts:             mounts,
		LivenessProbe:            probe("/healthz/live", 6),
		ReadinessProbe:           probe("/healthz/ready", 3),
		StartupProbe:             probe("/healthz/started", 30),
		TerminationMessagePath:   "/dev/termination-log",
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		ImagePullPolicy:          corev1.PullIfNotPresent,
		SecurityContext: &corev1.SecurityContext{
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			RunAsUser:                new(int64(10001)),
			RunAsNonRoot:             new(true),
			ReadOnlyRootFilesystem:   new(true),
			AllowPrivilegeEscalation: new(false),
		},
	}
}

func environment(container string) []corev1.EnvVar {
	prefix := strings.ToUpper(strings.ReplaceAll(container, "-", "_"))
	env := []corev1.EnvVar{
		{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}}},
		{Name: "JAVA_TOOL_OPTIONS", Value: "-XX:MaxRAMPercentage=75 -XX:+UseG1GC -XX:MaxGCPauseMillis=200 -XX:+ExitOnOutOfMemoryError -XX:+HeapDumpOnOutOfMemoryError " +
			"-XX:HeapDumpPath=/var/lib/d1/heap.hprof -Djava.net.preferIPv4Stack=true -Dfile.encoding=UTF-8 -Dlog4j2.formatMsgNoLookups=true"},
		{Name: prefix + "_FEATURES", Value: `{"audit":true,"retries":{"max":5,"backoff":"250ms"},"regions":["eu-1","eu-2"]}`},
	}
	for i := range 8 {
		env = append(env,
			corev1.EnvVar{Name: fmt.Sprintf("%s_BACKEND_%d_URL", prefix, i), Value: fmt.Sprintf("https://backend-%d.platform.example.com:8443/api/v2/%s?pool=32&timeout=2s&retry=idempotent&trace=w3c", i, container)},
			corev1.EnvVar{Name: fmt.Sprintf("%s_LIMIT_%d", prefix, i), Value: fmt.Sprint(1000 * (i + 1))},
			corev1.EnvVar{Name: fmt.Sprintf("%s_SECRET_%d", prefix, i), ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "d1-credentials-0"}, Key: fmt.Sprintf("%s-%d", container, i)}}},
		)
	}
	return env
}

// managed is the Pod's field set as server-side apply tracks it (KEP-555).
func managed(tb testing.TB, pod *corev1.Pod) map[string]any {
	tb.Helper()
	var object map[string]any
	decode(tb, encode(tb, pod), &object)
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		tb.Fatal("the Pod has no metadata")
	}
	delete(metadata, "managedFields")
	delete(metadata, "namespace")
	return map[string]any{"f:metadata": fieldSet(tb, metadata), "f:spec": fieldSet(tb, object["spec"])}
}

func fieldSet(tb testing.TB, value any) map[string]any {
	tb.Helper()
	fields := map[string]any{}
	members, ok := value.(map[string]any)
	if !ok {
		return fields
	}
	atomic := []string{"fieldRef", "secretKeyRef"}
	mergeKeys := map[string][]string{
		"containers": {"name"}, "env": {"name"}, "volumes": {"name"}, "ownerReferences": {"uid"},
		"ports": {"containerPort", "protocol"}, "volumeMounts": {"mountPath"},
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if slices.Contains(atomic, name) {
			fields["f:"+name] = map[string]any{}
			continue
		}
		below := fieldSet(tb, members[name])
		if items, isList := members[name].([]any); isList && mergeKeys[name] != nil {
			for _, item := range items {
				of, isObject := item.(map[string]any)
				if !isObject {
					tb.Fatalf("an item of %s is no object", name)
				}
				key := map[string]any{}
				for _, k := range mergeKeys[name] {
					key[k] = of[k]
				}
				set := fieldSet(tb, item)
				set["."] = map[string]any{}
				below["k:"+string(encode(tb, key))] = set
			}
		}
		if len(below) > 0 {
			below["."] = map[string]any{}
		}
		fields["f:"+name] = below
	}
	return fields
}

func decode(tb testing.TB, data []byte, into any) {
	tb.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		tb.Fatal(err)
	}
}

func encode(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// TestNewReview holds the Pods to their sizes, and to what an API server sends.
func TestNewReview(t *testing.T) {
	sent, err := os.ReadFile(sentReview)
	if err != nil {
		t.Fatal(err)
	}
	if got := newReview(t, small, ""); string(got) != strings.TrimSpace(string(sent)) {
		t.Errorf("the small Pod that asks for nothing is not what the API server sent:\n%s\nand not\n%s", got, sent)
	}
	for size, want := range map[string]struct{ least, most int }{small: {3_000, 3_300}, large: {61_500, 62_500}} {
		for _, asked := range append(api.Modes(), "") {
			got := newReview(t, size, asked)
			if len(got) < want.least || len(got) > want.most {
				t.Errorf("%s Pod, mode %q: %d bytes", size, asked, len(got))
			}
			if again := newReview(t, size, asked); !bytes.Equal(again, got) {
				t.Errorf("%s Pod, mode %q: not the same twice", size, asked)
			}
		}
	}
}
