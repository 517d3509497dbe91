// Package offline knows a cluster from manifests: the Services, Namespaces
// and policies in them, for decisions without a cluster.
package offline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/policy"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Snapshot holds the Services, Namespaces and policies of some manifests: all
// that an offline decision knows of a cluster. Add to it before it is asked.
type Snapshot struct {
	services   map[string][]api.Service
	daemonSets map[string][]api.Pod
	namespaces map[string]api.Namespace
	policies   policy.Set
	// assumed are the labels of the namespaces that are not among these.
	assumed map[string]string
}

// New knows nothing but that namespaces of which no manifest tells have the
// labels.
func New(assumed map[string]string) *Snapshot {
	return &Snapshot{services: map[string][]api.Service{}, daemonSets: map[string][]api.Pod{}, namespaces: map[string]api.Namespace{}, assumed: assumed}
}

// Services returns the manifests' Services of a namespace. Manifests without
// any say nothing about what the cluster has.
func (s *Snapshot) Services(namespace string) ([]api.Service, bool) {
	services, known := s.services[namespace]
	return services, known
}

// DaemonSets returns the pod that each DaemonSet of the manifests makes of its template
// in a namespace.
func (s *Snapshot) DaemonSets(namespace string) []api.Pod { return s.daemonSets[namespace] }

// Namespace returns a Namespace of the manifests, or what is assumed of it. One
// of which nothing is known has the label that every Namespace has.
func (s *Snapshot) Namespace(name string) (api.Namespace, bool) {
	ns, known := s.namespaces[name]
	if !known {
		ns.Labels, known = s.assumed, len(s.assumed) > 0
	}
	labels := map[string]string{}
	maps.Copy(labels, ns.Labels)
	labels[corev1.LabelMetadataName] = name
	ns.Labels = labels
	return ns, known
}

// Policies returns the policies for a namespace.
func (s *Snapshot) Policies(namespace string) policy.Set {
	ns, _ := s.Namespace(namespace)
	return s.policies.ForNamespace(ns.Labels)
}

// Add adds the object, if it is one that decisions look at. An error names the
// field.
func (s *Snapshot) Add(o *manifest.Object, namespace string) error {
	switch o.APIVersion + "/" + o.Kind {
	case "v1/Service":
		var service api.Service
		if err := api.Decode(o.JSON, &service, ""); err != nil {
			return err
		}
		s.put(namespace, service)
	case "apps/v1/DaemonSet":
		s.addDaemonSet(o, namespace)
	case "v1/Namespace":
		var ns struct {
			Metadata api.ObjectMeta `json:"metadata"`
		}
		if err := api.Decode(o.JSON, &ns, ""); err != nil {
			return err
		}
		s.namespaces[ns.Metadata.Name] = api.Namespace{Labels: ns.Metadata.Labels, Annotations: ns.Metadata.Annotations}
	case api.PolicyAPIVersion + "/" + api.PolicyKind:
		return s.addPolicy(o.JSON)
	}
	return nil
}

// addDaemonSet adds a DaemonSet, or replaces one of the same name. One that cannot be
// read is told of where it is decided about.
func (s *Snapshot) addDaemonSet(o *manifest.Object, namespace string) {
	template, err := workload.Parse(o.APIVersion, o.Kind, o.JSON, namespace)
	if err != nil {
		return
	}
	pod, err := template.FirstPod()
	if err != nil {
		return
	}
	pod.Metadata.Annotations, _ = workload.Copy(&template.Workload, &template.Metadata, nil, pod.Metadata.Annotations)
	others := slices.DeleteFunc(slices.Clone(s.daemonSets[namespace]), func(known api.Pod) bool {
		return known.Metadata.OwnerReferences[0].Name == template.Workload.Name
	})
	s.daemonSets[namespace] = append(others, *pod)
}

// addPolicy adds a policy, or replaces one of the same name.
func (s *Snapshot) addPolicy(text []byte) error {
	decoded, err := api.DecodePolicy(text)
	if err != nil {
		return err
	}
	compiled, errs := policy.Compile(decoded)
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	others := slices.DeleteFunc(slices.Clone(s.policies.Policies()), func(p *policy.Policy) bool { return p.Name == compiled.Name })
	s.policies = policy.NewSet(append(others, compiled))
	return nil
}

// AddPolicies adds the policies and Namespaces of files that hold nothing else.
// An error names the file, the line and the object.
func (s *Snapshot) AddPolicies(files []*manifest.File) error {
	return addEach(files, func(o *manifest.Object) error {
		switch o.APIVersion + "/" + o.Kind {
		case api.PolicyAPIVersion + "/" + api.PolicyKind, "v1/Namespace":
			return s.Add(o, "")
		}
		return fmt.Errorf("is neither a %s nor a Namespace: name it with -f", api.PolicyKind)
	})
}

// AddFiles adds what there is to add in the files; namespace is that of objects
// that name none. An error names the file, the line and the object.
func (s *Snapshot) AddFiles(files []*manifest.File, namespace string) error {
	return addEach(files, func(o *manifest.Object) error { return s.Add(o, cmp.Or(o.Namespace, namespace)) })
}

func addEach(files []*manifest.File, add func(*manifest.Object) error) error {
	var errs []error
	for o, err := range manifest.Objects(files...) {
		if err == nil {
			if err = add(o); err != nil {
				err = o.Fail(err)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// put adds a Service, or replaces one of the same name as kubectl apply would.
func (s *Snapshot) put(namespace string, service api.Service) {
	services := s.services[namespace]
	i := slices.IndexFunc(services, func(known api.Service) bool {
		return service.Metadata.Name != "" && known.Metadata.Name == service.Metadata.Name
	})
	if i < 0 {
		s.services[namespace] = append(services, service)
		return
	}
	services[i] = service
}
