package install

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
)

// Decode reads objects into their types as an API server with fieldValidation Strict does. One of
// cert-manager's is nil: its types are not known here.
func Decode(objects ...*unstructured.Unstructured) ([]runtime.Object, error) {
	scheme := runtime.NewScheme()
	kinds := runtime.NewSchemeBuilder(admissionv1.AddToScheme, apiextensionsv1.AddToScheme, appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, rbacv1.AddToScheme)
	if err := kinds.AddToScheme(scheme); err != nil {
		return nil, err
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Strict: true})
	all := make([]runtime.Object, len(objects))
	for i, o := range objects {
		if o.GroupVersionKind().Group == "cert-manager.io" {
			continue
		}
		content, err := o.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", describe(o), err)
		}
		if all[i], _, err = decoder.Decode(content, nil, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", describe(o), err)
		}
	}
	return all, nil
}
