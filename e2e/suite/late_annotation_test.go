package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/pkg/api"
)

// testLateAnnotation has another mutating webhook write the annotation. The API server calls
// webhooks in the order of their configurations' names: what comes before netmode is served,
// what comes after it must not start as if nobody had asked.
func testLateAnnotation(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "annotator")
	bundle := c.annotator(ctx, t)
	for _, configuration := range []string{"aa-", "zz-"} {
		c.registerAnnotator(ctx, t, configuration+c.namespace, configuration+"asked", bundle)
	}
	asked := func(by string) *corev1.Pod {
		p := pod("asked", nil, distrolessContainer(hostPort))
		p.Labels["annotate"] = by
		return p
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		for _, by := range []string{"aa-asked", "zz-asked"} {
			made, _, err := s.admit(ctx, c.namespace, asked(by))
			if err == nil && made.Annotations[api.AnnotationMode] == "" || err != nil && strings.Contains(err.Error(), "failed calling webhook") {
				return false, "the API server does not reach the webhook for " + by + " yet" + errorText(err)
			}
		}
		return true, ""
	})

	t.Run("in time", func(t *testing.T) {
		made, _, err := s.admit(ctx, c.namespace, asked("aa-asked"))
		if err != nil {
			t.Fatal(err)
		}
		if !made.Spec.HostNetwork {
			t.Error("the pod is not on the host network")
		}
	})
	t.Run("too late", func(t *testing.T) {
		_, err := s.client.CoreV1().Pods(c.namespace).Create(ctx, asked("zz-asked"), metav1.CreateOptions{})
		for _, want := range []string{"ValidatingAdmissionPolicy 'promises.pods.netmode.io' with binding", "is not as mode hostnetwork needs it"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("have %v\nwant %s", err, want)
			}
		}
	})
}

// annotator starts a webhook that writes netmode.io/mode: hostnetwork, and returns the CA that
// it is known by.
func (s *scene) annotator(ctx context.Context, t *testing.T) []byte {
	t.Helper()
	now := time.Now()
	authority, err := certs.NewAuthority("annotator", now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue([]string{"annotator." + s.namespace + ".svc"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const port, dir = 8443, "/etc/annotator"
	p := pod("annotator", nil, corev1.Container{
		Name: distroless, Image: nodeimage.PeercheckImage, ImagePullPolicy: corev1.PullNever,
		Args: []string{
			"annotate", "--listen", fmt.Sprintf(":%d", port), "--certificate", dir + "/tls.crt", "--key", dir + "/tls.key",
			api.AnnotationMode + "=" + string(api.ModeHostNetwork),
		},
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}}},
		VolumeMounts:   []corev1.VolumeMount{{Name: "tls", MountPath: dir, ReadOnly: true}},
	})
	p.Spec.Volumes = []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "annotator"}}}}
	front := service("annotator", nil)
	front.Spec.Ports = []corev1.ServicePort{{Port: 443, TargetPort: intstr.FromInt32(port)}}
	s.create(ctx, t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "annotator"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: pair.Cert, corev1.TLSPrivateKeyKey: pair.Key},
	}, p, front)
	s.pod(ctx, t, "annotator")
	return pair.CA
}

// registerAnnotator has the API server call the annotator for the scene's pods with this value
// of the label annotate.
func (s *scene) registerAnnotator(ctx context.Context, t *testing.T, name, value string, bundle []byte) {
	t.Helper()
	configurations := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, err := configurations.Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "annotator.netmode.test",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				Service:  &admissionregistrationv1.ServiceReference{Namespace: s.namespace, Name: "annotator", Path: new("/annotate")},
				CABundle: bundle,
			},
			Rules:                   podCreations(),
			NamespaceSelector:       s.ownNamespace(),
			ObjectSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{"annotate": value}},
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			ReinvocationPolicy:      new(admissionregistrationv1.IfNeededReinvocationPolicy),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cleanUp(ctx, t, func(ctx context.Context) error { return configurations.Delete(ctx, name, metav1.DeleteOptions{}) })
}

func podCreations() []admissionregistrationv1.RuleWithOperations {
	return []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
}

func (s *scene) ownNamespace() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: s.namespace}}
}

// testPolicyAnnotation has a MutatingAdmissionPolicy write the annotation: policies come before
// webhooks, so netmode serves it.
func testPolicyAnnotation(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "policy")
	policies, bindings := s.client.AdmissionregistrationV1().MutatingAdmissionPolicies(), s.client.AdmissionregistrationV1().MutatingAdmissionPolicyBindings()
	meta := metav1.ObjectMeta{Name: c.namespace}
	rules := podCreations()[0]
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{ObjectMeta: meta, Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
		MatchConstraints: &admissionregistrationv1.MatchResources{
			NamespaceSelector: c.ownNamespace(),
			ResourceRules:     []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: rules}},
		},
		ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
		Mutations: []admissionregistrationv1.Mutation{{
			PatchType: admissionregistrationv1.PatchTypeApplyConfiguration,
			ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{
				Expression: fmt.Sprintf(`Object{metadata: Object.metadata{annotations: {%q: %q}}}`, api.AnnotationMode, api.ModeHostNetwork),
			},
		}},
	}}
	if _, err := policies.Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cleanUp(ctx, t, func(ctx context.Context) error { return policies.Delete(ctx, c.namespace, metav1.DeleteOptions{}) })
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: meta, Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: c.namespace}}
	if _, err := bindings.Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cleanUp(ctx, t, func(ctx context.Context) error { return bindings.Delete(ctx, c.namespace, metav1.DeleteOptions{}) })
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		made, _, err := s.admit(ctx, c.namespace, pod("asked", nil, distrolessContainer(hostPort)))
		if err != nil {
			return false, err.Error()
		}
		if made.Annotations[api.AnnotationMode] == "" {
			return false, "the API server does not apply the policy yet"
		}
		if !made.Spec.HostNetwork {
			t.Error("the pod has the annotation, and is not on the host network")
		}
		return true, ""
	})
}
