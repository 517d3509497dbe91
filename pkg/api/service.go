package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ClusterIPNone is the clusterIP of a headless Service.
const ClusterIPNone = "None"

// Service types of the Service API (corev1.ServiceType).
const (
	ServiceClusterIP    = "ClusterIP"
	ServiceNodePort     = "NodePort"
	ServiceLoadBalancer = "LoadBalancer"
	ServiceExternalName = "ExternalName"
)

// Service is the part of a Service that a decision reads.
type Service struct {
	Metadata ObjectMeta  `json:"metadata"`
	Spec     ServiceSpec `json:"spec"`
}

// Meta is the Service's metadata.
func (s *Service) Meta() *ObjectMeta { return &s.Metadata }

// ServiceSpec is the part of corev1.ServiceSpec that a decision reads.
type ServiceSpec struct {
	Type                     string            `json:"type"`
	ClusterIP                string            `json:"clusterIP"`
	ClusterIPs               []string          `json:"clusterIPs"`
	Selector                 map[string]string `json:"selector"`
	Ports                    []ServicePort     `json:"ports"`
	SessionAffinity          string            `json:"sessionAffinity"`
	ExternalIPs              []string          `json:"externalIPs"`
	PublishNotReadyAddresses bool              `json:"publishNotReadyAddresses"`
}

// ServicePort is the part of corev1.ServicePort that a decision reads.
type ServicePort struct {
	Name       string     `json:"name"`
	Port       int32      `json:"port"`
	Protocol   string     `json:"protocol"`
	TargetPort TargetPort `json:"targetPort"`
}

// TargetPort is a Service's targetPort: a number or the name of a container's
// port. The zero value means that none was given.
type TargetPort struct {
	Number int32
	Name   string
}

// UnmarshalJSONFrom reads a JSON number or string; anything else is an error.
func (t *TargetPort) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = TargetPort{}
	switch dec.PeekKind() {
	case '"':
		return json.UnmarshalDecode(dec, &t.Name)
	default:
		return json.UnmarshalDecode(dec, &t.Number)
	}
}

// NeverHeadless reports whether the Service is of a type that Kubernetes lets have no
// clusterIP None.
func (s *ServiceSpec) NeverHeadless() bool {
	return s.Type == ServiceNodePort || s.Type == ServiceLoadBalancer || s.Type == ServiceExternalName
}

// Headless reports whether the Service has no cluster IP, or will have none
// because its annotation asks for it.
func (s *Service) Headless() bool {
	if s.Spec.NeverHeadless() {
		return false
	}
	switch s.Spec.ClusterIP {
	case ClusterIPNone:
		return true
	case "":
		return Mode(s.Metadata.Annotations[AnnotationMode]).Headless()
	default:
		return false
	}
}

// PublishesNotReady reports whether the Service has addresses of pods that are not
// ready, or will have, because its annotations ask for it and it is not made yet.
func (s *Service) PublishesNotReady() bool {
	if s.Spec.ClusterIP != "" || s.Spec.PublishNotReadyAddresses {
		return s.Spec.PublishNotReadyAddresses
	}
	switch asked := s.Metadata.Annotations[AnnotationPublishNotReadyAddresses]; Mode(s.Metadata.Annotations[AnnotationMode]) {
	case ModeStatefulSetHeadless:
		return asked != "false"
	case ModeHeadless:
		return asked == "true"
	}
	return false
}

// Selects reports whether the Service's selector matches the labels. A Service
// without selector selects nothing.
func (s *Service) Selects(labels map[string]string) bool {
	if len(s.Spec.Selector) == 0 {
		return false
	}
	for key, value := range s.Spec.Selector {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}
