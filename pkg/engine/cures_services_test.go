package engine_test

import (
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// toldOfServices are Services, and pods of which something is told because of them.
func toldOfServices() []told {
	service := func(spec string) scene { return scene{object: asking("Service", headlessMode, named, spec)} }
	// behind is a pod that one Service, or several, are about.
	behind := func(services string, others ...string) scene {
		return scene{object: asking("Pod", headlessMode, `"labels":{"app":"a"},`, `{`+onePort+`}`, others...), services: "[" + services + "]"}
	}
	const (
		clusterIP = `{"metadata":{"name":"s"},"spec":{"clusterIP":"10.96.0.7","selector":{"app":"a"}}}`
		balancer  = `{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","clusterIP":"10.96.0.7","selector":{"app":"a"}}}`
		mine      = `{"metadata":{"name":"s"},"spec":{"clusterIP":"None","selector":{"app":"a"}}}`
		another   = `{"metadata":{"name":"t"},"spec":{"clusterIP":"None","selector":{"app":"a"}}}`
		strange   = `{"metadata":{"name":"s"},"spec":{"clusterIP":"None","selector":{"app":"b"}}}`
		by        = api.AnnotationService
	)
	translated := behind(`{"metadata":{"name":"s"},"spec":{"clusterIP":"None","selector":{"app":"a"},"ports":[{"port":8080,"targetPort":"http"}]}}`, by, "s")
	translated.object = strings.Replace(translated.object, `{"containerPort":80}`, `{"name":"http","containerPort":80}`, 1)
	second := service(`{"selector":{"app":"a"}}`)
	second.services = "[" + another + "]"
	return []told{
		{plan.ServiceTypeHasClusterIP, "use type ClusterIP", service(`{"type":"NodePort","selector":{"app":"a"}}`), swap("NodePort", "ClusterIP")},
		{plan.ClusterIPExplicit, "remove clusterIP and clusterIPs", service(`{"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],"selector":{"app":"a"}}`),
			swap(`"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],`, ``)},
		{plan.ClusterIPExplicit, "or remove the mode", service(`{"clusterIPs":["10.96.0.7"]}`), swap(`"netmode.io/mode":"headless"`, ``)},
		{plan.ServiceTooLarge, "make it smaller", service(`{"ports":[` + strings.Repeat("{},", api.MaxItems) + `{}]}`), swap(strings.Repeat("{},", api.MaxItems), ``)},
		{plan.PortNotTranslated, "make port equal to the port that the container listens on", service(`{"ports":[{"port":80,"targetPort":8080}]}`), swap(`"port":80`, `"port":8080`)},
		{plan.PortNotTranslated, "make port equal to the port that the container listens on", translated, swapServices(`"port":8080`, `"port":80`)},
		{plan.SessionAffinityIgnored, "remove sessionAffinity", service(`{"sessionAffinity":"ClientIP"}`), swap(`"sessionAffinity":"ClientIP"`, ``)},
		{plan.ExternalIPsIgnored, "remove externalIPs", service(`{"externalIPs":["192.0.2.1"]}`), swap(`"externalIPs":["192.0.2.1"]`, ``)},
		{plan.ServiceWithoutSelector, "add a selector that matches the pods", service(`{}`), swap(`"spec":{}`, `"spec":{"selector":{"app":"a"}}`)},

		{plan.GoverningServiceUnknown, "name it with the annotation netmode.io/service on the pod template", behind(clusterIP), swap(`"headless"`, `"headless","netmode.io/service":"s"`)},
		{plan.GoverningServiceAmbiguous, "name one with the annotation netmode.io/service on the pod template", behind(mine + "," + another), swap(`"headless"`, `"headless","netmode.io/service":"s"`)},
		{plan.GoverningServiceMissing, "create it", behind(another, by, "s"), swapServices(another, mine)},
		{plan.GoverningServiceClusterIP, "annotate the Service with the same mode when it is created", behind(clusterIP, by, "s"),
			swapServices(`"name":"s"},"spec":{"clusterIP":"10.96.0.7",`, `"name":"s","annotations":{"netmode.io/mode":"headless"}},"spec":{`)},
		{plan.GoverningServiceClusterIP, "or create it anew with clusterIP: None", behind(clusterIP, by, "s"), swapServices(clusterIP, mine)},
		{plan.GoverningServiceType, "make a second Service with clusterIP: None and the same selector, and name that one", behind(balancer, by, "s"),
			both(swapServices(balancer, balancer+","+another), swap(`"netmode.io/service":"s"`, `"netmode.io/service":"t"`))},
		{plan.ReverseNames, "have one headless Service select the pods", behind(mine+","+another, by, "s"), swapServices(","+another, ``)},
		{plan.ReverseNames, "have one headless Service select the pods", second, swapServices(`"app":"a"`, `"app":"b"`)},
		{plan.GoverningServiceMismatch, "make the Service's selector match the pod's labels", behind(strange, by, "s"), swapServices(strange, mine)},
	}
}
