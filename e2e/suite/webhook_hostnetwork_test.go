package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/e2e/install"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/flags"
)

// testWebhookOnHostNetwork runs a second webhook, which no API server calls, as
// deploy/kustomize/host-network ships it. Then without its dnsPolicy: the kubelet gives it the
// node's resolv.conf, which it must not take for that of the cluster's pods.
func testWebhookOnHostNetwork(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "hostwebhook")
	c.copyWebhook(ctx, t)
	t.Run("the cluster's DNS", func(t *testing.T) {
		c.checkFacts(ctx, t, "true")
		answer := c.review(ctx, t, api.SearchAuto)
		if patch := string(answer.Patch); !answer.Allowed || !strings.Contains(patch, "nameservers") {
			t.Errorf("auto must prepend: %+v %s", answer, patch)
		}
	})

	deployments := s.client.AppsV1().Deployments(c.namespace)
	webhook, err := deployments.Patch(ctx, "webhook", types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"spec":{"dnsPolicy":"`+corev1.DNSClusterFirst+`"}}}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		now, err := deployments.Get(ctx, "webhook", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		status := &now.Status
		return status.ObservedGeneration >= webhook.Generation && status.UpdatedReplicas == 1 && status.AvailableReplicas == 1 && status.Replicas == 1,
			"the webhook has not rolled out"
	})
	t.Run("the node's DNS", func(t *testing.T) {
		c.checkFacts(ctx, t, "false")
		logs := c.webhookLog(ctx, t)
		for _, want := range []string{"/etc/resolv.conf says nothing about the cluster's DNS", "does not begin " + c.namespace + ".svc.DOMAIN svc.DOMAIN DOMAIN"} {
			if !strings.Contains(logs, want) {
				t.Errorf("have the log\n%s\nwant %s", logs, want)
			}
		}
		answer := c.review(ctx, t, api.SearchAuto)
		if patch := string(answer.Patch); !answer.Allowed || strings.Contains(patch, "nameservers") || !strings.Contains(patch, "/spec/dnsConfig") {
			t.Errorf("auto must append: %+v %s", answer, patch)
		}
		answer = c.review(ctx, t, api.SearchPrepend)
		if want := "--cluster-dns and --cluster-domain"; answer.Allowed || answer.Result == nil || !strings.Contains(answer.Result.Message, want) {
			t.Errorf("prepend must be refused with %s: %+v", want, answer)
		}
	})
}

// copyWebhook brings the webhook's Deployment to the scene's namespace, with the rights and the
// certificate of the one that is installed.
func (s *scene) copyWebhook(ctx context.Context, t *testing.T) {
	t.Helper()
	pods := s.shippedWebhook(t).Spec.Template
	secret, err := s.client.CoreV1().Secrets(flags.DefaultNamespace).Get(ctx, serving, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rights := s.client.RbacV1().ClusterRoleBindings()
	_, err = rights.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: s.namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "netmode-webhook"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "default", Namespace: s.namespace}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cleanUp(ctx, t, func(ctx context.Context) error { return rights.Delete(ctx, s.namespace, metav1.DeleteOptions{}) })

	pods.Labels = appLabel("webhook")
	pods.Spec.ServiceAccountName, pods.Spec.PriorityClassName, pods.Spec.TopologySpreadConstraints = "default", "", nil
	args := &pods.Spec.Containers[0].Args
	*args = slices.DeleteFunc(*args, func(arg string) bool { return strings.HasPrefix(arg, "--own-namespace=") })
	*args = append(*args, "--own-namespace="+s.namespace)
	s.create(ctx, t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: serving}, Type: secret.Type, Data: secret.Data},
		deployment("webhook", 1, pods))
}

// shippedWebhook is the webhook's Deployment of deploy/kustomize/host-network.
func (s *suite) shippedWebhook(t *testing.T) *appsv1.Deployment {
	t.Helper()
	objects, err := install.Render("../../deploy/kustomize/host-network", install.Options{Image: s.image})
	if err != nil {
		t.Fatal(err)
	}
	shipped := &appsv1.Deployment{}
	for _, object := range objects {
		if object.GetKind() == "Deployment" && object.GetName() == "netmode-webhook" {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, shipped); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(shipped.Spec.Template.Spec.Containers) != 1 || !shipped.Spec.Template.Spec.HostNetwork {
		t.Fatalf("have %+v, want one container on the host network", shipped.Spec.Template.Spec)
	}
	return shipped
}

// throughProxy names a port of the webhook's pod for the API server's proxy.
func (s *scene) throughProxy(ctx context.Context, t *testing.T, scheme, port string) string {
	t.Helper()
	webhook := s.ready(ctx, t, "webhook", 1)[0]
	return fmt.Sprintf("%s:%s:%s", scheme, webhook.Name, portOf(t, &webhook, port))
}

// checkFacts checks whether the webhook says that it knows the cluster's DNS.
func (s *scene) checkFacts(ctx context.Context, t *testing.T, known string) {
	t.Helper()
	metrics, err := s.client.CoreV1().RESTClient().Get().Namespace(s.namespace).Resource("pods").
		Name(s.throughProxy(ctx, t, "http", "ops")).SubResource("proxy").Suffix("metrics").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "netmode_cluster_dns_info{") {
			if !strings.Contains(line, `known="`+known+`"`) {
				t.Errorf("have %s, want known=%s", line, known)
			}
			return
		}
	}
	t.Errorf("no netmode_cluster_dns_info in\n%s", metrics)
}

func (s *scene) webhookLog(ctx context.Context, t *testing.T) string {
	t.Helper()
	log, err := s.client.CoreV1().Pods(s.namespace).GetLogs(s.ready(ctx, t, "webhook", 1)[0].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// review asks the webhook about a pod whose search list is to be rewritten. It is not in the
// webhook's own namespace, which is never touched.
func (s *scene) review(ctx context.Context, t *testing.T, strategy api.SearchRewrite) *admissionv1.AdmissionResponse {
	t.Helper()
	asked := pod("db-0", mode(api.ModeStatefulSetHeadless, api.AnnotationService, "db", api.AnnotationSearchRewrite, string(strategy)), distrolessContainer())
	asked.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	object, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "e2e", Namespace: metav1.NamespaceDefault, Name: asked.Name, Operation: admissionv1.Create,
			Kind:     metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Object:   runtime.RawExtension{Raw: object},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.client.CoreV1().RESTClient().Post().Namespace(s.namespace).Resource("pods").
		Name(s.throughProxy(ctx, t, "https", "https")).SubResource("proxy").Suffix("mutate", "asked").
		SetHeader("Content-Type", "application/json").Body(body).DoRaw(ctx)
	if err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &review); err != nil || review.Response == nil {
		t.Fatalf("%v: %s", err, answer)
	}
	return review.Response
}
