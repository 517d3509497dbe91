package cli

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/policy"
)

// surroundings are the Services and Namespaces of the manifests at hand: all
// that an offline decision knows of a cluster.
type surroundings struct {
	services   map[string][]api.Service
	namespaces map[string]api.Namespace
	policies   policy.Set
}

// Services returns the manifests' Services of a namespace. Manifests without
// any say nothing about what the cluster has.
func (s *surroundings) Services(namespace string) ([]api.Service, bool) {
	services, known := s.services[namespace]
	return services, known
}

// Policies returns the manifests' policies for a namespace.
func (s *surroundings) Policies(namespace string) policy.Set {
	return s.policies.ForNamespace(s.namespaces[namespace].Labels)
}

// Namespace returns a Namespace of the manifests.
func (s *surroundings) Namespace(name string) (api.Namespace, bool) {
	ns, ok := s.namespaces[name]
	return ns, ok
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
	}
	return nil
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
