package engine_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// remedy is a pod that is refused, and what its author then does as the message
// says: says is in it.
type remedy struct {
	reason   plan.Reason
	pod      string
	policies []string // pairs of a name and a spec
	says     string
	does     func(pod, metadata, spec members)
}

func mode(m string) func(pod, metadata, spec members) {
	return func(_, metadata, _ members) { annotationsOf(metadata)[api.AnnotationMode] = m }
}

func annotate(key, value string) func(pod, metadata, spec members) {
	return func(_, metadata, _ members) { annotationsOf(metadata)[key] = value }
}

func annotationsOf(metadata members) members {
	if all, ok := metadata["annotations"].(members); ok {
		return all
	}
	all := members{}
	metadata["annotations"] = all
	return all
}

func set(key string, value any) func(pod, metadata, spec members) {
	return func(_, _, spec members) { spec[key] = value }
}

func remove(key string) func(pod, metadata, spec members) {
	return func(_, _, spec members) { delete(spec, key) }
}

// port is what a container has with one port.
func port(name string, number int) members {
	return members{"name": name, "ports": []any{members{"containerPort": number}}}
}

func remedies() []remedy {
	const (
		onlyHeadless = `{"namespaceSelector":{},"allowedModes":["headless"]}`
		onlyPeers    = `{"namespaceSelector":{},"allowedModes":["statefulset-headless","headless"]}`
		onlyHost     = `{"namespaceSelector":{},"allowedModes":["hostnetwork"],"hostNetwork":{"allowUnmanaged":false,"requireDeclaredPorts":true,"portRange":{"min":20000,"max":29999}}}`
		required     = `{"namespaceSelector":{},"requireMode":true}`
		byHand       = `{"spec":{"hostNetwork":true,"containers":[{"name":"c","ports":[{"containerPort":20001}]}]}}`
		ofSet        = `{"metadata":{"name":"web-0","annotations":{"netmode.io/mode":"headless"},"ownerReferences":[{"kind":"StatefulSet","name":"web","controller":true}]},"spec":{"hostname":"web-0","subdomain":"web"}}`
	)
	host := func(spec string) string { return annotated(spec, api.AnnotationMode, "hostnetwork") }
	headless := func(spec string) string { return annotated(spec, api.AnnotationMode, "headless") }
	peers := func(spec string, more ...string) string {
		return annotated(spec, append([]string{api.AnnotationMode, "statefulset-headless"}, more...)...)
	}
	withoutHostname := func(_, metadata, _ members) { delete(annotationsOf(metadata), api.AnnotationHostname) }
	without := func(_, metadata, _ members) { delete(metadata, "annotations") }
	headlessInstead := func(_, metadata, _ members) {
		annotationsOf(metadata)[api.AnnotationMode], annotationsOf(metadata)[api.AnnotationService] = "headless", "s"
	}
	inRange := set("containers", []any{port("c", 20001)})
	return []remedy{
		{plan.AnnotationInvalid, annotated(`{}`, api.AnnotationMode, "hostnet"), nil, `supported values: "default", "hostnetwork"`, mode("hostnetwork")},
		{plan.HostPortMismatch, host(`{"containers":[{"ports":[{"containerPort":80,"hostPort":81}]}]}`), nil, "set hostPort to the containerPort",
			set("containers", []any{members{"ports": []any{members{"containerPort": 80, "hostPort": 80}}}})},
		{plan.HostPortMismatch, host(`{"containers":[{"ports":[{"containerPort":80,"hostPort":81}]}]}`), nil, "or leave hostPort out",
			set("containers", []any{members{"ports": []any{members{"containerPort": 80}}}})},
		{plan.HostPortConflict, host(`{"containers":[{"ports":[{"containerPort":80},{"containerPort":80}]}]}`), nil, "give one of them another port",
			set("containers", []any{members{"ports": []any{members{"containerPort": 80}, members{"containerPort": 81}}}})},
		{plan.HostPortConflict, host(`{"initContainers":[{"ports":[{"containerPort":80},{"containerPort":80}]}]}`), nil, "give one of them another port",
			set("initContainers", []any{members{"ports": []any{members{"containerPort": 80}, members{"containerPort": 81}}}})},
		{plan.UserNamespace, host(`{"hostUsers":false}`), nil, "remove hostUsers: false", remove("hostUsers")},
		{plan.UserNamespace, host(`{"hostUsers":false}`), nil, "or choose another mode", headlessInstead},
		{plan.HostnameOverride, host(`{"hostnameOverride":"x"}`), nil, "remove hostnameOverride", remove("hostnameOverride")},
		{plan.HostnameOverride, headless(`{"subdomain":"s","hostnameOverride":"x"}`), nil, "or remove netmode.io/mode", without},
		{plan.NetSysctl, host(`{"securityContext":{"sysctls":[{"name":"net.core.somaxconn"}]}}`), nil, "remove the sysctl", remove("securityContext")},
		{plan.NetSysctl, host(`{"securityContext":{"sysctls":[{"name":"net.core.somaxconn"}]}}`), nil, "or choose another mode", headlessInstead},
		{plan.MeshSidecar, host(`{"containers":[{"name":"istio-proxy"}]}`), nil, "turn the mesh's injection off", set("containers", []any{members{"name": "c"}})},
		{plan.MeshSidecar, host(`{"containers":[{"name":"istio-proxy"}]}`), nil, "or choose another mode", headlessInstead},
		{plan.WindowsPod, host(`{"os":{"name":"windows"}}`), nil, "remove the mode", without},
		{plan.PodTooLarge, host(`{"containers":[` + strings.Repeat(`{},`, api.MaxContainers) + `{}]}`), nil, "", set("containers", []any{members{}})},
		{plan.HostnameIsFQDN, headless(`{"subdomain":"s","setHostnameAsFQDN":true}`), nil, "remove setHostnameAsFQDN", remove("setHostnameAsFQDN")},
		{plan.HostnameTaken, headless(`{"subdomain":"s","hostname":"t"}`), nil, "remove hostname", remove("hostname")},
		{plan.HostnameTaken, headless(`{"subdomain":"s","hostname":"t"}`), nil, "or make it equal to the Service's name", set("hostname", "s")},
		{plan.HostnameInvalid, peers(`{"subdomain":"s","hostname":"A_b"}`), nil, "choose a shorter or simpler name", set("hostname", "a-b")},
		{plan.HostnameNotGenerated, peers(`{"subdomain":"s"}`, api.AnnotationHostname, "generated"), nil, "remove netmode.io/hostname", withoutHostname},
		{plan.HostnameNoNode, peers(`{"subdomain":"s"}`, api.AnnotationHostname, "node"), nil, "remove netmode.io/hostname", withoutHostname},
		{plan.HostnameOfNodeInvalid, `{"metadata":{"generateName":"web-","annotations":{"netmode.io/mode":"hostnetwork","netmode.io/service":"s"},"ownerReferences":[{"kind":"DaemonSet","controller":true}]},` +
			`"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["` +
			strings.Repeat("n", 64) + `"]}]}]}}}}}`, nil, "set netmode.io/hostname: generated", annotate(api.AnnotationHostname, "generated")},
		{plan.NoStableHostname, `{"metadata":{"generateName":"web-","annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/hostname":"own"}},"spec":{"subdomain":"s"}}`,
			nil, "remove netmode.io/hostname, so that a name is generated", withoutHostname},
		{plan.HostNetworkInUse, headless(`{"subdomain":"s","hostNetwork":true}`), nil, "remove hostNetwork, or use netmode.io/mode: hostnetwork", remove("hostNetwork")},
		{plan.HostNetworkInUse, headless(`{"subdomain":"s","hostNetwork":true}`), nil, "or use netmode.io/mode: hostnetwork", mode("hostnetwork")},
		{plan.HostNetworkInUse, headless(`{"subdomain":"s","hostNetwork":true}`), []string{"p", onlyHeadless}, "name and address: remove hostNetwork (", remove("hostNetwork")},
		{plan.PodHasOwnName, ofSet, nil, "use netmode.io/mode: statefulset-headless", mode("statefulset-headless")},
		{plan.PodHasOwnName, ofSet, []string{"p", onlyHeadless}, "remove netmode.io/mode, or have a Deployment", without},
		{plan.GoverningServiceConflict, annotated(`{"subdomain":"s"}`, api.AnnotationMode, "headless", api.AnnotationService, "t"), nil, "remove the annotation",
			func(_, metadata, _ members) { delete(annotationsOf(metadata), api.AnnotationService) }},
		{plan.GoverningServiceInvalid, headless(`{"subdomain":"s.default.svc.cluster.local"}`), nil, "write the bare name of the headless Service (a StatefulSet must be created anew for that)", set("subdomain", "s")},
		{plan.GoverningServiceUnknown, headless(`{}`), nil, "name it with the annotation netmode.io/service", annotate(api.AnnotationService, "s")},
		{plan.DNSPolicyDefault, peers(`{"subdomain":"s","dnsPolicy":"Default"}`), nil, "remove dnsPolicy", remove("dnsPolicy")},
		{plan.DNSPolicyDefault, peers(`{"subdomain":"s","dnsPolicy":"Default"}`), nil, "set netmode.io/search-rewrite: none", annotate(api.AnnotationSearchRewrite, "none")},
		{plan.DNSPolicyOfNode, annotated(`{"hostNetwork":true}`, api.AnnotationPeers, "zk"), nil, "set dnsPolicy: ClusterFirstWithHostNet", set("dnsPolicy", "ClusterFirstWithHostNet")},
		{plan.DNSPolicyOfNode, annotated(`{"hostNetwork":true}`, api.AnnotationPeers, "zk"), nil, "or netmode.io/search-rewrite: none", annotate(api.AnnotationSearchRewrite, "none")},
		{plan.PeersOnWindows, annotated(`{"os":{"name":"windows"}}`, api.AnnotationPeers, "zk"), nil, "remove netmode.io/peers",
			func(_, metadata, _ members) { delete(annotationsOf(metadata), api.AnnotationPeers) }},
		{plan.ClusterDNSUnknown, peers(`{"subdomain":"s"}`, api.AnnotationSearchRewrite, "prepend"), nil, "use netmode.io/search-rewrite: append", annotate(api.AnnotationSearchRewrite, "append")},
		{plan.InitContainerImage, peers(`{"subdomain":"s"}`, api.AnnotationSearchRewrite, "init-container"), nil, "", annotate(api.AnnotationSearchRewrite, "append")},
		{plan.InitContainerImage, peers(`{"subdomain":"s"}`, api.AnnotationWait, "self"), nil, "and no netmode.io/wait", func(_, metadata, _ members) { delete(annotationsOf(metadata), api.AnnotationWait) }},

		{plan.PolicyModeNotAllowed, host(`{}`), []string{"p", onlyPeers}, "allows statefulset-headless or headless",
			func(_, metadata, spec members) {
				annotationsOf(metadata)[api.AnnotationMode] = "headless"
				spec["subdomain"] = "s"
			}},
		{plan.PolicyModeRequired, `{"spec":{}}`, []string{"p", required}, "set netmode.io/mode on the pod template", mode("hostnetwork")},
		{plan.PolicyModeRequired, `{"metadata":{"name":"a"},"spec":{"subdomain":"s"}}`, []string{"p", required, "q", onlyHeadless}, "all policies together allow headless", mode("headless")},
		{plan.PolicyHostNetworkUnmanaged, byHand, []string{"p", onlyHost}, "allows the host network only in mode hostnetwork: remove hostNetwork (", remove("hostNetwork")},
		{plan.PolicyHostNetworkUnmanaged, byHand, []string{"p", onlyHost}, "only in mode hostnetwork", mode("hostnetwork")},
		{plan.PolicyHostNetworkUnmanaged, byHand, []string{"p", onlyHeadless}, "allows the host network to no pod: remove hostNetwork (", remove("hostNetwork")},
		{plan.PolicyPortsUndeclared, host(`{"containers":[{"name":"c"}]}`), []string{"p", onlyHost}, "list every port that the pod listens on under containers[].ports", inRange},
		{plan.PolicyPortOutOfRange, host(`{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}`), []string{"p", onlyHost}, "choose a port of that range", inRange},
		{plan.PolicyPortOutOfRange, `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":80}]}]}}`, []string{"p", onlyHost}, "choose a port of that range",
			set("containers", []any{members{"ports": []any{members{"containerPort": 80, "hostPort": 20080}}}})},
	}
}

// Every cure that is printed, followed, is accepted, by the policies as well.
func TestCures(t *testing.T) {
	for _, r := range remedies() {
		t.Run(string(r.reason)+" "+r.says, func(t *testing.T) {
			c := &snapshot{}
			if len(r.policies) > 0 {
				c.policies = policies(t, r.policies...)
			}
			before := decidePod(t, r.pod, c)
			if !hasReason(before, plan.Refused, r.reason) || !strings.Contains(before.Denial(), r.says) {
				t.Fatalf("%s\nwant %s in it, %s", before.Denial(), r.says, r.reason)
			}
			pod := *decode[members](t, []byte(r.pod))
			metadata, ok := pod["metadata"].(members)
			if !ok {
				metadata = members{}
				pod["metadata"] = metadata
			}
			spec, ok := pod["spec"].(members)
			if !ok {
				t.Fatal("no spec")
			}
			r.does(pod, metadata, spec)
			if after := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, encode(t, pod)), Judge: true}); after.Refused() {
				t.Errorf("the cure of\n%s\nis refused:\n%s", before.Denial(), after.Denial())
			}
		})
	}
}

// Every reason with a cure is among those that are tried, or has its cure outside of
// any decision.
func TestEveryCureIsTried(t *testing.T) {
	const elsewhere = "another object is asked about then; package cli follows it through files"
	outside := map[plan.Reason]string{
		plan.NotAsPromised:       "the API server finds it, by its own policies, when all webhooks have been called",
		plan.NamespaceAnnotation: elsewhere, plan.AnnotationMisplaced: elsewhere, plan.APIVersionOld: elsewhere,
		plan.WaitCostsRetries: "a longer time costs its retry later, and it stays true",
	}
	tried := map[plan.Reason]bool{}
	for _, r := range remedies() {
		tried[r.reason] = true
	}
	for _, c := range allTold() {
		tried[c.reason] = true
	}
	for _, c := range waitRemedies() {
		tried[c.reason] = true
	}
	for _, doc := range plan.Reasons() {
		if why := outside[doc.Reason]; doc.Cure != "" && tried[doc.Reason] == (why != "") {
			t.Errorf("%s: tried %t, cured outside: %q", doc.Reason, tried[doc.Reason], why)
		}
	}
}
