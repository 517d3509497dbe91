package cli

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/policy"
)

// surroundings are the Services, Namespaces and policies of the manifests at
// hand: all that an offline decision knows of a cluster.
type surroundings struct {
	services   map[string][]api.Service
	namespaces map[string]api.Namespace
	policies   policy.Set
	// assumed are the labels of the namespaces that are not among these.
	assumed map[string]string
}

func newSurroundings(assumed map[string]string) *surroundings {
	return &surroundings{services: map[string][]api.Service{}, namespaces: map[string]api.Namespace{}, assumed: assumed}
}

// Services returns the manifests' Services of a namespace. Manifests without
// any say nothing about what the cluster has.
func (s *surroundings) Services(namespace string) ([]api.Service, bool) {
	services, known := s.services[namespace]
	return services, known
}

// Namespace returns a Namespace of the manifests, or what is assumed of it.
func (s *surroundings) Namespace(name string) (api.Namespace, bool) {
	ns, ok := s.namespaces[name]
	if !ok && len(s.assumed) > 0 {
		return api.Namespace{Labels: s.assumed}, true
	}
	return ns, ok
}

// Policies returns the policies for a namespace.
func (s *surroundings) Policies(namespace string) policy.Set {
	ns, _ := s.Namespace(namespace)
	return s.policies.ForNamespace(ns.Labels)
}

func (s *surroundings) add(o *manifest.Object, namespace string) error {
	switch o.APIVersion + "/" + o.Kind {
	case "v1/Service":
		var service api.Service
		if err := api.Decode(o.JSON, &service, ""); err != nil {
			return err
		}
		s.put(namespace, service)
	case "v1/Namespace":
		var ns struct {
			Metadata api.ObjectMeta `json:"metadata"`
		}
		if err := api.Decode(o.JSON, &ns, ""); err != nil {
			return err
		}
		s.namespaces[ns.Metadata.Name] = api.Namespace{Labels: ns.Metadata.Labels}
	case api.PolicyAPIVersion + "/" + api.PolicyKind:
		return s.addPolicy(o.JSON)
	}
	return nil
}

// addPolicy adds a policy, or replaces one of the same name.
func (s *surroundings) addPolicy(text []byte) error {
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

// addPolicies adds the policies and Namespaces of files that hold nothing else.
func (s *surroundings) addPolicies(files []*manifest.File) error {
	var errs []error
	for _, file := range files {
		for _, document := range file.Documents {
			objects, err := document.Objects()
			errs = append(errs, err)
			for i := range objects {
				o := &objects[i]
				d := &decided{object: o}
				switch o.APIVersion + "/" + o.Kind {
				case api.PolicyAPIVersion + "/" + api.PolicyKind, "v1/Namespace":
					if err := s.add(o, ""); err != nil {
						errs = append(errs, d.fail(err))
					}
				default:
					errs = append(errs, d.fail(fmt.Errorf("is neither a %s nor a Namespace: name it with -f", api.PolicyKind)))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// put adds a Service, or replaces one of the same name as kubectl apply would.
func (s *surroundings) put(namespace string, service api.Service) {
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

// checkLabels refuses labels that no Namespace can have.
func checkLabels(labels map[string]string) error {
	for key, value := range labels {
		problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...)
		if len(problems) > 0 {
			return fmt.Errorf("--namespace-labels %s=%s: not a label: %s", key, value, problems[0])
		}
	}
	return nil
}
