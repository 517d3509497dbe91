package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/e2e/await"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/flags"
)

// What the manifests call things.
const (
	namespace         = flags.DefaultNamespace
	configurationName = "netmode"
	webhookName       = "netmode-webhook"
	ofNetmode         = "app.kubernetes.io/name=netmode"
)

// Wait waits until netmode works: its Deployments are rolled out and available, each webhook of
// its configuration has a caBundle, and the webhook answers the API server. When ctx ends
// before, the error says what is missing.
func Wait(ctx context.Context, config *rest.Config) error {
	c, err := kubernetes.NewForConfig(unlimited(config))
	if err != nil {
		return err
	}
	return waitFor(ctx, c)
}

func waitFor(ctx context.Context, c kubernetes.Interface) error {
	err := await.Until(ctx, pollEvery, func(ctx context.Context) (bool, string) {
		missing, err := lookAt(ctx, c)
		if err != nil {
			return false, err.Error()
		}
		return len(missing) == 0, strings.Join(missing, "; ")
	})
	if err != nil {
		return fmt.Errorf("netmode does not work: %w", err)
	}
	return nil
}

// lookAt returns what is missing, nothing when netmode works.
func lookAt(ctx context.Context, c kubernetes.Interface) ([]string, error) {
	missing, err := lookAtDeployments(ctx, c)
	if err != nil {
		return nil, err
	}
	bundles, err := lookAtBundles(ctx, c)
	if err != nil {
		return nil, err
	}
	if missing = append(missing, bundles...); len(missing) > 0 {
		return missing, nil
	}
	if err := ask(ctx, c); err != nil {
		return nil, fmt.Errorf("the webhook does not answer the API server: %w", err)
	}
	return nil, nil
}

func lookAtDeployments(ctx context.Context, c kubernetes.Interface) ([]string, error) {
	list, err := c.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: ofNetmode})
	if err != nil {
		return nil, err
	}
	var missing []string
	if !slices.ContainsFunc(list.Items, func(d appsv1.Deployment) bool { return d.Name == webhookName }) {
		missing = append(missing, fmt.Sprintf("there is no Deployment %s/%s", namespace, webhookName))
	}
	for i := range list.Items {
		d := &list.Items[i]
		if why := unavailable(d); why != "" {
			missing = append(missing, why)
			pods, err := lookAtPods(ctx, c, d)
			if err != nil {
				return nil, err
			}
			missing = append(missing, pods...)
		}
	}
	return missing, nil
}

// unavailable says why the Deployment is not rolled out and available; "" if it is. A replica
// that the Deployment's strategy allows to be missing may be missing.
func unavailable(d *appsv1.Deployment) string {
	s := &d.Status
	condition := func(kind appsv1.DeploymentConditionType) appsv1.DeploymentCondition {
		for _, c := range s.Conditions {
			if c.Type == kind {
				return c
			}
		}
		return appsv1.DeploymentCondition{}
	}
	available := condition(appsv1.DeploymentAvailable).Status == corev1.ConditionTrue
	want, ok := await.RolledOut(d)
	if ok && available {
		return ""
	}
	why := fmt.Sprintf("Deployment %s: %d of %d pods are new, %d of %d available", d.Name, s.UpdatedReplicas, want, s.AvailableReplicas, s.Replicas)
	if failure := condition(appsv1.DeploymentReplicaFailure); failure.Status == corev1.ConditionTrue {
		why += ": " + failure.Message
	}
	return why
}

// lookAtBundles names the webhooks without a caBundle.
func lookAtBundles(ctx context.Context, c kubernetes.Interface) ([]string, error) {
	configuration, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, configurationName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return []string{"there is no MutatingWebhookConfiguration " + configurationName}, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range configuration.Webhooks {
		if w := &configuration.Webhooks[i]; len(w.ClientConfig.CABundle) == 0 {
			names = append(names, w.Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return []string{fmt.Sprintf("MutatingWebhookConfiguration %s: no caBundle in %s", configurationName, strings.Join(names, ", "))}, nil
}

// ask lets a Service pass the webhook, and not be made.
func ask(ctx context.Context, c kubernetes.Interface) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "netmode-install-", Annotations: map[string]string{api.AnnotationMode: string(api.ModeDefault)}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	_, err := c.CoreV1().Services(metav1.NamespaceDefault).Create(ctx, service, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}
