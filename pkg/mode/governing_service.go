package mode

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

func annotationPath(key string) *field.Path {
	return field.NewPath("metadata").Child("annotations").Key(key)
}

// findGoverningService decides which Service gives the pod its name in DNS and
// records it in the plan:
//
//	annotation  subdomain  Services                      decision
//	s           "" or s    not asked                     s
//	s           t          not asked                     refused: GoverningServiceConflict
//	none        t          not asked                     t
//	none        no name    not asked                     refused: GoverningServiceInvalid
//	none        ""         one headless selects the pod  that one
//	none        ""         several do                    refused: GoverningServiceAmbiguous
//	none        ""         none does, or not known       refused: GoverningServiceUnknown
//
// A named Service that cannot do its work is a warning: it may come, or change,
// after the pod. At a template that asks for the mode, the last two are warnings as
// well: the Service may come before the pods.
func findGoverningService(c *PodCase) {
	named, subdomain := c.Intent.Service, c.Pod.Spec.Subdomain
	switch {
	case named != "" && subdomain != "" && named != subdomain:
		c.Plan.Refuse(plan.GoverningServiceConflict, annotationPath(api.AnnotationService), named, c.subdomainField()+" is "+plan.Shown(subdomain))
	case named != "":
		useNamedService(c, annotationPath(api.AnnotationService), named)
	case subdomain != "":
		if problems := validation.IsDNS1123Label(subdomain); len(problems) > 0 {
			c.Plan.Refuse(plan.GoverningServiceInvalid, specPath.Child("subdomain"), subdomain, "no Service can have this name: "+problems[0])
			return
		}
		useNamedService(c, specPath.Child("subdomain"), subdomain)
	default:
		deriveService(c)
	}
}

func useNamedService(c *PodCase, path *field.Path, name string) {
	c.Plan.Service = name
	shown := plan.Shown(name)
	c.Plan.Keep(plan.GoverningServiceNamed, path.String(), shown+" governs the pod")
	services, known := c.Snapshot.Services(c.Namespace)
	if !known {
		return
	}
	i := slices.IndexFunc(services, func(s api.Service) bool { return s.Metadata.Name == name })
	if i < 0 {
		c.Plan.Warn(plan.GoverningServiceMissing, path.String(), fmt.Sprintf("there is no Service %s in namespace %s", shown, c.Namespace))
		return
	}
	switch spec := &services[i].Spec; {
	case spec.NeverHeadless():
		c.Plan.Warn(plan.GoverningServiceType, path.String(), fmt.Sprintf("Service %s is of type %s", shown, spec.Type))
	case !services[i].Headless():
		c.Plan.Warn(plan.GoverningServiceClusterIP, path.String(), fmt.Sprintf("Service %s is not headless", shown))
	}
	if !services[i].Selects(c.Pod.Metadata.Labels) {
		c.Plan.Warn(plan.GoverningServiceMismatch, path.String(), fmt.Sprintf("Service %s does not select the pod", shown))
	}
}

func deriveService(c *PodCase) {
	services, known := c.Snapshot.Services(c.Namespace)
	if !known {
		noService(c, plan.GoverningServiceUnknown, "the pod names no governing Service, and there is no cluster to look for one")
		return
	}
	var candidates []string
	for i := range services {
		// A Service with only a generateName cannot be named yet.
		if services[i].Metadata.Name != "" && services[i].Headless() && services[i].Selects(c.Pod.Metadata.Labels) {
			candidates = append(candidates, services[i].Metadata.Name)
		}
	}
	slices.Sort(candidates)
	switch len(candidates) {
	case 0:
		noService(c, plan.GoverningServiceUnknown,
			fmt.Sprintf("the pod names no governing Service, and no headless Service of namespace %s selects it", c.Namespace))
	case 1:
		c.Plan.Service = candidates[0]
		c.Plan.Keep(plan.GoverningServiceDerived, "", candidates[0]+" governs the pod: it is the only headless Service that selects it")
	default:
		noService(c, plan.GoverningServiceAmbiguous,
			"the pod names no governing Service, and several headless Services select it: "+plan.List(candidates, ", "))
	}
}

// noService refuses a pod, and warns of a template that asks for the mode itself.
func noService(c *PodCase, reason plan.Reason, text string) {
	path := annotationPath(api.AnnotationService)
	if c.Workload != nil && c.Plan.Source == plan.SourceAnnotation {
		c.Plan.Warn(reason, path.String(), text)
		return
	}
	c.Plan.Refuse(reason, path, nil, text)
}

// subdomainField is where the author of the pod writes its subdomain.
func (c *PodCase) subdomainField() string {
	if c.Workload != nil && c.Workload.SubdomainField != "" {
		return c.Workload.SubdomainField
	}
	return "spec.subdomain"
}

func setSubdomain(c *PodCase) {
	if service := c.Plan.Service; service != "" && c.Pod.Spec.Subdomain == "" {
		c.Plan.Change(plan.Mutation{Pointer: "/spec/subdomain", Value: service}, plan.SubdomainSet, "spec.subdomain", plan.Shown(service)+", the governing Service")
	}
}

// warnPodPorts compares the governing Service's named targetPorts with the
// ports that the pod's containers give those names. Those that are numbers were
// told of at the Service, and are once more at a template.
func warnPodPorts(c *PodCase) {
	services, known := c.Snapshot.Services(c.Namespace)
	if !known || c.Plan.Service == "" {
		return
	}
	var numbers map[portName]int32 // of the pod
	for i := range services {
		if services[i].Metadata.Name != c.Plan.Service || !services[i].Headless() {
			continue
		}
		for _, port := range services[i].Spec.Ports {
			if port.TargetPort.Name != "" && numbers == nil {
				numbers = namedPorts(c.Pod)
			}
			number, named := numbers[portName{port.TargetPort.Name, protocol(port.Protocol)}]
			named = named && port.TargetPort.Name != ""
			target := port.TargetPort.Number
			numbered := c.Workload != nil && target != 0
			if !(named && number != port.Port || numbered && target != port.Port) || c.Plan.Counted(plan.Warned, plan.PortNotTranslated) {
				continue
			}
			text := fmt.Sprintf("Service %s has port %d, and its targetPort is %d", c.Plan.Service, port.Port, target)
			if named {
				text = fmt.Sprintf("Service %s has port %d, and the pod listens on its targetPort %s, %d", c.Plan.Service, port.Port, port.TargetPort.Name, number)
			}
			c.Plan.Warn(plan.PortNotTranslated, "spec.containers", text)
		}
	}
}

// portName is how a Service's targetPort names a port of a pod.
type portName struct{ name, protocol string }

// namedPorts are the pod's ports by name and protocol; the first counts, as
// Kubernetes has it for a Service's endpoints.
func namedPorts(pod *api.Pod) map[portName]int32 {
	numbers := map[portName]int32{}
	eachServing(pod, func(_ *field.Path, container *api.Container) {
		for _, port := range container.Ports {
			key := portName{port.Name, protocol(port.Protocol)}
			if _, taken := numbers[key]; !taken {
				numbers[key] = port.ContainerPort
			}
		}
	})
	return numbers
}
