package cluster

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/api"
)

// viewOfService is what a decision about a pod reads of a Service beside it:
// whether it is, will or can be headless and names pods before they are ready, which
// pods it selects, and its ports.
func viewOfService(s *corev1.Service) api.Service {
	view := api.Service{
		Metadata: api.ObjectMeta{Name: s.Name, Namespace: s.Namespace},
		Spec: api.ServiceSpec{
			Type:      string(s.Spec.Type),
			ClusterIP: s.Spec.ClusterIP,
			Selector:  s.Spec.Selector,

			PublishNotReadyAddresses: s.Spec.PublishNotReadyAddresses,
		},
	}
	if mode, ok := s.Annotations[api.AnnotationMode]; ok {
		view.Metadata.Annotations = map[string]string{api.AnnotationMode: mode}
	}
	for _, port := range s.Spec.Ports {
		seen := api.ServicePort{Name: port.Name, Port: port.Port, Protocol: string(port.Protocol)}
		if port.TargetPort.Type == intstr.String {
			seen.TargetPort.Name = port.TargetPort.StrVal
		} else {
			seen.TargetPort.Number = port.TargetPort.IntVal
		}
		view.Spec.Ports = append(view.Spec.Ports, seen)
	}
	return view
}

// viewOfNamespace is what a decision about an object reads of its Namespace.
func viewOfNamespace(n *corev1.Namespace) api.Namespace {
	view := api.Namespace{Labels: n.Labels}
	for key, value := range n.Annotations {
		if key == api.AnnotationMode {
			value = "" // whatever it is, it means nothing
		}
		if api.ReadsNamespaceAnnotation(key) && len(value) <= validation.LabelValueMaxLength { // no longer one means anything
			if view.Annotations == nil {
				view.Annotations = map[string]string{}
			}
			view.Annotations[key] = value
		}
	}
	return view
}
